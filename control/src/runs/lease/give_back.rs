//! Giving runs back, so that another server continues at once.

use super::Lease;
use crate::{Control, error::Result, runs::jobs};
use diesel::sql_types::{Array, Integer, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::RunId;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

impl Lease {
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
    put_back(conn, &runs).await
}

/// Puts the jobs of runs back that nobody executes any more.
pub(super) async fn put_back(conn: &mut AsyncPgConnection, runs: &[RunId]) -> Result<()> {
    jobs::enqueue_again(conn, runs, Duration::ZERO).await?;
    Ok(())
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
