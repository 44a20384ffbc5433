use std::time::Duration;

use chrono::TimeDelta;

use crate::Timestamp;

/// The first instant strictly after `after` of the row `anchor`, `anchor + every`, `anchor + 2·every` …, in elapsed time.
///
/// Before the anchor it is the anchor itself. None for an interval of zero and past the end of chrono's calendar.
pub fn interval_next(every: Duration, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
    if every.is_zero() {
        return None;
    }
    if after < anchor {
        return Some(anchor);
    }
    let nanos =
        |delta: TimeDelta| i128::from(delta.num_seconds()) * 1_000_000_000 + i128::from(delta.subsec_nanos());
    let every = i128::try_from(every.as_nanos()).ok()?;
    let passed = nanos(after.signed_duration_since(anchor));
    let next = (passed / every + 1).checked_mul(every)?;
    let seconds = i64::try_from(next / 1_000_000_000).ok()?;
    let delta = TimeDelta::new(seconds, u32::try_from(next % 1_000_000_000).ok()?)?;
    anchor.checked_add_signed(delta)
}
