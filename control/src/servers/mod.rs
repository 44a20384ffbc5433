//! Servers: the processes that share this database, by their heartbeat.

use crate::{Control, error::Result, schema::servers};
use diesel::{ExpressionMethods, QueryDsl, dsl::now};
use diesel_async::RunQueryDsl;
use std::time::Duration;

const HEARTBEAT: Duration = Duration::from_secs(10);

pub(crate) async fn register(control: &Control) -> Result<()> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut conn = control.db().conn().await?;
    diesel::insert_into(servers::table)
        .values((
            servers::id.eq(control.server_id().0),
            servers::host.eq(host.trim()),
            servers::release.eq(control.options().release),
        ))
        .on_conflict(servers::id)
        .do_update()
        .set(servers::seen_at.eq(now))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// Says every 10 s that this server lives, and forgets those silent for a day.
pub(crate) async fn heartbeat(control: &Control) {
    let stop = control.stopping();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let beat = async {
            register(control).await?;
            let mut conn = control.db().conn().await?;
            diesel::sql_query("delete from servers where seen_at < now() - interval '1 day'")
                .execute(&mut conn)
                .await?;
            Result::<()>::Ok(())
        };
        if let Err(error) = beat.await {
            tracing::debug!(error = %error, "no heartbeat now");
        }
    }
}

pub(crate) async fn forget(control: &Control) -> Result<()> {
    let mut conn = control.db().conn().await?;
    diesel::delete(servers::table.filter(servers::id.eq(control.server_id().0)))
        .execute(&mut conn)
        .await?;
    Ok(())
}
