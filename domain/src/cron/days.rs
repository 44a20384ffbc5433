//! Which days of a month an expression wants.

use chrono::{Datelike, NaiveDate};

use super::CronExpression;

/// The day-of-month field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct MonthDays {
    /// Bit n for the day n.
    pub mask: u32,
    /// Bit n for the weekday nearest the day n (`nW`).
    pub nearest: u32,
    /// Bit n for n days before the last one; bit 0 is `L`.
    pub before_last: u32,
    pub last_weekday: bool,
    pub star: bool,
    pub stepped: bool,
}

/// The weekday field, 0 = Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Weekdays {
    pub mask: u8,
    /// The last one of its kind in the month (`5L`).
    pub last: u8,
    /// `nth[0]` holds the weekdays wanted as the first of the month (`1#1`), and so on.
    pub nth: [u8; 5],
    pub star: bool,
}

impl MonthDays {
    pub fn has_specials(&self) -> bool {
        self.nearest != 0 || self.before_last != 0 || self.last_weekday
    }

    pub fn is_everything(&self) -> bool {
        self.mask == EVERY_DAY
    }

    fn of(&self, first: u32, length: u32) -> u32 {
        let mut wanted = self.mask & days_up_to(length);
        if !self.has_specials() {
            return wanted;
        }
        for day in bits(self.nearest.into()).filter(|day| *day <= length) {
            wanted |= 1 << nearest_weekday(day, first, length);
        }
        for before in bits(self.before_last.into()).filter(|before| *before < length) {
            wanted |= 1 << (length - before);
        }
        if self.last_weekday {
            wanted |= 1 << nearest_weekday(length, first, length);
        }
        wanted
    }
}

impl Weekdays {
    pub fn has_specials(&self) -> bool {
        self.last != 0 || self.nth.iter().any(|mask| *mask != 0)
    }

    pub fn is_everything(&self) -> bool {
        self.mask == 0x7f
    }

    fn of(&self, first: u32, length: u32) -> u32 {
        let mut wanted = repeat(self.mask, first);
        for (week, mask) in self.nth.iter().enumerate() {
            wanted |= repeat(*mask, first) & (EVERY_WEEK << (7 * week));
        }
        wanted &= days_up_to(length);
        wanted | (repeat(self.last, first) & days_up_to(length) & !days_up_to(length - 7))
    }
}

/// Bits 1 to 31.
pub(super) const EVERY_DAY: u32 = !1;
/// Bits 1 to 7.
const EVERY_WEEK: u32 = 0xfe;

fn days_up_to(length: u32) -> u32 {
    EVERY_DAY & (u32::MAX >> (31 - length))
}

/// The days of a month that begins on the weekday `first` and fall on one of `weekdays`.
fn repeat(weekdays: u8, first: u32) -> u32 {
    let week = u64::from(weekdays);
    let week = ((week >> first) | (week << (7 - first))) & 0x7f;
    let month = week | week << 7 | week << 14 | week << 21 | week << 28;
    (month << 1) as u32
}

fn weekday(day: u32, first: u32) -> u32 {
    (first + day - 1) % 7
}

/// The Monday to Friday nearest to `day` without leaving the month.
fn nearest_weekday(day: u32, first: u32, length: u32) -> u32 {
    match weekday(day, first) {
        6 if day == 1 => 3,
        6 => day - 1,
        0 if day == length => day - 2,
        0 => day + 1,
        _ => day,
    }
}

/// The set bits, lowest first.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = u32> {
    (0..64).filter(move |bit| mask & (1 << bit) != 0)
}

impl CronExpression {
    /// The days of that month on which it fires, as bits 1 to 31; months it does not want have none.
    pub(crate) fn day_mask(&self, year: i32, month: u32) -> u32 {
        if self.months.mask & (1 << month) == 0 {
            return 0;
        }
        let Some(start) = NaiveDate::from_ymd_opt(year, month, 1) else {
            return 0;
        };
        let first = start.weekday().num_days_from_sunday();
        let length = u32::from(start.num_days_in_month());
        let days = self.days.of(first, length);
        let weekdays = self.weekdays.of(first, length);
        if self.days.star || self.weekdays.star {
            days & weekdays
        } else {
            days | weekdays
        }
    }
}
