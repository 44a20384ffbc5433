//! A tree of JSON as serde reads it. Each way of asking looks for one kind of value, so that a type's code holds no more
//! than what the type can be.

use super::Unreadable;
use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
    },
};
use serde_json::{Map, Number, Value, map};
use std::{fmt::Display, str::FromStr, vec};

type Result<T, E = Unreadable> = std::result::Result<T, E>;

/// A text as a tree.
#[inline(never)]
pub fn parse(text: &str) -> Result<Tree> {
    serde_json::from_str(text).map(Tree).map_err(|_| Unreadable)
}

pub struct Tree(Value);

impl Tree {
    #[inline(never)]
    fn items(self) -> Result<Items> {
        match self.0 {
            Value::Array(items) => Ok(Items(items.into_iter())),
            _ => Err(Unreadable),
        }
    }

    #[inline(never)]
    fn entries(self) -> Result<Entries> {
        match self.0 {
            Value::Object(entries) => Ok(Entries::of(entries)),
            _ => Err(Unreadable),
        }
    }

    #[inline(never)]
    fn text(self) -> Result<String> {
        match self.0 {
            Value::String(text) => Ok(text),
            _ => Err(Unreadable),
        }
    }

    #[inline(never)]
    fn number(self) -> Result<Number> {
        match self.0 {
            Value::Number(number) => Ok(number),
            _ => Err(Unreadable),
        }
    }

    /// `"Name"` or `{"Name": …}`
    #[inline(never)]
    fn variant(self) -> Result<(String, Option<Tree>)> {
        match self.0 {
            Value::String(name) => Ok((name, None)),
            Value::Object(entries) if entries.len() == 1 => {
                let (name, value) = entries.into_iter().next().ok_or(Unreadable)?;
                Ok((name, Some(Self(value))))
            }
            _ => Err(Unreadable),
        }
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value> {
    if let Some(number) = number.as_u64() {
        visitor.visit_u64(number)
    } else if let Some(number) = number.as_i64() {
        visitor.visit_i64(number)
    } else {
        visitor.visit_f64(number.as_f64().ok_or(Unreadable)?)
    }
}

/// Methods that all do the same.
macro_rules! each {
    ($($name:ident)+ => |$this:ident, $visitor:ident| $does:expr) => {
        $(
            fn $name<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value> {
                let $this = self;
                $does
            }
        )+
    };
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Unreadable;

    each! { deserialize_any => |this, visitor| match this.0 {
        Value::Null => visitor.visit_unit(),
        Value::Bool(value) => visitor.visit_bool(value),
        Value::Number(number) => visit_number(&number, visitor),
        Value::String(text) => visitor.visit_string(text),
        Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
        Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
    } }
    each! { deserialize_bool => |this, visitor| match this.0 {
        Value::Bool(value) => visitor.visit_bool(value),
        _ => Err(Unreadable),
    } }
    each! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
        => |this, visitor| visit_number(&this.number()?, visitor)
    }
    each! {
        deserialize_char deserialize_str deserialize_string deserialize_identifier
        => |this, visitor| visitor.visit_string(this.text()?)
    }
    each! { deserialize_option => |this, visitor| match this.0 {
        Value::Null => visitor.visit_none(),
        _ => visitor.visit_some(this),
    } }
    each! { deserialize_unit => |this, visitor| match this.0 {
        Value::Null => visitor.visit_unit(),
        _ => Err(Unreadable),
    } }
    each! { deserialize_seq => |this, visitor| visitor.visit_seq(this.items()?) }
    each! { deserialize_map => |this, visitor| visitor.visit_map(this.entries()?) }
    each! { deserialize_bytes deserialize_byte_buf => |_this, _visitor| Err(Unreadable) }
    each! { deserialize_ignored_any => |_this, visitor| visitor.visit_unit() }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_map(self.entries()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let (name, value) = self.variant()?;
        visitor.visit_enum(Variant(name, value))
    }
}

struct Items(vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.0.next() {
            Some(value) => seed.deserialize(Tree(value)).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries {
    left: map::IntoIter,
    value: Option<Tree>,
}

impl Entries {
    fn of(entries: Map<String, Value>) -> Self {
        Self {
            left: entries.into_iter(),
            value: None,
        }
    }

    #[inline(never)]
    fn key(&mut self) -> Option<Key> {
        let (key, value) = self.left.next()?;
        self.value = Some(Tree(value));
        Some(Key(key))
    }

    #[inline(never)]
    fn value(&mut self) -> Result<Tree> {
        self.value.take().ok_or(Unreadable)
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.key() {
            Some(key) => seed.deserialize(key).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.value()?)
    }
}

/// The name of a field, a variant or an entry. A number is one in quotes.
struct Key(String);

fn parsed<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Unreadable)
}

impl<'de> Deserializer<'de> for Key {
    type Error = Unreadable;

    each! {
        deserialize_any deserialize_char deserialize_str deserialize_string
        deserialize_bool deserialize_f32 deserialize_f64 deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_seq deserialize_map
        => |this, visitor| visitor.visit_string(this.0)
    }
    each! { deserialize_identifier => |this, visitor| visitor.visit_str(&this.0) }
    each! { deserialize_option => |this, visitor| visitor.visit_some(this) }
    each! { deserialize_ignored_any => |_this, visitor| visitor.visit_unit() }
    each! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        => |this, visitor| visitor.visit_i64(parsed(&this.0)?)
    }
    each! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        => |this, visitor| visitor.visit_u64(parsed(&this.0)?)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value> {
        Err(Unreadable)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value> {
        Err(Unreadable)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, _: V) -> Result<V::Value> {
        Err(Unreadable)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value> {
        Err(Unreadable)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(Variant(self.0, None))
    }
}

/// A variant's name, and what it holds.
struct Variant(String, Option<Tree>);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Unreadable;
    type Variant = Held;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Held)> {
        Ok((seed.deserialize(Key(self.0))?, Held(self.1)))
    }
}

struct Held(Option<Tree>);

impl Held {
    fn tree(self) -> Result<Tree> {
        self.0.ok_or(Unreadable)
    }
}

impl<'de> VariantAccess<'de> for Held {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<()> {
        match self.0 {
            None | Some(Tree(Value::Null)) => Ok(()),
            Some(_) => Err(Unreadable),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.tree()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self.tree()?.items()?)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        visitor.visit_map(self.tree()?.entries()?)
    }
}

/// Nothing is kept of what was wrong, so that no type writes sentences about itself into the program.
impl de::Error for Unreadable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}
