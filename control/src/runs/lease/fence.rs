//! The writes of an executor: each names the epoch of its lease, and changes nothing once the run has another.

use super::{Lease, Moment};
use crate::{
    error::{Error, Result},
    events::Topic,
    runs::log::Chunk,
};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Binary, Double, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::runs::{LogLine, RunState};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::time::Instant;

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
pub(in crate::runs) const RENEW: &str = "with fence as (\
       update runs set lease_until = clock_timestamp() + $4 * interval '1 second', targets = targets + $5, \
         succeeded = succeeded + $6 \
       where id = $1 and epoch = $2 and owner = $3 and state in ('running', 'cancelling') returning id, org_id, state)";

/// The fence of the write that ends the run, with its state and message.
pub(in crate::runs) const END: &str = "with fence as (\
       update runs set lease_until = null, finished_at = clock_timestamp(), targets = targets + $5, \
         succeeded = succeeded + $6, state = $14, message = $15 \
       where id = $1 and epoch = $2 and owner = $3 and $4 > 0 and state in ('running', 'cancelling') \
       returning id, org_id, state, schedule_id, title, message, started_at), \
     ended as (select id, org_id, schedule_id, title, state, message, started_at is not null as began from fence)";

/// What every write does beside; the binds of the change itself begin at `$14`.
const BESIDE: &str = ", line as (\
       insert into run_logs (run_id, step, ordinal, attempt, seq, chunk, size, lines) \
       select id, $7, $8, $2, $9, $10, $11, $12 from fence where $10 is not null), \
     event as (insert into events (org_id, kind, object_id) select org_id, $13, id from fence)";

pub(crate) type Query = BoxedSqlQuery<'static, Pg, SqlQuery>;

impl Lease {
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
}
