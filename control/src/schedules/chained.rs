//! A run of a schedule that a step of another run asks for.

use super::{labels, queries};
use crate::{
    Control,
    error::Result,
    events::Topic,
    runs::{self, NewRun},
};
use diesel_async::AsyncConnection;
use domain::{
    errors::{ErrorClass, Problem},
    guards::Guards,
    ids::{OrgId, RunId, ScheduleId, UserId},
    runs::{RunPlan, RunTrigger},
};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Chained {
    /// Chosen and stored before, so that the run is made once.
    pub id: RunId,
    pub org: OrgId,
    pub schedule: ScheduleId,
    pub trigger: RunTrigger,
    pub acts_for: Option<UserId>,
    /// Where the run that asks for it is cut to.
    pub within: Option<String>,
}

/// Makes the run unless it is there already, and gives the schedule's name. Whether the schedule is enabled does not
/// matter: a person put it into the chain.
///
/// # Errors
/// 404; 409 `schedule_unreadable`.
pub(crate) async fn start_chained(control: &Control, chained: &Chained) -> Result<String> {
    let mut conn = control.db().conn().await?;
    let name = conn
        .transaction(async |conn| {
            let row = queries::row(conn, chained.org, chained.schedule).await?;
            if row.done && row.origin_place.is_some() {
                let schedule = queries::view(conn, chained.org, chained.schedule).await?;
                labels::refuse_gone(&row, &schedule)?;
            }
            let unreadable = |_| {
                Problem::new(
                    ErrorClass::Conflict,
                    "schedule_unreadable",
                    "A newer release of Chrontainer wrote the schedule that this step runs. Edit it, or update the server.",
                )
            };
            let guards: Guards = serde_json::from_value(row.guards).map_err(unreadable)?;
            let priority = guards.priority;
            let plan = RunPlan {
                steps: serde_json::from_value(row.steps).map_err(unreadable)?,
                guards: guards.of_run(),
                within: chained.within.clone(),
                ..RunPlan::default()
            };
            let new = NewRun {
                org: chained.org,
                schedule: Some(chained.schedule),
                title: row.name.clone(),
                trigger: chained.trigger.clone(),
                plan,
                acts_for: chained.acts_for,
                scheduled_for: None,
                    priority,
            };
            runs::start_as(conn, chained.id, &new).await?;
            Ok::<_, crate::Error>(row.name)
        })
        .await?;
    control.wake(Topic::Events);
    Ok(name)
}
