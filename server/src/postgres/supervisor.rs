//! Keeping the postmaster alive for as long as the server runs.

use std::time::{Duration, Instant};

use tokio::{
    sync::{oneshot, watch},
    time::sleep,
};
use tracing::{error, info, warn};

use super::{
    ClusterError,
    launch::{Launch, Postmaster},
};

/// How the private Postgres is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterState {
    /// It takes connections.
    Ready,
    /// It ended by itself and is being started again.
    Down { reason: String },
    /// It was stopped with the server.
    Stopped,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A postmaster that ran this long was well; the pauses begin small again.
const WELL: Duration = Duration::from_secs(60);

/// Watches until told to stop; without being told (the sender is gone) it lets go and leaves Postgres running.
pub(super) async fn run(
    launch: Launch,
    mut postmaster: Postmaster,
    states: watch::Sender<ClusterState>,
    mut stop: oneshot::Receiver<()>,
) -> Result<(), ClusterError> {
    let mut pause = FIRST_PAUSE;
    let mut ready_since = Instant::now();
    loop {
        tokio::select! {
            told = &mut stop => {
                return match told {
                    Ok(()) => {
                        let stopped = postmaster.stop(launch.dir()).await;
                        states.send_replace(ClusterState::Stopped);
                        stopped
                    }
                    Err(_let_go) => Ok(()),
                };
            }
            how = postmaster.ended() => {
                error!(postgres.pid = postmaster.live.pid, "Postgres ended by itself ({how}); starting it again");
                states.send_replace(ClusterState::Down { reason: format!("Postgres ended by itself ({how})") });
            }
        }
        if ready_since.elapsed() > WELL {
            pause = FIRST_PAUSE;
        }
        // Dropping a start in the middle leaves at most a postmaster to adopt, which the next server does.
        let restarted = tokio::select! {
            told = &mut stop => Err(told),
            restarted = restart(&launch, &states, &mut pause) => Ok(restarted),
        };
        match restarted {
            Ok(restarted) => postmaster = restarted,
            Err(told) => {
                if told.is_ok()
                    && let Some(live) = super::postmaster::find(launch.dir())
                {
                    let stopped = Postmaster::found(live).stop(launch.dir()).await;
                    states.send_replace(ClusterState::Stopped);
                    return stopped;
                }
                states.send_replace(ClusterState::Stopped);
                return Ok(());
            }
        }
        ready_since = Instant::now();
        info!(
            postgres.pid = postmaster.live.pid,
            "Postgres takes connections again"
        );
        states.send_replace(ClusterState::Ready);
    }
}

/// Tries until it runs, with pauses that grow.
async fn restart(launch: &Launch, states: &watch::Sender<ClusterState>, pause: &mut Duration) -> Postmaster {
    loop {
        sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        match launch.adopt_or_start().await {
            Ok(postmaster) => return postmaster,
            Err(error) => {
                warn!("Postgres could not be started: {error}");
                states.send_replace(ClusterState::Down {
                    reason: error.to_string(),
                });
            }
        }
    }
}
