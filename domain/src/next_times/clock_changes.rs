//! What clock changes do to an expression, so that a person can be told before it happens.

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use serde::Serialize;

use super::timeline::Segment;
use super::{Zone, next_local, wall_clock};
use crate::Timestamp;
use crate::cron::CronExpression;

/// A clock change that touches fire times of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockChange {
    /// The instant of the change.
    pub at: Timestamp,
    /// What the wall clock would have shown at that instant, and what it shows instead.
    pub from: NaiveDateTime,
    pub to: NaiveDateTime,
    pub effect: ClockEffect,
    /// The first fire time within the skipped or repeated stretch, on the wall clock.
    pub first: NaiveDateTime,
    /// How many fire times lie in that stretch; counted up to 10,000.
    pub times: usize,
}

/// What becomes of the fire times in the stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockEffect {
    /// Skipped by the clock, they run together at the instant of the change.
    Moved,
    /// Skipped by the clock, they do not run (a rhythm goes on evenly).
    Dropped,
    /// Shown twice, they run the first time only.
    Once,
    /// Shown twice, they run both times (a rhythm goes on evenly).
    Twice,
}

impl ClockChange {
    /// "On 29 March 2026 the clock jumps from 02:00 to 03:00: 02:30 runs at 03:00."
    pub fn describe(&self) -> String {
        let day = self.from.format("%-d %B %Y");
        let clock = |at: NaiveDateTime| {
            let date = if at.date() == self.from.date() {
                ""
            } else {
                " on %-d %B"
            };
            at.format(&format!(
                "{}{date}",
                if second(at) { "%H:%M:%S" } else { "%H:%M" }
            ))
            .to_string()
        };
        let (from, to, first) = (clock(self.from), clock(self.to), clock(self.first));
        let what = if self.times == 1 {
            first
        } else {
            format!("{} times from {first} on", self.times)
        };
        let verb = if self.times == 1 { "runs" } else { "run" };
        let effect = match (self.effect, self.times) {
            (ClockEffect::Moved, 1) => format!("{what} runs at {to}"),
            (ClockEffect::Moved, _) => format!("{what} run once, at {to}"),
            (ClockEffect::Dropped, _) => {
                format!("{what} {} not run", if self.times == 1 { "does" } else { "do" })
            }
            (ClockEffect::Once, _) => format!("{what} {verb} the first time only"),
            (ClockEffect::Twice, _) => format!("{what} {verb} both times"),
        };
        let turn = if self.to > self.from { "jumps" } else { "goes back" };
        format!("On {day} the clock {turn} from {from} to {to}: {effect}.")
    }
}

fn second(at: NaiveDateTime) -> bool {
    chrono::Timelike::second(&at) != 0
}

/// The clock changes of `zone` within `span` after `from` that touch fire times of `expression`, in order.
///
/// A span of more than 50 years is cut there.
pub fn clock_changes(
    expression: &CronExpression,
    zone: &Zone,
    from: Timestamp,
    span: TimeDelta,
) -> Vec<ClockChange> {
    let from = from.timestamp();
    let until = from.saturating_add(span.num_seconds().min(50 * 366 * 86_400));
    let mut changes = Vec::new();
    let mut before = Segment::at(zone, from);
    while let Some(segment) = before.filter(|segment| segment.end <= until) {
        before = Segment::at(zone, segment.end);
        if let Some(after) = before {
            changes.extend(change(expression, segment, after));
        }
    }
    changes
}

fn change(expression: &CronExpression, before: Segment, after: Segment) -> Option<ClockChange> {
    let (old, new) = (before.end + before.offset, before.end + after.offset);
    let (low, high) = (old.min(new), old.max(new));
    let first = next_local(expression, low).filter(|local| *local < high)?;
    let rest = std::iter::successors(Some(first), |last| {
        next_local(expression, last + 1).filter(|local| *local < high)
    });
    let effect = match (new > old, expression.is_fixed()) {
        (true, true) => ClockEffect::Moved,
        (true, false) => ClockEffect::Dropped,
        (false, true) => ClockEffect::Once,
        (false, false) => ClockEffect::Twice,
    };
    Some(ClockChange {
        at: DateTime::from_timestamp(before.end, 0)?,
        from: wall_clock(old)?,
        to: wall_clock(new)?,
        effect,
        first: wall_clock(first)?,
        times: rest.take(10_000).count(),
    })
}
