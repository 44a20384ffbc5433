//! How fast fire times are computed.

use crate::report::{Report, Unit};
use domain::{Timestamp, cron::CronExpression, next_times::Zone};
use std::{hint::black_box, time::Instant};
use testkit::postgres::Result;

const COUNT: u32 = 10_000;
/// A daily one over changes of the clock, a rhythm, and one whose days are far apart.
const EXPRESSIONS: [(&str, &str); 3] = [
    ("0 3 * * *", "daily"),
    ("*/5 * * * *", "every 5 minutes"),
    ("30 2 29 2 *", "29 February"),
];

/// One by one, as the ticker asks after each fire: nothing is kept from one to the next.
pub fn measure(report: &mut Report) -> Result<()> {
    let zone = Zone::new("Europe/Berlin").map_err(|error| error.problem("timezone").message)?;
    let begin = Timestamp::from_timestamp(1_800_000_000, 0).ok_or("a time")?;
    for (text, name) in EXPRESSIONS {
        let expression = CronExpression::parse(text).map_err(|error| error.problem("cron").message)?;
        let begun = Instant::now();
        let mut at = begin;
        for _ in 0..COUNT {
            // Beyond the calendar's end it begins anew.
            at = black_box(expression.next_after(&zone, black_box(at))).unwrap_or(begin);
        }
        report.add(
            &format!("10,000 next times, {name}"),
            Unit::Milliseconds,
            begun.elapsed().as_secs_f64() * 1e3,
        );
    }
    Ok(())
}
