//! The forecast: what will run when, where it clashes, and where it is too often to be told run by run.
//!
//! A schedule that fires more than twice within an hour is dense: it is counted and never enumerated. Everything else
//! becomes marks. Both are counted per host and cell of time, by arithmetic over the bits of an expression
//! ([`Recurrence::count`]) and not by walking from fire to fire, so that ten thousand schedules over a month cost
//! milliseconds.

mod clashes;
#[cfg(feature = "zones")]
mod grid;
#[cfg(feature = "zones")]
mod recurrence;
#[cfg(test)]
#[cfg(feature = "zones")]
mod tests;

pub use clashes::{Busy, Clash, ClashKind, Clashes, clashes};
#[cfg(feature = "zones")]
pub use grid::{CellWidth, Grid};
#[cfg(feature = "zones")]
pub use recurrence::{Recurrence, Stretches, Timing};

use crate::{
    blackouts::{BlackoutPolicy, Period},
    containers::HostRef,
    ids::{BlackoutId, ContainerId, HostId, RunId, ScheduleId},
    runs::RunState,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most fires within an hour that are still enumerated: one every 30 minutes.
pub const MOST_PER_HOUR: u32 = 2;

/// What is going to happen in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Forecast {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// The database's clock. Before it lies what was ([`Forecast::past`]), and nothing is forecast.
    pub now: DateTime<Utc>,
    /// The zone whose clock cuts the cells.
    pub timezone: String,
    /// Schedules that were looked at: enabled ones with a time to come.
    pub schedules: u64,
    /// Runs in the stretch, those of dense schedules included, and how many of them these are.
    pub total: u64,
    pub dense_total: u64,
    /// Runs of schedules that are not dense, soonest first, as many as were asked for.
    pub marks: Vec<ForecastMark>,
    /// There are more marks; the cursor of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What ran before now, where the stretch begins earlier: runs of schedules that are not dense, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastRun>,
    /// There were more: `past` holds the latest.
    #[serde(default)]
    pub past_cut: bool,
    /// The blackouts that are on within the stretch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<ForecastBlackout>,
    /// Schedules that fire more than twice within an hour, the most frequent first.
    pub density: Vec<Density>,
    /// More dense schedules than are listed; the cells count all of them.
    pub density_more: u64,
    /// The begin of each cell.
    pub cells: Vec<DateTime<Utc>>,
    /// A lane for each host that something happens on, by name; what touches no container comes last, without a host.
    pub lanes: Vec<ForecastLane>,
    pub conflicts: Vec<Conflict>,
    /// Conflicts were looked for up to here; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts_until: Option<DateTime<Utc>>,
    /// Changes of the clock in the zones that are used.
    pub clock_changes: Vec<ZoneChange>,
}

/// A schedule, as far as a mark shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForecastSchedule {
    pub id: ScheduleId,
    pub name: String,
}

/// One run that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PastRun {
    pub run: RunId,
    /// When it began; where it never did, when it should have.
    pub at: DateTime<Utc>,
    pub schedule: ForecastSchedule,
    pub status: RunState,
    pub hosts: Vec<HostRef>,
    pub targets: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A blackout, and when it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForecastBlackout {
    pub id: BlackoutId,
    pub name: String,
    pub policy: BlackoutPolicy,
    /// It holds everything.
    pub everywhere: bool,
    /// The hosts whose containers, or some of them, it is on.
    pub hosts: Vec<HostId>,
    /// The one schedule that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleId>,
    /// In order; the first ones where there are very many.
    pub periods: Vec<Period>,
}

/// One coming run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForecastMark {
    /// Its time by the schedule.
    pub at: DateTime<Utc>,
    /// When jitter lets it start; always the same for this schedule and time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime<Utc>>,
    pub schedule: ForecastSchedule,
    /// The verb of the first step.
    pub action: String,
    pub state: MarkState,
    pub hosts: Vec<HostRef>,
    /// How many containers it finds now, and the name of the first.
    pub targets: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_target: Option<String>,
    /// The median of its last runs; nothing before its first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<i64>,
    /// Where it was moved to, or from; the end of the blackout that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<DateTime<Utc>>,
    /// The blackout that it falls into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blackout: Option<String>,
    /// It clashes with another one, or falls into a blackout: see the conflicts.
    #[serde(default)]
    pub conflict: bool,
    /// What there is to say about it: a change of the clock, who skipped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is known of a coming run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    Planned,
    /// Will not run: a person decided so, or a blackout does.
    Skipped,
    /// Will not run then, but at `moved`.
    Postponed,
    /// Was moved here from `moved`.
    Moved,
}

impl ForecastMark {
    /// When it starts, if it does.
    pub fn starts(&self) -> DateTime<Utc> {
        self.due.unwrap_or(self.at)
    }

    /// When something begins to run: at the end of the blackout for what waits for it, and never for what is skipped or was
    /// moved away.
    pub fn begins(&self) -> Option<DateTime<Utc>> {
        match (self.state.runs(), &self.blackout) {
            (true, _) => Some(self.starts()),
            (false, Some(_)) => self.moved,
            (false, None) => None,
        }
    }
}

impl MarkState {
    /// Whether something runs then.
    pub fn runs(self) -> bool {
        matches!(self, Self::Planned | Self::Moved)
    }
}

/// A schedule that fires too often for marks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Density {
    pub schedule: ForecastSchedule,
    pub action: String,
    /// Its triggers in plain English.
    pub sentence: String,
    pub hosts: Vec<HostRef>,
    pub targets: u32,
    /// Fires in the stretch, those within blackouts included. A time that several triggers share counts for each of them.
    pub count: u64,
    /// How many of them a blackout holds.
    #[serde(default)]
    pub held: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<i64>,
}

/// How much happens on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForecastLane {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostRef>,
    /// Runs that begin in each cell: of schedules with marks, and of dense ones.
    pub runs: Vec<u32>,
    pub dense: Vec<u32>,
}

/// Runs that get into each other's way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conflict {
    pub kind: ClashKind,
    /// The first time, and how often it happens in the stretch.
    pub at: DateTime<Utc>,
    pub times: u32,
    /// A sentence that says what meets.
    pub message: String,
    pub schedules: Vec<ForecastSchedule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerId>,
}

/// The clock of a zone is put forward or back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneChange {
    pub at: DateTime<Utc>,
    pub timezone: String,
    /// Seconds by which it goes forward; back when negative.
    pub seconds: i64,
}
