//! What this process knows of the runs it executes. The database decides; this only saves asking.

use super::{
    batch::Batcher,
    execute::QuickEnd,
    lease::{Claimed, Leases},
};
use crate::schedules::ticker::TickerHealth;
use domain::ids::{HostId, RunId};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Engine calls at once on one host, over all runs of this server.
const PER_HOST: usize = 4;

/// The part of [`crate::Control`] that belongs to runs and schedules.
#[derive(Default)]
pub struct Local {
    pub(crate) leases: Leases,
    pub(crate) claims: Batcher<RunId, Option<Arc<Claimed>>>,
    pub(crate) quick_ends: Batcher<Arc<QuickEnd>, bool>,
    pub(crate) ticker: TickerHealth,
    /// Set when this server goes: executors stop before their next engine call and give their runs back.
    pub(crate) draining: CancellationToken,
    hosts: Mutex<HashMap<HostId, Arc<Semaphore>>>,
}

impl Local {
    /// Whether the ticker has looked at the schedules lately; part of being ready.
    pub fn ticker_is_well(&self) -> bool {
        self.ticker.is_well()
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
