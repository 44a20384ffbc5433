//! "Run now": a run of a schedule that no trigger asked for.

use super::{labels, queries, rights};
use crate::{
    Control, audit,
    error::{Error, Result},
    events::Topic,
    runs::{self, NewRun},
};
use diesel_async::AsyncConnection;
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    guards::Guards,
    ids::{ScheduleId, UserId},
    runs::{RunPlan, RunSummary, RunTrigger},
};

/// Runs a schedule's steps now, enabled or not; its coming fire times stay. The run acts for the person who asks; where the
/// schedule is shared with them and their own rights are not enough, for whom the schedule acts.
///
/// # Errors
/// 403; 404; 409 `schedule_unreadable`.
pub async fn run_now(control: &Control, actor: &Actor, id: ScheduleId) -> Result<RunSummary> {
    actor.require(Permission::SchedulesRun)?;
    let mut conn = control.db().conn().await?;
    let summary = conn
        .transaction(async |conn| {
            let row = queries::row(conn, actor.org_id, id).await?;
            if row.done && row.origin_place.is_some() {
                let schedule = queries::view(conn, actor.org_id, id).await?;
                labels::refuse_gone(&row, &schedule)?;
            }
            let unreadable = |_| {
                Problem::new(
                    ErrorClass::Conflict,
                    "schedule_unreadable",
                    "A newer release of Chrontainer wrote this schedule. Edit it, or update the server.",
                )
            };
            let guards: Guards = serde_json::from_value(row.guards).map_err(unreadable)?;
            let priority = guards.priority;
            let plan = RunPlan {
                steps: serde_json::from_value(row.steps).map_err(unreadable)?,
                guards: guards.of_run(),
                ..RunPlan::default()
            }
            .cut_to(actor.limit());
            rights::require_to_operate(control, actor, id, &plan.steps)?;
            let acts_for = match rights::require(control, actor, &plan.steps) {
                Ok(()) => actor.user_id,
                Err(_) => Some(UserId(row.acts_for)),
            };
            let run = runs::start(
                conn,
                &NewRun {
                    org: actor.org_id,
                    schedule: Some(id),
                    title: row.name.clone(),
                    trigger: RunTrigger::Manual {
                        by: actor.name.clone(),
                    },
                    plan,
                    acts_for,
                    scheduled_for: None,
                    priority,
                },
            )
            .await?;
            audit::record(
                conn,
                actor,
                audit::Entry::new("schedule.run", "schedule")
                    .object(id, &row.name)
                    .after(serde_json::json!({ "run": run })),
            )
            .await?;
            runs::summary(conn, actor.org_id, run)
                .await?
                .ok_or_else(|| Error::Internal("a run vanished as it was made".to_owned()))
        })
        .await?;
    control.runs().ring();
    control.wake(Topic::Events);
    Ok(summary)
}
