//! A command as one line of text, as people type it, and as the words that an engine takes.
//!
//! Words are split at blanks. Quotes and backslashes keep them together as in a shell, and `{{ … }}` and `{% … %}` stay as
//! they are wherever they stand, so that what is quoted inside them is theirs. Nothing else of a shell is understood.

/// A command as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandForm {
    /// The text is a script for `sh -c`.
    pub script: bool,
    pub text: String,
}

/// A quote that is never closed, as bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclosed {
    pub start: usize,
    pub end: usize,
}

const SHELL: [&str; 2] = ["sh", "-c"];

impl CommandForm {
    pub fn of(words: &[String]) -> Self {
        match words {
            [sh, dash_c, script] if [sh, dash_c] == SHELL && !script.trim().is_empty() => Self {
                script: true,
                text: script.clone(),
            },
            words => Self {
                script: false,
                text: line(words),
            },
        }
    }

    /// The words; none for a blank text.
    ///
    /// # Errors
    /// When a quote is never closed.
    pub fn words(&self) -> Result<Vec<String>, Unclosed> {
        match self.script {
            true if self.text.trim().is_empty() => Ok(Vec::new()),
            true => Ok(SHELL
                .into_iter()
                .chain([self.text.as_str()])
                .map(str::to_owned)
                .collect()),
            false => split(&self.text),
        }
    }

    /// Turns a line into a script or back, keeping what it does where that can be.
    pub fn turn(&mut self, script: bool) {
        if self.script == script {
            return;
        }
        let words = self.words();
        *self = match (script, words.as_deref().map(Self::of)) {
            // What names the shell already becomes its script.
            (true, Ok(form)) if form.script => form,
            (false, Ok(form)) if !form.text.is_empty() => Self {
                script,
                text: line(&words.unwrap_or_default()),
            },
            _ => Self {
                script,
                text: std::mem::take(&mut self.text),
            },
        };
    }
}

fn line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// The length of the variable or block that the text begins with.
fn template(text: &str) -> Option<usize> {
    let close = match text.as_bytes() {
        [b'{', b'{', ..] => "}}",
        [b'{', b'%', ..] => "%}",
        _ => return None,
    };
    text.get(2..)?.find(close).map(|at| at + 4)
}

fn opens_template(text: &str) -> bool {
    text.starts_with("{{") || text.starts_with("{%")
}

fn split(text: &str) -> Result<Vec<String>, Unclosed> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<(char, usize)> = None;
    let mut at = 0;
    while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = &text[at..];
        if let Some(length) = template(rest) {
            word.get_or_insert_default().push_str(&rest[..length]);
            at += length;
            continue;
        }
        at += letter.len_utf8();
        match (quote.map(|(open, _)| open), letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some((letter, at - 1));
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => match text[at..].chars().next() {
                // As in shells: a line that goes on.
                Some('\n') if quote.is_none() => at += 1,
                Some(next) if quote.is_none() || matches!(next, '"' | '\\' | '{') => {
                    word.get_or_insert_default().push(next);
                    at += next.len_utf8();
                }
                _ => word.get_or_insert_default().push('\\'),
            },
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    match quote {
        Some((_, start)) => Err(Unclosed {
            start,
            end: text.len(),
        }),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

/// A word as it is typed: as it is where that says the same, else in quotes.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=@%+,^~!#*?$&|;<>()[]".contains(letter);
    let (mut bare, mut single) = (!word.is_empty(), true);
    let mut at = 0;
    while let Some(letter) = word[at..].chars().next() {
        if let Some(length) = template(&word[at..]) {
            at += length;
            continue;
        }
        bare &= plain(letter);
        single &= letter != '\'' && !opens_template(&word[at..]);
        at += letter.len_utf8();
    }
    if bare {
        return word.to_owned();
    }
    if single {
        return format!("'{word}'");
    }
    let mut text = String::from('"');
    let mut at = 0;
    while let Some(letter) = word[at..].chars().next() {
        if let Some(length) = template(&word[at..]) {
            text.push_str(&word[at..at + length]);
            at += length;
            continue;
        }
        // Braces that nothing closes in this word must not be closed by a later one.
        if matches!(letter, '"' | '\\') || opens_template(&word[at..]) {
            text.push('\\');
        }
        text.push(letter);
        at += letter.len_utf8();
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn lines_are_split_as_people_mean_them() {
        for (line, expected) in [
            ("pg_dump -U app app", words(&["pg_dump", "-U", "app", "app"])),
            (
                "echo 'a b' \"c d\" e\\ f ''",
                words(&["echo", "a b", "c d", "e f", ""]),
            ),
            (
                "echo {{ secret('a b') }} '{{ target.name }} now'",
                words(&["echo", "{{ secret('a b') }}", "{{ target.name }} now"]),
            ),
            ("a \\\n  b", words(&["a", "b"])),
            ("  ", words(&[])),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        assert_eq!(split("echo 'a"), Err(Unclosed { start: 5, end: 7 }));
    }

    #[test]
    fn words_read_as_people_write_them() {
        for (given, text, script) in [
            (words(&["nginx", "-s", "reload"]), "nginx -s reload", false),
            (
                words(&["sh", "-c", "date | tee /tmp/x"]),
                "date | tee /tmp/x",
                true,
            ),
            (words(&["echo", "it's"]), "echo \"it's\"", false),
            (
                words(&["echo", "{{ previous.output }}"]),
                "echo {{ previous.output }}",
                false,
            ),
            (words(&["echo", "two words"]), "echo 'two words'", false),
            (words(&["bash", "-c", "date; id"]), "bash -c 'date; id'", false),
        ] {
            let form = CommandForm::of(&given);
            assert_eq!((form.text.as_str(), form.script), (text, script));
            assert_eq!(form.words().unwrap(), given);
        }
    }

    #[test]
    fn a_script_becomes_words_and_back() {
        let mut form = CommandForm {
            script: false,
            text: "date".to_owned(),
        };
        form.turn(true);
        assert_eq!(form.words().unwrap(), words(&["sh", "-c", "date"]));
        form.turn(false);
        assert_eq!(form.text, "sh -c date");
        assert_eq!(form.words().unwrap(), words(&["sh", "-c", "date"]));
        form.turn(true);
        assert_eq!(form.text, "date");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_command_survives_as_text(
            command in prop::collection::vec("[a{}%'\"\\\\ \n\u{a0}ä$-]{0,9}", 0..5)
        ) {
            prop_assert_eq!(CommandForm::of(&command).words().unwrap(), command);
        }
    }
}
