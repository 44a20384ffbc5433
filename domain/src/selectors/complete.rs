//! What could be written at the cursor.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Key;
use super::parse::is_blank;

/// What a completion list should offer, and what it would replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// Bytes of the text to replace with the choice: a key with its colon, or a value in the form of [`super::quote`].
    pub replace: Range<usize>,
    #[serde(flatten)]
    pub kind: CompletionKind,
    /// What stands before the cursor, without quotes: offer what begins with it.
    pub prefix: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CompletionKind {
    /// A key, or the name of a container, since a bare word searches for one.
    Key,
    Value {
        key: Key,
    },
    /// A value of this label; the choice is written `label=value`.
    LabelValue {
        label: String,
    },
    /// After a key that does not exist.
    Nothing,
}

/// What a field offers at its cursor, ready to be put in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suggestions {
    /// The bytes of the text that a choice replaces.
    pub start: usize,
    pub end: usize,
    pub items: Vec<Suggestion>,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suggestion {
    /// What to put in, quotes and all.
    pub text: String,
    /// What it is, or how many containers it would pick.
    pub about: String,
    /// A term is not at its end: a value follows.
    pub more: bool,
}

/// What to offer at the byte `cursor`. Works on unfinished and wrong text; a cursor outside the text or within a character
/// is moved back.
pub fn complete(text: &str, cursor: usize) -> Completion {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let mut term = term_at(text, cursor);
    if text[term.clone()].starts_with('-') && term.start < cursor {
        term.start += 1;
    }
    let colon = outside_quotes(text, term.clone(), |letter| {
        letter == ':' || letter == '"' || letter == ','
    })
    .filter(|at| text[*at..].starts_with(':'));
    let Some(colon) = colon.filter(|colon| *colon < cursor) else {
        let end = colon.map_or(term.end, |colon| colon + 1);
        let start = last_separator(text, term.start..cursor).unwrap_or(term.start);
        return Completion {
            replace: start..end,
            kind: CompletionKind::Key,
            prefix: bare(&text[start..cursor]),
        };
    };
    let start = last_separator(text, colon + 1..cursor).unwrap_or(colon + 1);
    let end = outside_quotes(text, start..term.end, |letter| letter == ',').filter(|end| *end >= cursor);
    let replace = start..end.unwrap_or(term.end);
    let prefix = bare(&text[start..cursor]);
    let kind = match Key::parse(&text[term.start..colon]) {
        None => CompletionKind::Nothing,
        Some(Key::Label) if prefix.contains('=') => CompletionKind::LabelValue {
            label: prefix.split('=').next().unwrap_or_default().to_owned(),
        },
        Some(key) => CompletionKind::Value { key },
    };
    let prefix = match &kind {
        CompletionKind::LabelValue { label } => prefix[label.len() + 1..].to_owned(),
        _ => prefix,
    };
    Completion {
        replace,
        kind,
        prefix,
    }
}

/// The term that holds the cursor or ends at it; empty between blanks.
fn term_at(text: &str, cursor: usize) -> Range<usize> {
    let mut start = 0;
    while let Some(blank) = outside_quotes(text, start..text.len(), is_blank) {
        if blank >= cursor {
            return start..blank;
        }
        start = blank + text[blank..].chars().next().map_or(1, char::len_utf8);
    }
    start..text.len()
}

/// The place after the last comma.
fn last_separator(text: &str, within: Range<usize>) -> Option<usize> {
    let mut last = None;
    let mut start = within.start;
    while let Some(comma) = outside_quotes(text, start..within.end, |letter| letter == ',') {
        start = comma + 1;
        last = Some(start);
    }
    last
}

/// The first letter of that kind which is not between quotes. An opening quote itself is outside.
fn outside_quotes(text: &str, within: Range<usize>, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text[within.clone()].char_indices() {
        if !quoted && wanted(letter) {
            return Some(within.start + at);
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    None
}

fn bare(part: &str) -> String {
    let mut text = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for letter in part.chars() {
        match letter {
            _ if escaped => {
                escaped = false;
                text.push(letter);
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => text.push(letter),
        }
    }
    text
}
