//! What schedules do and to whom, in words.

use domain::{actions::Action, schedules::Step};

/// The icon of an action, by its verb.
pub fn action_icon(verb: &str) -> &'static str {
    match verb {
        "start" | "unpause" => "play",
        "stop" => "square",
        "restart" => "rotate-cw",
        "pause" => "pause",
        _ => "flask-conical",
    }
}

/// "Restart, 30 seconds to stop"
pub fn action_words(action: &Action) -> String {
    let label = action.label();
    match action {
        Action::Stop { grace: Some(grace) } | Action::Restart { grace: Some(grace) } => {
            format!("{label}, killed after {}", grace.describe())
        }
        _ => label.to_owned(),
    }
}

/// "Restart, then stop": the titles of the steps.
pub fn steps_words(steps: &[Step]) -> String {
    let mut words = steps.iter().map(Step::title);
    let first = words.next().unwrap_or_default();
    words.fold(first, |all, next| format!("{all}, then {}", lower_first(&next)))
}

/// The same with a small first letter.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// One term of a selector, for a tag: `host` `local`, `not name` `web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub exclude: bool,
    /// Empty for `*` and bare words.
    pub key: String,
    pub value: String,
}

/// The terms of a selector's text, as they were written. For showing only: `domain::selectors` decides what they mean.
pub fn terms(selector: &str) -> Vec<Term> {
    let mut parts = Vec::new();
    let (mut part, mut quoted) = (String::new(), false);
    for letter in selector.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                part.push(letter);
            }
            blank if blank.is_whitespace() && !quoted => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    let term = |part: String| {
        let (exclude, text) = match part.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, part.as_str()),
        };
        let (key, value) = text.split_once(':').unwrap_or(("", text));
        Term {
            exclude,
            key: key.to_lowercase(),
            value: value.replace('"', "").replace(',', ", "),
        }
    };
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(term)
        .collect()
}

/// "web on local", "every container", "the stack media": a target in words, or its text where words would mislead.
pub fn target_words(selector: &str) -> String {
    let all = terms(selector);
    let plain = |key: &str| -> Option<String> {
        let values: Vec<&str> = all
            .iter()
            .filter(|term| term.key == key && !term.exclude)
            .map(|term| term.value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", ").replace(", ", " or "))
    };
    if all
        .iter()
        .any(|term| term.exclude || !matches!(term.key.as_str(), "" | "name" | "host" | "stack"))
    {
        return selector.trim().to_owned();
    }
    let what = match (plain("name"), plain("stack")) {
        (Some(name), None) => name,
        (None, Some(stack)) => format!("the stack {stack}"),
        (Some(name), Some(stack)) => format!("{name} of {stack}"),
        (None, None) => "every container".to_owned(),
    };
    match plain("host") {
        Some(host) => format!("{what} on {host}"),
        None if all.is_empty() => String::new(),
        None => what,
    }
}

/// "1 container", "14 containers"
pub fn count(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_words_where_words_are_exact() {
        for (selector, words) in [
            ("host:local name:web", "web on local"),
            ("name:web,db", "web or db"),
            ("*", "every container"),
            ("stack:media host:nas", "the stack media on nas"),
            ("name:\"my app\"", "my app"),
            ("label:nightly -name:plex", "label:nightly -name:plex"),
            ("", ""),
        ] {
            assert_eq!(target_words(selector), words, "{selector}");
        }
    }

    #[test]
    fn terms_keep_quoted_blanks_together() {
        let tags = terms("host:nas  -name:\"my app\" *");
        assert_eq!(tags.len(), 3);
        assert_eq!((tags[1].exclude, tags[1].value.as_str()), (true, "my app"));
        assert_eq!((tags[2].key.as_str(), tags[2].value.as_str()), ("", "*"));
    }

    #[test]
    fn steps_are_a_chain_of_verbs() {
        let step = |verb: &str| Step {
            name: None,
            action: Action::from_verb(verb).unwrap(),
            target: "*".into(),
        };
        assert_eq!(steps_words(&[step("stop"), step("start")]), "Stop, then start");
    }
}
