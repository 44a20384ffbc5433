//! What is accepted as a schedule. Every refusal names the field, and where it can the position in its text.

use super::{definition::Definition, guards, references};
use crate::{error::Result, schema::hosts};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    cron::CronExpression,
    errors::Problem,
    guards::Guards,
    ids::{HostId, OrgId},
    next_times::Zone,
    schedules::{MAX_NAME, MAX_STEPS, MAX_TRIGGERS, ScheduleDraft, Step, Trigger},
    selectors::Selector,
    triggers::{ExitCodes, Happening, MAX_DATES, MAX_DEBOUNCE, MAX_EXIT_CODES},
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// More often would measure the scheduler and not do anything useful.
const SHORTEST: Duration = Duration::from_secs(1);

/// A draft that was accepted, as it is stored.
#[derive(Debug)]
pub(super) struct Checked {
    pub name: String,
    pub timezone: String,
    pub triggers: Vec<Trigger>,
    /// Hosts by id.
    pub steps: Vec<Step>,
    pub guards: Guards,
    pub definition: Definition,
}

/// What drafts refer to.
pub(super) struct Around {
    /// By names in lower case.
    pub hosts: HashMap<String, HostId>,
    pub file: references::InFile,
}

impl Around {
    pub async fn load(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Self> {
        Ok(Self {
            hosts: hosts_by_name(conn, org).await?,
            file: references::InFile::default(),
        })
    }
}

/// Checks a draft. Triggers in `kept` were accepted before: a time that has passed since stays.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    draft: &ScheduleDraft,
    kept: &[Trigger],
    anchor: Timestamp,
    now: Timestamp,
) -> Result<Checked> {
    let around = Around::load(conn, org).await?;
    check_among(conn, org, &around, draft, kept, anchor, now).await
}

/// As [`check`], with what drafts refer to read already.
pub(super) async fn check_among(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    around: &Around,
    draft: &ScheduleDraft,
    kept: &[Trigger],
    anchor: Timestamp,
    now: Timestamp,
) -> Result<Checked> {
    let name = name(&draft.name, "name")?;
    let zone = zone(&draft.timezone)?;
    let mut triggers = triggers(&draft.triggers, kept, now)?;
    let definition = Definition::new(&triggers, zone.clone(), anchor)
        .map_err(|message| Problem::invalid("invalid_triggers", "triggers", message))?;
    if draft.steps.is_empty() {
        return Err(Problem::invalid(
            "no_steps",
            "steps",
            "A schedule needs at least one step: say what it does.",
        )
        .into());
    }
    if draft.steps.len() > MAX_STEPS {
        let message = format!(
            "There are {} steps; at most {MAX_STEPS} are allowed.",
            draft.steps.len()
        );
        return Err(Problem::invalid("too_many_steps", "steps", message).into());
    }
    let steps = super::steps::check(conn, org, &draft.steps, around).await?;
    let guards = guards::check(&draft.guards, &around.hosts)?;
    refer(conn, org, &mut triggers, around).await?;
    Ok(Checked {
        name,
        timezone: zone.name().to_owned(),
        triggers,
        steps,
        guards,
        definition,
    })
}

/// Hosts and schedules by id.
async fn refer(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    triggers: &mut [Trigger],
    around: &Around,
) -> Result<()> {
    for (index, trigger) in triggers.iter_mut().enumerate() {
        let field = format!("triggers[{index}]");
        match trigger {
            Trigger::Event { target, .. } => {
                let found = bound(target, &format!("{field}.target"), |name| {
                    around.hosts.get(name).copied()
                })?;
                *target = found.to_string();
            }
            Trigger::Outcome { schedule, .. } => {
                let found =
                    references::id_of(conn, org, &around.file, schedule, &format!("{field}.schedule"))
                        .await?;
                *schedule = found.to_string();
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn name(text: &str, field: &str) -> Result<String, Problem> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Problem::invalid(
            "name_empty",
            field,
            "The name is empty. Say what it is for, such as \"nightly\".",
        ));
    }
    let length = name.chars().count();
    if length > MAX_NAME {
        let message = format!("The name has {length} characters; at most {MAX_NAME} are allowed.");
        return Err(Problem::invalid("name_too_long", field, message));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "name_invalid",
            field,
            "The name holds a line break or another control character. Remove it.",
        ));
    }
    Ok(name.to_owned())
}

pub(crate) fn zone(name: &str) -> Result<Zone, Problem> {
    Zone::new(name).map_err(|error| Problem::invalid("unknown_timezone", "timezone", error.message))
}

/// Checks triggers, for saving and for the preview. A schedule without any runs by hand, or as a step of another one.
pub(super) fn triggers(
    drafts: &[Trigger],
    kept: &[Trigger],
    now: Timestamp,
) -> Result<Vec<Trigger>, Problem> {
    if drafts.len() > MAX_TRIGGERS {
        let message = format!(
            "There are {} triggers; at most {MAX_TRIGGERS} are allowed.",
            drafts.len()
        );
        return Err(Problem::invalid("too_many_triggers", "triggers", message));
    }
    let mut hooks = drafts
        .iter()
        .enumerate()
        .filter(|(_, trigger)| matches!(trigger, Trigger::Webhook { .. }));
    if let Some((index, _)) = hooks.nth(1) {
        return Err(Problem::invalid(
            "one_webhook",
            &format!("triggers[{index}]"),
            "A schedule has one webhook at most, with one secret address. Remove this one.",
        ));
    }
    drafts
        .iter()
        .enumerate()
        .map(|(index, trigger)| {
            let was_kept = kept.contains(trigger);
            checked(trigger, &format!("triggers[{index}]"), was_kept, now)
        })
        .collect()
}

fn checked(trigger: &Trigger, field: &str, was_kept: bool, now: Timestamp) -> Result<Trigger, Problem> {
    Ok(match trigger {
        Trigger::Cron { expression } => {
            let field = format!("{field}.expression");
            let parsed: CronExpression = expression.parse().map_err(|error: domain::cron::CronError| {
                Problem::invalid("invalid_cron", &field, &error.message)
                    .with("reason", error.kind.code())
                    .with("start", error.start)
                    .with("end", error.end)
            })?;
            if parsed.never_fires() {
                let message = format!("{parsed} never fires: there is no such date in any year.");
                return Err(Problem::invalid("never_fires", &field, message));
            }
            Trigger::Cron {
                expression: parsed.to_string(),
            }
        }
        Trigger::Interval { every, anchor } => {
            if every.get() < SHORTEST {
                let message = format!("Every {every} is too often: the shortest interval is 1s.");
                return Err(Problem::invalid(
                    "interval_too_short",
                    &format!("{field}.every"),
                    message,
                ));
            }
            Trigger::Interval {
                every: *every,
                anchor: *anchor,
            }
        }
        Trigger::Once { at } => {
            if *at <= now && !was_kept {
                let message = format!(
                    "{} has passed already, so it would never run. Choose a time to come.",
                    at.format("%Y-%m-%d %H:%M:%S UTC")
                );
                return Err(Problem::invalid("in_the_past", &format!("{field}.at"), message));
            }
            Trigger::Once { at: *at }
        }
        Trigger::Dates { at } => Trigger::Dates {
            at: dates(at, &format!("{field}.at"), was_kept, now)?,
        },
        Trigger::Webhook { signed } => Trigger::Webhook { signed: *signed },
        Trigger::Event { .. } => event(trigger, field)?,
        Trigger::Outcome { schedule, of } => {
            if schedule.trim().is_empty() {
                return Err(Problem::invalid(
                    "schedule_empty",
                    &format!("{field}.schedule"),
                    "Say which schedule's outcome is waited for.",
                ));
            }
            Trigger::Outcome {
                schedule: schedule.clone(),
                of: *of,
            }
        }
    })
}

/// Dates in order, each once.
fn dates(
    dates: &[Timestamp],
    field: &str,
    was_kept: bool,
    now: Timestamp,
) -> Result<Vec<Timestamp>, Problem> {
    let mut dates = dates.to_vec();
    dates.sort_unstable();
    dates.dedup();
    if dates.is_empty() || dates.len() > MAX_DATES {
        let message = format!(
            "There are {} dates; from 1 to {MAX_DATES} are allowed.",
            dates.len()
        );
        return Err(Problem::invalid("dates_invalid", field, message));
    }
    if !was_kept && dates.last().is_some_and(|last| *last <= now) {
        return Err(Problem::invalid(
            "in_the_past",
            field,
            "All of these dates have passed already, so it would never run. Add one to come.",
        ));
    }
    Ok(dates)
}

fn event(trigger: &Trigger, field: &str) -> Result<Trigger, Problem> {
    let mut checked = trigger.clone();
    let Trigger::Event {
        on,
        exit_codes,
        health,
        target,
        debounce,
    } = &mut checked
    else {
        return Ok(checked);
    };
    on.sort_unstable();
    on.dedup();
    let refused = |code: &str, part: &str, message: String| {
        Err(Problem::invalid(code, &format!("{field}.{part}"), message))
    };
    if on.is_empty() {
        return refused(
            "no_events",
            "on",
            "Say what must happen: die, oom, health_status, start or stop.".to_owned(),
        );
    }
    if exit_codes.is_some() && !on.contains(&Happening::Die) {
        return refused(
            "exit_codes_unused",
            "exit_codes",
            "Only die has an exit code. Add die, or leave the exit codes out.".to_owned(),
        );
    }
    if let Some(ExitCodes::List(list)) = exit_codes {
        list.sort_unstable();
        list.dedup();
        if list.is_empty() || list.len() > MAX_EXIT_CODES {
            return refused(
                "exit_codes_invalid",
                "exit_codes",
                format!("From 1 to {MAX_EXIT_CODES} exit codes can be named, or \"nonzero\"."),
            );
        }
    }
    if health.is_some() && !on.contains(&Happening::HealthStatus) {
        return refused(
            "health_unused",
            "health",
            "Only health_status tells a health. Add health_status, or leave the health out.".to_owned(),
        );
    }
    if debounce.get() > Duration::from_secs(MAX_DEBOUNCE) {
        return refused(
            "out_of_range",
            "debounce",
            format!("Events can gather for 1h at most, not for {debounce}."),
        );
    }
    let selector =
        Selector::parse_target(target).map_err(|error| error.problem(&format!("{field}.target")))?;
    *target = selector.to_string();
    Ok(checked)
}

/// A target with its hosts by id. `find` gets names in lower case.
pub(super) fn bound(
    target: &str,
    field: &str,
    find: impl Fn(&str) -> Option<HostId>,
) -> Result<Selector, Problem> {
    Selector::parse_target(target)
        .and_then(|selector| selector.bind_hosts(|name| find(&name.to_lowercase())))
        .map_err(|error| error.problem(field))
}

async fn hosts_by_name(conn: &mut AsyncPgConnection, org: OrgId) -> Result<HashMap<String, HostId>> {
    let rows: Vec<(Uuid, String)> = hosts::table
        .filter(hosts::org_id.eq(org.0))
        .select((hosts::id, hosts::name))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| (name.to_lowercase(), HostId(id)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::durations::HumanDuration;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn refused(trigger: Trigger) -> Problem {
        triggers(&[trigger], &[], now()).unwrap_err()
    }

    fn cron(text: &str) -> Trigger {
        Trigger::Cron {
            expression: text.to_owned(),
        }
    }

    #[test]
    fn refusals_name_the_field_and_the_place() {
        let problem = refused(cron("0 25 * * *"));
        assert_eq!(problem.code, "invalid_cron");
        assert_eq!(problem.details["field"], "triggers[0].expression");
        assert_eq!(
            (&problem.details["start"], &problem.details["end"]),
            (&2.into(), &4.into())
        );
        assert_eq!(refused(cron("0 0 31 2 *")).code, "never_fires");
        let interval = Trigger::Interval {
            every: HumanDuration::ZERO,
            anchor: None,
        };
        assert_eq!(refused(interval).code, "interval_too_short");
        assert!(zone("Berlin").unwrap_err().message.contains("Europe/Berlin"));
    }

    #[test]
    fn a_time_that_has_passed_is_refused_unless_it_was_there_before() {
        let once = Trigger::Once { at: now() };
        assert_eq!(refused(once.clone()).code, "in_the_past");
        assert!(triggers(std::slice::from_ref(&once), std::slice::from_ref(&once), now()).is_ok());
        let dates = Trigger::Dates {
            at: vec![now(), now() - chrono::TimeDelta::days(1)],
        };
        assert_eq!(refused(dates.clone()).code, "in_the_past");
        assert!(triggers(std::slice::from_ref(&dates), std::slice::from_ref(&dates), now()).is_ok());
    }

    #[test]
    fn dates_are_kept_in_order_and_counted() {
        let day = |n: i64| now() + chrono::TimeDelta::days(n);
        let at = vec![day(3), day(-1), day(3), day(1)];
        let checked = triggers(&[Trigger::Dates { at }], &[], now()).unwrap();
        assert_eq!(
            checked,
            [Trigger::Dates {
                at: vec![day(-1), day(1), day(3)]
            }]
        );
        for wrong in [Vec::new(), (0..367).map(day).collect()] {
            assert_eq!(refused(Trigger::Dates { at: wrong }).code, "dates_invalid");
        }
    }

    #[test]
    fn an_event_says_what_nobody_can_mean() {
        let read = |value: serde_json::Value| -> Trigger { serde_json::from_value(value).unwrap() };
        for (trigger, code, field) in [
            (
                serde_json::json!({ "type": "event", "on": [], "target": "*" }),
                "no_events",
                "on",
            ),
            (
                serde_json::json!({ "type": "event", "on": ["start"], "exit_codes": "nonzero", "target": "*" }),
                "exit_codes_unused",
                "exit_codes",
            ),
            (
                serde_json::json!({ "type": "event", "on": ["die"], "exit_codes": [], "target": "*" }),
                "exit_codes_invalid",
                "exit_codes",
            ),
            (
                serde_json::json!({ "type": "event", "on": ["die"], "health": "unhealthy", "target": "*" }),
                "health_unused",
                "health",
            ),
            (
                serde_json::json!({ "type": "event", "on": ["die"], "target": "*", "debounce": "2h" }),
                "out_of_range",
                "debounce",
            ),
            (
                serde_json::json!({ "type": "event", "on": ["die"], "target": "web" }),
                "invalid_selector",
                "target",
            ),
            (
                serde_json::json!({ "type": "outcome", "schedule": " ", "of": "any" }),
                "schedule_empty",
                "schedule",
            ),
        ] {
            let problem = refused(read(trigger));
            assert_eq!(problem.code, code);
            assert_eq!(problem.details["field"], format!("triggers[0].{field}"));
        }
        let hook = Trigger::Webhook { signed: false };
        let problem = triggers(&[hook.clone(), cron("0 3 * * *"), hook], &[], now()).unwrap_err();
        assert_eq!(
            (problem.code.as_str(), &problem.details["field"]),
            ("one_webhook", &"triggers[2]".into())
        );
    }
}
