//! What is refused when a schedule is saved: texts that are no templates, and names that nobody knows.

use super::{Scope, environment, has_variables, words};
use domain::{
    actions::{Action, WorksOn},
    errors::Problem,
};
use minijinja::ErrorKind;
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Every name there is; those with a star hold what came with a trigger.
const KNOWN: &[&str] = &[
    "run.id",
    "run.title",
    "schedule.name",
    "trigger.*",
    "target.name",
    "host.name",
    "previous.status",
    "previous.output",
];

/// Checks every text of an action, and gives the names of the secrets that it asks for, each with its field.
///
/// # Errors
/// 422 `invalid_variables`, with the field and the place in its text.
pub(crate) fn check(action: &Action, field: &str) -> Result<Vec<(String, String)>, Problem> {
    let works_on = action.works_on();
    let mut secrets = Vec::new();
    action.clone().texts(field, &mut |field, text| {
        if has_variables(text) {
            for name in check_text(text, works_on).map_err(|wrong| wrong.problem(field))? {
                secrets.push((field.to_owned(), name));
            }
        }
        Ok(())
    })?;
    Ok(secrets)
}

/// What is wrong with a text, and where.
#[derive(Debug)]
struct Wrong {
    message: String,
    /// In characters.
    start: usize,
    end: usize,
}

impl Wrong {
    fn at(text: &str, range: Option<std::ops::Range<usize>>, message: String) -> Self {
        let chars = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        let range = range.unwrap_or(0..text.len());
        Self {
            message,
            start: chars(range.start),
            end: chars(range.end.min(text.len())),
        }
    }

    fn problem(self, field: &str) -> Problem {
        Problem::invalid("invalid_variables", field, self.message)
            .with("start", self.start)
            .with("end", self.end)
    }
}

fn check_text(text: &str, works_on: WorksOn) -> Result<BTreeSet<String>, Wrong> {
    let mut env = environment();
    let secrets: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let seen = secrets.clone();
    env.add_function("secret", move |name: String| {
        seen.lock().insert(name);
        "***"
    });
    let template = env.template_from_str(text).map_err(|error| {
        let message = format!(
            "This cannot be read: {}. Variables look like {{{{ target.name }}}}.",
            words(&error)
        );
        Wrong::at(text, error.range(), message)
    })?;
    let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    names.sort();
    for name in names {
        let Some(message) = objection(&name, works_on) else {
            continue;
        };
        return Err(Wrong::at(text, place(text, &name), message));
    }
    // Filters and functions are only looked up on the way. What fails for want of a value is judged when it has one.
    let host = if works_on == WorksOn::Nothing { "" } else { "host" };
    let trigger = json!({});
    let scope = Scope::new(&"run", "name", &trigger, host, "target", ("succeeded", "output"));
    if let Err(error) = template.render(scope.values())
        && matches!(
            error.kind(),
            ErrorKind::UnknownFilter
                | ErrorKind::UnknownFunction
                | ErrorKind::UnknownTest
                | ErrorKind::UnknownMethod
        )
    {
        let range = error.range();
        return Err(Wrong::at(
            text,
            range,
            format!("This cannot be done: {}.", words(&error)),
        ));
    }
    let names = secrets.lock().clone();
    Ok(names)
}

/// Why a name is none, as a sentence.
fn objection(name: &str, works_on: WorksOn) -> Option<String> {
    if name == "secret" || name.starts_with("secret.") {
        return None;
    }
    let is_known = KNOWN.iter().any(|known| match known.strip_suffix(".*") {
        Some(root) => name == root || name.strip_prefix(root).is_some_and(|rest| rest.starts_with('.')),
        None => name == *known,
    });
    let root = name.split('.').next().unwrap_or(name);
    if is_known {
        let lacks = works_on == WorksOn::Nothing && root == "host";
        return lacks.then(|| "This step works on no host, so it has no host.name.".to_owned());
    }
    let known: Vec<&str> = KNOWN.iter().map(|known| known.trim_end_matches(".*")).collect();
    Some(format!(
        "There is no variable {name}. There are {}, and secret('name').",
        known.join(", ")
    ))
}

/// Where a name stands in the text, as bytes.
fn place(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
    let first = name.split('.').next().unwrap_or(name);
    for wanted in [name, first] {
        let found = text.match_indices(wanted).find(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + wanted.len()..].chars().next();
            !is_part(before) && (wanted == first || !is_part(after))
        });
        if let Some((at, _)) = found {
            return Some(at..at + wanted.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(text: &str) -> Result<Vec<(String, String)>, Problem> {
        let action: Action =
            serde_json::from_value(json!({ "type": "exec", "command": ["echo", text] })).unwrap();
        check(&action, "steps[0].action")
    }

    #[test]
    fn what_is_known_passes() {
        for text in [
            "plain {text}",
            "{{ target.name }} {{ host.name }} {{ run.id }}",
            "{{ trigger.payload.a.b }}",
            "{% for x in trigger.payload.list %}{{ x }}{% endfor %}",
            "{{ previous.output | trim }}",
        ] {
            exec(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        }
        let secrets = exec("{{ secret('token') }}").unwrap();
        assert_eq!(
            secrets,
            [("steps[0].action.command[1]".to_owned(), "token".to_owned())]
        );
    }

    #[test]
    fn what_is_not_is_refused_with_its_place() {
        for (text, start, end) in [
            ("ä {{ targt.name }}", 5, 15),
            ("{{ target.nme }}", 3, 13),
            ("{{ target.name }", 0, 16),
            ("{{ previous.output | nonsense }}", 0, 0),
        ] {
            let problem = exec(text).expect_err(text);
            assert_eq!(problem.code, "invalid_variables", "{text}");
            assert_eq!(problem.details["field"], "steps[0].action.command[1]");
            if end > 0 && text.contains("}}") {
                assert_eq!(
                    (&problem.details["start"], &problem.details["end"]),
                    (&json!(start), &json!(end)),
                    "{text}: {problem}"
                );
            }
        }
        for (action, field) in [
            (
                json!({ "type": "exec", "command": ["id"], "user": "{{ targt.name }}" }),
                "a.user",
            ),
            (
                json!({ "type": "exec", "command": ["id"], "workdir": "/{{ x }}" }),
                "a.workdir",
            ),
            (
                json!({ "type": "run", "image": "a", "mounts": [{ "source": "{{ y }}", "target": "/d" }] }),
                "a.mounts[0].source",
            ),
            (
                json!({ "type": "run", "image": "a", "network": "{{ z }}" }),
                "a.network",
            ),
        ] {
            let action: Action = serde_json::from_value(action).unwrap();
            assert_eq!(check(&action, "a").unwrap_err().details["field"], field);
        }
        let http: Action =
            serde_json::from_value(json!({ "type": "http", "url": "https://{{ host.name }}/" })).unwrap();
        assert!(check(&http, "a").unwrap_err().message.contains("no host"));
    }
}
