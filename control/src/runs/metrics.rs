//! What is measured of every run.

use domain::{Timestamp, runs::RunState};
use metrics::{counter, gauge, histogram};

/// A run ended.
pub(super) fn ended(state: RunState) {
    counter!("chrontainer_runs_total", "state" => state.as_str()).increment(1);
}

/// Runs that ended as they were made: missed, or skipped.
pub(crate) fn ended_at_once(state: RunState, count: u64) {
    counter!("chrontainer_runs_total", "state" => state.as_str()).increment(count);
}

/// A scheduled run started: how late it was, in seconds.
pub(super) fn started(scheduled_for: Option<Timestamp>, started_at: Option<Timestamp>) {
    if let (Some(planned), Some(started)) = (scheduled_for, started_at) {
        let late = (started - planned).num_microseconds().unwrap_or(i64::MAX);
        histogram!("chrontainer_run_lateness_seconds").record(late.max(0) as f64 / 1e6);
    }
}

/// Runs that this process holds a lease on.
pub(super) fn held(count: usize) {
    gauge!("chrontainer_runs_held").set(count as f64);
}

/// Runs that are open in the whole installation.
pub(super) fn open(count: i64) {
    gauge!("chrontainer_runs_open").set(count as f64);
}
