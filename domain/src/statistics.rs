//! How runs went: the figures of one schedule, and the schedules that fail most.

use crate::{ids::ScheduleId, runs::RunState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many days are counted when nobody says, and the most that can be asked for.
pub const DAYS_DEFAULT: u32 = 30;
pub const DAYS_MAX: u32 = 366;

/// How the runs of one schedule went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleStatistics {
    /// How many days were asked for; today is the last of them.
    pub days: u32,
    /// Whose midnights divide the days: the schedule's own time zone.
    pub timezone: String,
    /// What was recorded from here on is counted.
    pub since: DateTime<Utc>,
    /// Runs of these days were deleted, because they are kept no longer: `since` is later than the first day.
    pub cut_short: bool,
    /// All runs that were recorded, open ones included.
    pub runs: u64,
    pub succeeded: u64,
    /// Failed, partial and unknown.
    pub failed: u64,
    /// Of the runs that succeeded or failed, from 0 to 1; absent when there is none. What was skipped, missed or
    /// cancelled says nothing about it.
    pub success_rate: Option<f64>,
    /// How many runs are in which state; those without any are left out.
    pub outcomes: Vec<OutcomeCount>,
    /// How long runs took that came to their end.
    pub duration: Durations,
    /// How much later than planned runs began.
    pub lateness: Lateness,
    /// Each day, the oldest first.
    pub trend: Vec<DayOfRuns>,
    /// The next times at which it will run.
    pub next: Vec<DateTime<Utc>>,
}

/// How many runs are in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeCount {
    pub status: RunState,
    pub runs: u64,
}

/// Half of the runs took no longer than the first, 95 of 100 no longer than the second; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Durations {
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
}

/// Half of the runs were no later than the first, 99 of 100 no later than the second; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lateness {
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// One day of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DayOfRuns {
    /// `2026-11-28`
    pub day: String,
    pub runs: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub duration: Durations,
}

/// How the schedules of an organisation go: those that fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statistics {
    /// How many days were asked for.
    pub days: u32,
    /// What was recorded from here on is counted.
    pub since: DateTime<Utc>,
    /// Those that failed most, the worst first; at most ten.
    pub failing: Vec<FailingSchedule>,
}

/// A schedule with runs that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailingSchedule {
    pub id: ScheduleId,
    pub name: String,
    /// Failed, partial and unknown.
    pub failures: u64,
    /// Of the runs that succeeded or failed, from 0 to 1.
    pub failure_rate: f64,
    pub last_failure: DateTime<Utc>,
    /// What was recorded from here on is counted: later than for others where older runs were deleted.
    pub since: DateTime<Utc>,
}

/// The part of `whole`, from 0 to 1; nothing of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
