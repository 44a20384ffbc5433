//! When a schedule fires next, in its time zone.
//!
//! # Clock changes
//! A cron expression is FIXED unless its hour or minute field starts with `*` (the rule of Vixie's cron):
//!
//! - A fixed expression names times of day. A time that the clocks skip (spring) fires at the first instant after the gap;
//!   several such times within one gap fire once together, and not again if that instant is itself one of the times. A time
//!   the clocks show twice (autumn) fires once, the first time.
//! - Any other expression is a rhythm and follows elapsed time: it fires whenever the wall clock satisfies it, so twice where
//!   the clock shows a time twice, and not at all for times that are skipped.
//!
//! Intervals ([`interval_next`]) count elapsed time and know no clock.

mod clock_changes;
mod interval;
#[cfg(test)]
mod tests;
mod timeline;
mod zone;

pub use clock_changes::{ClockChange, ClockEffect, clock_changes};
pub use interval::interval_next;
pub use zone::{Zone, ZoneError};

use chrono::{DateTime, NaiveDateTime};

use crate::Timestamp;
use crate::cron::CronExpression;
use timeline::MAX_OFFSET;
pub(crate) use timeline::Segment;

/// How far ahead a fire time is looked for: the calendar's cycle and a little more, in seconds.
const HORIZON: i64 = 401 * 366 * 86_400;

/// Further than any two offsets differ, in seconds.
pub(crate) const OFFSETS_APART: i64 = 3 * 86_400;

impl CronExpression {
    /// The first instant strictly after `after` at which the expression fires in `zone`; see the [module](self) for
    /// clock changes. Always a whole second.
    ///
    /// None when it never fires again within 400 years, or beyond the year 9999.
    pub fn next_after(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        self.upcoming(zone, after).next()
    }

    /// Every fire time strictly after `after`, in order.
    pub fn upcoming<'a>(&'a self, zone: &'a Zone, after: Timestamp) -> Upcoming<'a> {
        Upcoming {
            expression: self,
            zone,
            from: after.timestamp().checked_add(1),
            segment: None,
        }
    }
}

/// The fire times of an expression; see [`CronExpression::upcoming`].
#[derive(Debug, Clone)]
pub struct Upcoming<'a> {
    expression: &'a CronExpression,
    zone: &'a Zone,
    /// Unix second from which to go on; none at the end of time.
    from: Option<i64>,
    segment: Option<Segment>,
}

impl Iterator for Upcoming<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        let from = self.from.take()?;
        let limit = from.saturating_add(HORIZON).min(jiff::Timestamp::MAX.as_second());
        let mut at = from;
        while at <= limit {
            let segment = self.segment.take().filter(|segment| segment.holds(at));
            let segment = match segment {
                Some(segment) => segment,
                None => Segment::at(self.zone, at)?,
            };
            let step = if self.expression.is_fixed() {
                fixed(self.expression, self.zone, &segment, at)
            } else {
                rhythm(self.expression, &segment, at)
            };
            self.segment = Some(segment);
            match step? {
                Step::Fires(second) if second > limit => return None,
                Step::Fires(second) => {
                    self.from = second.checked_add(1);
                    return DateTime::from_timestamp(second, 0);
                }
                Step::GoTo(next) => at = next,
            }
        }
        None
    }
}

enum Step {
    Fires(i64),
    /// Nothing before this instant.
    GoTo(i64),
}

/// Looks at `segment` from `at` on; none when nothing comes any more.
fn fixed(expression: &CronExpression, zone: &Zone, segment: &Segment, at: i64) -> Option<Step> {
    let offset = segment.offset;
    // Only near the segment's start can wall times have been skipped or shown before.
    let seen = if at.saturating_sub(segment.start) < OFFSETS_APART {
        segment.seen(zone)
    } else {
        None
    };
    if let Some(seen) = seen.filter(|_| at == segment.start) {
        let skipped = next_local(expression, seen).is_some_and(|local| local < segment.start + offset);
        if skipped {
            return Some(Step::Fires(at));
        }
    }
    let from = seen.map_or(at + offset, |seen| seen.max(at + offset));
    let local = next_local(expression, from)?;
    if local - offset < segment.end {
        return Some(Step::Fires(local - offset));
    }
    Some(Step::GoTo(segment.end.max(local - MAX_OFFSET)))
}

/// The same for expressions that follow elapsed time.
fn rhythm(expression: &CronExpression, segment: &Segment, at: i64) -> Option<Step> {
    let from = at + segment.offset;
    let local = next_local(expression, from);
    if let Some(local) = local.filter(|local| local - segment.offset < segment.end) {
        return Some(Step::Fires(local - segment.offset));
    }
    // A later segment may show wall times before `from` again, so only an empty stretch before it allows a jump.
    let earlier = next_local(expression, from - OFFSETS_APART)?;
    Some(Step::GoTo(match local {
        Some(local) if local == earlier => segment.end.max(local - OFFSETS_APART),
        _ => segment.end,
    }))
}

/// [`CronExpression::next_local`] in seconds since 1970-01-01T00:00 of the wall clock.
fn next_local(expression: &CronExpression, from: i64) -> Option<i64> {
    let local = expression.next_local(wall_clock(from)?)?;
    Some(local.and_utc().timestamp())
}

fn wall_clock(second: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(second, 0).map(|at| at.naive_utc())
}
