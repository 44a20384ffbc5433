//! Signs of life: tasks that must run say so at each turn, and `/health/ready` looks at when they last did.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A task that must be alive for schedules to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Decides what is due.
    Ticker,
    /// Executes runs.
    Worker,
}

/// When each part was last alive, in this process.
#[derive(Clone)]
pub struct Beats(Arc<Inner>);

struct Inner {
    start: Instant,
    /// Milliseconds after the start, plus one; 0 is never.
    last: [AtomicU64; 2],
}

impl Default for Beats {
    fn default() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            last: Default::default(),
        }))
    }
}

impl Beats {
    /// Call it at every turn of the part's loop, at least every 10 s.
    pub fn beat(&self, part: Part) {
        let millis = u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.last[part as usize].store(millis + 1, Ordering::Relaxed);
    }

    /// How long ago the part was alive; nothing when it never was.
    pub fn age(&self, part: Part) -> Option<Duration> {
        let last = self.0.last[part as usize]
            .load(Ordering::Relaxed)
            .checked_sub(1)?;
        Some(self.0.start.elapsed().saturating_sub(Duration::from_millis(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_never_beat_has_no_age() {
        let beats = Beats::default();
        beats.beat(Part::Ticker);
        assert!(beats.age(Part::Ticker).unwrap() < Duration::from_secs(1));
        assert_eq!(beats.age(Part::Worker), None);
    }
}
