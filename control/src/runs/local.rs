//! What this process knows of the runs it executes. The database decides; this only saves asking.

use super::{
    batch::Batcher,
    circuit::Circuits,
    execute::QuickEnd,
    lease::{Claimed, Leases},
    places::{Place, Places},
};
use domain::ids::{HostId, RunId};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Engine calls at once on one host, over all runs of this server.
const PER_HOST: usize = 4;

/// The part of [`crate::Control`] that belongs to runs and schedules.
#[derive(Default)]
pub struct Local {
    pub(crate) leases: Leases,
    pub(crate) claims: Batcher<RunId, Option<Arc<Claimed>>>,
    pub(crate) quick_ends: Batcher<Arc<QuickEnd>, bool>,
    /// Rung when jobs were made here.
    new_jobs: Arc<Notify>,
    /// Set when this server goes: executors stop before their next engine call and give their runs back.
    pub(crate) draining: CancellationToken,
    /// Those of this process' worker, once it has one.
    places: OnceLock<Places>,
    hosts: Mutex<HashMap<HostId, Arc<Semaphore>>>,
    pub(crate) circuits: Circuits,
    /// Runs that steps of other runs wait for.
    beside: Mutex<Vec<RunId>>,
    beside_bell: Notify,
}

impl Local {
    /// The bell of this server's own new jobs; the worker listens to it beside the database's notifications.
    pub fn new_jobs(&self) -> Arc<Notify> {
        self.new_jobs.clone()
    }

    pub(crate) fn ring(&self) {
        self.new_jobs.notify_one();
    }

    /// The places of the worker of this process: from now on its ticker fills them too.
    pub fn open(&self, places: Places) {
        // A process has one worker.
        let _first = self.places.set(places);
    }

    /// A free place of this process, unless it goes or executes nothing.
    pub(crate) fn place(&self, is_quick: bool) -> Option<Place> {
        if self.draining.is_cancelled() {
            return None;
        }
        self.places.get()?.try_take(is_quick)
    }

    /// Executes a run beside those that have the worker's places.
    pub(crate) fn execute_beside(&self, run: RunId) {
        self.beside.lock().push(run);
        self.beside_bell.notify_one();
    }

    /// Waits for runs of [`Local::execute_beside`].
    pub(crate) async fn beside(&self) -> Vec<RunId> {
        loop {
            let runs = std::mem::take(&mut *self.beside.lock());
            if !runs.is_empty() {
                return runs;
            }
            self.beside_bell.notified().await;
        }
    }

    /// The host's slots; whoever calls its engine holds one.
    pub(crate) fn slots(&self, host: HostId) -> Arc<Semaphore> {
        self.hosts
            .lock()
            .entry(host)
            .or_insert_with(|| Arc::new(Semaphore::new(PER_HOST)))
            .clone()
    }
}
