//! Sentences about times and spans. Units with a space, two units at most.

use super::Civil;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A span in milliseconds: `3 s`, `1 min 49 s`, `2 h 25 min`, `6 d`.
pub fn span(millis: i64) -> String {
    let millis = millis.max(0);
    if millis < MINUTE {
        return format!("{} s", millis / SECOND);
    }
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{big} {big_unit}")
        } else {
            format!("{big} {big_unit} {small} {small_unit}")
        }
    };
    if millis < HOUR {
        two(millis / MINUTE, "min", millis % MINUTE / SECOND, "s")
    } else if millis < DAY {
        two(millis / HOUR, "h", millis % HOUR / MINUTE, "min")
    } else {
        two(millis / DAY, "d", millis % DAY / HOUR, "h")
    }
}

/// How long something took: like [`span`], below a second in milliseconds.
pub fn duration(millis: i64) -> String {
    if (0..SECOND).contains(&millis) {
        format!("{millis} ms")
    } else if (SECOND..10 * SECOND).contains(&millis) {
        format!("{:.1} s", millis as f64 / 1000.0)
    } else {
        span(millis)
    }
}

/// How long something has lasted, in one unit: `41 min`, `6 d`.
pub fn elapsed(millis: i64) -> String {
    let millis = millis.max(0);
    if millis < MINUTE {
        format!("{} s", millis / SECOND)
    } else if millis < HOUR {
        format!("{} min", millis / MINUTE)
    } else if millis < DAY {
        format!("{} h", millis / HOUR)
    } else {
        format!("{} d", millis / DAY)
    }
}

/// `in 12 h 28 min`, `3 min ago`, `just now`; beyond seven days the date.
pub fn relative(at: i64, now: i64, wall: impl Fn(i64) -> Civil) -> String {
    let ahead = at - now;
    if ahead.abs() > 7 * DAY {
        return short(at, now, wall);
    }
    // Minutes are whole: a countdown in seconds would only flicker.
    let rough = |millis: i64| {
        if millis < MINUTE {
            "less than 1 min".to_owned()
        } else if millis < HOUR {
            format!("{} min", millis / MINUTE)
        } else {
            span(millis - millis % MINUTE)
        }
    };
    if ahead >= 0 {
        format!("in {}", rough(ahead))
    } else if -ahead < MINUTE {
        "just now".to_owned()
    } else {
        format!("{} ago", rough(-ahead))
    }
}

/// `03:00` today, `Fri 03:00` within six days, else `23 Jan 03:00`, with the year when it is another one.
pub fn short(at: i64, now: i64, wall: impl Fn(i64) -> Civil) -> String {
    let (then, today) = (wall(at), wall(now));
    if then.same_day(&today) {
        then.time()
    } else if (at - now).abs() < 6 * DAY {
        format!("{} {}", then.weekday(), then.time())
    } else if then.year == today.year {
        format!("{} {}", then.date(), then.time())
    } else {
        format!("{} {} {}", then.date(), then.year, then.time())
    }
}

/// `Fri 23 Jan 2026, 03:00:00`
pub fn exact(at: i64, wall: impl Fn(i64) -> Civil) -> String {
    let then = wall(at);
    format!(
        "{} {} {}, {}",
        then.weekday(),
        then.date(),
        then.year,
        then.time_seconds()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(3_400), "3 s");
        assert_eq!(span(109 * SECOND), "1 min 49 s");
        assert_eq!(span(145 * MINUTE), "2 h 25 min");
        assert_eq!(span(6 * DAY), "6 d");
        assert_eq!(duration(140), "140 ms");
        assert_eq!(duration(2_140), "2.1 s");
    }

    #[test]
    fn times_are_relative_for_a_week_and_then_dates() {
        let now = 1_769_088_720_000; // Thu 22 Jan 2026 13:32 UTC
        assert_eq!(relative(now + 28 * MINUTE, now, Civil::utc), "in 28 min");
        assert_eq!(relative(now - 28 * MINUTE, now, Civil::utc), "28 min ago");
        assert_eq!(relative(now - 5 * SECOND, now, Civil::utc), "just now");
        assert_eq!(relative(now + 748 * MINUTE, now, Civil::utc), "in 12 h 28 min");
        assert_eq!(relative(now + 30 * DAY, now, Civil::utc), "21 Feb 13:32");
        assert_eq!(short(now + 748 * MINUTE, now, Civil::utc), "Fri 02:00");
        assert_eq!(short(now + 28 * MINUTE, now, Civil::utc), "14:00");
        assert_eq!(short(now + 400 * DAY, now, Civil::utc), "26 Feb 2027 13:32");
        assert_eq!(exact(now, Civil::utc), "Thu 22 Jan 2026, 13:32:00");
    }
}
