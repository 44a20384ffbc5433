//! One value of a term, checked for its key.

use super::key::distance;
use super::pattern::Pattern;
use super::{Key, SelectorError, Span};
use crate::containers::{ContainerState, Health};
use crate::ids::{ContainerId, HostId};

/// Fewer digits of an engine's id would pick containers by chance.
const SHORTEST_ENGINE_ID: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub matcher: Matcher,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    Text(Pattern),
    HostId(HostId),
    State(ContainerState),
    /// None: there is no health check.
    Health(Option<Health>),
    /// Without a value the label only has to be there.
    Label(String, Option<Pattern>),
    Id(ContainerId),
    /// The beginning of an engine's id, in lower case.
    EngineId(String),
    Port(u16),
    /// One name on one host; the name is exact, in case too, as engines know it.
    Container(HostOf, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostOf {
    /// As the host is called; without wildcards.
    Name(Pattern),
    Id(HostId),
}

/// `raw` is the value with `\*` and `\\` for a literal star and backslash; `at_sign`: it began with an unquoted `@`.
pub(super) fn matcher(key: Key, raw: String, at_sign: bool, span: Span) -> Result<Matcher, SelectorError> {
    let pattern = Pattern::new(raw);
    let bad = |message: String| Err(SelectorError::new("bad_value", span, message));
    if pattern.raw().is_empty() {
        let message = format!("The value of {key} is empty. Write it after the colon, or {key}:* for any.");
        return Err(SelectorError::new("missing_value", span, message));
    }
    if key == Key::Label {
        return label(pattern, span);
    }
    if key == Key::Host && at_sign {
        let id = pattern.raw().trim_start_matches('@');
        return match id.parse() {
            Ok(id) => Ok(Matcher::HostId(id)),
            Err(_) => bad(format!(
                "After host:@ the id of a host is expected. Write host:\"@{id}\" for a host of that name."
            )),
        };
    }
    let Some(text) = pattern.as_literal() else {
        return match key {
            Key::Container => bad(
                "One container is meant, so there is no * in it. Write host: and name: to pick by a pattern."
                    .to_owned(),
            ),
            Key::Port => bad("A port is a number from 1 to 65535, without *.".to_owned()),
            _ => Ok(Matcher::Text(pattern)),
        };
    };
    match key {
        Key::State => match state(&text) {
            Some(state) => Ok(Matcher::State(state)),
            None => bad(unknown_word(key, &text)),
        },
        Key::Health => match Health::from_engine(&text) {
            Some(health) => Ok(Matcher::Health(Some(health))),
            None if text.eq_ignore_ascii_case("none") => Ok(Matcher::Health(None)),
            None => bad(unknown_word(key, &text)),
        },
        Key::Port => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Matcher::Port(port)),
            _ => bad(format!("{text} is no port. Write a number from 1 to 65535.")),
        },
        Key::Id => id(&text).map_or_else(|message| bad(message.to_owned()), Ok),
        Key::Container => container(&text, at_sign).map_or_else(|message| bad(message.to_owned()), Ok),
        _ => Ok(Matcher::Text(pattern)),
    }
}

fn state(word: &str) -> Option<ContainerState> {
    if word.eq_ignore_ascii_case("unknown") {
        return Some(ContainerState::Unknown);
    }
    Some(ContainerState::from_engine(word)).filter(|state| *state != ContainerState::Unknown)
}

fn id(text: &str) -> Result<Matcher, &'static str> {
    // Only the form with hyphens is ours: 32 bare digits may be the start of an engine's.
    if text.contains('-') {
        return text
            .parse()
            .map(Matcher::Id)
            .map_err(|_| "This is no id. Copy it as it is shown, with its hyphens.");
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("An id has hexadecimal digits only. Write name: to pick by name.");
    }
    if text.len() < SHORTEST_ENGINE_ID {
        return Err("An id this short fits by chance. Write at least 4 of its digits.");
    }
    if text.len() > 64 {
        return Err("An engine's id has at most 64 digits.");
    }
    Ok(Matcher::EngineId(text.to_ascii_lowercase()))
}

/// `nas/web`, or `@<uuid>/web` by the host's id. A host's name may hold a slash, a container's never does.
fn container(text: &str, at_sign: bool) -> Result<Matcher, &'static str> {
    let (host, name) = text
        .rsplit_once('/')
        .filter(|(host, name)| !host.is_empty() && !name.is_empty())
        .ok_or("A container is written with its host, as in container:nas/web.")?;
    let host = if at_sign {
        let id = host.trim_start_matches('@').parse();
        HostOf::Id(id.map_err(
            |_| "After container:@ the id of a host is expected, then a slash and the container's name.",
        )?)
    } else {
        HostOf::Name(Pattern::literal(host))
    };
    Ok(Matcher::Container(host, name.to_owned()))
}

fn label(pattern: Pattern, span: Span) -> Result<Matcher, SelectorError> {
    let (key, value) = match pattern.raw().split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(Pattern::new(value.to_owned()))),
        None => (pattern.raw().to_owned(), None),
    };
    let key = Pattern::new(key);
    match key.as_literal() {
        None => {
            let message =
                "A label's key is written out; * can stand in its value only, as in label:key=val*.";
            Err(SelectorError::new("bad_value", span, message))
        }
        Some(key) if key.is_empty() => {
            let message = "The label's key is missing. Write label:key or label:key=value.";
            Err(SelectorError::new("missing_value", span, message))
        }
        Some(key) => Ok(Matcher::Label(key, value)),
    }
}

fn unknown_word(key: Key, text: &str) -> String {
    let lower = text.to_lowercase();
    let near = key
        .words()
        .iter()
        .map(|word| (distance(word, &lower), *word))
        .min()
        .filter(|(far, _)| *far <= 2);
    let all = key.words().join(", ");
    match near {
        Some((_, word)) => format!("{text} is no {key}. Did you mean {word}? There are {all}."),
        None => format!("{text} is no {key}. There are {all}."),
    }
}
