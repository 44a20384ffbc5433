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
#[serde(tag = "type", rename_all = "snake_case", try_from = "Wire")]
#[allow(
    clippy::large_enum_variant,
    reason = "most events are of the largest kind, and they are handed on behind an Arc"
)]
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
        host: Box<Host>,
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

/// What an event is read from. Reading the variants themselves would keep every container, host and run in a second,
/// generic form until the `type` is known, and the code for that is a tenth of what a browser downloads.
#[derive(Deserialize)]
struct Wire {
    r#type: String,
    container: Option<Container>,
    host: Option<Host>,
    run: Option<RunSummary>,
    id: Option<uuid::Uuid>,
    host_id: Option<HostId>,
    status: Option<RunState>,
    at: Option<DateTime<Utc>>,
}

impl TryFrom<Wire> for Event {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let kind = wire.r#type;
        let missing = |field: &str| format!("an event of the type {kind} without {field}");
        let id = wire.id.ok_or_else(|| missing("id"));
        let host_id = wire.host_id.ok_or_else(|| missing("host_id"));
        Ok(match kind.as_str() {
            "container_changed" => Self::ContainerChanged {
                container: wire.container.ok_or_else(|| missing("container"))?,
            },
            "container_removed" => Self::ContainerRemoved {
                id: ContainerId(id?),
                host_id: host_id?,
            },
            "fleet_changed" => Self::FleetChanged { host_id: host_id? },
            "host_changed" => Self::HostChanged {
                host: Box::new(wire.host.ok_or_else(|| missing("host"))?),
            },
            "host_removed" => Self::HostRemoved { id: HostId(id?) },
            "schedule_changed" => Self::ScheduleChanged { id: ScheduleId(id?) },
            "schedule_deleted" => Self::ScheduleDeleted { id: ScheduleId(id?) },
            "run_changed" => Self::RunChanged {
                run: wire.run.ok_or_else(|| missing("run"))?,
            },
            "run_progress" => Self::RunProgress {
                id: RunId(id?),
                status: wire.status.ok_or_else(|| missing("status"))?,
            },
            "reset" => Self::Reset {
                at: wire.at.ok_or_else(|| missing("at"))?,
            },
            _ => return Err(format!("there is no event of the type {kind}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::RunTrigger;

    fn run(trigger: RunTrigger) -> RunSummary {
        RunSummary {
            id: RunId::new(),
            schedule: None,
            trigger,
            title: "Restart web".to_owned(),
            status: RunState::Running,
            scheduled_for: None,
            queued_at: DateTime::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            message: None,
            targets: 1,
            succeeded: 0,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let by = || "ada".to_owned();
        let events = [
            Event::ContainerRemoved {
                id: ContainerId::new(),
                host_id: HostId::new(),
            },
            Event::FleetChanged {
                host_id: HostId::new(),
            },
            Event::HostRemoved { id: HostId::new() },
            Event::ScheduleChanged {
                id: ScheduleId::new(),
            },
            Event::ScheduleDeleted {
                id: ScheduleId::new(),
            },
            Event::RunChanged {
                run: run(RunTrigger::Schedule),
            },
            Event::RunChanged {
                run: run(RunTrigger::Manual { by: by() }),
            },
            Event::RunChanged {
                run: run(RunTrigger::Direct { by: by() }),
            },
            Event::RunChanged {
                run: run(RunTrigger::Webhook),
            },
            Event::RunChanged {
                run: run(RunTrigger::Event { by: by() }),
            },
            Event::RunChanged {
                run: run(RunTrigger::Outcome {
                    by: by(),
                    of: RunId::new(),
                }),
            },
            Event::RunProgress {
                id: RunId::new(),
                status: RunState::Unknown,
            },
            Event::Reset {
                at: DateTime::UNIX_EPOCH,
            },
        ];
        for event in events {
            let text = serde_json::to_string(&event).unwrap();
            assert!(text.contains(&format!(r#""type":"{}""#, event.name())), "{text}");
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }

    #[test]
    fn an_event_without_what_it_is_about_is_refused() {
        for (text, complaint) in [
            (r#"{"type":"run_changed"}"#, "without run"),
            (r#"{"type":"host_removed"}"#, "without id"),
            (r#"{"type":"moon_changed"}"#, "no event of the type moon_changed"),
        ] {
            let error = serde_json::from_str::<Event>(text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
