//! What is accepted as a step, and how steps are stored: hosts and schedules by id.

use super::validate;
use crate::error::Result;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    actions::Action,
    errors::Problem,
    ids::{HostId, OrgId, ScheduleId},
    schedules::{MAX_PARALLEL, Step},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use uuid::Uuid;

/// A step that takes longer holds a place for runs, and should be several.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Checks steps. What only the database knows comes last, so that texts are refused first.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    drafts: &[Step],
    hosts: &HashMap<String, HostId>,
) -> Result<Vec<Step>> {
    let mut secrets: Vec<(String, String)> = Vec::new();
    let mut steps = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let field = format!("steps[{index}]");
        steps.push(step(draft, &field, hosts)?);
        secrets.extend(crate::runs::check_variables(
            &draft.action,
            &format!("{field}.action"),
        )?);
    }
    known_secrets(conn, org, &secrets).await?;
    for (index, step) in steps.iter_mut().enumerate() {
        if let Action::RunSchedule(run) = &mut step.action {
            run.schedule = schedule(conn, org, &run.schedule, index).await?.to_string();
        }
    }
    Ok(steps)
}

fn step(draft: &Step, field: &str, hosts: &HashMap<String, HostId>) -> Result<Step, Problem> {
    let own_name = match draft.name.as_deref().map(str::trim).filter(|own| !own.is_empty()) {
        Some(own) => Some(validate::name(own, &format!("{field}.name"))?),
        None => None,
    };
    draft.action.check(&format!("{field}.action"))?;
    if let Some(retry) = &draft.retry {
        retry.check(&format!("{field}.retry"))?;
    }
    if let Some(timeout) = draft.timeout
        && (timeout.is_zero() || timeout.get() > LONGEST_TIMEOUT)
    {
        return Err(Problem::invalid(
            "timeout_invalid",
            &format!("{field}.timeout"),
            format!("A time limit of {timeout} cannot be kept: it is more than nothing, and at most 7d."),
        ));
    }
    if draft
        .max_parallel
        .is_some_and(|most| !(1..=MAX_PARALLEL).contains(&most))
    {
        return Err(Problem::invalid(
            "max_parallel_invalid",
            &format!("{field}.max_parallel"),
            format!("At once are from 1 to {MAX_PARALLEL} targets."),
        ));
    }
    let target = if draft.target.trim().is_empty() && !draft.action.needs_target() {
        String::new()
    } else {
        validate::bound(&draft.target, &format!("{field}.target"), |name| {
            hosts.get(name).copied()
        })?
        .to_string()
    };
    Ok(Step {
        name: own_name,
        target,
        ..draft.clone()
    })
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn known_secrets(conn: &mut AsyncPgConnection, org: OrgId, wanted: &[(String, String)]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = wanted.iter().map(|(_, name)| name.to_lowercase()).collect();
    let known: Vec<Name> = diesel::sql_query(
        "select lower(name) as name from secrets where org_id = $1 and lower(name) = any($2)",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Array<Text>, _>(names)
    .load(conn)
    .await?;
    let missing = wanted
        .iter()
        .find(|(_, name)| !known.iter().any(|known| known.name == name.to_lowercase()));
    match missing {
        None => Ok(()),
        Some((field, name)) => Err(Problem::invalid(
            "unknown_secret",
            field,
            format!("There is no secret with the name {name}. Store it first, or correct the name."),
        )
        .into()),
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// A schedule by its id or name.
async fn schedule(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    wanted: &str,
    index: usize,
) -> Result<ScheduleId> {
    let found: Option<Id> = diesel::sql_query(
        "select id from schedules where org_id = $1 and deleted_at is null and (id::text = lower($2) or lower(name) = lower($2))",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(wanted.trim())
    .get_result(conn)
    .await
    .optional()?;
    match found {
        Some(found) => Ok(ScheduleId(found.id)),
        None => Err(Problem::invalid(
            "unknown_schedule",
            &format!("steps[{index}].action.schedule"),
            format!("There is no schedule with the name or id {wanted}. It may have been deleted."),
        )
        .into()),
    }
}

#[derive(QueryableByName)]
struct Chained {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    steps: Value,
}

/// Refuses steps that would run their own schedule again, over however many others. A new schedule is run by none.
///
/// # Errors
/// 422 `schedules_in_a_circle`.
pub(super) async fn no_circle(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    own: ScheduleId,
    steps: &[Step],
) -> Result<()> {
    for (index, step) in steps.iter().enumerate() {
        let Some(first) = run_by(step) else { continue };
        let mut seen: HashSet<Uuid> = HashSet::new();
        let mut ahead = vec![first];
        let mut way: Vec<String> = Vec::new();
        loop {
            if ahead.contains(&own.0) {
                let over = if way.is_empty() {
                    String::new()
                } else {
                    format!(" over {}", way.join(", "))
                };
                return Err(Problem::invalid(
                    "schedules_in_a_circle",
                    &format!("steps[{index}].action.schedule"),
                    format!("This schedule would run itself{over}, without end. Choose another one."),
                )
                .into());
            }
            ahead.retain(|id| seen.insert(*id));
            if ahead.is_empty() {
                break;
            }
            let next: Vec<Chained> = diesel::sql_query(
                "select id, name, steps from schedules where org_id = $1 and id = any($2) and deleted_at is null",
            )
            .bind::<SqlUuid, _>(org.0)
            .bind::<Array<SqlUuid>, _>(&ahead)
            .load(conn)
            .await?;
            ahead.clear();
            for schedule in next {
                let steps: Vec<Step> = serde_json::from_value(schedule.steps).unwrap_or_default();
                let runs: Vec<Uuid> = steps.iter().filter_map(run_by).collect();
                if !runs.is_empty() && schedule.id != own.0 {
                    way.push(schedule.name);
                }
                ahead.extend(runs);
            }
        }
    }
    Ok(())
}

/// The schedule that a step runs.
fn run_by(step: &Step) -> Option<Uuid> {
    match &step.action {
        Action::RunSchedule(run) => run.schedule.parse::<ScheduleId>().ok().map(|id| id.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_stored_by_host_id() {
        let local = HostId::new();
        let hosts = HashMap::from([("local".to_owned(), local)]);
        let draft = |action, target: &str| Step {
            name: Some("  ".to_owned()),
            ..Step::new(action, target)
        };
        let restart = Action::from_verb("restart").unwrap();
        let stored = step(&draft(restart.clone(), "host:LOCAL name:web"), "steps[0]", &hosts).unwrap();
        assert!(stored.target.contains(&local.to_string()), "{}", stored.target);
        assert_eq!(stored.name, None);
        for (target, reason) in [
            ("host:gone name:web", "unknown_host"),
            ("web", "bare_word"),
            ("", "empty_target"),
        ] {
            let problem = step(&draft(restart.clone(), target), "steps[0]", &hosts).unwrap_err();
            assert_eq!(
                (problem.code.as_str(), &problem.details["reason"]),
                ("invalid_selector", &reason.into())
            );
            assert_eq!(problem.details["field"], "steps[0].target");
        }
        assert_eq!(
            step(&draft(Action::Noop, " "), "steps[0]", &hosts)
                .unwrap()
                .target,
            ""
        );
        let endless = Step {
            timeout: Some(domain::durations::HumanDuration::ZERO),
            ..draft(Action::Noop, "")
        };
        let problem = step(&endless, "steps[0]", &hosts).unwrap_err();
        assert_eq!(problem.details["field"], "steps[0].timeout");
    }
}
