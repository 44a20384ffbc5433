//! Making runs.

use super::{JobTexts, QUEUE, idempotency, queries};
use crate::{
    Control, audit,
    error::{Error, Result},
    events::Topic,
};
use diesel::sql_types::{Array, Binary, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, RunId, ScheduleId, UserId},
    runs::{RunPlan, RunSummary, RunTrigger},
};
use serde_json::{Value, json};

/// A run to be made.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub org: OrgId,
    pub schedule: Option<ScheduleId>,
    /// The schedule's name, or what is done: "Restart web".
    pub title: String,
    pub trigger: RunTrigger,
    /// The snapshot it executes, whatever becomes of the schedule.
    pub plan: RunPlan,
    /// Whose rights it has; nobody for the system.
    pub acts_for: Option<UserId>,
    pub scheduled_for: Option<Timestamp>,
    /// Before those of a lower one, where runs wait for a place.
    pub priority: i32,
}

/// Makes a run with its queue job, in the caller's transaction. Wake [`Topic::Events`] after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn start(conn: &mut AsyncPgConnection, new: &NewRun) -> Result<RunId> {
    let id = RunId::new();
    start_as(conn, id, new).await?;
    Ok(id)
}

/// Makes a run under an id that was chosen before; one that is there already stays as it is.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn start_as(conn: &mut AsyncPgConnection, id: RunId, new: &NewRun) -> Result<()> {
    let jobs = JobTexts::of([id]);
    diesel::sql_query(
        "with run as (\
           insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, queued_at, \
             priority) \
           values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, clock_timestamp(), $12) on conflict (id) do nothing \
           returning id, org_id), \
         job as (\
           insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
           select t.id, $9, t.job, 'Pending', 0, 1, now(), $12, ''::hstore from unnest($10, $11) as t (id, job), run) \
         insert into events (org_id, kind, object_id) select org_id, 'run', id from run",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<SqlUuid, _>(new.org.0)
    .bind::<Nullable<SqlUuid>, _>(new.schedule.map(|schedule| schedule.0))
    .bind::<Text, _>(&new.title)
    .bind::<Jsonb, _>(to_json("a run's trigger", &new.trigger)?)
    .bind::<Jsonb, _>(to_json("a run's plan", &new.plan)?)
    .bind::<Nullable<SqlUuid>, _>(new.acts_for.map(|user| user.0))
    .bind::<Nullable<Timestamptz>, _>(new.scheduled_for)
    .bind::<Text, _>(QUEUE)
    .bind::<Array<Text>, _>(jobs.ids)
    .bind::<Array<Binary>, _>(jobs.bodies)
    .bind::<Integer, _>(new.priority)
    .execute(conn)
    .await?;
    Ok(())
}

/// Does something at once: a run that no schedule asked for. With a key, a repeated request gets the first one's run.
///
/// # Errors
/// 403; 422 `idempotency_key_reused` when the key came with something else before.
pub async fn start_direct(
    control: &Control,
    actor: &Actor,
    title: String,
    plan: RunPlan,
    idempotency_key: Option<&str>,
) -> Result<RunSummary> {
    actor.require(Permission::ContainersOperate)?;
    crate::schedules::rights::require(control, actor, &plan.steps)?;
    let plan = plan.cut_to(actor.limit());
    let body = to_json("a run's plan", &plan)?;
    let hash = idempotency::hash(&json!({ "title": title, "plan": body }));
    let new = NewRun {
        org: actor.org_id,
        schedule: None,
        trigger: RunTrigger::Direct {
            by: actor.name.clone(),
        },
        plan,
        acts_for: actor.user_id,
        scheduled_for: None,
        priority: 0,
        title,
    };
    let mut conn = control.db().conn().await?;
    let summary = conn
        .transaction(async |conn| {
            if let Some(key) = idempotency_key
                && let Some(stored) = idempotency::reserve(conn, actor, key, &hash).await?
            {
                return replayed(conn, actor, stored).await;
            }
            let id = start(conn, &new).await?;
            audit::record(
                conn,
                actor,
                audit::Entry::new("run.start", "run")
                    .object(id, &new.title)
                    .after(body.clone()),
            )
            .await?;
            if let Some(key) = idempotency_key {
                idempotency::keep(conn, actor, key, 202, &json!({ "run": id })).await?;
            }
            queries::summary(conn, new.org, id)
                .await?
                .ok_or_else(|| Error::Internal("a run vanished as it was made".to_owned()))
        })
        .await?;
    control.runs().ring();
    control.wake(Topic::Events);
    Ok(summary)
}

async fn replayed(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    stored: idempotency::Stored,
) -> Result<RunSummary> {
    let id = stored
        .response
        .as_ref()
        .and_then(|response| response.get("run"))
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    let run = match id {
        Some(id) => queries::summary(conn, actor.org_id, id).await?,
        None => None,
    };
    run.ok_or_else(|| {
        Problem::new(
            ErrorClass::Conflict,
            "idempotency_key_used",
            "This Idempotency-Key belongs to an earlier request whose run is no longer kept. Send a new key.",
        )
        .into()
    })
}

pub(crate) fn to_json(what: &'static str, value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|source| Error::Stored { what, source })
}
