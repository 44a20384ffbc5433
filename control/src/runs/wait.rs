//! Waiting for a run's end.

use super::queries;
use crate::{Control, error::Result};
use domain::{
    auth::{Actor, Permission},
    errors::Problem,
    events::Event,
    ids::RunId,
    runs::RunSummary,
};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How often the run is read although nothing was heard of it.
const POLL: Duration = Duration::from_secs(1);

/// Waits until the run has ended, at most `longest` and not beyond this server's own end, and gives it as it is then.
///
/// # Errors
/// 403; 404; when the database does not answer.
pub async fn wait(control: &Control, actor: &Actor, id: RunId, longest: Duration) -> Result<RunSummary> {
    actor.require(Permission::RunsRead)?;
    let org = actor.org_id;
    let end = Instant::now() + longest;
    // Subscribed before the first look, so that nothing falls in between.
    let mut events = control.events().subscribe();
    let draining = &control.runs().draining;
    loop {
        let run = {
            let mut conn = control.db().conn().await?;
            queries::summary(&mut conn, org, id).await?
        }
        .ok_or_else(|| Problem::not_found("run"))?;
        if run.status.is_final() || Instant::now() >= end || draining.is_cancelled() {
            return Ok(run);
        }
        let look = end.min(Instant::now() + POLL);
        // A final run in an event is the answer itself; anything else about it is a reason to look.
        let mut next = async || {
            tokio::select! {
                () = draining.cancelled() => None,
                event = timeout_at(look, events.recv()) => event.ok()?.ok(),
            }
        };
        while let Some(event) = next().await {
            match &event.event {
                Event::RunChanged { run } if run.id == id && event.org_id == org && run.status.is_final() => {
                    return Ok(run.clone());
                }
                _ => {}
            }
        }
    }
}
