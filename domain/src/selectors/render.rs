//! Selectors as text.

use std::fmt::{self, Display, Formatter, Write};

use super::pattern::{Pattern, escape};
use super::value::{HostOf, Matcher, Value};
use super::{About, Selector, Term};

/// A text as a value that matches exactly it, in quotes where it needs them; for completion and for building selectors.
pub fn quote(text: &str) -> String {
    Raw(&escape(text)).to_string()
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, &self.terms, ' ')
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.exclude {
            f.write_char('-')?;
        }
        match self.about {
            About::Everything => return f.write_char('*'),
            About::Key(key) => write!(f, "{key}:")?,
            About::Word => {}
        }
        // A bare word with a colon would read as a key.
        if let (
            About::Word,
            [
                Value {
                    matcher: Matcher::Text(word),
                    ..
                },
                ..,
            ],
        ) = (self.about, &self.values[..])
            && word.raw().contains(':')
        {
            quoted(f, word.raw())?;
            if self.values.len() > 1 {
                f.write_char(',')?;
            }
            return separated(f, &self.values[1..], ',');
        }
        separated(f, &self.values, ',')
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.matcher {
            Matcher::Text(pattern) => pattern.fmt(f),
            Matcher::HostId(id) => write!(f, "@{id}"),
            Matcher::State(state) => f.write_str(state.as_str()),
            Matcher::Health(health) => f.write_str(health.map_or("none", |health| health.as_str())),
            Matcher::Label(key, None) => Raw(&escape(key)).fmt(f),
            Matcher::Label(key, Some(value)) => Raw(&format!("{}={}", escape(key), value.raw())).fmt(f),
            Matcher::Id(id) => id.fmt(f),
            Matcher::EngineId(id) => f.write_str(id),
            Matcher::Port(port) => port.fmt(f),
            Matcher::Container(HostOf::Id(id), name) => write!(f, "@{id}/{}", Raw(&escape(name))),
            Matcher::Container(HostOf::Name(host), name) => {
                Raw(&format!("{}/{}", host.raw(), escape(name))).fmt(f)
            }
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Raw(self.raw()).fmt(f)
    }
}

/// A value with `\*` and `\\`, bare if that reads back the same and quoted otherwise.
struct Raw<'a>(&'a str);

impl Display for Raw<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = |letter: char| letter.is_alphanumeric() || "*._/+=-@:".contains(letter);
        let bare = !self.0.is_empty() && !self.0.starts_with(['-', '@', ':']) && self.0.chars().all(plain);
        if bare {
            return f.write_str(self.0);
        }
        quoted(f, self.0)
    }
}

fn quoted(f: &mut Formatter<'_>, raw: &str) -> fmt::Result {
    write!(f, "\"{}\"", raw.replace('"', "\\\""))
}

fn separated<T: Display>(f: &mut Formatter<'_>, parts: &[T], separator: char) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_char(separator)?;
        }
        part.fmt(f)?;
    }
    Ok(())
}
