mod describe;
mod errors;
pub(crate) mod oracle;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> CronExpression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The days of a month on which it fires.
fn days(text: &str, year: i32, month: u32) -> Vec<u32> {
    days::bits(parse(text).day_mask(year, month).into()).collect()
}

#[test]
fn finds_the_next_wall_time() {
    for (text, from, next) in [
        ("0 3 * * *", "2026-11-22 03:00:00", "2026-11-22 03:00:00"),
        ("0 3 * * *", "2026-11-22 03:00:01", "2026-11-23 03:00:00"),
        ("*/5 * * * *", "2026-12-31 23:56:00", "2027-01-01 00:00:00"),
        ("59 23 31 12 *", "2026-12-31 23:59:01", "2027-12-31 23:59:00"),
        ("30 4 1,15 * *", "2026-02-16 00:00:00", "2026-03-01 04:30:00"),
        ("0 0 31 * *", "2026-04-01 00:00:00", "2026-05-31 00:00:00"),
        ("0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00"),
        ("0 0 29 2 */7", "2026-01-01 00:00:00", "2032-02-29 00:00:00"),
        ("0 0 * * 7", "2026-11-22 00:00:01", "2026-11-29 00:00:00"),
        ("15 30 4 * * *", "2026-11-22 04:30:15", "2026-11-22 04:30:15"),
        ("15 30 4 * * *", "2026-11-22 04:30:16", "2026-11-23 04:30:15"),
        ("*/20 59 23 * * *", "2026-11-22 23:59:41", "2026-11-23 23:59:00"),
        ("0 22-2/2 * * *", "2026-11-22 03:00:00", "2026-11-22 22:00:00"),
        ("@hourly", "2026-11-22 03:00:01", "2026-11-22 04:00:00"),
        ("@yearly", "2026-11-22 03:00:01", "2027-01-01 00:00:00"),
        ("@weekly", "2026-11-22 03:00:01", "2026-11-29 00:00:00"),
    ] {
        assert_eq!(
            parse(text).next_local(at(from)),
            Some(at(next)),
            "{text} from {from}"
        );
    }
    let half = at("2026-11-22 03:00:00") + TimeDelta::milliseconds(500);
    assert_eq!(
        parse("* * * * * *").next_local(half),
        Some(at("2026-11-22 03:00:01")),
        "a begun second has passed"
    );
    assert_eq!(parse("0 0 31 2 *").next_local(half), None);
    assert_eq!(parse("* * * * *").next_local(NaiveDateTime::MAX), None);
}

#[test]
fn knows_special_days() {
    // November 2026 begins on a Sunday; February 2028 has 29 days.
    assert_eq!(days("0 0 L * *", 2026, 11), [30]);
    assert_eq!(days("0 0 L * *", 2028, 2), [29]);
    assert_eq!(days("0 0 L-3,L * *", 2026, 11), [27, 30]);
    assert_eq!(days("0 0 L-30 * *", 2026, 11), [] as [u32; 0]);
    assert_eq!(days("0 0 LW * *", 2026, 10), [30], "the 31st is a Saturday");
    assert_eq!(days("0 0 lw * *", 2026, 5), [29], "the 31st is a Sunday");
    assert_eq!(days("0 0 15W * *", 2026, 11), [16], "the 15th is a Sunday");
    assert_eq!(days("0 0 14w * *", 2026, 11), [13], "the 14th is a Saturday");
    assert_eq!(days("0 0 1W * *", 2026, 8), [3], "the 1st is a Saturday");
    assert_eq!(days("0 0 31W * *", 2026, 5), [29], "the 31st is a Sunday");
    assert_eq!(days("0 0 31W * *", 2026, 11), [] as [u32; 0], "there is no 31st");
    assert_eq!(days("0 0 * * 5L", 2026, 11), [27]);
    assert_eq!(days("0 0 * * 7L,MonL", 2026, 11), [29, 30]);
    assert_eq!(days("0 0 * * 1#2", 2026, 11), [9]);
    assert_eq!(days("0 0 * * sun#1,sun#5,mon#5", 2026, 11), [1, 29, 30]);
    assert_eq!(days("0 0 * * tue#5", 2026, 11), [] as [u32; 0]);
}

#[test]
fn combines_the_day_fields_as_crontab_does() {
    let fridays = [6, 13, 20, 27];
    assert_eq!(days("0 0 13 * 5", 2026, 11), fridays);
    assert_eq!(days("0 0 14 * 5", 2026, 11), [6, 13, 14, 20, 27], "either");
    assert_eq!(days("0 0 * * 5", 2026, 11), fridays);
    assert_eq!(days("0 0 ? * fri", 2026, 11), fridays);
    assert_eq!(days("0 0 14 * ?", 2026, 11), [14]);
    assert_eq!(
        days("0 0 */2 * 5", 2026, 11),
        [13, 27],
        "a star does not restrict, so both"
    );
    assert_eq!(days("0 0 1-31/2 * 5", 2026, 11).len(), 17, "without one, either");
    assert_eq!(
        days("0 0 13 * */5", 2026, 11),
        [13],
        "Sunday or Friday, and the 13th"
    );
    assert_eq!(days("0 0 14 6-8 *", 2026, 11), [] as [u32; 0]);
}

#[test]
fn reads_every_way_to_write_values() {
    for (one, other) in [
        ("*/15 * * * *", "0,15,30,45 * * * *"),
        ("5/10 * * * *", "5,15,25,35,45,55 * * * *"),
        ("1-9/2 * * * *", "1,3,5,7,9 * * * *"),
        ("50-10/5 * * * *", "50,55,0,5,10 * * * *"),
        ("0 22-2 * * *", "0 22,23,0,1,2 * * *"),
        ("0 0 * * fri-mon", "0 0 * * 5,6,0,1"),
        ("0 0 * * 5-7", "0 0 * * 5,6,0"),
        ("0 0 * * 7-2", "0 0 * * 0,1,2"),
        ("0 0 * * 0-7", "0 0 * * 0-6"),
        ("0 0 * * Sunday", "0 0 * * 7"),
        ("0 0 * NOV-feb *", "0 0 * 11,12,1,2 *"),
        ("0 0 * january,Mar/9 *", "0 0 * 1,3,12 *"),
        ("0 0 28-3 * *", "0 0 28,29,30,31,1,2,3 * *"),
        ("@Midnight", "0 0 * * *"),
        ("0\t0  1 1\u{3000}* ", "@annually"),
        ("0 * * * * *", "* * * * *"),
    ] {
        let (one, other) = (parse(one), parse(other));
        let masks = |cron: &CronExpression| {
            (
                cron.second_mask(),
                cron.minutes.mask,
                cron.hours.mask,
                cron.months.mask,
            )
        };
        assert_eq!(masks(&one), masks(&other), "{one} is {other}");
        for month in 1..=12 {
            assert_eq!(
                one.day_mask(2026, month),
                other.day_mask(2026, month),
                "{one} is {other}"
            );
        }
    }
}

#[test]
fn knows_what_never_fires() {
    for text in [
        "0 0 31 2 *",
        "0 0 30,31 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 31W 4 *",
        "0 0 L-30 2 *",
        "0 0 31 4 */2",
    ] {
        assert!(parse(text).never_fires(), "{text}");
    }
    for text in [
        "0 0 29 2 *",
        "0 0 29 2 */7",
        "0 0 31 2 1",
        "* * * * *",
        "0 0 L 2 *",
        "0 0 * 2 1#5",
    ] {
        assert!(!parse(text).never_fires(), "{text}");
    }
}

#[test]
fn keeps_its_text_and_its_kind() {
    let cron: CronExpression = serde_json::from_str("\"  0  3 * * Mon-FRI \"").expect("an expression");
    assert_eq!(cron.to_string(), "0 3 * * Mon-FRI");
    assert_eq!(serde_json::to_string(&cron).expect("text"), "\"0 3 * * Mon-FRI\"");
    assert_eq!(parse(cron.as_str()), cron);
    assert_eq!(parse(" @Daily ").to_string(), "@Daily");
    let error = serde_json::from_str::<CronExpression>("\"0 25 * * *\"").expect_err("hour 25");
    assert!(
        error
            .to_string()
            .starts_with("The hour 25 is not between 0 and 23."),
        "{error}"
    );
    for (text, fixed) in [
        ("0 3 * * *", true),
        ("0 0-23 * * *", true),
        ("0 * * * *", false),
        ("* 3 * * *", false),
        ("@daily", true),
        ("*/5 3 4 * * *", true),
    ] {
        assert_eq!(parse(text).is_fixed(), fixed, "{text}");
    }
    assert!(parse("0 0 3 * * *").has_seconds() && !parse("0 3 * * *").has_seconds());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Every match within some weeks, against trying each minute with rules written down a second time.
    #[test]
    fn agrees_with_trying_every_minute(naive in oracle::expression(false), day in 0..3000_i64) {
        let start = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date").and_hms_opt(0, 0, 0).expect("a time") + TimeDelta::days(day);
        let cron = parse(&naive.text());
        let mut next = cron.next_local(start);
        for minute in 0..20 * 1440 {
            let now = start + TimeDelta::minutes(minute);
            let wanted = naive.holds(now);
            prop_assert_eq!(next == Some(now), wanted, "{} at {}", cron, now);
            prop_assert_eq!(cron.matches_local(now), wanted);
            if wanted {
                next = cron.next_local(now + TimeDelta::seconds(1));
            }
        }
    }

    #[test]
    fn agrees_with_trying_every_second(naive in oracle::expression(true), hour in 0..20_000_i64) {
        let start = at("2024-01-01 00:00:00") + TimeDelta::hours(hour);
        let cron = parse(&naive.text());
        let mut next = cron.next_local(start);
        for second in 0..3 * 3600 {
            let now = start + TimeDelta::seconds(second);
            let wanted = naive.holds(now);
            prop_assert_eq!(next == Some(now), wanted, "{} at {}", cron, now);
            if wanted {
                next = cron.next_local(now + TimeDelta::seconds(1));
            }
        }
    }

    #[test]
    fn every_expression_has_a_sentence(naive in oracle::expression(true)) {
        let sentence = parse(&naive.text()).describe();
        prop_assert!(sentence.starts_with(char::is_uppercase) && !sentence.contains("  ") && !sentence.ends_with(' '), "{}", sentence);
    }
}
