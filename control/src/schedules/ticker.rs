//! The ticker: decides every fire time once.
//!
//! It sleeps until the next schedule is due and takes what is due with `for update skip locked`, so that any number of
//! servers share the work. In one transaction each fire time is recorded, its run and queue job are made, and `next_at`
//! moves on. A fire time that somebody decided before (skipped) wins. The cost follows what is due, not what exists.

use super::{
    decide::{Missed, decide},
    definition::Definition,
};
use crate::{
    Control, Part,
    db::statement,
    error::Result,
    events::Topic,
    runs::{JobTexts, QUEUE, faults},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, ids::RunId};
use metrics::{counter, gauge};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use uuid::Uuid;

/// Schedules taken in one transaction. Smaller ones let the first runs start while the rest is decided.
const BATCH: i64 = 250;
/// The schedules are looked at although nobody rang and nothing is known to be due.
const POLL: Duration = Duration::from_secs(30);
/// What is due is locked by another server: it is deciding it.
const LOCKED: Duration = Duration::from_millis(10);
/// How often a sleeping ticker compares its two clocks.
const LOOK: Duration = Duration::from_secs(5);
/// How far they may differ before it looks at the schedules: the machine slept, or its time was set.
const JUMP: Duration = Duration::from_millis(500);
/// 2026-11-01: no machine on which this release runs is right about an earlier time. A Pi without a clock of its own
/// starts in the past until it is told the time.
const SANE: i64 = 1_793_491_200;
/// How long a sane time is waited for.
const SANE_WITHIN: Duration = Duration::from_secs(60);

/// Ticks until the control plane stops.
pub(crate) async fn run(control: &Control) {
    let stop = control.stopping();
    tokio::select! {
        () = stop.cancelled() => return,
        () = sane_time(control) => {}
    }
    loop {
        let wait = match tick(control).await {
            Ok(wait) => {
                control.beats().beat(Part::Ticker);
                wait
            }
            Err(error) => {
                tracing::warn!(error = %error, "the schedules cannot be looked at now");
                Instant::now() + Duration::from_millis(500)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = control.bells().wait(Topic::Schedules) => {}
            () = sleep_until(control, wait) => {}
        }
    }
}

/// Decides all that is due. Gives when to look again.
///
/// # Errors
/// When the database does not answer; what was not committed is undecided, and taken again.
pub(crate) async fn tick(control: &Control) -> Result<Instant> {
    loop {
        let taken = take(control).await?;
        if taken == BATCH {
            continue;
        }
        let outlook = look(control).await?;
        let poll = Instant::now() + POLL;
        return Ok(match outlook {
            None => poll,
            // Others hold it, unless it became due just now.
            Some(at) if at <= Instant::now() => {
                if taken > 0 {
                    continue;
                }
                Instant::now() + LOCKED
            }
            Some(at) => at.min(poll),
        });
    }
}

#[derive(QueryableByName)]
struct Outlook {
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_at: Option<Timestamp>,
}

/// When the next schedule is due, on this process' clock.
async fn look(control: &Control) -> Result<Option<Instant>> {
    let mut conn = control.db().conn().await?;
    let asked = Instant::now();
    let outlook: Outlook = statement(
        "select clock_timestamp() as now, \
         (select min(next_at) from schedules where next_at is not null and enabled and deleted_at is null) as next_at",
    )
    .get_result(&mut conn)
    .await?;
    // The answer's clock was read somewhere between asking and hearing.
    let heard = Instant::now();
    let read = asked + (heard - asked) / 2;
    gauge!("chrontainer_ticker_lag_seconds").set(match outlook.next_at {
        Some(next) => (outlook.now - next).as_seconds_f64().max(0.0),
        None => 0.0,
    });
    Ok(outlook.next_at.map(|next| match (next - outlook.now).to_std() {
        Ok(until) => read + until.min(Duration::from_secs(86_400)),
        Err(_) => heard,
    }))
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Jsonb)]
    triggers: Value,
    #[diesel(sql_type = Timestamptz)]
    anchor_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    next_at: Timestamp,
    /// Nothing but no-ops.
    #[diesel(sql_type = Bool)]
    is_quick: bool,
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    up_since: Option<Timestamp>,
}

/// Decides one batch. Gives how many schedules it held.
///
/// The commit does not wait for the disk. Should Postgres crash before it is there, the decision is undone with all that
/// follows from it, and taken again: no engine is asked before an intent's commit, which waits for everything before it.
async fn take(control: &Control) -> Result<i64> {
    let me = control.server_id().0;
    let mut conn = control.db().conn().await?;
    let (taken, made) = conn
        .transaction(async |conn| {
            let due: Vec<Due> = statement(
                "select s.id, s.name, s.timezone, s.triggers, s.anchor_at, s.next_at, clock_timestamp() as now, \
                   not jsonb_path_exists(s.steps, '$[*].action ? (@.type != \"noop\")') as is_quick, \
                   (select min(o.started_at) from servers o where o.id = $1 \
                      or o.seen_at > (select m.started_at from servers m where m.id = $1)) as up_since \
                 from schedules s where s.next_at <= now() and s.enabled and s.deleted_at is null \
                 order by s.next_at limit $2 for update of s skip locked",
            )
            .bind::<SqlUuid, _>(me)
            .bind::<BigInt, _>(BATCH)
            .load(conn)
            .await?;
            if due.is_empty() {
                return Ok::<_, crate::Error>((0, 0));
            }
            let mut batch = Batch::default();
            for schedule in &due {
                batch.add(schedule);
            }
            let made = batch.write(conn).await?;
            faults::point("fired");
            Ok((due.len() as i64, made))
        })
        .await?;
    faults::point("fires_committed");
    if taken > 0 {
        control.runs().ring();
        control.wake(Topic::Events);
        counter!("chrontainer_fires_total").increment(made.try_into().unwrap_or_default());
    }
    Ok(taken)
}

/// What one transaction writes, as the arrays that its statement unnests.
#[derive(Default)]
struct Batch {
    fire_schedules: Vec<Uuid>,
    fire_times: Vec<Timestamp>,
    fire_states: Vec<&'static str>,
    fire_runs: Vec<Uuid>,
    runs: Vec<Uuid>,
    run_schedules: Vec<Uuid>,
    run_states: Vec<&'static str>,
    run_times: Vec<Timestamp>,
    run_messages: Vec<Option<String>>,
    job_runs: Vec<Uuid>,
    jobs: JobTexts,
    moved: Vec<Uuid>,
    moved_to: Vec<Option<Timestamp>>,
}

impl Batch {
    fn add(&mut self, due: &Due) {
        let next = match Definition::read(&due.triggers, &due.timezone, due.anchor_at) {
            Ok(definition) => {
                let decision = decide(&definition, due.next_at, due.now, due.up_since);
                if let Some(missed) = &decision.missed {
                    self.missed(due, missed);
                }
                for fire_at in decision.run {
                    let run = RunId::new();
                    self.fire(due.id, fire_at, "claimed", run.0);
                    self.run(run.0, due.id, "queued", fire_at, None);
                    self.job_runs.push(run.0);
                    self.jobs.push(run, due.is_quick);
                }
                decision.next
            }
            Err(why) => {
                // Taken out of the way, so that it cannot stop the others. Editing or enabling it brings it back.
                tracing::error!(schedule.id = %due.id, schedule.name = %due.name, %why, "a schedule cannot be read and is set aside");
                None
            }
        };
        self.moved.push(due.id);
        self.moved_to.push(next);
    }

    /// Any number of missed times become one run, so that history shows the gap and not a thousand lines.
    fn missed(&mut self, due: &Due, missed: &Missed) {
        tracing::warn!(schedule.id = %due.id, schedule.name = %due.name, count = missed.count, "fire times were missed");
        let run = RunId::new().0;
        for fire_at in &missed.recorded {
            self.fire(due.id, *fire_at, "missed", run);
        }
        self.run(run, due.id, "missed", missed.last, Some(missed.describe()));
    }

    fn fire(&mut self, schedule: Uuid, at: Timestamp, state: &'static str, run: Uuid) {
        self.fire_schedules.push(schedule);
        self.fire_times.push(at);
        self.fire_states.push(state);
        self.fire_runs.push(run);
    }

    fn run(
        &mut self,
        run: Uuid,
        schedule: Uuid,
        state: &'static str,
        at: Timestamp,
        message: Option<String>,
    ) {
        self.runs.push(run);
        self.run_schedules.push(schedule);
        self.run_states.push(state);
        self.run_times.push(at);
        self.run_messages.push(message);
    }

    /// Gives how many runs were made.
    async fn write(self, conn: &mut AsyncPgConnection) -> Result<i64> {
        let wanted = self.fire_times.len() as i64;
        let written: Written = statement(
            "with fires as (\
               insert into schedule_fires (schedule_id, fire_at, org_id, state, run_id) \
               select t.schedule, t.fire_at, s.org_id, t.state, t.run \
               from unnest($1, $2, $3, $4) as t (schedule, fire_at, state, run) join schedules s on s.id = t.schedule \
               on conflict do nothing returning run_id), \
             made as (\
               insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, queued_at, \
                 finished_at, message) \
               select t.run, s.org_id, s.id, s.name, '{\"type\":\"schedule\"}', jsonb_build_object('steps', s.steps), \
                 s.acts_for, t.state, t.fire_at, clock_timestamp(), case t.state when 'missed' then clock_timestamp() end, \
                 t.message \
               from unnest($5, $6, $7, $8, $9) as t (run, schedule, state, fire_at, message) \
               join schedules s on s.id = t.schedule where t.run in (select run_id from fires) \
               returning id, org_id, state), \
             job as (\
               insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
               select t.id, $10, t.job, 'Pending', 0, 1, now(), 0, ''::hstore \
               from unnest($11, $12, $13) as t (run, id, job) where t.run in (select id from made)), \
             moved as (\
               update schedules s set next_at = t.next_at from unnest($14, $15) as t (id, next_at) where s.id = t.id \
               returning s.id, s.org_id), \
             event as (\
               insert into events (org_id, kind, object_id) \
               select org_id, 'run', id from made union all select org_id, 'schedule', id from moved) \
             select (select count(*) from fires) as fires, (select count(*) from made) as runs, \
               set_config('synchronous_commit', 'off', true) as durable",
        )
        .bind::<Array<SqlUuid>, _>(self.fire_schedules.clone())
        .bind::<Array<Timestamptz>, _>(self.fire_times.clone())
        .bind::<Array<Text>, _>(self.fire_states.clone())
        .bind::<Array<SqlUuid>, _>(self.fire_runs.clone())
        .bind::<Array<SqlUuid>, _>(self.runs.clone())
        .bind::<Array<SqlUuid>, _>(self.run_schedules.clone())
        .bind::<Array<Text>, _>(self.run_states.clone())
        .bind::<Array<Timestamptz>, _>(self.run_times.clone())
        .bind::<Array<Nullable<Text>>, _>(self.run_messages.clone())
        .bind::<Text, _>(QUEUE)
        .bind::<Array<SqlUuid>, _>(self.job_runs.clone())
        .bind::<Array<Text>, _>(self.jobs.ids.clone())
        .bind::<Array<Binary>, _>(self.jobs.bodies.clone())
        .bind::<Array<SqlUuid>, _>(self.moved.clone())
        .bind::<Array<Nullable<Timestamptz>>, _>(self.moved_to.clone())
        .get_result(conn)
        .await?;
        if written.fires < wanted {
            self.show_skips(conn).await?;
        }
        Ok(written.runs)
    }

    /// Fire times that were skipped in advance: history shows them too.
    async fn show_skips(&self, conn: &mut AsyncPgConnection) -> Result<()> {
        diesel::sql_query(
            "with skipped as (\
               select f.schedule_id, f.fire_at, f.reason, t.run \
               from unnest($1, $2, $3) as t (schedule, fire_at, run) \
               join schedule_fires f on f.schedule_id = t.schedule and f.fire_at = t.fire_at \
               where f.state = 'skipped' and f.run_id is null), \
             made as (\
               insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, finished_at, message) \
               select k.run, s.org_id, s.id, s.name, '{\"type\":\"schedule\"}', jsonb_build_object('steps', s.steps), s.acts_for, \
                 'skipped', k.fire_at, clock_timestamp(), coalesce(k.reason, 'Skipped.') \
               from skipped k join schedules s on s.id = k.schedule_id \
               on conflict (id) do nothing returning id, org_id), \
             event as (insert into events (org_id, kind, object_id) select org_id, 'run', id from made) \
             update schedule_fires f set run_id = k.run from skipped k join made m on m.id = k.run \
             where f.schedule_id = k.schedule_id and f.fire_at = k.fire_at",
        )
        .bind::<Array<SqlUuid>, _>(&self.fire_schedules)
        .bind::<Array<Timestamptz>, _>(&self.fire_times)
        .bind::<Array<SqlUuid>, _>(&self.fire_runs)
        .execute(conn)
        .await?;
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = BigInt)]
    fires: i64,
    #[diesel(sql_type = BigInt)]
    runs: i64,
}

/// Sleeps, but no longer than the machine's time allows: a machine that slept, or whose time was set, looks at once.
async fn sleep_until(control: &Control, end: Instant) {
    loop {
        let (running, wall) = (Instant::now(), SystemTime::now());
        let slice = end.min(running + LOOK);
        tokio::time::sleep_until(slice).await;
        if slice == end {
            return;
        }
        let ran = running.elapsed();
        let jumped = match wall.elapsed() {
            Ok(passed) => passed.abs_diff(ran) > JUMP,
            Err(_) => true,
        };
        if jumped {
            return;
        }
        control.beats().beat(Part::Ticker);
    }
}

/// Waits for a time that can be right, for at most a minute.
async fn sane_time(control: &Control) {
    let end = Instant::now() + SANE_WITHIN;
    let mut told = false;
    loop {
        let now = async { clock(&mut *control.db().conn().await?).await };
        match now.await {
            Ok(Some(now)) if now.timestamp() >= SANE => return,
            Ok(Some(now)) if Instant::now() >= end => {
                tracing::warn!(%now, "the time is wrong; schedules run by it all the same");
                return;
            }
            Ok(Some(now)) if !told => {
                told = true;
                tracing::warn!(%now, "the time cannot be right; waiting for it to be set");
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn clock(conn: &mut AsyncPgConnection) -> Result<Option<Timestamp>> {
    let outlook: Option<Outlook> =
        diesel::sql_query("select clock_timestamp() as now, null::timestamptz as next_at")
            .get_result(conn)
            .await
            .optional()?;
    Ok(outlook.map(|outlook| outlook.now))
}
