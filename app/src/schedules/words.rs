//! What schedules do and to whom, in words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    actions::Action,
    schedules::{Schedule, Step},
};

/// The icon of an action, by its verb.
pub fn action_icon(verb: &str) -> &'static str {
    match verb {
        "start" | "unpause" => "play",
        "stop" => "square",
        "restart" => "rotate-cw",
        "pause" => "pause",
        "kill" => "circle-x",
        "remove" | "prune" => "trash-2",
        "exec" | "run" => "terminal",
        "pull" => "download",
        "http" => "network",
        "wait" => "clock",
        "run_schedule" => "calendar-clock",
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
        _ => match action.detail() {
            Some(detail) => format!("{label}: {detail}"),
            None => label.to_owned(),
        },
    }
}

/// "Restart, then stop": the titles of the steps.
pub fn steps_words(steps: &[Step]) -> String {
    let mut words = steps.iter().map(Step::title);
    let first = words.next().unwrap_or_default();
    words.fold(first, |all, next| format!("{all}, then {}", lower_first(&next)))
}

/// The same within a sentence: with a small first letter, unless it begins with the name of a day or a month.
pub fn lower_first(text: &str) -> String {
    const NAMES: [&str; 19] = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
        "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    if NAMES.iter().any(|name| text.starts_with(name)) {
        return text.to_owned();
    }
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

/// "web on local", "every container", "the stack media without plex": a target in words, or its text where words would
/// mislead.
pub fn target_words(selector: &str) -> String {
    in_words(&terms(selector)).unwrap_or_else(|| {
        // A minus is no place to break a line.
        selector.trim().replace(" -", " \u{2011}")
    })
}

/// The same for what works on hosts: "nas and pi", "every host with a container", "the hosts of web".
pub fn host_words(selector: &str) -> String {
    let terms = terms(selector);
    let only_hosts = terms.iter().all(|term| term.key == "host" && !term.exclude);
    if only_hosts && !terms.is_empty() {
        let names: Vec<String> = terms
            .iter()
            .flat_map(|term| term.value.split(", "))
            .map(str::to_owned)
            .collect();
        return all_of(&names);
    }
    match terms.as_slice() {
        [one] if one.value == "*" && !one.exclude => "every host with a container".to_owned(),
        _ => format!("the hosts of {}", target_words(selector)),
    }
}

fn in_words(terms: &[Term]) -> Option<String> {
    let values = |key: &str, exclude: bool| {
        let values: Vec<String> = terms
            .iter()
            .filter(|term| term.key == key && term.exclude == exclude)
            .flat_map(|term| term.value.split(", "))
            .map(|value| match value.rsplit_once('/') {
                Some((host, name)) if key == "container" => format!("{name} on {host}"),
                _ => value.to_owned(),
            })
            .collect();
        (!values.is_empty()).then(|| all_of(&values))
    };
    let known = |term: &Term| match term.exclude {
        true => matches!(term.key.as_str(), "name" | "host"),
        false => matches!(
            term.key.as_str(),
            "" | "name" | "host" | "stack" | "service" | "label" | "image" | "tag" | "container"
        ),
    };
    if !terms.iter().all(known) {
        return None;
    }
    let kinds = ["name", "stack", "service", "label", "image", "tag", "container"];
    let mut kinds = kinds.iter().filter_map(|key| Some((*key, values(key, false)?)));
    let what = match (kinds.next(), kinds.next()) {
        (Some(("name" | "container", names)), None) => names,
        (Some(("stack", of)), None) if of.contains(" and ") => format!("the stacks {of}"),
        (Some(("stack", of)), None) => format!("the stack {of}"),
        (Some(("service", of)), None) => format!("the service {of}"),
        (Some(("label", of)), None) => format!("what is labelled {of}"),
        (Some(("tag", of)), None) => format!("what is tagged {of}"),
        (Some(("image", of)), None) => format!("what runs {of}"),
        (Some(("name", names)), Some(("stack", of))) => format!("{names} of {of}"),
        (None, None) => "every container".to_owned(),
        _ => return None,
    };
    if values("container", false).is_some() && values("host", false).is_some() {
        return None;
    }
    let hosts = values("host", false)
        .map(|hosts| format!(" on {hosts}"))
        .unwrap_or_default();
    let without = match (values("name", true), values("host", true)) {
        (None, None) => String::new(),
        (Some(names), None) => format!(" without {names}"),
        (None, Some(hosts)) => format!(", but not on {hosts}"),
        (Some(_), Some(_)) => return None,
    };
    if terms.is_empty() {
        None
    } else {
        Some(format!("{what}{hosts}{without}"))
    }
}

/// "a", "a and b", "a, b and c"
fn all_of(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Since when an overdue schedule had no success; nothing while it is not overdue.
pub fn no_success_since(schedule: &Schedule) -> Option<DateTime<Utc>> {
    let within = schedule.guards.expect.as_ref()?.within.get();
    schedule
        .overdue_since?
        .checked_sub_signed(TimeDelta::from_std(within).ok()?)
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
            ("name:web,db", "web and db"),
            ("stack:shop host:nas,pi", "the stack shop on nas and pi"),
            ("*", "every container"),
            ("container:nas/web,pi/db", "web on nas and db on pi"),
            ("stack:media host:nas", "the stack media on nas"),
            ("name:\"my app\"", "my app"),
            (
                "label:nightly -name:plex",
                "what is labelled nightly without plex",
            ),
            ("state:exited -stack:shop", "state:exited \u{2011}stack:shop"),
            ("", ""),
        ] {
            assert_eq!(target_words(selector), words, "{selector}");
        }
    }

    #[test]
    fn hosts_read_as_words() {
        for (selector, words) in [
            ("host:nas", "nas"),
            ("host:nas,pi", "nas and pi"),
            ("*", "every host with a container"),
            ("stack:shop", "the hosts of the stack shop"),
        ] {
            assert_eq!(host_words(selector), words, "{selector}");
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
        let step = |verb: &str| Step::new(Action::from_verb(verb).unwrap(), "*");
        assert_eq!(steps_words(&[step("stop"), step("start")]), "Stop, then start");
    }
}
