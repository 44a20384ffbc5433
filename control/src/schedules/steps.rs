//! What is accepted as a step, and how steps are stored: hosts and schedules by id.

use super::{references, validate};
use crate::error::Result;
use diesel::{
    QueryableByName,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    actions::Action,
    errors::Problem,
    ids::{HostId, OrgId, ScheduleId},
    schedules::{MAX_PARALLEL, Step},
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// A step that takes longer holds a place for runs, and should be several.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Checks steps. What only the database knows comes last, so that texts are refused first.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    drafts: &[Step],
    around: &validate::Around,
) -> Result<Vec<Step>> {
    let mut secrets: Vec<(String, String)> = Vec::new();
    let mut steps = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let field = format!("steps[{index}]");
        steps.push(step(draft, &field, &around.hosts)?);
        secrets.extend(crate::runs::check_variables(
            &draft.action,
            &format!("{field}.action"),
        )?);
    }
    known_secrets(conn, org, &secrets).await?;
    for (index, step) in steps.iter_mut().enumerate() {
        if let Action::RunSchedule(run) = &mut step.action {
            let field = format!("steps[{index}].action.schedule");
            run.schedule = references::id_of(conn, org, &around.file, &run.schedule, &field)
                .await?
                .to_string();
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
        retry.check_of_step(&format!("{field}.retry"))?;
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
        "select lower(name) as name from secrets where org_id = $1 and lower(name) = any($2) \
         and host_id is null and schedule_id is null",
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

/// The schedule that a step runs.
pub(super) fn run_by(step: &Step) -> Option<Uuid> {
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
