//! Time that has passed, also while the machine slept.

use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A point in time by two clocks: one stands still while the machine sleeps, the other can be set.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    running: Instant,
    wall: SystemTime,
}

impl Moment {
    pub fn now() -> Self {
        Self {
            running: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// The longer of what the two clocks say has passed.
    pub fn passed(self) -> Duration {
        let wall = self.wall.elapsed().unwrap_or_else(|back| back.duration());
        self.running.elapsed().max(wall)
    }
}
