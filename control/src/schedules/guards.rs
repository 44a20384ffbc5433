//! Which guards are accepted. Every refusal names the field as the API writes it.

use super::validate::bound;
use domain::{
    durations::HumanDuration,
    errors::Problem,
    guards::{Condition, Guards, Overlap},
    ids::HostId,
};
use std::{collections::HashMap, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
/// The most runs that may wait for one schedule.
const MOST_QUEUED: u32 = 1000;
/// The most runs that are caught up after one downtime.
const MOST_CAUGHT_UP: u32 = 100;
const MOST_CONDITIONS: usize = 20;
const MOST_PARALLEL: u32 = 1000;
const HIGHEST_PRIORITY: i32 = 100;

/// Checks guards. Selectors of conditions come back with their hosts by id.
pub(super) fn check(guards: &Guards, hosts: &HashMap<String, HostId>) -> Result<Guards, Problem> {
    if guards.overlap == Overlap::Queue {
        within(guards.queue_depth, 1, MOST_QUEUED, "queue_depth", "runs may wait")?;
    }
    within(
        guards.catch_up.max,
        1,
        MOST_CAUGHT_UP,
        "catch_up.max",
        "runs can be caught up",
    )?;
    if let Some(window) = guards.catch_up.window {
        between(window, SECOND, Duration::MAX, "catch_up.window")?;
    }
    if let Some(retry) = &guards.retry {
        retry.check("retry")?;
    }
    if let Some(timeout) = guards.timeout {
        between(timeout, SECOND, 30 * DAY, "timeout")?;
    }
    if let Some(jitter) = guards.jitter {
        between(jitter, Duration::ZERO, DAY, "jitter")?;
    }
    if let Some(expect) = &guards.expect {
        between(expect.within, 10 * SECOND, Duration::MAX, "expect.within")?;
    }
    if guards.priority.abs() > HIGHEST_PRIORITY {
        return Err(Problem::invalid(
            "out_of_range",
            "priority",
            format!(
                "A priority of {} is not possible: it goes from -100 to 100.",
                guards.priority
            ),
        ));
    }
    for (limit, field) in [
        (guards.max_parallel.per_host, "max_parallel.per_host"),
        (guards.max_parallel.total, "max_parallel.total"),
    ] {
        if let Some(limit) = limit {
            within(
                limit,
                1,
                MOST_PARALLEL,
                field,
                "containers can be worked on at once",
            )?;
        }
    }
    if guards.conditions.len() > MOST_CONDITIONS {
        let message = format!(
            "There are {} conditions; at most {MOST_CONDITIONS} are allowed.",
            guards.conditions.len()
        );
        return Err(Problem::invalid("too_many_conditions", "conditions", message));
    }
    let conditions = guards
        .conditions
        .iter()
        .enumerate()
        .map(|(index, condition)| checked(condition, &format!("conditions[{index}]"), hosts))
        .collect::<Result<_, Problem>>()?;
    Ok(Guards {
        jitter: guards.jitter.filter(|jitter| !jitter.is_zero()),
        conditions,
        ..guards.clone()
    })
}

fn checked(
    condition: &Condition,
    field: &str,
    hosts: &HashMap<String, HostId>,
) -> Result<Condition, Problem> {
    Ok(match condition {
        Condition::If(_) => condition.clone(),
        Condition::UptimeAbove(than) => {
            between(
                *than,
                Duration::ZERO,
                Duration::MAX,
                &format!("{field}.uptime_above"),
            )?;
            condition.clone()
        }
        Condition::Label(text) => {
            let text = text.trim();
            let key = text.split('=').next().unwrap_or_default().trim();
            if key.is_empty() || text.chars().any(char::is_control) {
                return Err(Problem::invalid(
                    "invalid_label",
                    &format!("{field}.label"),
                    "A label is written as key=value, or as the key alone for any value. The key must not be empty.",
                ));
            }
            Condition::Label(text.to_owned())
        }
        Condition::Selector(text) => {
            let selector = bound(text, &format!("{field}.selector"), |name| {
                hosts.get(name).copied()
            })?;
            Condition::Selector(selector.to_string())
        }
    })
}

fn within(value: u32, least: u32, most: u32, field: &str, what: &str) -> Result<(), Problem> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let message = format!("{value} is not possible: from {least} to {most} {what}.");
    Err(Problem::invalid("out_of_range", field, message))
}

fn between(value: HumanDuration, least: Duration, most: Duration, field: &str) -> Result<(), Problem> {
    let shown = |limit: Duration| HumanDuration::try_from(limit).map(|limit| limit.to_string());
    if value.get() < least {
        let least = shown(least).unwrap_or_default();
        let message = format!("{value} is too short; write {least} or more.");
        return Err(Problem::invalid("too_short", field, message));
    }
    if value.get() > most {
        let most = shown(most).unwrap_or_default();
        let message = format!("{value} is too long; write {most} or less.");
        return Err(Problem::invalid("too_long", field, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn try_it(value: Value) -> Result<Guards, Problem> {
        let guards: Guards = serde_json::from_value(value).unwrap();
        check(&guards, &HashMap::new())
    }

    #[test]
    fn every_refusal_names_its_field() {
        for (value, code, field) in [
            (
                json!({"overlap": "queue", "queue_depth": 0}),
                "out_of_range",
                "queue_depth",
            ),
            (
                json!({"catch_up": {"policy": "all", "max": 0}}),
                "out_of_range",
                "catch_up.max",
            ),
            (
                json!({"catch_up": {"window": "1ms"}}),
                "too_short",
                "catch_up.window",
            ),
            (
                json!({"retry": {"attempts": 0}}),
                "attempts_invalid",
                "retry.attempts",
            ),
            (
                json!({"retry": {"attempts": 2, "initial": "1m", "max": "1s"}}),
                "too_short",
                "retry.max",
            ),
            (json!({"timeout": "1ms"}), "too_short", "timeout"),
            (json!({"jitter": "2d"}), "too_long", "jitter"),
            (json!({"expect": {"within": "1s"}}), "too_short", "expect.within"),
            (json!({"priority": 101}), "out_of_range", "priority"),
            (
                json!({"max_parallel": {"per_host": 0}}),
                "out_of_range",
                "max_parallel.per_host",
            ),
            (
                json!({"conditions": [{"label": " =x"}]}),
                "invalid_label",
                "conditions[0].label",
            ),
            (
                json!({"conditions": [{"if": "running"}, {"selector": "web"}]}),
                "invalid_selector",
                "conditions[1].selector",
            ),
        ] {
            let problem = try_it(value.clone()).unwrap_err();
            assert_eq!(
                (problem.code.as_str(), &problem.details["field"]),
                (code, &field.into()),
                "{value}: {problem}"
            );
        }
    }

    #[test]
    fn a_jitter_of_nothing_is_none() {
        assert_eq!(try_it(json!({"jitter": "0s"})).unwrap(), Guards::default());
    }
}
