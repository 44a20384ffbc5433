//! Passwords that are tried first, recognised without a download: words that lists of leaked passwords begin with, bare or
//! with the digits and signs that people add, runs of a keyboard, repetitions, and the account's own name.
//!
//! The words were written for this file from common knowledge; no list of others was copied.

use std::{collections::HashSet, sync::LazyLock};

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("guessable.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

const KEYBOARDS: &[&str] = &[
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "!@#$%^&*()",
];

pub fn is_guessable(password: &str, name: &str) -> bool {
    let lower = password.to_lowercase();
    let name = name.trim().to_lowercase();
    if lower.chars().collect::<HashSet<_>>().len() <= 3 {
        return true;
    }
    // Long ones are not in such lists but for those made of one piece again and again.
    if lower.chars().count() > 24 {
        return is_repeated(&lower);
    }
    let bare = bare(&lower);
    let folded = unleet(&lower);
    let folded_bare = &unleet(bare);
    let known = |word: &str| word.len() >= 3 && (WORDS.contains(word) || word == name);
    known(&lower)
        || known(&folded)
        || known(bare)
        || known(folded_bare)
        || is_two(bare, &name)
        || is_two(folded_bare, &name)
        || is_repeated(&lower)
        || is_run(&lower)
        || is_run(bare)
        || is_date(&lower)
}

/// Without the digits, blanks and signs around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

/// Digits and signs that stand for letters.
fn unleet(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

/// Two known words side by side, the account's name among them: `adminpassword`, `adaadmin`.
fn is_two(text: &str, name: &str) -> bool {
    let known = |word: &str| word.len() >= 3 && (WORDS.contains(word) || word == name);
    text.char_indices().skip(3).any(|(at, _)| {
        let (first, second) = text.split_at(at);
        known(first) && known(second.trim_start_matches(|c: char| !c.is_alphabetic()))
    })
}

/// One piece again and again: `abcabcabc`.
fn is_repeated(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=chars.len() / 2)
        .any(|length| length <= 6 && chars.iter().enumerate().all(|(at, c)| *c == chars[at % length]))
}

/// Made of runs along a keyboard or the alphabet, each of four or more, and at most one further piece.
fn is_run(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut covered = 0;
    while at < chars.len() {
        let longest = KEYBOARDS
            .iter()
            .flat_map(|keys| [(*keys).to_owned(), keys.chars().rev().collect::<String>()])
            .map(|keys| run_length(&chars[at..], &keys))
            .max()
            .unwrap_or(0);
        if longest >= 4 {
            covered += longest;
            at += longest;
        } else {
            at += 1;
        }
    }
    chars.len() >= 6 && covered + 2 >= chars.len()
}

/// How many characters follow the keys.
fn run_length(chars: &[char], keys: &str) -> usize {
    let keys: Vec<char> = keys.chars().collect();
    let Some(first) = chars.first().and_then(|c| keys.iter().position(|key| key == c)) else {
        return 0;
    };
    chars
        .iter()
        .zip(&keys[first..])
        .take_while(|(a, b)| a == b)
        .count()
}

/// Eight digits that are a day of the last or this century, in any order of the parts.
fn is_date(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 8 || text.chars().any(char::is_alphabetic) {
        return false;
    }
    let year = |part: &str| matches!(part.get(..2), Some("19" | "20"));
    year(&digits[..4]) || year(&digits[4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused() {
        for password in [
            "password",
            "Password1",
            "P@ssw0rd!",
            "passw0rd2024",
            "12345678",
            "123456789",
            "87654321",
            "qwertyuiop",
            "1q2w3e4r",
            "qwerty123",
            "asdfghjkl",
            "1qaz2wsx",
            "iloveyou",
            "aaaaaaaa",
            "abababab",
            "abcabcabc",
            "abcd1234",
            "sunshine99",
            "Summer2024!",
            "letmein!!",
            "welcome1",
            "dragon2000",
            "19840612",
            "12.06.1984",
            "chrontainer",
            "adminadmin",
            "docker123",
            "Password Password",
        ] {
            assert!(is_guessable(password, "grace"), "{password}");
        }
    }

    #[test]
    fn ones_own_name_is_no_password() {
        for password in ["grace-hopper", "gracehopper1906", "GraceHopper!"] {
            assert!(
                is_guessable(password, "grace-hopper") || is_guessable(password, "gracehopper"),
                "{password}"
            );
        }
        assert!(!is_guessable("gracehopper1906", "ada"));
    }

    #[test]
    fn what_is_not_is_let_through() {
        for password in [
            "correct horse battery",
            "correct horse",
            "seven otters on a raft",
            "nine lighthouses at dusk",
            "tqzrvwxk",
            "kettle-moss-9",
            "a wrong guess",
            "Xk3$vP9q",
            "dragonfly pond at noon",
            "48151623",
        ] {
            assert!(!is_guessable(password, "grace"), "{password}");
        }
    }
}
