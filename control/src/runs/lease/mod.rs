//! Leases: which executor a run belongs to.
//!
//! A claim raises the run's epoch; every later write names it ([`Lease::fenced`]), so that an executor that lost its
//! run changes nothing any more. One statement renews all leases of this process. What a server left that is known to be
//! dead is taken over at once ([`take_over`]); of any other, when its leases are over.

mod claim;
mod fence;
mod give_back;
mod held;
mod keep;
mod moment;
mod take_over;

pub(crate) use claim::Claimed;
pub(super) use claim::claim;
pub(crate) use fence::Note;
pub(super) use fence::{END, RENEW};
pub use give_back::drain;
pub(crate) use held::Leases;
pub(super) use keep::{hear_cancels, keep};
pub(crate) use moment::Moment;
pub use take_over::take_over;

use crate::Control;
use domain::ids::RunId;
use std::sync::{Arc, atomic::AtomicI32};
use tokio_util::sync::CancellationToken;

/// Why an executor goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Another executor has the run.
    Lost,
    /// This server is going; the run is given back.
    Draining,
    /// A person asked for the end.
    Cancelled,
}

/// A held lease. Dropping it forgets it here; the database keeps it until it is over or given back.
pub(crate) struct Lease {
    pub(super) control: Control,
    pub(super) run: RunId,
    pub(super) epoch: i32,
    claim: Arc<()>,
    lost: CancellationToken,
    cancelled: CancellationToken,
    /// Numbers the chunks of the log.
    seq: AtomicI32,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.control.runs().leases.release(self.run, &self.claim);
    }
}

impl Lease {
    /// Why to go no further, if there is a reason. The gravest first.
    pub fn halt(&self) -> Option<Halt> {
        if self.lost.is_cancelled() {
            Some(Halt::Lost)
        } else if self.cancelled.is_cancelled() {
            Some(Halt::Cancelled)
        } else if self.control.runs().draining.is_cancelled() {
            Some(Halt::Draining)
        } else {
            None
        }
    }

    /// Resolves when there is a reason to go no further.
    pub async fn halted(&self) -> Halt {
        let draining = self.control.runs().draining.clone();
        tokio::select! {
            () = self.lost.cancelled() => Halt::Lost,
            () = self.cancelled.cancelled() => Halt::Cancelled,
            () = draining.cancelled() => Halt::Draining,
        }
    }

    /// Resolves when something that is under way should end; a server that goes lets it go on for as long as it can.
    pub async fn lost_or_cancelled(&self) -> Halt {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => Halt::Lost,
            () = self.cancelled.cancelled() => Halt::Cancelled,
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}
