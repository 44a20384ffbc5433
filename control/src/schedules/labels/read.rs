//! What the labels of a container make, checked as what a person writes is.

use crate::{
    containers::Line,
    schedules::{guards, itself, validate},
};
use chrono::DateTime;
use domain::{
    labels::{self, LabelProblem, Labelled},
    schedules::ScheduleDraft,
};
use std::collections::HashMap;

/// Every schedule of a container's labels, or what is wrong with it.
pub(super) fn read(line: &Line) -> Vec<Labelled> {
    // Most containers have none.
    if !labels::has_any(&line.facts.labels) {
        return Vec::new();
    }
    let read = labels::read(&line.facts.labels).into_iter();
    read.map(|Labelled { name, draft }| {
        let draft = draft
            .and_then(|draft| checked(&name, draft))
            .and_then(|draft| not_itself(&name, draft, line.protected));
        Labelled { name, draft }
    })
    .collect()
}

/// Nothing that takes Chrontainer itself away.
fn not_itself(name: &str, draft: ScheduleDraft, protected: bool) -> Result<ScheduleDraft, LabelProblem> {
    let refused = draft
        .steps
        .iter()
        .find(|step| protected && step.action.refused_on_itself());
    match refused {
        None => Ok(draft),
        Some(step) => Err(LabelProblem {
            label: labels::key(name, "action"),
            message: itself::refusal(&step.action),
        }),
    }
}

/// The option by which each field of a schedule is written in labels.
fn option_of(field: &str) -> &'static str {
    match field {
        "timezone" => "timezone",
        "jitter" => "jitter",
        "timeout" => "timeout",
        field if field.starts_with("retry") => "attempts",
        field if field.starts_with("conditions") => "if",
        field if field.starts_with("catch_up") => "catch_up",
        field if field.ends_with("every") => "every",
        field if field.starts_with("triggers") => "cron",
        _ => "action",
    }
}

fn checked(name: &str, draft: ScheduleDraft) -> Result<ScheduleDraft, LabelProblem> {
    let all = || {
        validate::zone(&draft.timezone)?;
        // None of the triggers is a single time, which alone could have passed.
        validate::triggers(&draft.triggers, &[], DateTime::UNIX_EPOCH)?;
        guards::check(&draft.guards, &HashMap::new())
    };
    match all() {
        Ok(guards) => Ok(ScheduleDraft { guards, ..draft }),
        Err(problem) => Err(LabelProblem {
            label: labels::key(
                name,
                option_of(problem.details["field"].as_str().unwrap_or_default()),
            ),
            message: problem.message,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        containers::{ContainerFacts, HostRef},
        ids::{ContainerId, HostId},
    };

    fn line(facts: ContainerFacts, protected: bool) -> Line {
        Line {
            id: ContainerId::new(),
            host: HostRef {
                id: HostId::new(),
                name: "nas".to_owned(),
            },
            facts: facts.into(),
            protected,
        }
    }

    #[test]
    fn what_only_the_server_knows_is_told_by_its_label_too() {
        for (option, value, words) in [
            ("timezone", "Berlin", "Europe/Berlin"),
            ("attempts", "0", "attempts"),
            ("jitter", "3d", "too long"),
            ("timeout", "1ms", "too short"),
        ] {
            let mut facts = ContainerFacts::default();
            for (option, value) in [("cron", "0 3 * * *"), ("action", "restart"), (option, value)] {
                facts.labels.insert(labels::key("a", option), value.to_owned());
            }
            let found = read(&line(facts, false));
            let problem = found[0].draft.as_ref().unwrap_err();
            assert_eq!(problem.label, labels::key("a", option));
            assert!(
                problem.message.to_lowercase().contains(&words.to_lowercase()),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn chrontainer_is_not_stopped_by_its_own_labels() {
        let labelled = |verb: &str| {
            let mut facts = ContainerFacts::default();
            for (option, value) in [("cron", "0 3 * * *"), ("action", verb)] {
                facts.labels.insert(labels::key("a", option), value.to_owned());
            }
            facts
        };
        let read = |verb, protected| read(&line(labelled(verb), protected)).remove(0).draft;
        assert!(read("stop", false).is_ok());
        assert_eq!(read("stop", true).unwrap_err().label, "chrontainer.a.action");
        assert!(read("restart", true).is_ok());
    }
}
