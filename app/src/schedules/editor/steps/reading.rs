//! Reading what was typed, and keeping what is wrong with it, by the API's name of the field.

use crate::schedules::editor::form::Fault;
use domain::durations::HumanDuration;
use std::collections::BTreeMap;

/// A name and a value: a variable, a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub name: String,
    pub value: String,
}

/// Pairs as they are typed.
pub fn pairs_of(map: &BTreeMap<String, String>) -> Vec<Pair> {
    map.iter()
        .map(|(name, value)| Pair {
            name: name.clone(),
            value: value.clone(),
        })
        .collect()
}

/// Nothing for a blank text.
pub fn optional(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Reads the fields of one part of the form.
pub struct Reading<'a> {
    /// The part's own name: `steps.0.action`; empty for the schedule itself.
    path: String,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Reading<'a> {
    pub fn new(path: impl Into<String>, faults: &'a mut Vec<Fault>) -> Self {
        Self {
            path: path.into(),
            faults,
        }
    }

    /// A part of this part.
    pub fn inside(&mut self, name: &str) -> Reading<'_> {
        Reading {
            path: self.field(name),
            faults: self.faults,
        }
    }

    fn field(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    pub fn fault(&mut self, name: &str, message: impl Into<String>, place: Option<(usize, usize)>) {
        self.faults.push(Fault {
            field: self.field(name),
            message: message.into(),
            place,
        });
    }

    /// A length of time; nothing for a blank.
    pub fn duration(&mut self, name: &str, text: &str) -> Option<HumanDuration> {
        if text.trim().is_empty() {
            return None;
        }
        text.parse::<HumanDuration>()
            .map_err(|error| self.fault(name, &error.message, Some((error.start, error.end))))
            .ok()
    }

    /// A whole number; nothing for a blank.
    pub fn number(&mut self, name: &str, text: &str) -> Option<u32> {
        if text.trim().is_empty() {
            return None;
        }
        text.trim()
            .parse()
            .map_err(|_| self.fault(name, "Write a whole number, such as 3.", None))
            .ok()
    }

    /// Pairs by name; rows without anything are none.
    pub fn pairs(&mut self, name: &str, pairs: &[Pair]) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for pair in pairs {
            let own = pair.name.trim();
            if own.is_empty() && pair.value.is_empty() {
                continue;
            }
            if own.is_empty() {
                self.fault(name, "One value has no name. Name it, or remove it.", None);
            } else if map.insert(own.to_owned(), pair.value.clone()).is_some() {
                self.fault(
                    &format!("{name}.{own}"),
                    format!("{own} is there twice. Keep one of them."),
                    None,
                );
            }
        }
        map
    }
}
