//! The next times against a walk through time.

use super::*;
use crate::cron::oracle::{self, Naive};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::HashSet;

/// Clock changes of all kinds: zone, and an instant near the change.
const CHANGES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/London", "2026-03-29T01:00:00Z"),
    ("Europe/Dublin", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("Africa/Cairo", "2024-04-25T22:00:00Z"),
    ("Africa/Cairo", "2024-10-31T21:00:00Z"),
    ("Asia/Beirut", "2024-03-30T22:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
    ("Asia/Tehran", "2022-03-21T20:30:00Z"),
    ("Asia/Pyongyang", "2015-08-14T15:00:00Z"),
    ("Asia/Pyongyang", "2018-05-04T15:00:00Z"),
    ("Africa/Casablanca", "2024-03-10T02:00:00Z"),
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    ("America/Caracas", "2016-05-01T07:00:00Z"),
    ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ("UTC", "2026-03-29T01:00:00Z"),
];

/// Changes whose offsets are no whole minutes, walked by the second.
const ODD_CHANGES: &[(&str, &str)] = &[
    ("America/New_York", "1883-11-18T17:00:00Z"),
    ("Africa/Monrovia", "1972-01-07T00:44:30Z"),
    ("Europe/Amsterdam", "1937-06-30T23:40:28Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
];

const HOUR: i64 = 3600;
/// Longer than any clock was ever turned back, in seconds, and than it was on an ordinary change.
const DAY: i64 = 26 * HOUR;
const FEW_HOURS: i64 = 4 * HOUR;

/// How a walk goes, in seconds: so far to both sides of a moment, in steps of this length, after having seen so much before, which
/// an overlap may repeat.
#[derive(Clone, Copy)]
struct Way {
    around: i64,
    step: i64,
    seen: i64,
}

/// The rules for clock changes told a second time: walk through time in small steps, remember what the clock has shown.
fn walk(naive: &Naive, zone: &Zone, (from, until): (i64, i64), way: Way) -> Vec<Timestamp> {
    let step = way.step;
    let wall = |at: i64| {
        let at = DateTime::from_timestamp(at, 0).expect("in range");
        at.naive_utc() + TimeDelta::seconds(zone.offset_seconds(at).into())
    };
    let mut shown = HashSet::new();
    let mut fires = Vec::new();
    let first = from - way.seen;
    let mut before = wall(first - step);
    for at in (first..until).step_by(usize::try_from(step).expect("positive")) {
        let now = wall(at);
        let wanted = if naive.is_fixed() {
            let mut skipped = Vec::new();
            let mut gap = before + TimeDelta::seconds(step);
            while gap < now {
                skipped.push(gap);
                gap += TimeDelta::seconds(step);
            }
            let new = shown.insert(now);
            (new && naive.holds(now))
                || skipped
                    .into_iter()
                    .any(|gap| shown.insert(gap) && naive.holds(gap))
        } else {
            naive.holds(now)
        };
        if wanted && at >= from {
            fires.extend(DateTime::from_timestamp(at, 0));
        }
        before = now;
    }
    fires
}

fn compare(naive: &Naive, (name, change): (&str, &str), way: Way) -> Result<(), TestCaseError> {
    let zone = zone(name);
    let expression = cron(&naive.text());
    let middle = utc(change).timestamp();
    let (from, until) = (middle - way.around, middle + way.around);
    let walked = walk(naive, &zone, (from, until), way);
    let after = DateTime::from_timestamp(from - 1, 0).expect("in range");
    let found: Vec<Timestamp> = expression
        .upcoming(&zone, after)
        .take_while(|at| at.timestamp() < until)
        .collect();
    prop_assert_eq!(&found, &walked, "{} in {} around {}", expression, name, change);
    // Asked from anywhere in between, the answer is the same.
    for (asked, next) in walked.iter().zip(walked.iter().skip(1)).take(40) {
        let middle = *asked + (*next - *asked) / 2;
        prop_assert_eq!(
            expression.next_after(&zone, *asked),
            Some(*next),
            "{} in {}",
            expression,
            name
        );
        if middle < *next {
            prop_assert_eq!(
                expression.next_after(&zone, middle),
                Some(*next),
                "{} in {} after {}",
                expression,
                name,
                middle
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn clock_changes_agree_with_a_walk_over_minutes(naive in oracle::at_night(false), change in select(CHANGES)) {
        compare(&naive, change, Way { around: 8 * HOUR, step: 60, seen: DAY })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2500))]

    /// Any zone, in the years since which all have offsets of whole minutes.
    #[test]
    fn any_time_agrees_with_a_walk_over_minutes(
        naive in oracle::expression(false), name in select(Zone::names()), hour in 0..65 * 366 * 24_i64,
    ) {
        let middle = utc("1973-01-01T00:00:00Z") + TimeDelta::hours(hour);
        compare(&naive, (&name, &middle.to_rfc3339()), Way { around: 12 * HOUR, step: 60, seen: FEW_HOURS })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Further around, so that days and weeks are crossed too.
    #[test]
    fn days_agree_with_a_walk_over_minutes(naive in oracle::expression(false), name in select(Zone::names()), day in 0..65 * 366_i64) {
        let middle = utc("1973-01-01T00:00:00Z") + TimeDelta::days(day);
        compare(&naive, (&name, &middle.to_rfc3339()), Way { around: 72 * HOUR, step: 60, seen: DAY })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn clock_changes_agree_with_a_walk_over_seconds(naive in oracle::at_night(true), change in select(ODD_CHANGES)) {
        compare(&naive, change, Way { around: 5 * HOUR, step: 1, seen: FEW_HOURS })?;
    }

    #[test]
    fn intervals_agree_with_adding_up(every in 1..10_000_u64, count in 0..300_u64, extra in 0.0..1.0_f64) {
        let anchor = utc("2026-03-28T23:00:00.25Z");
        let step = TimeDelta::milliseconds(i64::try_from(every).expect("small"));
        let mut row = anchor;
        for _ in 0..count {
            row += step;
        }
        let within = TimeDelta::milliseconds((extra * every as f64) as i64);
        prop_assert_eq!(interval_next(Duration::from_millis(every), anchor, row + within), Some(row + step));
    }
}
