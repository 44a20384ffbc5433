//! Held runs: recorded, but waiting for the end of another run or for a time.
//!
//! Whoever ends a run looks afterwards whether another waited for that, and whoever makes a run wait looks once more after
//! its commit; so at least one of the two sees both, and nobody has to poll. The sweep does the same for those that died in
//! between.

use super::jobs::JobTexts;
use crate::{
    Control, blackouts::Blackouts, db::statement, error::Result, events::Topic, runs::faults, schedules,
};
use diesel::{
    QueryableByName,
    sql_types::{Array, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, blackouts::BlackoutPolicy, ids::RunId, runs::RunPlan};
use serde_json::Value;
use uuid::Uuid;

/// `held_for`: an earlier run of the same schedule.
pub(crate) const HELD_BY_OVERLAP: &str = "overlap";
/// `held_for`: a blackout.
pub(crate) const HELD_BY_BLACKOUT: &str = "blackout";

/// After runs ended: starts what waited for them, and tells of what their ends called and of those that are no longer
/// overdue. What goes wrong is told and left to the sweep.
pub(crate) async fn after_end(control: &Control, ended: &[RunId]) {
    if ended.is_empty() {
        return;
    }
    let looked = async {
        let mut conn = control.db().conn().await?;
        let after = after(&mut conn, ended).await?;
        drop(conn);
        if after.is_called {
            control.wake(Topic::Schedules);
        }
        if after.is_awaited {
            schedules::recover(control).await?;
        }
        if after.waiting.is_empty() {
            return Ok(0);
        }
        release(control, Some(&after.waiting)).await
    };
    if let Err(error) = looked.await {
        tracing::warn!(error = %error, "runs that waited could not be started now");
    }
}

/// What follows from the ends of some runs.
#[derive(QueryableByName)]
struct After {
    /// The schedules of which other runs wait.
    #[diesel(sql_type = Array<SqlUuid>)]
    waiting: Vec<Uuid>,
    /// Schedules are called that nobody decided yet.
    #[diesel(sql_type = Bool)]
    is_called: bool,
    /// Their schedules were overdue.
    #[diesel(sql_type = Bool)]
    is_awaited: bool,
}

async fn after(conn: &mut AsyncPgConnection, ended: &[RunId]) -> Result<After> {
    Ok(statement(
        "select array(select distinct w.schedule_id from runs e join runs w on w.schedule_id = e.schedule_id \
             and w.state = 'waiting' and w.held_until is null where e.id = any($1)) as waiting, \
           exists (select 1 from schedule_calls where decided_at is null and due_at <= clock_timestamp()) as is_called, \
           exists (select 1 from schedules s where s.overdue_since is not null and s.id in (\
             select e.schedule_id from runs e where e.id = any($1) and e.state = 'succeeded')) as is_awaited",
    )
    .bind::<Array<SqlUuid>, _>(ended.iter().map(|run| run.0).collect::<Vec<_>>())
    .get_result(conn)
    .await?)
}

/// A waiting run that no other run holds any more.
#[derive(QueryableByName)]
struct Ready {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Integer)]
    priority: i32,
    #[diesel(sql_type = Bool)]
    is_quick: bool,
    #[diesel(sql_type = Bool)]
    has_blackouts: bool,
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
}

/// Puts waiting runs that nothing holds any more into the queue: of these schedules, or of all. One that has to be alone
/// starts when no other of its schedule is open, the oldest first; what a blackout holds waits on or is skipped. Gives how
/// many were put into the queue.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn release(control: &Control, schedules: Option<&[Uuid]>) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    let mut changed = 0;
    let released = conn
        .transaction(async |conn| {
            // Two who look at once choose the same run; the second finds it queued and leaves it.
            let ready: Vec<Ready> = statement(
                "select w.id, w.org_id, w.schedule_id, w.plan, w.priority, clock_timestamp() as now, \
                   not jsonb_path_exists(w.plan, '$.steps[*].action ? (@.type != \"noop\")') as is_quick, \
                   exists (select 1 from blackouts b where b.org_id = w.org_id and b.enabled) as has_blackouts \
                 from runs w \
                 where w.state = 'waiting' and w.schedule_id is not null and w.held_until is null \
                   and ($1 is null or w.schedule_id = any($1)) \
                   and (not w.alone or not exists (select 1 from runs o where o.schedule_id = w.schedule_id \
                     and (o.state in ('queued', 'running', 'cancelling') \
                       or o.state = 'waiting' and o.alone and o.held_until is null and o.id < w.id))) \
                 order by w.id limit 1000 for update of w",
            )
            .bind::<Nullable<Array<SqlUuid>>, _>(schedules.map(<[Uuid]>::to_vec))
            .load(conn)
            .await?;
            let ready = hold(control, conn, ready, &mut changed).await?;
            if ready.is_empty() {
                return Ok::<_, crate::Error>(0);
            }
            let mut jobs = JobTexts::default();
            for run in &ready {
                jobs.push(RunId(run.id), run.is_quick);
            }
            statement(
                "with released as (\
                   update runs set state = 'queued', queued_at = clock_timestamp(), message = null where id = any($5) \
                   returning id, org_id), \
                 event as (insert into events (org_id, kind, object_id) select org_id, 'run', id from released) \
                 insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
                 select t.id, $1, t.job, 'Pending', 0, 1, now(), t.priority, ''::hstore \
                 from unnest($2, $3, $4) as t (id, job, priority) on conflict (id) do nothing",
            )
            .bind::<Text, _>(super::QUEUE)
            .bind::<Array<Text>, _>(jobs.ids)
            .bind::<Array<Binary>, _>(jobs.bodies)
            .bind::<Array<Integer>, _>(ready.iter().map(|run| run.priority).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ready.iter().map(|run| run.id).collect::<Vec<_>>())
            .execute(conn)
            .await?;
            faults::point("releasing");
            Ok(ready.len())
        })
        .await?;
    if released > 0 {
        control.runs().ring();
    }
    if released + changed > 0 {
        control.wake(Topic::Events);
    }
    Ok(released)
}

/// Takes those out that a blackout holds now: they wait for its end or are skipped.
async fn hold(
    control: &Control,
    conn: &mut AsyncPgConnection,
    ready: Vec<Ready>,
    changed: &mut usize,
) -> Result<Vec<Ready>> {
    let mut orgs: Vec<Uuid> = ready
        .iter()
        .filter(|run| run.has_blackouts)
        .map(|run| run.org_id)
        .collect();
    orgs.sort_unstable();
    orgs.dedup();
    let blackouts = Blackouts::load(conn, orgs).await?;
    let (mut free, mut held, mut states) = (Vec::new(), Vec::new(), Vec::new());
    let (mut until, mut messages) = (Vec::new(), Vec::new());
    for run in ready {
        let plan: Option<RunPlan> = if blackouts.are_on_containers() {
            serde::Deserialize::deserialize(&run.plan).ok()
        } else {
            None
        };
        let steps = plan
            .as_ref()
            .map(|plan| plan.steps.as_slice())
            .unwrap_or_default();
        match blackouts.hold(control, run.org_id, run.schedule_id, run.now, steps) {
            None => free.push(run),
            Some(hold) => {
                let waits = hold.policy == BlackoutPolicy::Postpone;
                held.push(run.id);
                states.push(if waits { "waiting" } else { "skipped" });
                until.push(waits.then_some(hold.until));
                messages.push(hold.describe());
            }
        }
    }
    if !held.is_empty() {
        *changed += held.len();
        statement(
            "with held as (\
               update runs r set state = t.state, held_until = t.until, held_for = 'blackout', message = t.message, \
                 finished_at = case t.state when 'skipped' then clock_timestamp() end \
               from unnest($1, $2, $3, $4) as t (id, state, until, message) where r.id = t.id returning r.id, r.org_id) \
             insert into events (org_id, kind, object_id) select org_id, 'run', id from held",
        )
        .bind::<Array<SqlUuid>, _>(held)
        .bind::<Array<Text>, _>(states)
        .bind::<Array<Nullable<Timestamptz>>, _>(until)
        .bind::<Array<Text>, _>(messages)
        .execute(conn)
        .await?;
    }
    Ok(free)
}

/// Lets runs go on that were held until a time which has come: they start, or wait for others like any.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn release_due(control: &Control) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    statement(
        "with due as (select id from runs where state = 'waiting' and held_until <= clock_timestamp() \
           order by id for update skip locked) \
         update runs r set held_until = null, message = 'Waits for the run before it to end.' from due d where r.id = d.id",
    )
    .execute(&mut conn)
    .await?;
    drop(conn);
    release(control, None).await
}
