//! Durations as people and the API write them: `90s`, `5m`, `1h30m`, `2d`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::errors::Problem;

/// The longest duration accepted: ten years of 365 days.
pub const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

/// A span of elapsed time, in whole milliseconds, from zero to [`LONGEST`].
///
/// Written as numbers with units, the largest unit first: `w d h m s ms`. A day is 24 hours, a week 7 days. Shown, stored
/// and serialised in one canonical way: `90s` is `1m30s`, `36h` is `1d12h`, zero is `0s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HumanDuration(Duration);

/// Why a text or a value is no duration, and where in the text (byte offsets).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct DurationError {
    /// Stable for programs: `empty`, `missing_unit`, `unknown_unit`, `missing_number`, `not_whole`, `negative`, `order`, `too_long`.
    pub code: &'static str,
    pub start: usize,
    pub end: usize,
    pub message: String,
}

impl DurationError {
    /// The error for the field `field` of a body: 422 `invalid_duration`.
    pub fn problem(&self, field: &str) -> Problem {
        Problem::invalid("invalid_duration", field, &self.message)
            .with("reason", self.code)
            .with("start", self.start)
            .with("end", self.end)
    }
}

struct Unit {
    symbol: &'static str,
    name: &'static str,
    millis: u64,
    /// Ways people write it elsewhere, for a hint.
    others: &'static [&'static str],
}

/// Largest first.
const UNITS: [Unit; 6] = [
    Unit {
        symbol: "w",
        name: "week",
        millis: 7 * 86_400_000,
        others: &["week", "weeks"],
    },
    Unit {
        symbol: "d",
        name: "day",
        millis: 86_400_000,
        others: &["day", "days"],
    },
    Unit {
        symbol: "h",
        name: "hour",
        millis: 3_600_000,
        others: &["hr", "hrs", "hour", "hours"],
    },
    Unit {
        symbol: "m",
        name: "minute",
        millis: 60_000,
        others: &["min", "mins", "minute", "minutes"],
    },
    Unit {
        symbol: "s",
        name: "second",
        millis: 1000,
        others: &["sec", "secs", "second", "seconds"],
    },
    Unit {
        symbol: "ms",
        name: "millisecond",
        millis: 1,
        others: &["msec", "milli", "millis", "millisecond", "milliseconds"],
    },
];

const EXAMPLES: &str = "Write a number and a unit, such as 90s, 5m, 1h30m, 2d or 500ms";

impl HumanDuration {
    pub const ZERO: Self = Self(Duration::ZERO);

    /// # Errors
    /// `too_long` beyond [`LONGEST`].
    pub fn from_secs(seconds: u64) -> Result<Self, DurationError> {
        Duration::from_secs(seconds).try_into()
    }

    pub fn get(self) -> Duration {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// In words: "1 hour 30 minutes", "5 minutes", "0 seconds".
    pub fn describe(self) -> String {
        let words = self.parts().map(|(count, unit)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {}{plural}", unit.name)
        });
        let words = words.collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            "0 seconds".to_owned()
        } else {
            words
        }
    }

    /// Counts of days and smaller units, zero ones left out. Weeks can be written but are shown in days.
    fn parts(self) -> impl Iterator<Item = (u64, &'static Unit)> {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        UNITS.iter().skip(1).filter_map(move |unit| {
            let count = rest / unit.millis;
            rest %= unit.millis;
            (count > 0).then_some((count, unit))
        })
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let error = |code, start, end, message: String| DurationError {
            code,
            start,
            end,
            message,
        };
        let trimmed = text.trim();
        let mut at = text.len() - text.trim_start().len();
        let stop = at + trimmed.len();
        if trimmed.is_empty() {
            return Err(error(
                "empty",
                0,
                text.len(),
                format!("The duration is empty. {EXAMPLES}."),
            ));
        }
        if trimmed.starts_with('-') {
            return Err(error(
                "negative",
                at,
                stop,
                format!("A duration cannot be negative. {EXAMPLES}."),
            ));
        }
        let mut total = 0_u64;
        let mut smallest: Option<&Unit> = None;
        while at < stop {
            let (start, part) = (at, &text[at..stop]);
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let after = part[digits..].trim_start();
            let unit_start = stop - after.len();
            let unit_length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
            let symbol = &after[..unit_length];
            let end = unit_start + unit_length;
            if digits == 0 {
                let end = if symbol.is_empty() {
                    start + part.chars().next().map_or(0, char::len_utf8)
                } else {
                    end
                };
                let shown = &text[start..end];
                return Err(error(
                    "missing_number",
                    start,
                    end,
                    format!("There is no number before {shown}. {EXAMPLES}."),
                ));
            }
            let number = &part[..digits];
            if symbol.is_empty() {
                if after.starts_with(['.', ',']) {
                    let message = format!(
                        "Durations are written in whole numbers. Write 1h30m instead of 1.5h. {EXAMPLES}."
                    );
                    return Err(error("not_whole", start, stop, message));
                }
                let message =
                    format!("{number} has no unit. Write {number}s for seconds or {number}m for minutes.");
                return Err(error("missing_unit", start, start + digits, message));
            }
            let unit = UNITS
                .iter()
                .find(|unit| unit.symbol.eq_ignore_ascii_case(symbol))
                .ok_or_else(|| {
                    let lower = symbol.to_lowercase();
                    let meant = UNITS.iter().find(|unit| unit.others.contains(&lower.as_str()));
                    let hint = match meant {
                        Some(unit) => format!("Write {number}{}.", unit.symbol),
                        None => "Use w, d, h, m, s or ms.".to_owned(),
                    };
                    error(
                        "unknown_unit",
                        unit_start,
                        end,
                        format!("The unit {symbol} is not known. {hint}"),
                    )
                })?;
            if let Some(before) = smallest.filter(|before| before.millis <= unit.millis) {
                let message = format!(
                    "{number}{} cannot follow a number of {}s. Write each unit once, the largest first, as in 1h30m.",
                    unit.symbol, before.name
                );
                return Err(error("order", start, end, message));
            }
            smallest = Some(unit);
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|count| count.checked_mul(unit.millis))
                .and_then(|millis| total.checked_add(millis))
                .ok_or_else(|| too_long(start, end))?;
            at = stop - text[end..stop].trim_start().len();
        }
        let duration = Duration::from_millis(total);
        if duration > LONGEST {
            return Err(too_long(stop - trimmed.len(), stop));
        }
        Ok(Self(duration))
    }
}

fn too_long(start: usize, end: usize) -> DurationError {
    let message = "The duration is longer than ten years (3650d). Write a shorter one.".to_owned();
    DurationError {
        code: "too_long",
        start,
        end,
        message,
    }
}

/// What is below a millisecond is cut off.
impl TryFrom<Duration> for HumanDuration {
    type Error = DurationError;

    fn try_from(duration: Duration) -> Result<Self, DurationError> {
        if duration > LONGEST {
            return Err(too_long(0, 0));
        }
        let millis = u64::try_from(duration.as_millis()).map_err(|_| too_long(0, 0))?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.0
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("0s");
        }
        self.parts()
            .try_for_each(|(count, unit)| write!(f, "{count}{}", unit.symbol))
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> HumanDuration {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn reads_and_shows_canonically() {
        for (text, millis, shown, words) in [
            ("90s", 90_000, "1m30s", "1 minute 30 seconds"),
            ("5m", 300_000, "5m", "5 minutes"),
            ("1h30m", 5_400_000, "1h30m", "1 hour 30 minutes"),
            ("1H 30 M", 5_400_000, "1h30m", "1 hour 30 minutes"),
            (" 2d ", 172_800_000, "2d", "2 days"),
            ("500ms", 500, "500ms", "500 milliseconds"),
            ("1s1ms", 1001, "1s1ms", "1 second 1 millisecond"),
            ("1w", 604_800_000, "7d", "7 days"),
            ("36h", 129_600_000, "1d12h", "1 day 12 hours"),
            ("0s", 0, "0s", "0 seconds"),
            ("0h", 0, "0s", "0 seconds"),
            ("007m", 420_000, "7m", "7 minutes"),
            ("3650d", 315_360_000_000, "3650d", "3650 days"),
        ] {
            let duration = parse(text);
            assert_eq!(duration.get(), Duration::from_millis(millis), "{text}");
            assert_eq!(duration.to_string(), shown);
            assert_eq!(duration.describe(), words);
        }
    }

    #[test]
    fn refuses_with_a_place_and_a_way_out() {
        for (text, code, start, end, part) in [
            ("", "empty", 0, 0, "Write a number and a unit"),
            ("  ", "empty", 0, 2, "Write a number and a unit"),
            ("90", "missing_unit", 0, 2, "Write 90s for seconds"),
            ("1h30", "missing_unit", 2, 4, "30 has no unit"),
            ("-5m", "negative", 0, 3, "cannot be negative"),
            ("1.5h", "not_whole", 0, 4, "1h30m instead of 1.5h"),
            ("5min", "unknown_unit", 1, 4, "Write 5m."),
            ("5 years", "unknown_unit", 2, 7, "Use w, d, h, m, s or ms."),
            ("m", "missing_number", 0, 1, "no number before m"),
            ("ä5", "missing_number", 0, 2, "no number before ä"),
            ("5m1h", "order", 2, 4, "the largest first"),
            ("1m1m", "order", 2, 4, "each unit once"),
            ("3651d", "too_long", 0, 5, "ten years"),
            ("99999999999999999999999s", "too_long", 0, 24, "ten years"),
            ("9999999999999999999w", "too_long", 0, 20, "ten years"),
            ("5m;", "missing_number", 2, 3, "no number before ;"),
        ] {
            let error = text.parse::<HumanDuration>().expect_err(text);
            assert_eq!(
                (error.code, error.start, error.end),
                (code, start, end),
                "{text}: {error}"
            );
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn is_a_string_in_json() {
        let duration: HumanDuration = serde_json::from_str("\"90s\"").expect("a duration");
        assert_eq!(serde_json::to_string(&duration).expect("a string"), "\"1m30s\"");
        let error = serde_json::from_str::<HumanDuration>("\"90\"").expect_err("no unit");
        assert!(error.to_string().contains("Write 90s"), "{error}");
    }

    #[test]
    fn values_are_checked_too() {
        assert!(HumanDuration::try_from(LONGEST + Duration::from_millis(1)).is_err());
        assert!(HumanDuration::from_secs(u64::MAX).is_err());
        let cut = HumanDuration::try_from(Duration::from_micros(1999)).expect("short enough");
        assert_eq!(cut.get(), Duration::from_millis(1));
    }

    proptest! {
        #[test]
        fn shown_text_reads_back(millis in 0..=315_360_000_000_u64) {
            let duration = HumanDuration::try_from(Duration::from_millis(millis)).expect("within ten years");
            prop_assert_eq!(parse(&duration.to_string()), duration);
        }

        #[test]
        fn any_text_is_read_or_refused_within_its_bounds(text in "[0-9smhdw .,-]{0,12}|\\PC{0,12}") {
            if let Err(error) = text.parse::<HumanDuration>() {
                prop_assert!(error.start <= error.end && error.end <= text.len());
                prop_assert!(text.is_char_boundary(error.start) && text.is_char_boundary(error.end));
            }
        }
    }
}
