//! What is accepted as a schedule. Every refusal names the field, and where it can the position in its text.

use super::{definition::Definition, guards};
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

/// Checks a draft. Triggers in `kept` were accepted before: a time that has passed since stays.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    draft: &ScheduleDraft,
    kept: &[Trigger],
    anchor: Timestamp,
    now: Timestamp,
) -> Result<Checked> {
    let name = name(&draft.name, "name")?;
    let zone = zone(&draft.timezone)?;
    let triggers = triggers(&draft.triggers, kept, now)?;
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
    let hosts = hosts_by_name(conn, org).await?;
    let steps = super::steps::check(conn, org, &draft.steps, &hosts).await?;
    let guards = guards::check(&draft.guards, &hosts)?;
    Ok(Checked {
        name,
        timezone: zone.name().to_owned(),
        triggers,
        steps,
        guards,
        definition,
    })
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

/// Checks triggers, for saving and for the preview.
pub(super) fn triggers(
    drafts: &[Trigger],
    kept: &[Trigger],
    now: Timestamp,
) -> Result<Vec<Trigger>, Problem> {
    if drafts.is_empty() {
        return Err(Problem::invalid(
            "no_triggers",
            "triggers",
            "A schedule needs at least one trigger: say when it runs.",
        ));
    }
    if drafts.len() > MAX_TRIGGERS {
        let message = format!(
            "There are {} triggers; at most {MAX_TRIGGERS} are allowed.",
            drafts.len()
        );
        return Err(Problem::invalid("too_many_triggers", "triggers", message));
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
    })
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
    }
}
