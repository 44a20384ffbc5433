//! Cron expressions: when a schedule fires, written as text.
//!
//! Five fields, `minute hour day-of-month month weekday`, as in crontab(5); a sixth one in FRONT holds seconds. Or one of
//! `@yearly @annually @monthly @weekly @daily @midnight @hourly`.
//!
//! - Lists `1,15`, ranges `9-17`, steps `*/5` and `1-9/2`; `5/10` is "from 5 to the end, every 10th".
//! - Names of months and weekdays in English, three letters or whole, in any case. Weekdays 0 and 7 are Sunday.
//! - A range may run over the end of its field: `fri-mon`, `22-2`, `nov-feb`, `28-3`.
//! - Day of month: `L` the last day, `L-3` three days before it, `15W` the weekday (Monday to Friday) nearest the 15th within
//!   the month, `LW` the last weekday. Weekday: `5L` the last Friday, `1#2` the second Monday. `?` in either is `*`.
//! - When day of month AND weekday are restricted, a day that satisfies EITHER counts. A field that starts with `*` (or is `?`)
//!   is not restricted, even as `*/2`: then both must be satisfied. This is the rule of crontab(5).
//!
//! A month in which a day does not exist is passed over (`0 0 31 * *` does not fire in April, `31W` neither).
//! Clock changes are the business of [`crate::next_times`].

mod days;
mod describe;
mod error;
mod field;
mod local;
mod parse;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::oracle;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use days::{MonthDays, Weekdays};
pub use error::{CronError, CronErrorKind};
pub use field::CronField;

/// Longest text accepted, in bytes.
pub const MAX_LENGTH: usize = 512;

/// A valid cron expression. It keeps its text (blanks tidied) and shows it as its `Display`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CronExpression {
    text: String,
    /// None when the expression has five fields: it then fires at second 0.
    seconds: Option<Values>,
    minutes: Values,
    hours: Values,
    days: MonthDays,
    months: Values,
    weekdays: Weekdays,
}

/// The values of a plain field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Values {
    /// Bit n is set when the value n is wanted.
    mask: u64,
    /// The field's text starts with `*`.
    star: bool,
    /// The field is a lone `x/n`, such as `*/5` or `10-50/10`.
    stepped: bool,
}

impl CronExpression {
    /// Parses `text`; same as [`FromStr`].
    ///
    /// # Errors
    /// [`CronError`] with the place in the text and a sentence for people.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        parse::expression(text)
    }

    /// The expression as written, with single blanks between its fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has the sixth field and so may fire more often than once a minute.
    pub fn has_seconds(&self) -> bool {
        self.seconds.is_some()
    }

    /// Whether it names times of day (`0 3 * * *`) rather than a rhythm: neither its hour nor its minute field starts
    /// with `*`. Clock changes treat the two differently, see [`crate::next_times`].
    pub fn is_fixed(&self) -> bool {
        !self.hours.star && !self.minutes.star
    }

    /// The wanted hours, minutes and seconds, as bits.
    #[cfg(feature = "zones")]
    pub(crate) fn time_masks(&self) -> (u64, u64, u64) {
        (self.hours.mask, self.minutes.mask, self.second_mask())
    }

    /// Whether no date ever satisfies it, as `0 0 31 2 *`. Decided over the calendar's whole cycle of 400 years.
    pub fn never_fires(&self) -> bool {
        (2000..2400).all(|year| (1..=12).all(|month| self.day_mask(year, month) == 0))
    }

    /// What it means, in plain English: "Every day at 03:00". Correct for every valid expression.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}

/// What an expression means, in plain English; see [`CronExpression::describe`].
pub fn describe(expression: &CronExpression) -> String {
    expression.describe()
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for CronExpression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for CronExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
