//! Texts compared without regard to case, with `*` for any run of characters.

use std::borrow::Cow;

/// A text to compare with. Made once, compared often: comparing ASCII texts allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// As written, with `\*` and `\\` for a literal star and backslash.
    raw: String,
    /// What stands between the stars, in lower case; one piece when there is no star.
    pieces: Vec<String>,
}

impl Pattern {
    /// From text in which `\*` and `\\` are literal and any other star is a wildcard.
    pub fn new(raw: String) -> Self {
        let mut pieces = vec![String::new()];
        let mut letters = raw.chars();
        while let Some(letter) = letters.next() {
            let literal = match letter {
                '*' => {
                    pieces.push(String::new());
                    continue;
                }
                '\\' => letters.next().unwrap_or('\\'),
                other => other,
            };
            if let Some(piece) = pieces.last_mut() {
                piece.extend(fold(literal));
            }
        }
        Self { raw, pieces }
    }

    /// Exactly this text, stars and all.
    pub fn literal(text: &str) -> Self {
        Self::new(escape(text))
    }

    pub fn raw(&self) -> &str {
        &self.raw
    }

    pub fn has_star(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Nothing but stars.
    pub fn is_anything(&self) -> bool {
        self.has_star() && self.pieces.iter().all(String::is_empty)
    }

    /// The text itself, when there is no wildcard in it.
    pub fn as_literal(&self) -> Option<String> {
        (!self.has_star()).then(|| unescape(&self.raw))
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        let text = lower(text);
        let text = text.as_ref();
        let [first, middle @ .., last] = &self.pieces[..] else {
            return self.pieces.first().is_some_and(|only| same(only, text));
        };
        if text.len() < first.len() + last.len() || !starts_with(text, first) || !ends_with(text, last) {
            return false;
        }
        contains_in_order(&text.as_bytes()[first.len()..text.len() - last.len()], middle)
    }

    /// Whether it fits somewhere within the text.
    pub fn occurs_in(&self, text: &str) -> bool {
        contains_in_order(lower(text).as_ref().as_bytes(), &self.pieces)
    }
}

/// The wildcard-free spelling of a text.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*")
}

fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        text.push(if letter == '\\' {
            letters.next().unwrap_or('\\')
        } else {
            letter
        });
    }
    text
}

/// ASCII stays as it is, since the comparisons below do not mind its case.
fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().flat_map(fold).collect())
    }
}

/// Letter by letter, so that the Greek sigma is one letter wherever it stands.
fn fold(letter: char) -> impl Iterator<Item = char> {
    letter
        .to_lowercase()
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
}

fn same(piece: &str, text: &str) -> bool {
    piece.eq_ignore_ascii_case(text)
}

fn starts_with(text: &str, piece: &str) -> bool {
    text.as_bytes()[..piece.len()].eq_ignore_ascii_case(piece.as_bytes())
}

fn ends_with(text: &str, piece: &str) -> bool {
    text.as_bytes()[text.len() - piece.len()..].eq_ignore_ascii_case(piece.as_bytes())
}

/// The leftmost place for each piece leaves most room for the next, so no other needs to be tried.
fn contains_in_order(mut text: &[u8], pieces: &[String]) -> bool {
    for piece in pieces
        .iter()
        .map(String::as_bytes)
        .filter(|piece| !piece.is_empty())
    {
        let Some(at) = text
            .windows(piece.len())
            .position(|part| part.eq_ignore_ascii_case(piece))
        else {
            return false;
        };
        text = &text[at + piece.len()..];
    }
    true
}
