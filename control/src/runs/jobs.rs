//! The queue's side of a run: one job per run, under an id made from the run's.

use crate::{db::statement, error::Result};
use diesel::sql_types::{Array, Binary, Double, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::RunId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The name of the queue (`job_type` in the queue's table).
pub const QUEUE: &str = "runs";

/// What the queue carries: the run's id, and what cannot become stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunJob {
    pub run: RunId,
    /// It touches nothing, so that it needs no slot of the worker.
    #[serde(default)]
    pub quick: bool,
}

/// The job's id: the 128 bits of the run's, written as the queue wants them (ULID, Crockford's base 32). One run has one
/// job, whoever enqueues it.
pub fn job_id(run: RunId) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = run.0.as_u128();
    (0..26)
        .rev()
        .map(|place| char::from(DIGITS[(bits >> (place * 5)) as usize & 31]))
        .collect()
}

/// Ids and bodies of jobs, as the two arrays that the statements unnest.
#[derive(Debug, Default)]
pub(crate) struct JobTexts {
    pub ids: Vec<String>,
    pub bodies: Vec<Vec<u8>>,
}

impl JobTexts {
    pub fn of(runs: impl IntoIterator<Item = RunId>) -> Self {
        let mut jobs = Self::default();
        for run in runs {
            jobs.push(run, false);
        }
        jobs
    }

    pub fn push(&mut self, run: RunId, quick: bool) {
        self.ids.push(job_id(run));
        self.bodies
            .push(format!(r#"{{"run":"{run}","quick":{quick}}}"#).into_bytes());
    }
}

/// Puts jobs back for any worker: missing ones, and those that a worker took longer than `since` ago. Gives how many.
pub(super) async fn enqueue_again(
    conn: &mut AsyncPgConnection,
    runs: &[RunId],
    since: Duration,
) -> Result<usize> {
    if runs.is_empty() {
        return Ok(0);
    }
    let jobs = JobTexts::of(runs.iter().copied());
    Ok(diesel::sql_query(
        "insert into apalis.jobs as j (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata) \
         select t.id, $1, t.job, 'Pending', 0, 1, now() - interval '1 second', \
           coalesce((select r.priority from runs r where r.id = (convert_from(t.job, 'UTF8')::jsonb->>'run')::uuid), 0), \
           ''::hstore from unnest($2, $3) as t (id, job) \
         on conflict (id) do update set status = 'Pending', lock_by = null, lock_at = null, attempts = 0, done_at = null, \
         last_result = null \
         where j.status <> 'Pending' and (j.lock_at is null or j.lock_at <= now() - $4 * interval '1 second')",
    )
    .bind::<Text, _>(QUEUE)
    .bind::<Array<Text>, _>(jobs.ids)
    .bind::<Array<Binary>, _>(jobs.bodies)
    .bind::<Double, _>(since.as_secs_f64())
    .execute(conn)
    .await?)
}

/// Deletes the job of a run that has ended or is gone.
pub(super) async fn forget_ended(conn: &mut AsyncPgConnection, run: RunId) -> Result<()> {
    statement(
        "delete from apalis.jobs where id = $1 and not exists (select 1 from runs where runs.id = $2 \
           and state in ('waiting', 'queued', 'running', 'cancelling'))",
    )
    .bind::<Text, _>(job_id(run))
    .bind::<SqlUuid, _>(run.0)
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_after_its_run() {
        // The example of the ULID specification's reference implementation.
        let run = RunId("0158fafd-2fc2-e2d2-de37-0a8ad2c8e4f0".parse().unwrap());
        let id = job_id(run);
        assert_eq!(id.len(), 26);
        assert!(id.starts_with("01B3XFTBY2"), "{id}");
        assert_ne!(id, job_id(RunId::new()));
        let jobs = JobTexts::of([run]);
        let body: RunJob = serde_json::from_slice(&jobs.bodies[0]).unwrap();
        assert_eq!(body, RunJob { run, quick: false });
    }
}
