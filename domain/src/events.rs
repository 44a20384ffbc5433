//! Live events: what open pages and API clients are told as it happens.

use crate::{
    containers::Container,
    hosts::Host,
    ids::{ContainerId, HostId, RunId, ScheduleId},
    runs::{RunState, RunSummary},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One event of the stream `GET /api/v1/events`. The SSE event name is the `type`.
///
/// Those about schedules, runs and hosts' settings come from the database and carry an id, so that a client can resume;
/// those about containers and hosts' health come from the watchers, and a client reads the list again after a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A container appeared or changed.
    ContainerChanged {
        container: Container,
    },
    /// A container is gone.
    ContainerRemoved {
        id: ContainerId,
        host_id: HostId,
    },
    /// Many changed at once (a host was read anew): read the list again.
    FleetChanged {
        host_id: HostId,
    },
    /// A host's settings or health changed.
    HostChanged {
        host: Host,
    },
    HostRemoved {
        id: HostId,
    },
    /// A schedule was created, edited, enabled, skipped or fired.
    ScheduleChanged {
        id: ScheduleId,
    },
    ScheduleDeleted {
        id: ScheduleId,
    },
    /// A run was queued or changed its state.
    RunChanged {
        run: RunSummary,
    },
    /// A step, a target or the log of an open run moved on: read the run again.
    RunProgress {
        id: RunId,
        status: RunState,
    },
    /// The client was away for too long: read everything again.
    Reset {
        at: DateTime<Utc>,
    },
}

impl Event {
    /// The SSE event name; the same word as `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ContainerChanged { .. } => "container_changed",
            Self::ContainerRemoved { .. } => "container_removed",
            Self::FleetChanged { .. } => "fleet_changed",
            Self::HostChanged { .. } => "host_changed",
            Self::HostRemoved { .. } => "host_removed",
            Self::ScheduleChanged { .. } => "schedule_changed",
            Self::ScheduleDeleted { .. } => "schedule_deleted",
            Self::RunChanged { .. } => "run_changed",
            Self::RunProgress { .. } => "run_progress",
            Self::Reset { .. } => "reset",
        }
    }
}
