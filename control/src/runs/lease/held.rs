//! The leases that this process holds, and what ends them here.

use super::{Claimed, Lease};
use crate::{Control, runs::metrics};
use domain::ids::RunId;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicI32},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    pub(super) fn are_awaited(&self) -> bool {
        self.0.lock().values().any(|held| !held.ends_us)
    }

    pub(super) fn release(&self, run: RunId, claim: &Arc<()>) {
        let mut all = self.0.lock();
        if all.get(&run).is_some_and(|held| Arc::ptr_eq(&held.claim, claim)) {
            all.remove(&run);
        }
        metrics::held(all.len());
    }

    pub(super) fn renewed(&self, run: RunId, epoch: i32, at: Instant) {
        if let Some(held) = self.0.lock().get_mut(&run)
            && held.epoch == epoch
        {
            held.renewed = held.renewed.max(at);
        }
    }

    pub(super) fn all(&self) -> Vec<(RunId, i32)> {
        self.0
            .lock()
            .iter()
            .map(|(run, held)| (*run, held.epoch))
            .collect()
    }

    /// What the database said of the leases renewed at `at`: those it left out are lost.
    pub(super) fn settle(&self, asked: &[(RunId, i32)], kept: &HashMap<RunId, bool>, at: Instant) {
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
    pub(super) fn expire(&self, lease: Duration) {
        for held in self.0.lock().values() {
            if held.renewed.elapsed() >= lease {
                held.lost.cancel();
            }
        }
    }
}
