//! Counting by arithmetic against walking from fire to fire.

use super::*;
use crate::{Timestamp, next_times::Zone};
use chrono::TimeDelta;
use proptest::prelude::*;
use std::time::Duration;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(zone: &str, text: &str) -> Recurrence {
    let timing = Timing::Cron(Box::new(text.parse().unwrap()));
    Recurrence::new(Zone::new(zone).unwrap(), vec![timing])
}

fn walked(recurrence: &Recurrence, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let first = recurrence.next_after(from - TimeDelta::microseconds(1));
    std::iter::successors(first, |last| recurrence.next_after(*last))
        .take_while(|at| *at < to)
        .collect()
}

/// The counts by arithmetic and by walking.
fn both(
    recurrence: &Recurrence,
    viewer: &str,
    from: Timestamp,
    to: Timestamp,
    width: CellWidth,
) -> [Vec<u32>; 2] {
    let grid = Grid::new(&Zone::new(viewer).unwrap(), from, to, width);
    let stretches = Stretches::new(recurrence.zone(), from, to);
    let mut counted = vec![0; grid.len()];
    let sum = recurrence.count(&stretches, from, to, &grid, &mut counted);
    assert_eq!(sum, counted.iter().map(|n| u64::from(*n)).sum::<u64>());
    let mut expected = vec![0; grid.len()];
    for fire in walked(recurrence, from, to) {
        expected[grid.cell(fire.timestamp()).unwrap()] += 1;
    }
    [counted, expected]
}

#[test]
fn more_than_two_an_hour_are_dense() {
    for (text, dense) in [
        ("0 3 * * *", false),
        ("0,30 * * * *", false),
        ("*/30 * * * *", false),
        ("*/29 * * * *", true),
        ("*/5 9-17 * * 1-5", true),
        ("*/20 0 3 * * *", true),
    ] {
        assert_eq!(cron("UTC", text).is_dense(), dense, "{text}");
    }
    let every = |seconds| {
        let timing = Timing::Interval {
            every: Duration::from_secs(seconds),
            anchor: at("2026-11-25T00:00:00Z"),
        };
        Recurrence::new(Zone::utc(), vec![timing]).is_dense()
    };
    assert!(!every(1800) && every(1799) && every(1));
}

#[test]
fn days_are_those_of_the_viewer_and_a_change_of_the_clock_is_told() {
    let (from, to) = (at("2027-03-26T23:00:00Z"), at("2027-03-29T22:00:00Z"));
    let grid = Grid::new(&Zone::new("Europe/Berlin").unwrap(), from, to, CellWidth::Day);
    let starts: Vec<_> = grid
        .starts()
        .iter()
        .map(|at| at.format("%dT%H").to_string())
        .collect();
    assert_eq!(starts, ["26T23", "27T23", "28T22"]);
    let nightly = cron("Europe/Berlin", "30 2 * * *");
    let stretches = Stretches::new(nightly.zone(), from, to);
    assert_eq!(stretches.changes().count(), 1);
    let notes: Vec<_> = walked(&nightly, from, to)
        .into_iter()
        .map(|fire| nightly.clock_note(&stretches, fire).is_some())
        .collect();
    assert_eq!(notes, [false, true, false]);
    let autumn = (at("2027-10-30T22:00:00Z"), at("2027-11-01T23:00:00Z"));
    let stretches = Stretches::new(nightly.zone(), autumn.0, autumn.1);
    let note = nightly
        .clock_note(&stretches, at("2027-10-31T00:30:00Z"))
        .unwrap();
    assert!(note.contains("first time only"), "{note}");
}

fn expressions() -> impl Strategy<Value = String> {
    let minutes = prop::sample::select(vec!["0", "*/5", "*", "30", "0,20,40", "59", "0-59", "*/30"]);
    let hours = prop::sample::select(vec!["*", "2", "3", "*/6", "1-3", "0,23", "9-17", "22-4"]);
    let days = prop::sample::select(vec!["*", "1", "28-31", "L", "15W", "*/2"]);
    let months = prop::sample::select(vec!["*", "3", "10", "3,10,11"]);
    let weekdays = prop::sample::select(vec!["*", "sun", "1-5", "0#1", "6L"]);
    let seconds = prop::sample::select(vec!["", "", "", "0,30 ", "7 "]);
    (seconds, minutes, hours, days, months, weekdays)
        .prop_map(|(s, m, h, d, mo, w)| format!("{s}{m} {h} {d} {mo} {w}"))
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Pacific/Chatham",
    ])
}

fn widths() -> impl Strategy<Value = CellWidth> {
    prop::sample::select(vec![
        CellWidth::Minutes(15),
        CellWidth::Minutes(60),
        CellWidth::QuarterDay,
        CellWidth::Day,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Near changes of the clock and far from them, whatever the second at which the window begins and ends.
    #[test]
    fn counting_is_walking(
        text in expressions(), zone in zones(), viewer in zones(), width in widths(),
        near in prop::sample::select(vec!["2027-03-28T00:00:00Z", "2027-03-14T06:00:00Z", "2027-10-31T00:00:00Z",
            "2027-11-07T05:00:00Z", "2027-04-03T14:00:00Z", "2027-06-01T00:00:00Z"]),
        back in 0_i64..400_000, length in 1_i64..600_000, micros in 0_i64..1_000_000,
    ) {
        let from = at(near) - TimeDelta::seconds(back) - TimeDelta::microseconds(micros);
        let to = from + TimeDelta::seconds(length);
        let [counted, expected] = both(&cron(zone, &text), viewer, from, to, width);
        prop_assert_eq!(counted, expected, "{} in {}", text, zone);
    }

    #[test]
    fn intervals_are_counted_as_they_fire(
        every in 1_u64..20_000_000, anchor in -1_000_000_i64..1_000_000, length in 1_i64..400_000, width in widths(),
    ) {
        let from = at("2027-03-28T00:00:00Z");
        let timing = Timing::Interval {
            every: Duration::from_millis(every.max(30_000)),
            anchor: from + TimeDelta::milliseconds(anchor * 1000 + 7),
        };
        let recurrence = Recurrence::new(Zone::utc(), vec![timing]);
        let [counted, expected] = both(&recurrence, "Europe/Berlin", from, from + TimeDelta::seconds(length), width);
        prop_assert_eq!(counted, expected);
    }

    /// Triggers that meet fire once where runs are enumerated.
    #[test]
    fn several_triggers_fire_once_where_they_meet(hour in 0_u32..24, other in 0_u32..24) {
        let timings = [hour, other].map(|hour| Timing::Cron(Box::new(format!("0 {hour} * * *").parse().unwrap())));
        let recurrence = Recurrence::new(Zone::utc(), timings.to_vec());
        let from = at("2027-06-01T00:00:00Z");
        let [counted, expected] = both(&recurrence, "UTC", from, from + TimeDelta::days(3), CellWidth::Day);
        prop_assert_eq!(&counted, &expected);
        prop_assert_eq!(counted[0], if hour == other { 1 } else { 2 });
    }
}
