//! The next wall-clock time that satisfies an expression, without any time zone.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::CronExpression;

/// The calendar repeats itself exactly (dates and weekdays) every 400 years.
const CYCLE_MONTHS: u32 = 400 * 12 + 1;

impl CronExpression {
    /// The first wall-clock time at or after `from` that satisfies the expression.
    ///
    /// Fractions of a second in `from` count as the next whole second. None when there is none within the calendar's cycle
    /// of 400 years, that is never, or beyond the last year chrono can express.
    pub fn next_local(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        let from = whole_second(from)?;
        let (mut year, mut month) = (from.year(), from.month());
        let mut days = self.day_mask(year, month) & (u32::MAX << from.day());
        if days & (1 << from.day()) != 0 {
            if let Some(time) = self.next_time(from.time()) {
                return Some(from.date().and_time(time));
            }
            days &= !(1 << from.day());
        }
        for _ in 0..CYCLE_MONTHS {
            if days != 0 {
                let date = NaiveDate::from_ymd_opt(year, month, days.trailing_zeros())?;
                return Some(date.and_time(self.next_time(NaiveTime::MIN)?));
            }
            (year, month) = if month == 12 {
                (year.checked_add(1)?, 1)
            } else {
                (year, month + 1)
            };
            days = self.day_mask(year, month);
        }
        None
    }

    /// Whether that wall-clock second satisfies the expression.
    pub fn matches_local(&self, at: NaiveDateTime) -> bool {
        let bit = |mask: u64, value: u32| mask & (1 << value) != 0;
        bit(self.second_mask(), at.second())
            && bit(self.minutes.mask, at.minute())
            && bit(self.hours.mask, at.hour())
            && self.day_mask(at.year(), at.month()) & (1 << at.day()) != 0
    }

    pub(super) fn second_mask(&self) -> u64 {
        self.seconds.map_or(1, |seconds| seconds.mask)
    }

    /// The first wanted time of day at or after `from`.
    fn next_time(&self, from: NaiveTime) -> Option<NaiveTime> {
        let (seconds, minutes, hours) = (self.second_mask(), self.minutes.mask, self.hours.mask);
        let (mut hour, mut minute, mut second) = (from.hour(), from.minute(), Some(from.second()));
        second = second.and_then(|second| at_or_after(seconds, second));
        if second.is_none() {
            minute += 1;
        }
        let wanted_minute = at_or_after(minutes, minute);
        if wanted_minute != Some(minute) {
            second = None;
        }
        if wanted_minute.is_none() {
            hour += 1;
        }
        let wanted_hour = at_or_after(hours, hour)?;
        let fresh_hour = wanted_hour != hour || wanted_minute.is_none();
        let minute = if fresh_hour {
            at_or_after(minutes, 0)
        } else {
            wanted_minute
        };
        let second = if fresh_hour { None } else { second };
        let second = second.or_else(|| at_or_after(seconds, 0));
        NaiveTime::from_hms_opt(wanted_hour, minute?, second?)
    }
}

/// The lowest set bit of `mask` that is not below `from`.
fn at_or_after(mask: u64, from: u32) -> Option<u32> {
    let rest = mask & u64::MAX.checked_shl(from)?;
    (rest != 0).then(|| rest.trailing_zeros())
}

fn whole_second(at: NaiveDateTime) -> Option<NaiveDateTime> {
    let down = at.with_nanosecond(0)?;
    if at.nanosecond() == 0 {
        Some(down)
    } else {
        down.checked_add_signed(chrono::TimeDelta::seconds(1))
    }
}
