//! The sweep: brings runs whose executor is gone to their end, and keeps the queue's tables small.

use super::{held, idempotency, jobs, lease, metrics, queries};
use crate::{Control, error::Result, schedules};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Double, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{Timestamp, ids::RunId};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How often finished jobs, dead workers and old keys are deleted.
const CLEAN: Duration = Duration::from_secs(60);
/// Runs put back at once.
const BATCH: i64 = 1000;

/// Renews leases, hears cancels and sweeps, until the control plane stops.
pub(crate) async fn run(control: &Control) {
    tokio::join!(
        lease::keep(control),
        lease::hear_cancels(control),
        sweep(control),
        beside(control)
    );
}

/// Executes runs that steps of other runs wait for.
async fn beside(control: &Control) {
    let stop = control.stopping();
    loop {
        let runs = tokio::select! {
            () = stop.cancelled() => return,
            runs = control.runs().beside() => runs,
        };
        for run in runs {
            let this = control.clone();
            tokio::spawn(async move {
                if let Err(error) = super::execute(&this, run).await {
                    // The sweep brings it back.
                    tracing::warn!(run.id = %run, %error, "a run within a run was interrupted");
                }
            });
        }
    }
}

async fn sweep(control: &Control) {
    let stop = control.stopping();
    let mut clean_at = Instant::now();
    loop {
        let wait = match once(control).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(error = %error, "open runs cannot be swept now");
                Duration::from_secs(1)
            }
        };
        if Instant::now() >= clean_at {
            clean_at = Instant::now() + CLEAN;
            if let Err(error) = clean(control).await {
                tracing::debug!(error = %error, "the queue's tables could not be cleaned");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    is_due: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    lease_until: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
}

/// Puts back the jobs of runs whose lease is over, and of runs that wait although no job of theirs does. Gives how long
/// to wait for the next lease that can end.
pub(crate) async fn once(control: &Control) -> Result<Duration> {
    let lease = control.options().lease;
    let mut conn = control.db().conn().await?;
    // The table of open runs is small, and so is its index.
    let open: Vec<Open> = diesel::sql_query(
        "select id, lease_until, clock_timestamp() as now, \
           case state when 'queued' then queued_at < now() - $2 * interval '1 second' \
             else lease_until is null or lease_until < now() end as is_due \
         from runs where state in ('queued', 'running', 'cancelling') and (owner is distinct from $1 or state = 'queued' \
           or lease_until is null or lease_until < now()) \
         order by id limit $3",
    )
    .bind::<SqlUuid, _>(control.server_id().0)
    .bind::<Double, _>(lease.as_secs_f64())
    .bind::<diesel::sql_types::BigInt, _>(BATCH)
    .load(&mut conn)
    .await?;
    let due: Vec<RunId> = open
        .iter()
        .filter(|run| run.is_due)
        .map(|run| RunId(run.id))
        .collect();
    let again = jobs::enqueue_again(&mut conn, &due, lease).await?;
    if again > 0 {
        tracing::info!(runs = again, "put runs back whose executor is gone");
    }
    drop(conn);
    held::release(control, None).await?;
    // Where who ended the run that was waited for died before this.
    schedules::recover(control).await?;
    let next = open
        .iter()
        .filter(|run| !run.is_due)
        .filter_map(|run| (run.lease_until? - run.now).to_std().ok())
        .min()
        .map_or(lease / 2, |until| until + Duration::from_millis(50));
    Ok(next.clamp(Duration::from_millis(100), lease / 2))
}

/// The queue deletes nothing by itself, and every start leaves a worker's row.
async fn clean(control: &Control) -> Result<()> {
    let mut conn = control.db().conn().await?;
    diesel::sql_query("delete from apalis.jobs where status in ('Done', 'Killed', 'Failed')")
        .execute(&mut conn)
        .await?;
    diesel::sql_query(
        "delete from apalis.workers w where last_seen < now() - interval '5 minutes' \
         and not exists (select 1 from apalis.jobs j where j.lock_by = w.id)",
    )
    .execute(&mut conn)
    .await?;
    idempotency::prune(&mut conn).await?;
    schedules::forget_calls(&mut conn).await?;
    metrics::open(queries::open(&mut conn).await?);
    Ok(())
}
