//! A zone as stretches of constant offset from UTC. All numbers are seconds: instants since 1970 in UTC, wall times since
//! 1970-01-01T00:00 of the wall clock.

use jiff::Timestamp as Instant;

use super::{OFFSETS_APART, Zone};

/// jiff allows offsets of up to 25:59:59.
pub(super) const MAX_OFFSET: i64 = 26 * 3600;

/// A stretch of time in which the offset does not change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// First instant; `i64::MIN` before the zone's first change.
    pub start: i64,
    /// The instant after the last; `i64::MAX` after its last change.
    pub end: i64,
    /// Wall time minus UTC.
    pub offset: i64,
}

impl Segment {
    /// The segment that holds the instant; none outside the years -9999 to 9999.
    pub fn at(zone: &Zone, at: i64) -> Option<Self> {
        let instant = Instant::from_second(at).ok()?;
        let tz = zone.time_zone();
        let next = tz.following(instant).next();
        // `preceding` is exclusive, and a segment holds its own start.
        let start = Instant::from_second(at.checked_add(1)?)
            .ok()
            .and_then(|after| tz.preceding(after).next());
        Some(Self {
            start: start.map_or(i64::MIN, |change| change.timestamp().as_second()),
            end: next.map_or(i64::MAX, |change| change.timestamp().as_second()),
            offset: tz.to_offset(instant).seconds().into(),
        })
    }

    pub fn holds(&self, at: i64) -> bool {
        self.start <= at && at < self.end
    }

    /// The wall time up to which everything has been shown, or skipped, before this segment starts. None for the first
    /// segment of a zone.
    pub fn seen(&self, zone: &Zone) -> Option<i64> {
        let mut seen: Option<i64> = None;
        let mut start = self.start;
        // More than one change within days is rare, but zones have done it.
        while start > i64::MIN && self.start - start < OFFSETS_APART {
            let before = Self::at(zone, start - 1)?;
            seen = seen.max(Some(start + before.offset));
            start = before.start;
        }
        seen
    }
}
