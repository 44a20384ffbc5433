//! Cancelling a run.

use super::queries;
use crate::{
    Control, audit,
    error::Result,
    events::Topic,
    schedules::rights::{require, require_to_operate},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission, Rights},
    errors::{ErrorClass, Problem},
    ids::RunId,
    runs::{RunState, RunSummary},
};
use serde_json::json;

#[derive(QueryableByName)]
struct Cancelled {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    title: String,
}

/// Asks for a run's end: one that waits ends at once; one that runs ends before its next engine call, and what an engine
/// is doing already is finished and recorded. Asking twice is no error.
///
/// # Errors
/// 403; 404; 409 `run_ended`, with the run.
pub async fn cancel(control: &Control, actor: &Actor, id: RunId) -> Result<RunSummary> {
    actor.require(Permission::RunsCancel)?;
    let mut conn = control.db().conn().await?;
    let summary = conn
        .transaction(async |conn| {
            if !Rights::of(actor).are_whole() || !actor.may(Permission::ContainersOperate) {
                let (schedule, run) = queries::planned(conn, actor.org_id, id).await?;
                match schedule {
                    Some(schedule) => require_to_operate(control, actor, schedule, &run.steps)?,
                    None => require(control, actor, &run.steps)?,
                }
            }
            let cancelled: Option<Cancelled> = diesel::sql_query(
                "with cancelled as (\
                   update runs set \
                     state = case when state in ('waiting', 'queued') then 'cancelled' else 'cancelling' end, \
                     finished_at = case when state in ('waiting', 'queued') then now() end, \
                     message = case when state in ('waiting', 'queued') then 'Cancelled by ' || $3 || ' before it started.' end, \
                     cancel_requested_at = coalesce(cancel_requested_at, now()), \
                     cancel_requested_by = coalesce(cancel_requested_by, $3) \
                   where org_id = $1 and id = $2 and state in ('waiting', 'queued', 'running') \
                   returning id, org_id, state, title), \
                 job as (delete from apalis.jobs j using cancelled c where j.id = any($4) and c.state = 'cancelled'), \
                 event as (insert into events (org_id, kind, object_id) select org_id, 'run', id from cancelled) \
                 select state, title from cancelled",
            )
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(&actor.name)
            .bind::<Array<Text>, _>(vec![super::job_id(id)])
            .get_result(conn)
            .await
            .optional()?;
            if let Some(cancelled) = &cancelled {
                audit::record(
                    conn,
                    actor,
                    audit::Entry::new("run.cancel", "run")
                        .object(id, &cancelled.title)
                        .after(json!({ "status": cancelled.state })),
                )
                .await?;
                if cancelled.state == RunState::Cancelled.as_str() {
                    super::metrics::ended(RunState::Cancelled);
                }
            }
            let summary = queries::summary(conn, actor.org_id, id)
                .await?
                .ok_or_else(|| Problem::not_found("run"))?;
            if cancelled.is_none() && summary.status.is_final() {
                return Err(Problem::new(
                    ErrorClass::Conflict,
                    "run_ended",
                    format!("This run has ended already ({}), so there is nothing to cancel.", summary.status),
                )
                .with("run", &summary)
                .into());
            }
            Ok::<_, crate::Error>(summary)
        })
        .await?;
    control.runs().leases.cancel(id);
    if summary.status.is_final() {
        super::held::after_end(control, &[id]).await;
    }
    control.wake(Topic::Events);
    Ok(summary)
}
