//! Selectors: the one language that picks containers, in search, in the API, on the command line and as a saved target.
//!
//! A selector is a list of terms between blanks:
//!
//! - `key:value` picks by a property. Different keys must ALL hold; of several values of one key, ANY is enough, whether they are
//!   written `name:web,db` or `name:web name:db`.
//! - `-key:value` excludes; every exclusion counts, whatever else holds.
//! - A bare word (search only) must occur anywhere in the container's name; several words must all occur, `web,db` either.
//! - `*` alone is every container. An empty search is every container too, an empty target is refused.
//!
//! Values match as a whole and without regard to case; `*` stands for any run of characters. A value with blanks, commas or quotes
//! is written in double quotes: `name:"my app"`. Inside them `\"`, `\\` and `\*` are a quote, a backslash and a literal star.
//!
//! | key | value |
//! |---|---|
//! | `name` | the container's name |
//! | `host` | the host's name; `host:@<uuid>` is the stored form, by id, see [`Selector::bind_hosts`] |
//! | `stack`, `service` | the Compose project and service |
//! | `image` | the image as the container names it; without tag or digest it stands for all of them |
//! | `state` | created, running, paused, restarting, removing, exited, dead, unknown |
//! | `health` | healthy, unhealthy, starting, none |
//! | `label` | `label:key` (it is there) or `label:key=value`; the label's key is exact, in case too |
//! | `tag` | one of our own tags |
//! | `container` | one container, as `host/name` and without `*`; the name is exact, in case too. Several of them pick just those, where `host:` and `name:` would pick every name on every host |
//! | `id` | our id, or the engine's from 4 hexadecimal digits on |
//! | `port` | a published port of the host |

mod complete;
mod error;
mod evaluate;
mod hosts;
mod key;
mod parse;
mod pattern;
mod render;
#[cfg(test)]
mod tests;
mod value;

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use complete::{Completion, CompletionKind, Suggestion, Suggestions, complete};
pub use error::SelectorError;
pub use evaluate::SelectorSubject;
pub use key::Key;
pub use render::quote;

use crate::ids::HostId;
use pattern::Pattern;
use value::{HostOf, Matcher, Value};

/// Longest text of a selector, in bytes; room for a thousand ids.
pub const MAX_LENGTH: usize = 65_536;

/// A parsed selector. `Display` gives its canonical text, which parses to the same selector again.
///
/// In JSON it is that text. Reading it from JSON takes targets only ([`Selector::parse_target`]): what is stored or sent
/// must not pick more than was meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    terms: Vec<Term>,
    /// The terms of which one must hold, for each condition that must hold; places in `terms`.
    all_of: Vec<Vec<usize>>,
    none_of: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    exclude: bool,
    about: About,
    /// At least one, unless it is about everything.
    values: Vec<Value>,
    span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Everything,
    /// A bare word.
    Word,
    Key(Key),
}

/// Where a term or value stood in the text; no part of what the selector means.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl Selector {
    /// Reads what a person searches for: bare words are allowed, and an empty text is every container.
    ///
    /// # Errors
    /// [`SelectorError`] with the place in the text.
    pub fn parse_search(text: &str) -> Result<Self, SelectorError> {
        parse::selector(text)
    }

    /// Reads a target: which containers an action is for. Bare words, emptiness and mere exclusions are refused, since they
    /// would touch more than one sees; every container is an explicit `*`.
    ///
    /// # Errors
    /// [`SelectorError`] with the place in the text.
    pub fn parse_target(text: &str) -> Result<Self, SelectorError> {
        let selector = parse::selector(text)?;
        parse::check_target(&selector, text)?;
        Ok(selector)
    }

    /// Every container, as `*`.
    pub fn everything() -> Self {
        Self::new(vec![Term {
            exclude: false,
            about: About::Everything,
            values: Vec::new(),
            span: Span::default(),
        }])
    }

    /// The container of exactly that name on that host, whichever engine id it has at the time: `container:@…/web`.
    pub fn container(host: HostId, name: &str) -> Self {
        Self::new(vec![Term {
            exclude: false,
            about: About::Key(Key::Container),
            values: vec![Value {
                matcher: Matcher::Container(HostOf::Id(host), name.to_owned()),
                span: Span::default(),
            }],
            span: Span::default(),
        }])
    }

    /// The containers of exactly those names on those hosts.
    pub fn containers<'a>(all: impl IntoIterator<Item = (HostId, &'a str)>) -> Self {
        let values = all
            .into_iter()
            .map(|(host, name)| Value {
                matcher: Matcher::Container(HostOf::Id(host), name.to_owned()),
                span: Span::default(),
            })
            .collect();
        Self::new(vec![Term {
            exclude: false,
            about: About::Key(Key::Container),
            values,
            span: Span::default(),
        }])
    }

    /// A search as the target that picks the same containers: a bare word becomes `name:*word*`, and what only excludes
    /// begins with `*`. Nothing for searches that no target can say: several words that must all occur, or a word beside
    /// a name.
    pub fn into_target(mut self) -> Option<Self> {
        let is_word = |term: &&Term| term.about == About::Word && !term.exclude;
        let words = self.terms.iter().filter(is_word).count();
        let names = self
            .terms
            .iter()
            .any(|term| term.about == About::Key(Key::Name) && !term.exclude);
        if words > 1 || (words == 1 && names) {
            return None;
        }
        for term in &mut self.terms {
            if term.about != About::Word {
                continue;
            }
            term.about = About::Key(Key::Name);
            for value in &mut term.values {
                if let Matcher::Text(pattern) = &value.matcher {
                    value.matcher = Matcher::Text(Pattern::new(format!("*{}*", pattern.raw())));
                }
            }
        }
        if self.terms.iter().all(|term| term.exclude) {
            let mut terms = Self::everything().terms;
            terms.append(&mut self.terms);
            return Some(Self::new(terms));
        }
        Some(Self::new(self.terms))
    }

    /// Whether it picks every container without looking at it.
    pub fn is_everything(&self) -> bool {
        self.all_of.is_empty() && self.none_of.is_empty()
    }

    /// Whether it asks for state or health, which change by themselves: such a target is evaluated when the run starts.
    pub fn needs_state(&self) -> bool {
        self.terms
            .iter()
            .any(|term| matches!(term.about, About::Key(Key::State | Key::Health)))
    }

    /// The keys it uses, in the order of their first use.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        for term in &self.terms {
            if let About::Key(key) = term.about
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
        keys
    }

    fn new(terms: Vec<Term>) -> Self {
        let mut all_of: Vec<(About, Vec<usize>)> = Vec::new();
        let mut none_of = Vec::new();
        for (at, term) in terms.iter().enumerate() {
            let same_key = |(about, _): &&mut (About, Vec<usize>)| {
                matches!(about, About::Key(_)) && *about == term.about
            };
            if term.exclude {
                none_of.push(at);
            } else if let Some((_, group)) = all_of.iter_mut().find(same_key) {
                group.push(at);
            } else if term.about != About::Everything {
                all_of.push((term.about, vec![at]));
            }
        }
        Self {
            terms,
            all_of: all_of.into_iter().map(|(_, group)| group).collect(),
            none_of,
        }
    }
}

/// Reads a target, see [`Selector::parse_target`].
impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        Self::parse_target(text)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse_target(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
