//! The ticker: decides every fire time once.
//!
//! It sleeps until the next schedule is due and takes what is due with `for update skip locked`, so that any number of
//! servers share the work. In one transaction each fire time is recorded, its run and queue job are made, and `next_at`
//! moves on. A fire time that somebody decided before (skipped) wins. The cost follows what is due, not what exists.

use super::{
    batch::{Batch, Written},
    calls,
    due::{Due, closed, hold, select_due, standing},
    expected,
};
use crate::{
    Control, Part,
    db::statement,
    error::Result,
    events::Topic,
    runs::{self, faults},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::Timestamp;
use metrics::gauge;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

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
        let (outlook, done) = look(control).await?;
        let poll = Instant::now() + POLL;
        return Ok(match outlook {
            None => poll,
            // Others hold it, unless it became due just now.
            Some(at) if at <= Instant::now() => {
                if taken > 0 || done > 0 {
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
    /// The earliest time at which a held run goes on.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    held_until: Option<Timestamp>,
    /// The earliest call that nobody decided.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    called_at: Option<Timestamp>,
    /// By when the next success is expected.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expected_by: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
}

/// When there is something to do next, on this process' clock. What beside fire times is due is done at once: held runs go
/// on, calls are decided, expectations looked at. Gives how much that was.
async fn look(control: &Control) -> Result<(Option<Instant>, usize)> {
    let mut conn = control.db().conn().await?;
    let asked = Instant::now();
    let outlook: Outlook = statement(
        "select clock_timestamp() as now, \
         (select min(coalesce(due_at, next_at)) from schedules where next_at is not null and enabled and deleted_at is null) \
           as next_at, \
         (select min(held_until) from runs where state = 'waiting' and held_until is not null) as held_until, \
         (select min(due_at) from schedule_calls where decided_at is null) as called_at, \
         (select min(expected_by) from schedules where expected_by is not null and overdue_since is null and enabled \
           and deleted_at is null) as expected_by, \
         (select count(*) from schedules where overdue_since is not null and deleted_at is null) as overdue",
    )
    .get_result(&mut conn)
    .await?;
    // The answer's clock was read somewhere between asking and hearing.
    let heard = Instant::now();
    let read = asked + (heard - asked) / 2;
    drop(conn);
    gauge!("chrontainer_ticker_lag_seconds").set(match outlook.next_at {
        Some(next) => (outlook.now - next).as_seconds_f64().max(0.0),
        None => 0.0,
    });
    gauge!("chrontainer_schedules_overdue").set(outlook.overdue as f64);
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= outlook.now);
    let mut done = 0;
    if is_due(outlook.called_at) {
        done += calls::take(control).await?;
    }
    if is_due(outlook.expected_by) {
        done += expected::look(control).await?;
    }
    if is_due(outlook.held_until) {
        runs::release_due(control).await?;
        return Ok((Some(heard), done));
    }
    let next = [
        outlook.next_at,
        outlook.held_until,
        outlook.called_at,
        outlook.expected_by,
    ];
    let next = next
        .into_iter()
        .flatten()
        .min()
        .map(|next| match (next - outlook.now).to_std() {
            Ok(until) => read + until.min(Duration::from_secs(86_400)),
            Err(_) => heard,
        });
    Ok((next, done))
}

/// Decides one batch. Gives how many schedules it held.
///
/// The commit does not wait for the disk. Should Postgres crash before it is there, the decision is undone with all that
/// follows from it, and taken again: no engine is asked before an intent's commit, which waits for everything before it.
async fn take(control: &Control) -> Result<i64> {
    let me = control.server_id().0;
    let mut conn = control.db().conn().await?;
    let (taken, mut made) = conn
        .transaction(async |conn| {
            let due: Vec<Due> = statement(select_due!(
                "where coalesce(s.due_at, s.next_at) <= now() and s.next_at is not null and s.enabled and s.deleted_at is null \
                 order by coalesce(s.due_at, s.next_at) limit $2 for update of s skip locked"
            ))
            .bind::<SqlUuid, _>(me)
            .bind::<BigInt, _>(BATCH)
            .load(conn)
            .await?;
            if due.is_empty() {
                return Ok::<_, crate::Error>((0, Written::default()));
            }
            let standing = standing(conn, &due).await?;
            let closed = closed(conn, &due).await?;
            let mut batch = Batch::here(control);
            for schedule in &due {
                let hold = hold(control, &closed, schedule);
                let standing = standing.get(&schedule.id).copied().unwrap_or_default();
                batch.add(schedule, standing, hold.as_ref());
            }
            let made = batch.write(conn).await?;
            faults::point("fired");
            Ok((due.len() as i64, made))
        })
        .await?;
    faults::point("fires_committed");
    drop(conn);
    if taken > 0 {
        made.begin(control);
        control.wake(Topic::Events);
        made.count("chrontainer_fires_total");
    }
    if !made.waiting.is_empty() {
        // What they wait for may have ended before they could be seen waiting.
        runs::release(control, Some(&made.waiting)).await?;
    }
    Ok(taken)
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
    let outlook: Option<Outlook> = diesel::sql_query(
        "select clock_timestamp() as now, null::timestamptz as next_at, null::timestamptz as held_until, \
         null::timestamptz as called_at, null::timestamptz as expected_by, 0::bigint as overdue",
    )
    .get_result(conn)
    .await
    .optional()?;
    Ok(outlook.map(|outlook| outlook.now))
}
