//! Text to selector. Every mistake knows its place in the text.

use super::pattern::Pattern;
use super::value::{Matcher, Value, matcher};
use super::{About, Key, MAX_LENGTH, Selector, SelectorError, Span, Term};

/// Whether a blank ends a term here; the same for reading and completing.
pub(super) fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
}

pub(super) fn selector(text: &str) -> Result<Selector, SelectorError> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "The selector is longer than {MAX_LENGTH} characters. Use labels or tags to pick so many containers."
        );
        return Err(SelectorError::new(
            "too_long",
            Span {
                start: 0,
                end: text.len(),
            },
            message,
        ));
    }
    let mut reader = Reader { text, at: 0 };
    let mut terms = Vec::new();
    loop {
        reader.skip_blanks();
        if reader.peek().is_none() {
            return Ok(Selector::new(terms));
        }
        terms.push(reader.term()?);
    }
}

/// The rules for targets that the grammar alone does not have.
pub(super) fn check_target(selector: &Selector, text: &str) -> Result<(), SelectorError> {
    let whole = Span {
        start: 0,
        end: text.len(),
    };
    if selector.terms.is_empty() {
        let message = "The target is empty. Write * for every container, or pick some, for example host:local name:web.";
        return Err(SelectorError::new("empty_target", whole, message));
    }
    if let Some(term) = selector.terms.iter().find(|term| term.about == About::Word) {
        let word = &text[term.span.start..term.span.end];
        let bare = word.trim_start_matches('-');
        let minus = if term.exclude { "-" } else { "" };
        let simple = bare
            .chars()
            .all(|letter| letter.is_alphanumeric() || "._-".contains(letter));
        let bare = if simple { bare } else { "web" };
        let example = if simple { "Write" } else { "Write for example" };
        let message = format!(
            "{word} alone is a search, and a target says what it means. {example} {minus}name:{bare} for the container of \
             that name, or {minus}name:*{bare}* for every name that holds it."
        );
        return Err(SelectorError::new("bare_word", term.span, message));
    }
    if selector.terms.iter().all(|term| term.exclude) {
        let message = format!(
            "The target only excludes. Write what it is for as well, for example * {}",
            text.trim()
        );
        return Err(SelectorError::new("only_exclusions", whole, message));
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// A value as read: `raw` keeps `\*` and `\\`.
struct Raw {
    raw: String,
    /// It began with an `@` outside quotes.
    at_sign: bool,
    span: Span,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.next();
        }
    }

    fn span_from(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    fn term(&mut self) -> Result<Term, SelectorError> {
        let start = self.at;
        let exclude = self.peek() == Some('-');
        if exclude {
            self.next();
            if self.peek().is_none_or(is_blank) {
                let message =
                    "Nothing follows the minus. Write it directly before what to exclude, as in -name:web.";
                return Err(SelectorError::new(
                    "missing_value",
                    self.span_from(start),
                    message,
                ));
            }
        }
        let about = self.key()?.map_or(About::Word, About::Key);
        let values = self.values(about)?;
        let span = self.span_from(start);
        let anything = match (about, &values[..]) {
            (
                About::Word,
                [
                    Value {
                        matcher: Matcher::Text(pattern),
                        ..
                    },
                ],
            ) => pattern.is_anything(),
            _ => false,
        };
        match (anything, exclude) {
            (false, _) => Ok(Term {
                exclude,
                about,
                values,
                span,
            }),
            (true, false) => Ok(Term {
                exclude,
                about: About::Everything,
                values: Vec::new(),
                span,
            }),
            (true, true) => {
                let message = "This excludes every container, so nothing would be left. Remove it or say what to exclude.";
                Err(SelectorError::new("excludes_everything", span, message))
            }
        }
    }

    /// The key before a colon, if this term has one.
    fn key(&mut self) -> Result<Option<Key>, SelectorError> {
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest
            .find(|letter: char| is_blank(letter) || matches!(letter, ':' | '"' | ','))
            .unwrap_or(rest.len());
        if !rest[end..].starts_with(':') {
            return Ok(None);
        }
        let name = &rest[..end];
        self.at = start + end;
        let span = self.span_from(start);
        self.next();
        if name.is_empty() {
            let message =
                "There is no key before the colon. Write one, as in name:web, or put the text in quotes.";
            return Err(SelectorError::new(
                "missing_key",
                Span {
                    start,
                    end: start + 1,
                },
                message,
            ));
        }
        if let Some(key) = Key::parse(name) {
            return Ok(Some(key));
        }
        let message = format!(
            "There is no key {name}. {} A text with a colon goes in quotes.",
            Key::hint(name)
        );
        Err(SelectorError::new("unknown_key", span, message))
    }

    fn values(&mut self, about: About) -> Result<Vec<Value>, SelectorError> {
        let mut values = Vec::new();
        loop {
            let Raw { raw, at_sign, span } = self.raw(about)?;
            let matcher = match about {
                About::Key(key) => matcher(key, raw, at_sign, span)?,
                _ if raw.is_empty() => {
                    let message = "There is nothing to search for between the quotes or commas. Remove them or add a word.";
                    return Err(SelectorError::new("missing_value", span, message));
                }
                _ => Matcher::Text(Pattern::new(raw)),
            };
            values.push(Value { matcher, span });
            if self.peek() != Some(',') {
                return Ok(values);
            }
            self.next();
        }
    }

    /// One value: bare and quoted parts up to a blank or a comma.
    fn raw(&mut self, about: About) -> Result<Raw, SelectorError> {
        let start = self.at;
        let at_sign = self.peek() == Some('@');
        let mut raw = String::new();
        while let Some(letter) = self.peek().filter(|letter| *letter != ',' && !is_blank(*letter)) {
            self.next();
            match letter {
                '"' => self.quoted(&mut raw)?,
                '\\' => raw.push_str("\\\\"),
                other => raw.push(other),
            }
        }
        if self.at > start {
            return Ok(Raw {
                raw,
                at_sign,
                span: self.span_from(start),
            });
        }
        let (what, example) = match about {
            About::Key(key) => (
                format!("{key}: has no value here"),
                format!("{key}:{}", key.words().first().unwrap_or(&"…")),
            ),
            _ => (
                "A word is missing beside the comma".to_owned(),
                "web,db".to_owned(),
            ),
        };
        let message = format!(
            "{what}. Write it without a blank, as in {example}, and in quotes if it holds blanks or commas."
        );
        // Point at the colon or comma that something is missing after, or before.
        let before = start
            .checked_sub(1)
            .filter(|at| matches!(self.text.as_bytes()[*at], b':' | b','));
        let span = before.map_or(
            Span {
                start,
                end: start + 1,
            },
            |at| Span {
                start: at,
                end: start,
            },
        );
        Err(SelectorError::new("missing_value", span, message))
    }

    /// What stands between quotes; the opening one is read already.
    fn quoted(&mut self, raw: &mut String) -> Result<(), SelectorError> {
        let open = self.at - 1;
        loop {
            let at = self.at;
            match self.next() {
                None => {
                    let message = "This quote is not closed. Add a \" where the value ends.";
                    return Err(SelectorError::new(
                        "unclosed_quote",
                        self.span_from(open),
                        message,
                    ));
                }
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('"') => raw.push('"'),
                    Some(escaped @ ('\\' | '*')) => raw.extend(['\\', escaped]),
                    _ => {
                        let message = "A backslash in quotes stands before \", \\ or * only. Write \\\\ for a backslash.";
                        return Err(SelectorError::new("bad_escape", self.span_from(at), message));
                    }
                },
                Some(letter) => raw.push(letter),
            }
        }
    }
}
