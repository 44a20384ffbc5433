//! Marks: what people attach to a container, kept across its recreation: tags, a note, and who likes it.

use crate::errors::Problem;
use serde::{Deserialize, Serialize};

/// How many tags one container has at most, and how long each may be, in characters.
pub const MOST_TAGS: usize = 20;
pub const LONGEST_TAG: usize = 40;
/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 2000;

/// What is attached to one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Marks {
    pub tags: Vec<String>,
    pub note: Option<String>,
    /// Whether it is a favourite of the caller's.
    pub favourite: bool,
}

/// Tags as they are kept: without blanks around them, each once in whatever case, in the order they came in.
///
/// # Errors
/// `tag_invalid` with the place of the wrong one, `too_many_tags`.
pub fn checked_tags(tags: &[String]) -> Result<Vec<String>, Problem> {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for (at, tag) in tags.iter().enumerate() {
        let tag = tag.trim();
        let fault = if tag.is_empty() {
            Some("A tag is empty. Leave it out, or write a word.")
        } else if tag.chars().count() > LONGEST_TAG {
            Some("A tag is longer than 40 characters. Choose a shorter one, and keep the rest for the note.")
        } else if tag
            .chars()
            .any(|letter| letter.is_control() || ",\"*\\".contains(letter))
        {
            Some(
                "A tag has a comma, a quote, a star or a sign that cannot be seen. Use letters, digits and dashes.",
            )
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(Problem::invalid("tag_invalid", &format!("tags[{at}]"), fault));
        }
        let folded = tag.to_lowercase();
        if !kept.iter().any(|known| known.to_lowercase() == folded) {
            kept.push(tag.to_owned());
        }
    }
    if kept.len() > MOST_TAGS {
        return Err(Problem::invalid(
            "too_many_tags",
            "tags",
            "A container has at most 20 tags. Remove some.",
        ));
    }
    Ok(kept)
}

/// A note as it is kept; nothing when it is blank.
///
/// # Errors
/// `note_too_long`.
pub fn checked_note(note: &str) -> Result<Option<String>, Problem> {
    let note = note.trim();
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::invalid(
            "note_too_long",
            "note",
            "The note is longer than 2,000 characters. Shorten it, or link to where the rest is.",
        ));
    }
    // Postgres keeps no NUL in texts.
    let note: String = note.chars().filter(|letter| *letter != '\0').collect();
    Ok(Some(note).filter(|note| !note.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(words: &[&str]) -> Result<Vec<String>, Problem> {
        checked_tags(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn tags_are_trimmed_and_kept_once() {
        assert_eq!(
            tags(&[" media ", "Critical", "MEDIA", "my tag"]).unwrap(),
            ["media", "Critical", "my tag"]
        );
        assert!(tags(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_wrong_tag_is_named_by_its_place() {
        for wrong in ["", "  ", "a,b", "a\"b", "a*", "a\nb", &"x".repeat(41)] {
            let problem = tags(&["fine", wrong]).unwrap_err();
            assert_eq!(problem.code, "tag_invalid", "{wrong:?}");
            assert_eq!(problem.details["field"], "tags[1]");
        }
        let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
        assert_eq!(checked_tags(&many).unwrap_err().code, "too_many_tags");
    }

    #[test]
    fn every_kept_tag_can_be_searched_for() {
        let kept = tags(&["a b", "ä", "-x", "@home", "key:value", "a/b", "(1)", "'"]).unwrap();
        for tag in kept {
            let text = format!("tag:{}", crate::selectors::quote(&tag));
            assert!(crate::selectors::Selector::parse_target(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_blank_note_is_none() {
        assert_eq!(checked_note(" \n").unwrap(), None);
        assert_eq!(checked_note(" ask Ada ").unwrap().as_deref(), Some("ask Ada"));
        assert_eq!(checked_note(&"x".repeat(2001)).unwrap_err().code, "note_too_long");
    }
}
