mod croniter;
mod walk;

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::*;

fn zone(name: &str) -> Zone {
    name.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn cron(text: &str) -> CronExpression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The next fire times as the wall clock with its offset shows them.
fn fires(text: &str, name: &str, after: &str, count: usize) -> Vec<String> {
    let zone = zone(name);
    cron(text)
        .upcoming(&zone, utc(after))
        .take(count)
        .map(|at| {
            let offset = chrono::FixedOffset::east_opt(zone.offset_seconds(at)).expect("an offset");
            at.with_timezone(&offset)
                .format("%Y-%m-%d %H:%M:%S %:z")
                .to_string()
        })
        .collect()
}

#[test]
fn fixed_times_in_the_gap_run_once_after_it() {
    // Berlin goes from 02:00 to 03:00 on 29 March 2026.
    let after = "2026-03-28T12:00:00Z";
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", after, 2),
        ["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"]
    );
    assert_eq!(
        fires("0,10,59 2 * * *", "Europe/Berlin", after, 2),
        ["2026-03-29 03:00:00 +02:00", "2026-03-30 02:00:00 +02:00"],
        "several collapse to one"
    );
    assert_eq!(
        fires("0,30 2,3 * * *", "Europe/Berlin", after, 3),
        [
            "2026-03-29 03:00:00 +02:00",
            "2026-03-29 03:30:00 +02:00",
            "2026-03-30 02:00:00 +02:00"
        ],
        "03:00 is no second time"
    );
    assert_eq!(
        fires("30 2 29 3 *", "Europe/Berlin", after, 1),
        ["2026-03-29 03:00:00 +02:00"]
    );
    assert_eq!(
        fires("20 30 2 * * *", "Europe/Berlin", after, 2),
        ["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:20 +02:00"]
    );
    assert_eq!(
        fires("0 3 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", 1),
        ["2026-03-30 03:00:00 +02:00"],
        "strictly after"
    );
}

#[test]
fn fixed_times_in_the_overlap_run_the_first_time_only() {
    let after = "2026-10-24T12:00:00Z";
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", after, 2),
        ["2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"]
    );
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1),
        ["2026-10-26 02:30:00 +01:00"],
        "asked between both passes"
    );
    assert_eq!(
        fires("0 1-4 * * *", "Europe/Berlin", "2026-10-24T22:30:00Z", 4),
        [
            "2026-10-25 01:00:00 +02:00",
            "2026-10-25 02:00:00 +02:00",
            "2026-10-25 03:00:00 +01:00",
            "2026-10-25 04:00:00 +01:00"
        ]
    );
}

#[test]
fn rhythms_follow_elapsed_time() {
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        [
            "2026-03-29 01:30:00 +01:00",
            "2026-03-29 03:00:00 +02:00",
            "2026-03-29 03:30:00 +02:00"
        ]
    );
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 4),
        [
            "2026-10-25 02:30:00 +02:00",
            "2026-10-25 02:00:00 +01:00",
            "2026-10-25 02:30:00 +01:00",
            "2026-10-25 03:00:00 +01:00"
        ]
    );
    assert_eq!(
        fires("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 1),
        ["2026-03-30 02:00:00 +02:00"],
        "nothing in the gap"
    );
    assert_eq!(
        fires("*/20 0 2 * * *", "Europe/Berlin", "2026-10-24T23:59:59Z", 4),
        [
            "2026-10-25 02:00:00 +02:00",
            "2026-10-25 02:00:20 +02:00",
            "2026-10-25 02:00:40 +02:00",
            "2026-10-26 02:00:00 +01:00"
        ],
        "seconds alone make no rhythm"
    );
}

#[test]
fn odd_zones() {
    // Half an hour on Lord Howe, at 02:00.
    assert_eq!(
        fires("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 1),
        ["2026-10-04 02:30:00 +11:00"]
    );
    // Samoa had no 30 December 2011.
    assert_eq!(
        fires("0 6 30 12 *", "Pacific/Apia", "2011-12-29T12:00:00Z", 1),
        ["2011-12-31 00:00:00 +14:00"]
    );
    assert_eq!(
        fires("0 0 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 2),
        ["2011-12-31 00:00:00 +14:00", "2012-01-01 00:00:00 +14:00"]
    );
    // Midnight does not exist.
    for (name, after, first) in [
        (
            "America/Sao_Paulo",
            "2018-11-03T12:00:00Z",
            "2018-11-04 01:00:00 -02:00",
        ),
        (
            "Africa/Cairo",
            "2024-04-25T12:00:00Z",
            "2024-04-26 01:00:00 +03:00",
        ),
        (
            "Asia/Beirut",
            "2024-03-30T12:00:00Z",
            "2024-03-31 01:00:00 +03:00",
        ),
    ] {
        assert_eq!(fires("@daily", name, after, 1), [first]);
    }
    // Midnight comes twice.
    assert_eq!(
        fires("30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", 2),
        ["2018-02-17 23:30:00 -02:00", "2018-02-18 23:30:00 -03:00"]
    );
    // Local mean time: New York turned its clocks back by 3:58 minutes at noon.
    assert_eq!(
        fires("* * * * *", "America/New_York", "1883-11-18T16:59:30Z", 2),
        ["1883-11-18 12:00:00 -05:00", "1883-11-18 12:01:00 -05:00"]
    );
}

#[test]
fn ends_where_nothing_comes() {
    let berlin = zone("Europe/Berlin");
    let now = utc("2026-11-22T00:00:00Z");
    assert_eq!(cron("0 0 31 2 *").next_after(&berlin, now), None);
    // The second Sunday in March at 02:00 is always skipped in New York, and this follows elapsed time.
    assert_eq!(
        cron("* 2 8-14 3 */7").next_after(&zone("America/New_York"), now),
        None
    );
    assert_eq!(
        cron("30 2 8-14 3 */7").next_after(&zone("America/New_York"), now),
        Some(utc("2027-03-14T07:00:00Z"))
    );
    assert_eq!(
        cron("0 0 29 2 */7").next_after(&berlin, now),
        Some(utc("2032-02-28T23:00:00Z"))
    );
    assert_eq!(
        cron("0 0 29 2 *").next_after(&berlin, utc("2096-03-01T00:00:00Z")),
        Some(utc("2104-02-28T23:00:00Z"))
    );
    for edge in [Timestamp::MAX_UTC, Timestamp::MIN_UTC] {
        assert_eq!(cron("* * * * *").next_after(&berlin, edge), None);
    }
    assert!(
        cron("* * * * *")
            .upcoming(&berlin, utc("9999-12-30T00:00:00Z"))
            .count()
            < 3 * 1440
    );
}

#[test]
fn begun_seconds_have_passed() {
    let next = |after: &str| cron("0 3 * * *").next_after(&Zone::utc(), utc(after));
    assert_eq!(
        next("2026-11-22T02:59:59.999Z"),
        Some(utc("2026-11-22T03:00:00Z"))
    );
    assert_eq!(next("2026-11-22T03:00:00Z"), Some(utc("2026-11-23T03:00:00Z")));
    assert_eq!(
        next("2026-11-22T03:00:00.001Z"),
        Some(utc("2026-11-23T03:00:00Z"))
    );
    let before_1970 = cron("* * * * * *").next_after(&Zone::utc(), utc("1969-12-31T23:59:57.500Z"));
    assert_eq!(before_1970, Some(utc("1969-12-31T23:59:58Z")));
}

#[test]
fn zones_have_official_names() {
    assert_eq!(zone("europe/berlin").to_string(), "Europe/Berlin");
    assert_eq!(zone(" utc "), Zone::utc());
    assert_eq!(
        serde_json::to_string(&zone("Asia/Tokyo")).expect("a name"),
        "\"Asia/Tokyo\""
    );
    for (name, part) in [
        ("Berlin", "Did you mean Europe/Berlin?"),
        ("new york", "Did you mean America/New_York?"),
        (
            "Mars/Olympus",
            "There is no time zone named Mars/Olympus. Write an IANA name",
        ),
        ("", "The time zone is empty"),
        ("right/Europe/Berlin", "Did you mean Europe/Berlin?"),
        ("localtime", "Write an IANA name"),
        ("../../etc/passwd", "Write an IANA name"),
        ("Etc/Unknown", "Write an IANA name"),
    ] {
        let error = Zone::new(name).expect_err(name);
        assert!(error.message.contains(part), "{name}: {error}");
    }
    assert_eq!(
        Zone::new("Berlin").expect_err("no zone").problem("timezone").code,
        "unknown_timezone"
    );
    let names = Zone::names();
    assert!(
        names.len() > 300 && names.iter().all(|name| Zone::new(name).is_ok()),
        "{}",
        names.len()
    );
    assert!(
        names.is_sorted() && names.contains(&"Europe/Berlin".to_owned()) && names.contains(&"UTC".to_owned())
    );
}

#[test]
fn intervals_count_elapsed_time() {
    let anchor = utc("2026-03-28T23:00:00Z");
    let every = Duration::from_secs(5400);
    assert_eq!(
        interval_next(every, anchor, utc("2026-03-28T10:00:00Z")),
        Some(anchor),
        "the anchor comes first"
    );
    assert_eq!(
        interval_next(every, anchor, anchor),
        Some(utc("2026-03-29T00:30:00Z"))
    );
    assert_eq!(
        interval_next(every, anchor, utc("2026-03-29T00:29:59.9Z")),
        Some(utc("2026-03-29T00:30:00Z"))
    );
    assert_eq!(
        interval_next(every, anchor, utc("2026-03-29T00:30:00Z")),
        Some(utc("2026-03-29T02:00:00Z"))
    );
    assert_eq!(interval_next(Duration::ZERO, anchor, anchor), None);
    assert_eq!(interval_next(Duration::MAX, anchor, anchor), None);
    assert_eq!(interval_next(every, anchor, Timestamp::MAX_UTC), None);
}

#[test]
fn tells_of_clock_changes() {
    let berlin = zone("Europe/Berlin");
    let tell = |text: &str| {
        clock_changes(
            &cron(text),
            &berlin,
            utc("2026-01-01T00:00:00Z"),
            TimeDelta::days(365),
        )
        .iter()
        .map(ClockChange::describe)
        .collect::<Vec<_>>()
    };
    assert_eq!(
        tell("30 2 * * *"),
        [
            "On 29 March 2026 the clock jumps from 02:00 to 03:00: 02:30 runs at 03:00.",
            "On 25 October 2026 the clock goes back from 03:00 to 02:00: 02:30 runs the first time only.",
        ]
    );
    assert_eq!(
        tell("0,20,40 2 * * *")[0],
        "On 29 March 2026 the clock jumps from 02:00 to 03:00: 3 times from 02:00 on run once, at 03:00."
    );
    assert_eq!(
        tell("*/15 * * * *"),
        [
            "On 29 March 2026 the clock jumps from 02:00 to 03:00: 4 times from 02:00 on do not run.",
            "On 25 October 2026 the clock goes back from 03:00 to 02:00: 4 times from 02:00 on run both times.",
        ]
    );
    assert!(tell("0 12 * * *").is_empty());
    let none = clock_changes(
        &cron("30 2 * * *"),
        &Zone::utc(),
        utc("2026-01-01T00:00:00Z"),
        TimeDelta::MAX,
    );
    assert!(none.is_empty());
    let apia = clock_changes(
        &cron("0 6 * * *"),
        &zone("Pacific/Apia"),
        utc("2011-12-01T00:00:00Z"),
        TimeDelta::days(60),
    );
    assert_eq!(
        apia[0].describe(),
        "On 30 December 2011 the clock jumps from 00:00 to 00:00 on 31 December: 06:00 runs at 00:00 on 31 December."
    );
}

#[test]
fn ten_thousand_evaluations_are_quick() {
    let zone = zone("America/New_York");
    let expressions = [
        "0 3 * * *",
        "*/5 * * * *",
        "0 22 * * 1-5",
        "30 4 1,15 * *",
        "0 0 L * *",
        "*/10 * * * * *",
        "0 0 1 1 *",
        "0 9 * * 1#2",
    ]
    .map(cron);
    let start = Instant::now();
    let mut after = utc("2026-01-01T00:00:00Z");
    for round in 0..10_000 {
        let next = expressions[round % expressions.len()]
            .next_after(&zone, after)
            .expect("a fire time");
        assert!(next > after);
        after += TimeDelta::minutes(47);
    }
    println!("10,000 evaluations: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let start = Instant::now();
    assert_eq!(cron("0 0 31 2 *").next_after(&zone, after), None);
    assert_eq!(cron("* 2 8-14 3 */7").next_after(&zone, after), None);
    println!("two that never fire: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
