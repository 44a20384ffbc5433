use serde::Serialize;

/// One of the fields of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CronField {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    Weekday,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl CronField {
    /// The field's name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of the month",
            Self::Month => "month",
            Self::Weekday => "weekday",
        }
    }

    /// Smallest and largest number one may write; weekday 7 is Sunday again.
    pub fn bounds(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    /// Largest value that is kept: 6 for the weekday, where 7 becomes 0.
    pub(super) fn last(self) -> u32 {
        match self {
            Self::Weekday => 6,
            _ => self.bounds().1,
        }
    }

    /// How many different values there are.
    pub(super) fn count(self) -> u32 {
        self.last() - self.bounds().0 + 1
    }

    pub(super) fn is_day(self) -> bool {
        matches!(self, Self::DayOfMonth | Self::Weekday)
    }

    /// The number of a name: three letters or the whole word, in any case.
    pub(super) fn by_name(self, text: &str) -> Option<u32> {
        let (names, first): (&[&str], u32) = match self {
            Self::Month => (&MONTHS, 1),
            Self::Weekday => (&WEEKDAYS, 0),
            _ => return None,
        };
        let lower = text.to_ascii_lowercase();
        let full: &[&str] = match self {
            Self::Month => &super::describe::MONTH_NAMES,
            _ => &super::describe::WEEKDAY_NAMES,
        };
        let at = names
            .iter()
            .position(|name| *name == lower)
            .or_else(|| full.iter().position(|n| n.eq_ignore_ascii_case(&lower)))?;
        Some(first + at as u32)
    }
}
