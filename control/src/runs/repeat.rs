//! Doing a run again: all of it, or what failed.

use super::{NewRun, queries, start};
use crate::{
    Control, audit,
    error::{Error, Result},
    events::Topic,
    schedules,
    schema::{run_steps, run_targets, runs},
};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{ContainerId, HostId, RunId, ScheduleId},
    runs::{Only, RunPlan, RunState, RunSummary, RunTrigger, TargetState},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Does again what failed: targets that succeeded are left alone, steps that never began are done. The new run acts for
/// the person who asks.
///
/// # Errors
/// 403; 404; 409 `run_open` while it is not over, `nothing_to_retry` when nothing failed, `run_unreadable`.
pub async fn retry(control: &Control, actor: &Actor, id: RunId) -> Result<RunSummary> {
    repeat(control, actor, id, true).await
}

/// Does a run again from its beginning, with the same steps and inputs.
///
/// # Errors
/// 403; 404; 409 `run_open`, `run_unreadable`.
pub async fn rerun(control: &Control, actor: &Actor, id: RunId) -> Result<RunSummary> {
    repeat(control, actor, id, false).await
}

async fn repeat(control: &Control, actor: &Actor, id: RunId, only_failed: bool) -> Result<RunSummary> {
    actor.require(Permission::SchedulesRun)?;
    let mut conn = control.db().conn().await?;
    let summary = conn
        .transaction(async |conn| {
            let found: Option<(String, String, Value, Option<Uuid>, i32)> = runs::table
                .filter(runs::org_id.eq(actor.org_id.0))
                .filter(runs::id.eq(id.0))
                .select((runs::title, runs::state, runs::plan, runs::schedule_id, runs::priority))
                .first(conn)
                .await
                .optional()?;
            let (title, state, plan, schedule, priority) = found.ok_or_else(|| Problem::not_found("run"))?;
            let state = RunState::from_word(&state).unwrap_or(RunState::Unknown);
            if !state.is_final() {
                return Err(conflict("run_open", "This run is not over yet. Wait for its end, or cancel it first.").into());
            }
            let mut plan: RunPlan = serde_json::from_value(plan).map_err(|_| {
                conflict(
                    "run_unreadable",
                    "A newer release of Chrontainer planned this run, and this server cannot read it. Update the server.",
                )
            })?;
            // The new run acts for the person; a key that holds on some containers only must not reach past them by it.
            schedules::rights::require(control, actor, &plan.steps)?;
            // A person's wish begins the count of attempts anew.
            plan.attempt = 1;
            let by = actor.name.clone();
            let trigger = if only_failed {
                narrow(conn, id, &mut plan).await?;
                RunTrigger::Retry { by, of: id }
            } else {
                RunTrigger::Again { by, of: id }
            };
            let new = NewRun {
                org: actor.org_id,
                schedule: schedule.map(ScheduleId),
                title,
                trigger,
                plan: plan.cut_to(actor.limit()),
                acts_for: actor.user_id,
                scheduled_for: None,
                priority,
            };
            let made = start(conn, &new).await?;
            let action = if only_failed { "run.retry" } else { "run.again" };
            let entry = audit::Entry::new(action, "run").object(id, &new.title);
            audit::record(conn, actor, entry.after(json!({ "run": made }))).await?;
            queries::summary(conn, actor.org_id, made)
                .await?
                .ok_or_else(|| Error::Internal("a run vanished as it was made".to_owned()))
        })
        .await?;
    control.runs().ring();
    control.wake(Topic::Events);
    Ok(summary)
}

type TargetRow = (i32, String, Uuid, Uuid);

/// Leaves of a plan what did not succeed. A run that tried again before keeps what it had left out.
async fn narrow(conn: &mut AsyncPgConnection, id: RunId, plan: &mut RunPlan) -> Result<()> {
    let steps: Vec<(i32, String)> = run_steps::table
        .filter(run_steps::run_id.eq(id.0))
        .select((run_steps::step, run_steps::state))
        .load(conn)
        .await?;
    let targets: Vec<TargetRow> = run_targets::table
        .filter(run_targets::run_id.eq(id.0))
        .select((
            run_targets::step,
            run_targets::state,
            run_targets::host_id,
            run_targets::container_id,
        ))
        .load(conn)
        .await?;
    let failed = |state: &str| {
        matches!(
            TargetState::from_word(state),
            Some(TargetState::Failed | TargetState::TimedOut | TargetState::Unknown | TargetState::Cancelled)
        )
    };
    if !steps.iter().any(|(_, state)| failed(state)) {
        let message =
            "Nothing failed in this run, so there is nothing to try again. Run it again as a whole.";
        return Err(conflict("nothing_to_retry", message).into());
    }
    plan.only.clear();
    for (step, state) in &steps {
        let Ok(index) = u32::try_from(*step) else { continue };
        if state == TargetState::Succeeded.as_str() && !plan.done.contains(&index) {
            plan.done.push(index);
        }
        if !failed(state) {
            continue;
        }
        // What was held back because of a failure is a part of what is left.
        let left = targets
            .iter()
            .filter(|(of, state, ..)| of == step && state != TargetState::Succeeded.as_str());
        for (_, _, host, container) in left {
            plan.only.push(Only {
                step: index,
                host: (!host.is_nil()).then_some(HostId(*host)),
                container: (!container.is_nil()).then_some(ContainerId(*container)),
            });
        }
    }
    Ok(())
}

fn conflict(code: &str, message: &str) -> Problem {
    Problem::new(ErrorClass::Conflict, code, message)
}
