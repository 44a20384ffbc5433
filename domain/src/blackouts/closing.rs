//! When a blackout is on: computed, in its zone.

use super::{BlackoutWindow, Day, Period};
use crate::{Timestamp, cron::CronExpression, errors::Problem, next_times::Zone};
use chrono::TimeDelta;
use std::time::Duration;

/// A window shorter than this would let through by chance what it should hold.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest window that recurs.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);
/// Windows that follow each other without a gap are one; more than this many never end.
const MOST_JOINED: usize = 1000;

/// A window, ready to compute with.
#[derive(Clone, Debug)]
pub struct Closing {
    zone: Zone,
    opening: Opening,
}

#[derive(Clone, Debug)]
enum Opening {
    Recurring {
        expression: Box<CronExpression>,
        duration: TimeDelta,
    },
    Dated(Period),
}

/// Why a window is none: the field within the window, a stable code, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClosingError {
    pub field: &'static str,
    pub code: &'static str,
    pub message: String,
    /// Bytes of the field's text, where known.
    pub place: Option<(usize, usize)>,
}

impl ClosingError {
    fn new(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            code,
            message: message.into(),
            place: None,
        }
    }

    /// 422 for the window in `field` of a body.
    pub fn problem(&self, field: &str) -> Problem {
        let problem = Problem::invalid(self.code, &format!("{field}.{}", self.field), &self.message);
        match self.place {
            Some((start, end)) => problem.with("start", start).with("end", end),
            None => problem,
        }
    }
}

impl Closing {
    /// # Errors
    /// What is wrong with the window, and with which field of it.
    pub fn new(window: &BlackoutWindow, zone: Zone) -> Result<Self, ClosingError> {
        let opening = match window {
            BlackoutWindow::Dated { from, to } => {
                if to <= from {
                    let message = "It ends before it begins. Choose a later end.";
                    return Err(ClosingError::new("to", "ends_before_it_begins", message));
                }
                Opening::Dated(Period { from: *from, to: *to })
            }
            BlackoutWindow::Weekly {
                days,
                start,
                duration,
            } => recurring(&weekly(days, start)?, duration.get(), "start")?,
            BlackoutWindow::Cron { expression, duration } => {
                recurring(expression, duration.get(), "expression")?
            }
        };
        let closing = Self { zone, opening };
        if let Opening::Recurring { expression, .. } = &closing.opening {
            let probe = expression.next_after(&closing.zone, Timestamp::UNIX_EPOCH + TimeDelta::days(20_000));
            if probe.is_some_and(|at| closing.end(at).is_none()) {
                let message = "Its windows follow each other without a gap, so nothing could ever run. Make it shorter, or \
                               switch off what should not run.";
                return Err(ClosingError::new("duration", "never_ends", message));
            }
        }
        Ok(closing)
    }

    /// When the window ends that is on at `at`; nothing when none is. Windows that touch are one.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.opening {
            Opening::Dated(period) => (period.from <= at && at < period.to).then_some(period.to),
            Opening::Recurring { expression, duration } => {
                let opened = expression.next_after(&self.zone, at - *duration)?;
                if opened > at {
                    return None;
                }
                // One that never ends was refused when it was saved.
                self.end(opened).or(Some(opened + *duration))
            }
        }
    }

    /// Where the chain of windows ends that begins with the one opened at `opened`.
    fn end(&self, opened: Timestamp) -> Option<Timestamp> {
        let Opening::Recurring { expression, duration } = &self.opening else {
            return None;
        };
        let mut end = opened + *duration;
        let mut openings = expression.upcoming(&self.zone, opened);
        for _ in 0..MOST_JOINED {
            match openings.next() {
                Some(next) if next <= end => end = next + *duration,
                _ => return Some(end),
            }
        }
        None
    }

    /// The windows that lie within or reach into a span, joined where they touch; at most `most`.
    pub fn periods(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Period> {
        let mut periods = Vec::new();
        let mut at = from;
        while periods.len() < most && at < to {
            let Some(period) = self.next(at).filter(|period| period.from < to) else {
                break;
            };
            at = period.to;
            periods.push(period);
        }
        periods
    }

    /// The window that is on at `at` (from when it was opened), else the next one.
    pub fn next(&self, at: Timestamp) -> Option<Period> {
        match &self.opening {
            Opening::Dated(period) => (at < period.to).then_some(*period),
            Opening::Recurring { expression, duration } => {
                let from = expression.next_after(&self.zone, at - *duration)?;
                let to = self.end(from).unwrap_or(from + *duration);
                Some(Period { from, to })
            }
        }
    }

    /// In plain English.
    pub fn describe(&self) -> String {
        match &self.opening {
            Opening::Dated(Period { from, to }) => {
                let shown = |at: &Timestamp| at.format("%Y-%m-%d %H:%M UTC").to_string();
                format!("From {} to {}", shown(from), shown(to))
            }
            Opening::Recurring { expression, duration } => {
                let duration = duration
                    .to_std()
                    .ok()
                    .and_then(|duration| crate::durations::HumanDuration::try_from(duration).ok())
                    .unwrap_or_default();
                format!("{}, for {}", expression.describe(), duration.describe())
            }
        }
    }
}

/// The cron expression of a time of the day on days of the week.
fn weekly(days: &[Day], start: &str) -> Result<String, ClosingError> {
    let wrong = || {
        let message = format!("{start} is no time of the day. Write it as 22:00.");
        ClosingError::new("start", "invalid_time", message)
    };
    let (hour, minute) = start.trim().split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, below: u32| -> Result<u32, ClosingError> {
        if text.is_empty() || text.len() > 2 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        text.parse()
            .ok()
            .filter(|number| *number < below)
            .ok_or_else(wrong)
    };
    let (hour, minute) = (number(hour, 24)?, number(minute, 60)?);
    let mut named: Vec<&str> = Day::ALL
        .into_iter()
        .filter(|day| days.contains(day))
        .map(Day::as_str)
        .collect();
    if named.is_empty() || named.len() == Day::ALL.len() {
        named = vec!["*"];
    }
    Ok(format!("{minute} {hour} * * {}", named.join(",")))
}

fn recurring(text: &str, duration: Duration, field: &'static str) -> Result<Opening, ClosingError> {
    if duration < SHORTEST || duration > LONGEST {
        let message = "A window lasts from 1m to 31d.";
        return Err(ClosingError::new("duration", "out_of_range", message));
    }
    let expression: CronExpression = text
        .parse()
        .map_err(|error: crate::cron::CronError| ClosingError {
            field,
            code: "invalid_cron",
            message: error.message.clone(),
            place: Some((error.start, error.end)),
        })?;
    if expression.never_fires() {
        let message = format!("{expression} never fires: there is no such date in any year.");
        return Err(ClosingError::new(field, "never_fires", message));
    }
    let duration = TimeDelta::from_std(duration).unwrap_or_default();
    Ok(Opening::Recurring {
        expression: Box::new(expression),
        duration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(days: &[Day], start: &str, duration: &str) -> BlackoutWindow {
        BlackoutWindow::Weekly {
            days: days.to_vec(),
            start: start.to_owned(),
            duration: duration.parse().unwrap(),
        }
    }

    fn cron(expression: &str, duration: &str) -> BlackoutWindow {
        BlackoutWindow::Cron {
            expression: expression.to_owned(),
            duration: duration.parse().unwrap(),
        }
    }

    fn berlin(window: &BlackoutWindow) -> Closing {
        Closing::new(window, Zone::new("Europe/Berlin").unwrap()).unwrap()
    }

    #[test]
    fn it_begins_by_the_clock_and_lasts_elapsed_time_across_clock_changes() {
        // 2027-03-28: Berlin's clocks go from 02:00 to 03:00. The window opens on Saturday at 22:00 CET (21:00 UTC).
        let window = berlin(&weekly(&[Day::Sat], "22:00", "8h"));
        assert_eq!(window.until(at("2027-03-27T20:59:59Z")), None);
        assert_eq!(
            window.until(at("2027-03-27T21:00:00Z")),
            Some(at("2027-03-28T05:00:00Z"))
        );
        assert_eq!(
            window.until(at("2027-03-28T04:59:59Z")),
            Some(at("2027-03-28T05:00:00Z"))
        );
        assert_eq!(window.until(at("2027-03-28T05:00:00Z")), None);
        // A start that the clocks skip is the first instant after the gap.
        let skipped = berlin(&weekly(&[], "02:30", "1h"));
        assert_eq!(
            skipped.until(at("2027-03-28T01:00:00Z")),
            Some(at("2027-03-28T02:00:00Z"))
        );
        // One that they show twice (2027-10-31) opens once, at the first.
        let twice = berlin(&weekly(&[], "02:30", "30m"));
        assert_eq!(
            twice.until(at("2027-10-31T00:30:00Z")),
            Some(at("2027-10-31T01:00:00Z"))
        );
        assert_eq!(twice.until(at("2027-10-31T01:45:00Z")), None);
    }

    #[test]
    fn windows_that_touch_are_one() {
        let window = berlin(&cron("0 8-11 * * *", "1h"));
        assert_eq!(
            window.until(at("2026-12-01T07:10:00Z")),
            Some(at("2026-12-01T11:00:00Z"))
        );
        assert_eq!(
            window
                .periods(at("2026-12-01T00:00:00Z"), at("2026-12-03T00:00:00Z"), 10)
                .len(),
            2
        );
        assert_eq!(window.describe(), "Every hour from 08:00 to 11:00, for 1 hour");
    }

    #[test]
    fn what_makes_no_sense_says_why() {
        let refused = |window: &BlackoutWindow| Closing::new(window, Zone::utc()).unwrap_err();
        for (window, code, field) in [
            (weekly(&[], "25:00", "1h"), "invalid_time", "start"),
            (weekly(&[], "8", "1h"), "invalid_time", "start"),
            (weekly(&[], "08:00", "1s"), "out_of_range", "duration"),
            (weekly(&[], "08:00", "24h"), "never_ends", "duration"),
            (cron("* * * * *", "5m"), "never_ends", "duration"),
            (cron("0 0 31 2 *", "5m"), "never_fires", "expression"),
            (cron("nonsense", "5m"), "invalid_cron", "expression"),
            (
                BlackoutWindow::Dated {
                    from: at("2026-12-02T00:00:00Z"),
                    to: at("2026-12-01T00:00:00Z"),
                },
                "ends_before_it_begins",
                "to",
            ),
        ] {
            let error = refused(&window);
            assert_eq!((error.code, error.field), (code, field), "{window:?}: {error}");
        }
    }

    proptest! {
        /// Whatever the zone and the day: a time is within a window exactly when one of the openings that a walk finds is
        /// not further back than the window lasts.
        #[test]
        fn it_is_on_when_a_walk_says_so(
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
            hour in 0_u32..24, minute in 0_u32..60, hours in 1_u64..20, day in prop::sample::select(Day::ALL.to_vec()),
            start in 1_740_000_000_i64..1_860_000_000,
        ) {
            let zone = Zone::new(zone).unwrap();
            let window = weekly(&[day], &format!("{hour:02}:{minute:02}"), &format!("{hours}h"));
            let closing = Closing::new(&window, zone.clone()).unwrap();
            let expression: CronExpression = format!("{minute} {hour} * * {}", day.as_str()).parse().unwrap();
            let now = Timestamp::from_timestamp(start, 0).unwrap();
            let duration = TimeDelta::hours(hours as i64);
            let opened = expression
                .upcoming(&zone, now - TimeDelta::days(9))
                .take_while(|at| *at <= now)
                .last();
            let expected = opened.map(|at| at + duration).filter(|end| now < *end);
            prop_assert_eq!(closing.until(now), expected);
            if let Some(period) = closing.next(now) {
                prop_assert_eq!(expected.is_some(), period.from <= now);
                prop_assert!(period.to > now);
                prop_assert_eq!(closing.until(period.to), None);
            }
        }
    }
}
