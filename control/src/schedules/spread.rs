//! Spreading: a fire time and when it is due, which jitter moves back.

use chrono::TimeDelta;
use domain::{
    Timestamp,
    durations::HumanDuration,
    guards::{Guards, jitter_offset},
    ids::ScheduleId,
};

/// The jitter of one schedule. The same on every server, and after every restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    schedule: ScheduleId,
    jitter: Option<HumanDuration>,
}

impl Spread {
    pub fn new(schedule: ScheduleId, guards: &Guards) -> Self {
        Self {
            schedule,
            jitter: guards.jitter,
        }
    }

    /// When the fire time is due.
    pub fn due(&self, fire_at: Timestamp) -> Timestamp {
        match self.jitter {
            Some(jitter) => fire_at + jitter_offset(self.schedule, fire_at, jitter),
            None => fire_at,
        }
    }

    /// How far a fire time can be moved at most.
    pub fn most(&self) -> TimeDelta {
        self.jitter
            .and_then(|jitter| TimeDelta::from_std(jitter.get()).ok())
            .unwrap_or_default()
    }

    /// What is stored beside `next_at`.
    pub fn due_at(&self, next_at: Option<Timestamp>) -> Option<Timestamp> {
        next_at
            .filter(|_| self.jitter.is_some())
            .map(|next_at| self.due(next_at))
    }
}
