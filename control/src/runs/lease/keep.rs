//! Keeping what is held: one statement renews all leases of this process, and cancels from other servers are heard.

use crate::{Control, error::Result};
use diesel::{
    QueryableByName,
    sql_types::{Array, Double, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{events::Event, ids::RunId, runs::RunState};
use std::collections::HashMap;
use tokio::time::Instant;
use uuid::Uuid;

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Renews all leases of this process, every third of a lease; runs until the control plane stops.
pub(in crate::runs) async fn keep(control: &Control) {
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
pub(in crate::runs) async fn hear_cancels(control: &Control) {
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
