//! How runs went. Counted when somebody asks, over an index by time: nothing is written for it while runs run.

mod days;
mod failing;
mod schedule;
#[cfg(test)]
mod tests;

pub use failing::statistics;
pub use schedule::of_schedule;

use chrono::TimeDelta;
use domain::{
    Timestamp,
    errors::Problem,
    statistics::{DAYS_DEFAULT, DAYS_MAX},
};
use uuid::Uuid;

/// The days that are counted.
///
/// # Errors
/// 422 `invalid_days`.
fn days(wanted: Option<u32>) -> Result<u32, Problem> {
    match wanted.unwrap_or(DAYS_DEFAULT) {
        days if (1..=DAYS_MAX).contains(&days) => Ok(days),
        days => Err(Problem::invalid(
            "invalid_days",
            "days",
            format!("Statistics are over 1 to {DAYS_MAX} days, and {days} is not between them."),
        )),
    }
}

/// An id that sorts before those of all runs that were recorded since then. Ids carry the clocks of the servers, which
/// may be some minutes from the database's.
fn first_run(since: Timestamp) -> Uuid {
    let from = since - TimeDelta::hours(1);
    crate::db::first_id(from.timestamp().max(0).unsigned_abs(), 0)
}
