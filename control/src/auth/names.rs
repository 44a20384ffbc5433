//! What an account or a key may be called.

use domain::errors::Problem;

const LONGEST: usize = 64;

/// Trims a name and checks it: 1 to 64 characters, none of them a control character.
///
/// # Errors
/// 422 `name_empty`, `name_too_long` or `name_unprintable`.
pub fn check(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Problem::invalid(
            "name_empty",
            "name",
            "The name is empty. Write one.",
        ));
    }
    if name.chars().count() > LONGEST {
        return Err(Problem::invalid(
            "name_too_long",
            "name",
            format!("The name is too long. Use at most {LONGEST} characters."),
        ));
    }
    if name.chars().any(is_hidden) {
        return Err(Problem::invalid(
            "name_unprintable",
            "name",
            "The name holds characters that cannot be seen. Remove them.",
        ));
    }
    Ok(name.to_owned())
}

/// Control characters, and those that reorder or hide text, so that two names cannot look alike by them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_may_be_any_text() {
        assert_eq!(check("  Jörg O'Neill ").unwrap(), "Jörg O'Neill");
        assert_eq!(check(&"ü".repeat(64)).unwrap().chars().count(), 64);
    }

    #[test]
    fn what_cannot_be_a_name_is_told_why() {
        for (name, code) in [
            ("", "name_empty"),
            (" \t", "name_empty"),
            ("a\nb", "name_unprintable"),
            ("a\u{202e}b", "name_unprintable"),
            (&"x".repeat(65), "name_too_long"),
        ] {
            let problem = check(name).unwrap_err();
            assert_eq!(problem.code, code, "{name:?}");
            assert_eq!(problem.details["field"], "name");
        }
    }
}
