//! What a host may be called, and what else is checked before it is stored.

use crate::errors::Problem;

/// The longest name of a host, in characters.
const MAX_NAME: usize = 63;
const MAX_TAGS: usize = 20;
const MAX_TAG: usize = 40;
const MAX_NOTE: usize = 2000;
/// The longest name that DNS knows (RFC 1035).
const MAX_ADDRESS: usize = 253;

/// A host's name without blanks around it.
///
/// # Errors
/// 422 `name_invalid`.
pub fn valid_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fault = if name.is_empty() {
        "A host needs a name. Give it a short one, such as nas."
    } else if name.chars().count() > MAX_NAME {
        "The name is longer than 63 characters. Choose a shorter one."
    } else if name
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "*,:@\"-".contains(c) && name.starts_with(c))
    {
        "The name has a blank or a sign that it cannot start with. Use letters, digits, dots, dashes and underscores."
    } else {
        return Ok(name.to_owned());
    };
    Err(Problem::invalid("name_invalid", "name", fault))
}

/// Tags without blanks around them and without repetitions, in the order they were written.
///
/// # Errors
/// 422 `tags_invalid`.
pub fn valid_tags(tags: &[String]) -> Result<Vec<String>, Problem> {
    let mut kept: Vec<String> = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let tag = tag.trim();
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if tag.is_empty() || tag.chars().count() > MAX_TAG || tag.starts_with('-') || !tag.chars().all(plain)
        {
            return Err(Problem::invalid(
                "tags_invalid",
                &format!("tags[{at}]"),
                "A tag has 1 to 40 letters, digits, dots, slashes, dashes and underscores, and begins with no dash. \
                 Write several tags apart.",
            ));
        }
        if !kept
            .iter()
            .any(|other| other.to_lowercase() == tag.to_lowercase())
        {
            kept.push(tag.to_owned());
        }
    }
    if kept.len() > MAX_TAGS {
        return Err(Problem::invalid(
            "tags_invalid",
            "tags",
            format!("These are more than {MAX_TAGS} tags. Take some away."),
        ));
    }
    Ok(kept)
}

/// A note; its lines stay.
///
/// # Errors
/// 422 `note_invalid`.
pub fn valid_note(note: &str) -> Result<String, Problem> {
    let note = note.trim();
    if note.chars().count() > MAX_NOTE || note.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Problem::invalid(
            "note_invalid",
            "note",
            format!(
                "The note is longer than {MAX_NOTE} characters or holds signs that cannot be shown. Shorten it."
            ),
        ));
    }
    Ok(note.to_owned())
}

/// Where ports are reached: a name or an IP address, an IPv6 one in brackets or not. Blank is none.
///
/// # Errors
/// 422 `address_invalid`.
pub fn valid_address(address: &str) -> Result<Option<String>, Problem> {
    let address = address.trim();
    if address.is_empty() {
        return Ok(None);
    }
    let inner = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(address);
    if inner.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(Some(format!("[{inner}]")));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if address.len() > MAX_ADDRESS || !address.chars().all(plain) {
        return Err(Problem::invalid(
            "address_invalid",
            "address",
            "The address for links is a host's name or an IP address alone, such as nas.lan. Leave out scheme, port and \
             path.",
        ));
    }
    Ok(Some(address.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_selectors_could_not_write_are_refused() {
        for good in ["nas", "pi-5", "a.b_c", "ünï", "<b>x</b>"] {
            assert_eq!(valid_name(good).as_deref(), Ok(good));
        }
        for bad in ["", "  ", "a b", "-x", "*", ":a", "a\u{0}b", &"x".repeat(64)] {
            assert_eq!(valid_name(bad).unwrap_err().code, "name_invalid", "{bad:?}");
        }
    }

    #[test]
    fn tags_are_kept_once() {
        let tags = |tags: &[&str]| valid_tags(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert_eq!(tags(&[" pi ", "Pi", "home/attic"]).unwrap(), ["pi", "home/attic"]);
        let problem = tags(&["pi", "two words"]).unwrap_err();
        assert_eq!(problem.details["field"], "tags[1]");
        assert!(tags(&["-no"]).is_err() && tags(&[""]).is_err() && tags(&[&"x".repeat(41)]).is_err());
        let many: Vec<String> = (0..21).map(|n| format!("t{n}")).collect();
        assert_eq!(valid_tags(&many).unwrap_err().details["field"], "tags");
    }

    #[test]
    fn an_address_is_a_name_or_an_ip() {
        assert_eq!(valid_address(" nas.lan ").unwrap().as_deref(), Some("nas.lan"));
        assert_eq!(valid_address("fd00::1").unwrap().as_deref(), Some("[fd00::1]"));
        assert_eq!(valid_address("[fd00::1]").unwrap().as_deref(), Some("[fd00::1]"));
        assert_eq!(valid_address(" ").unwrap(), None);
        for bad in ["http://nas", "nas:80", "nas/x", "n s", "ü"] {
            assert_eq!(valid_address(bad).unwrap_err().code, "address_invalid", "{bad}");
        }
        assert!(valid_note(&"x".repeat(2001)).is_err() && valid_note("a\u{7}").is_err());
        assert_eq!(valid_note(" two\nlines ").unwrap(), "two\nlines");
    }
}
