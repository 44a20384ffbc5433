//! The days of a time zone, by their beginnings.

use domain::{Timestamp, next_times::Zone};

/// A day and when it begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// `2026-11-28`
    pub name: String,
    pub from: Timestamp,
}

/// The last `count` days up to today's, the oldest first. Where the clock changes at midnight, a day begins at its first
/// instant.
pub(super) fn until(now: Timestamp, zone: &Zone, count: u32) -> Vec<Day> {
    let Some(today) = jiff::Timestamp::from_second(now.timestamp())
        .ok()
        .and_then(|at| at.in_tz(zone.name()).ok())
        .map(|local| local.date())
    else {
        return Vec::new();
    };
    (0..i64::from(count))
        .rev()
        .filter_map(|back| {
            let date = today.checked_sub(jiff::Span::new().days(back)).ok()?;
            let begins = date.in_tz(zone.name()).ok()?.timestamp();
            Some(Day {
                name: date.to_string(),
                from: Timestamp::from_timestamp(begins.as_second(), 0)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(now: &str, zone: &str, count: u32) -> Vec<(String, String)> {
        until(now.parse().unwrap(), &Zone::new(zone).unwrap(), count)
            .into_iter()
            .map(|day| (day.name, day.from.to_rfc3339()))
            .collect()
    }

    #[test]
    fn a_day_begins_at_its_zones_midnight_whatever_the_clock_does() {
        let berlin = days("2027-03-29T12:00:00Z", "Europe/Berlin", 3);
        let expected = [
            ("2027-03-27", "2027-03-26T23:00:00+00:00"),
            ("2027-03-28", "2027-03-27T23:00:00+00:00"),
            ("2027-03-29", "2027-03-28T22:00:00+00:00"),
        ];
        for (day, (name, from)) in berlin.iter().zip(expected) {
            assert_eq!((day.0.as_str(), day.1.as_str()), (name, from));
        }
        // In Beirut the clock goes from 0 to 1 at midnight.
        let beirut = days("2027-03-28T12:00:00Z", "Asia/Beirut", 1);
        assert_eq!(beirut[0].1, "2027-03-27T22:00:00+00:00");
        assert_eq!(
            days("2027-03-28T23:30:00Z", "Europe/Berlin", 1)[0].0,
            "2027-03-29"
        );
    }
}
