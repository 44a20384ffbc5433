//! Leases: which executor a run belongs to.
//!
//! A claim raises the run's epoch; every later write names it ([`Lease::fenced`]), so that an executor that lost its
//! run changes nothing any more. One statement renews all leases of this process.

use super::{jobs, log::Chunk, metrics};
use crate::{
    Control,
    db::statement,
    error::{Error, Result},
    events::Topic,
};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Array, Binary, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::Role,
    events::Event,
    ids::{OrgId, RunId, UserId},
    runs::{LogLine, RunPlan, RunState},
};
use parking_lot::Mutex;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A run that this process has just taken.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub run: RunId,
    pub org: OrgId,
    /// Nothing when this release cannot read it.
    pub plan: Option<RunPlan>,
    pub acts_for: Option<UserId>,
    /// What the person it acts for is now; nothing when gone, disabled or no member.
    pub role: Option<Role>,
    pub epoch: i32,
    pub cancelling: bool,
    pub cancelled_by: Option<String>,
}

impl Claimed {
    /// Whether an executor before this one may have begun.
    pub fn is_continued(&self) -> bool {
        self.epoch > 1
    }
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    acts_for: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    scheduled_for: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    cancel_requested_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
}

/// Takes the run, if it is queued or its lease is over. Calls at the same time share a statement.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn claim(control: &Control, run: RunId) -> Result<Option<Arc<Claimed>>> {
    let this = control.clone();
    control
        .runs()
        .claims
        .call(run, move |runs| {
            let control = this.clone();
            async move { claim_all(&control, runs).await }
        })
        .await
}

/// The commit does not wait for the disk. Should Postgres crash before it is there, the claim is undone with all that
/// follows from it: no engine is asked before the intent's commit, which waits, and with it waits everything before.
async fn claim_all(control: &Control, runs: Vec<RunId>) -> Result<Vec<Option<Arc<Claimed>>>> {
    let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    let mut conn = control.db().conn().await?;
    let rows: Vec<ClaimRow> = statement(
        "with wanted as (\
           select id from runs where id = any($1) and (state = 'queued' \
             or state in ('running', 'cancelling') and (lease_until is null or lease_until < now())) \
           order by id for update), \
         claimed as (\
           update runs r set owner = $2, epoch = r.epoch + 1, lease_until = clock_timestamp() + $3 * interval '1 second', \
             state = case r.state when 'queued' then 'running' else r.state end, \
             started_at = coalesce(r.started_at, clock_timestamp()) \
           from wanted w where r.id = w.id returning r.*) \
         select c.id, c.org_id, c.plan, c.acts_for, c.state, c.epoch, c.scheduled_for, c.started_at, \
           c.cancel_requested_by, case when u.disabled_at is null then m.role end as role, \
           set_config('synchronous_commit', 'off', true) as durable \
         from claimed c \
         left join memberships m on m.org_id = c.org_id and m.user_id = c.acts_for \
         left join users u on u.id = m.user_id",
    )
    .bind::<Array<SqlUuid>, _>(ids.clone())
    .bind::<SqlUuid, _>(control.server_id().0)
    .bind::<Double, _>(control.options().lease.as_secs_f64())
    .load(&mut conn)
    .await?;
    let mut claimed: HashMap<Uuid, Arc<Claimed>> = HashMap::with_capacity(rows.len());
    for row in rows {
        if row.epoch == 1 {
            metrics::started(row.scheduled_for, row.started_at);
        }
        let of = Claimed {
            run: RunId(row.id),
            org: OrgId(row.org_id),
            plan: serde_json::from_value(row.plan).ok(),
            acts_for: row.acts_for.map(UserId),
            role: row.role.and_then(|role| role.parse().ok()),
            epoch: row.epoch,
            cancelling: row.state == RunState::Cancelling.as_str(),
            cancelled_by: row.cancel_requested_by,
        };
        claimed.insert(row.id, Arc::new(of));
    }
    // A run that was asked for twice is given once: the second caller has nothing to do.
    Ok(ids.iter().map(|id| claimed.remove(id)).collect())
}

/// The leases that this process holds.
#[derive(Clone, Default)]
pub(crate) struct Leases(Arc<Mutex<HashMap<RunId, Held>>>);

struct Held {
    /// Tells two claims of this process apart even where a crash of Postgres gave both the same epoch.
    claim: Arc<()>,
    epoch: i32,
    renewed: Instant,
    lost: CancellationToken,
    cancelled: CancellationToken,
    /// It restarts this very server, so that nobody waits for its end here.
    ends_us: bool,
}

impl Leases {
    pub fn hold(&self, control: &Control, claimed: &Claimed) -> Lease {
        let held = Held {
            claim: Arc::default(),
            epoch: claimed.epoch,
            renewed: Instant::now(),
            lost: CancellationToken::new(),
            cancelled: CancellationToken::new(),
            ends_us: false,
        };
        if claimed.cancelling {
            held.cancelled.cancel();
        }
        let lease = Lease {
            control: control.clone(),
            run: claimed.run,
            epoch: claimed.epoch,
            claim: held.claim.clone(),
            lost: held.lost.clone(),
            cancelled: held.cancelled.clone(),
            seq: AtomicI32::new(0),
        };
        let mut all = self.0.lock();
        if let Some(before) = all.insert(claimed.run, held) {
            // An older claim of this very process: it lost its epoch.
            before.lost.cancel();
        }
        metrics::held(all.len());
        lease
    }

    /// Tells the executor in this process, if there is one, that a person asked for the run's end.
    pub fn cancel(&self, run: RunId) {
        if let Some(held) = self.0.lock().get(&run) {
            held.cancelled.cancel();
        }
    }

    /// The run is about to restart this server.
    pub fn will_end_us(&self, run: RunId) {
        if let Some(held) = self.0.lock().get_mut(&run) {
            held.ends_us = true;
        }
    }

    /// Whether something is left whose end can be awaited.
    fn are_awaited(&self) -> bool {
        self.0.lock().values().any(|held| !held.ends_us)
    }

    fn release(&self, run: RunId, claim: &Arc<()>) {
        let mut all = self.0.lock();
        if all.get(&run).is_some_and(|held| Arc::ptr_eq(&held.claim, claim)) {
            all.remove(&run);
        }
        metrics::held(all.len());
    }

    fn renewed(&self, run: RunId, epoch: i32, at: Instant) {
        if let Some(held) = self.0.lock().get_mut(&run)
            && held.epoch == epoch
        {
            held.renewed = held.renewed.max(at);
        }
    }

    fn all(&self) -> Vec<(RunId, i32)> {
        self.0
            .lock()
            .iter()
            .map(|(run, held)| (*run, held.epoch))
            .collect()
    }

    /// What the database said of the leases renewed at `at`: those it left out are lost.
    fn settle(&self, asked: &[(RunId, i32)], kept: &HashMap<RunId, bool>, at: Instant) {
        let mut all = self.0.lock();
        for (run, epoch) in asked {
            let Some(held) = all.get_mut(run).filter(|held| held.epoch == *epoch) else {
                continue;
            };
            match kept.get(run) {
                Some(cancelling) => {
                    held.renewed = held.renewed.max(at);
                    if *cancelling {
                        held.cancelled.cancel();
                    }
                }
                None => held.lost.cancel(),
            }
        }
    }

    /// Gives up those that could not be renewed for as long as they last: another server may have taken them.
    fn expire(&self, lease: Duration) {
        for held in self.0.lock().values() {
            if held.renewed.elapsed() >= lease {
                held.lost.cancel();
            }
        }
    }
}

/// Why an executor goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Another executor has the run.
    Lost,
    /// This server is going; the run is given back.
    Draining,
    /// A person asked for the end.
    Cancelled,
}

/// A held lease. Dropping it forgets it here; the database keeps it until it is over or given back.
pub(crate) struct Lease {
    pub(super) control: Control,
    pub(super) run: RunId,
    pub(super) epoch: i32,
    claim: Arc<()>,
    lost: CancellationToken,
    cancelled: CancellationToken,
    /// Numbers the chunks of the log.
    seq: AtomicI32,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.control.runs().leases.release(self.run, &self.claim);
    }
}

#[derive(QueryableByName)]
struct FenceRow {
    #[diesel(sql_type = Text)]
    state: String,
}

/// A write of an executor: what it adds to the run's counters and to its log, and which event tells of it.
#[derive(Default)]
pub(crate) struct Note<'a> {
    pub targets: i32,
    pub succeeded: i32,
    /// Where the lines belong: (step, target), -1 for the run and the step as a whole.
    pub place: (i32, i32),
    pub lines: &'a [LogLine],
    /// The run's own state is news, not only its progress.
    pub is_news: bool,
}

/// The fence of a write that goes on.
pub(super) const RENEW: &str = "with fence as (\
       update runs set lease_until = clock_timestamp() + $4 * interval '1 second', targets = targets + $5, \
         succeeded = succeeded + $6 \
       where id = $1 and epoch = $2 and owner = $3 and state in ('running', 'cancelling') returning id, org_id, state)";

/// The fence of the write that ends the run, with its state and message.
pub(super) const END: &str = "with fence as (\
       update runs set lease_until = null, finished_at = clock_timestamp(), targets = targets + $5, \
         succeeded = succeeded + $6, state = $14, message = $15 \
       where id = $1 and epoch = $2 and owner = $3 and $4 > 0 and state in ('running', 'cancelling') \
       returning id, org_id, state)";

/// What every write does beside; the binds of the change itself begin at `$14`.
const BESIDE: &str = ", line as (\
       insert into run_logs (run_id, step, ordinal, attempt, seq, chunk, size, lines) \
       select id, $7, $8, $2, $9, $10, $11, $12 from fence where $10 is not null), \
     event as (insert into events (org_id, kind, object_id) select org_id, $13, id from fence)";

pub(crate) type Query = BoxedSqlQuery<'static, Pg, SqlQuery>;

impl Lease {
    /// Why to go no further, if there is a reason. The gravest first.
    pub fn halt(&self) -> Option<Halt> {
        if self.lost.is_cancelled() {
            Some(Halt::Lost)
        } else if self.cancelled.is_cancelled() {
            Some(Halt::Cancelled)
        } else if self.control.runs().draining.is_cancelled() {
            Some(Halt::Draining)
        } else {
            None
        }
    }

    /// Resolves when there is a reason to go no further.
    pub async fn halted(&self) -> Halt {
        let draining = self.control.runs().draining.clone();
        tokio::select! {
            () = self.lost.cancelled() => Halt::Lost,
            () = self.cancelled.cancelled() => Halt::Cancelled,
            () = draining.cancelled() => Halt::Draining,
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Makes a change of this run, if it is still this executor's. `fence` is [`RENEW`] or [`END`]; `change` is nothing, or
    /// a comma and common table expressions that read from `fence`; `bind` binds their values, from `$14` on. Tries again
    /// through a restart of the database for as long as the lease lasts.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another executor has it.
    pub async fn fenced(
        &self,
        note: Note<'_>,
        fence: &str,
        change: &str,
        bind: impl Fn(Query) -> Query,
    ) -> Result<RunState> {
        let chunk = Chunk::pack(note.lines)?;
        let sql = format!("{fence}{BESIDE}{change} select state from fence");
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        let mut pause = Duration::from_millis(50);
        loop {
            // A claim that a crash of Postgres undid is made again, perhaps here, and then under the same epoch.
            if self.lost.is_cancelled() {
                return Err(Error::LeaseLost(self.run));
            }
            let asked = Instant::now();
            match self.fenced_once(&note, chunk.as_ref(), seq, &sql, &bind).await {
                Ok(Some(state)) => {
                    self.control.runs().leases.renewed(self.run, self.epoch, asked);
                    if state == RunState::Cancelling {
                        self.cancelled.cancel();
                    }
                    self.control.wake(Topic::Events);
                    return Ok(state);
                }
                Ok(None) => {
                    self.lost.cancel();
                    return Err(Error::LeaseLost(self.run));
                }
                Err(error) if error.is_transient() => {
                    tracing::debug!(run.id = %self.run, error = %error, "a write waits for the database");
                    tokio::select! {
                        () = self.lost.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn fenced_once(
        &self,
        note: &Note<'_>,
        chunk: Option<&Chunk>,
        seq: i32,
        sql: &str,
        bind: &impl Fn(Query) -> Query,
    ) -> Result<Option<RunState>> {
        let kind = if note.is_news { "run" } else { "run_progress" };
        let query = diesel::sql_query(sql)
            .into_boxed::<Pg>()
            .bind::<SqlUuid, _>(self.run.0)
            .bind::<Integer, _>(self.epoch)
            .bind::<SqlUuid, _>(self.control.server_id().0)
            .bind::<Double, _>(self.control.options().lease.as_secs_f64())
            .bind::<Integer, _>(note.targets)
            .bind::<Integer, _>(note.succeeded)
            .bind::<Integer, _>(note.place.0)
            .bind::<Integer, _>(note.place.1)
            .bind::<Integer, _>(seq)
            .bind::<Nullable<Binary>, _>(chunk.map(|chunk| chunk.bytes.clone()))
            .bind::<Integer, _>(chunk.map_or(0, |chunk| chunk.size))
            .bind::<Integer, _>(chunk.map_or(0, |chunk| chunk.lines))
            .bind::<Text, _>(kind);
        let mut conn = self.control.db().conn().await?;
        let rows: Vec<FenceRow> = bind(query).load(&mut conn).await?;
        Ok(rows
            .into_iter()
            .next()
            .map(|row| RunState::from_word(&row.state).unwrap_or(RunState::Running)))
    }

    /// Before an engine is asked: whether the lease that was renewed at `since` is still sure. A process that was stopped
    /// or a machine that slept in between asks the database again.
    pub async fn still_sure(&self, since: Moment) -> Result<()> {
        let sure = self.control.options().lease / 3;
        if since.passed() < sure {
            return Ok(());
        }
        let asked = Moment::now();
        self.fenced(Note::default(), RENEW, "", |query| query).await?;
        if asked.passed() < sure {
            Ok(())
        } else {
            Err(Error::LeaseLost(self.run))
        }
    }

    /// Gives the run back, so that another server continues at once.
    pub async fn give_back(&self) -> Result<()> {
        let mut conn = self.control.db().conn().await?;
        give_back(&mut conn, self.control.server_id().0, &[(self.run, self.epoch)]).await
    }
}

async fn give_back(conn: &mut AsyncPgConnection, owner: Uuid, held: &[(RunId, i32)]) -> Result<()> {
    let (ids, epochs): (Vec<Uuid>, Vec<i32>) = held.iter().map(|(run, epoch)| (run.0, *epoch)).unzip();
    diesel::sql_query(
        "update runs r set lease_until = now() - interval '1 second', owner = null from unnest($2, $3) as t (id, epoch) \
         where r.id = t.id and r.epoch = t.epoch and r.owner = $1 and r.state in ('running', 'cancelling')",
    )
    .bind::<SqlUuid, _>(owner)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Integer>, _>(epochs)
    .execute(conn)
    .await?;
    let runs: Vec<RunId> = held.iter().map(|(run, _)| *run).collect();
    jobs::enqueue_again(conn, &runs, Duration::ZERO).await?;
    Ok(())
}

/// A point in time by two clocks: one stands still while the machine sleeps, the other can be set.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    running: Instant,
    wall: SystemTime,
}

impl Moment {
    pub fn now() -> Self {
        Self {
            running: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// The longer of what the two clocks say has passed.
    pub fn passed(self) -> Duration {
        let wall = self.wall.elapsed().unwrap_or_else(|back| back.duration());
        self.running.elapsed().max(wall)
    }
}

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Renews all leases of this process, every third of a lease; runs until the control plane stops.
pub(super) async fn keep(control: &Control) {
    let lease = control.options().lease;
    let stop = control.stopping();
    let leases = &control.runs().leases;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(lease / 3) => {}
        }
        let asked = leases.all();
        if asked.is_empty() {
            continue;
        }
        let at = Instant::now();
        // A hung database must not keep this loop from giving up what it cannot renew.
        match tokio::time::timeout(lease / 3, renew(control, &asked)).await {
            Ok(Ok(kept)) => leases.settle(&asked, &kept, at),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, runs = asked.len(), "leases could not be renewed");
                leases.expire(lease);
            }
            Err(_) => {
                tracing::warn!(runs = asked.len(), "the database is too slow to renew leases");
                leases.expire(lease);
            }
        }
    }
}

async fn renew(control: &Control, asked: &[(RunId, i32)]) -> Result<HashMap<RunId, bool>> {
    let (ids, epochs): (Vec<Uuid>, Vec<i32>) = asked.iter().map(|(run, epoch)| (run.0, *epoch)).unzip();
    let mut conn = control.db().conn().await?;
    let rows: Vec<KeptRow> = diesel::sql_query(
        "with wanted as (\
           select r.id from runs r join unnest($2, $3) as t (id, epoch) on t.id = r.id and t.epoch = r.epoch \
           where r.owner = $1 and r.state in ('running', 'cancelling') order by r.id for update of r) \
         update runs r set lease_until = clock_timestamp() + $4 * interval '1 second' from wanted w where r.id = w.id \
         returning r.id, r.state",
    )
    .bind::<SqlUuid, _>(control.server_id().0)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Integer>, _>(epochs)
    .bind::<Double, _>(control.options().lease.as_secs_f64())
    .load(&mut conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (RunId(row.id), row.state == RunState::Cancelling.as_str()))
        .collect())
}

/// Hears of cancelled runs from any server; runs until the control plane stops.
pub(super) async fn hear_cancels(control: &Control) {
    let stop = control.stopping();
    let mut events = control.events().subscribe();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) => {
                if let Event::RunChanged { run } = &event.event
                    && run.status == RunState::Cancelling
                {
                    control.runs().leases.cancel(run.id);
                }
            }
            // What was passed over is found when the leases are renewed.
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Before this server goes: executors stop before their next engine call, what engines are doing is awaited for at most
/// `within`, and every run that is still open is given back.
pub async fn drain(control: &Control, within: Duration) {
    let local = control.runs();
    local.draining.cancel();
    let end = Instant::now() + within;
    while local.leases.are_awaited() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = local.leases.all();
    if held.is_empty() {
        return;
    }
    tracing::info!(runs = held.len(), "giving back runs that did not end in time");
    let given = async { give_back(&mut *control.db().conn().await?, control.server_id().0, &held).await };
    if let Err(error) = given.await {
        tracing::warn!(error = %error, "runs could not be given back; they are taken over when their leases end");
    }
}
