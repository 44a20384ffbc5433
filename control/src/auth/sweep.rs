//! Housekeeping: what is over is deleted, once an hour.

use crate::{Control, error::Result};
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(3600);

/// Deletes sessions that expired, counts of failed sign-ins that no longer matter, sign-ins that never came back from a
/// provider, questions for a passkey that nobody answered, and used set-up tokens; runs until cancelled.
pub(crate) async fn sweep(control: &Control) {
    let stop = control.stopping();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        if let Err(error) = once(control).await {
            tracing::debug!(error = %error, "old sessions could not be deleted now");
        }
    }
}

async fn once(control: &Control) -> Result<()> {
    let idle = i64::try_from(control.options().session_idle.as_secs()).unwrap_or(i64::MAX);
    let mut conn = control.db().conn().await?;
    diesel::sql_query(
        "delete from sessions where expires_at < now() or last_seen_at < now() - $1 * interval '1 second'",
    )
    .bind::<BigInt, _>(idle)
    .execute(&mut conn)
    .await?;
    for sql in [
        "delete from login_failures where last_at < now() - interval '1 day'",
        "delete from sign_in_flows where expires_at < now()",
        "delete from passkey_challenges where expires_at < now()",
        "delete from setup_tokens where used_at < now() - interval '1 day'",
    ] {
        diesel::sql_query(sql).execute(&mut conn).await?;
    }
    Ok(())
}
