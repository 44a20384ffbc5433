//! Containers: what an engine says of them, and what a list shows.

use crate::ids::{ContainerId, HostId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The engine's state of a container (Docker API, `State.Status`). An engine may know more; those are `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    #[default]
    #[serde(other)]
    Unknown,
}

impl ContainerState {
    /// The word used by engines, selectors and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }

    /// Reads an engine's word; Podman's extra ones (`configured`, `stopped`, …) map to their nearest.
    pub fn from_engine(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "created" | "configured" | "initialized" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" | "stopping" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" | "stopped" => Self::Exited,
            "dead" => Self::Dead,
            _ => Self::Unknown,
        }
    }
}

/// The result of a container's own health check (Docker API, `State.Health.Status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Starting,
    Healthy,
    Unhealthy,
}

impl Health {
    /// The word used by engines, selectors and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }

    /// Reads an engine's word; `none` and the empty word mean that there is no health check.
    pub fn from_engine(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "starting" => Some(Self::Starting),
            "healthy" => Some(Self::Healthy),
            "unhealthy" => Some(Self::Unhealthy),
            _ => None,
        }
    }
}

/// A port that is published on the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Port {
    /// The address it is bound to on the host: empty or `0.0.0.0` for all.
    pub ip: String,
    /// The port on the host.
    pub public: u16,
    /// The port in the container.
    pub private: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// What an engine says of one container: facts, without anything of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFacts {
    /// The engine's own id: 64 hex digits with Docker and Podman.
    pub engine_id: String,
    /// Its name, without the leading slash of the Docker API.
    pub name: String,
    /// The image as it was asked for (`nginx:1.27`).
    pub image: String,
    /// The image's id (`sha256:…`).
    pub image_id: String,
    pub state: ContainerState,
    pub health: Option<Health>,
    /// The output of the last health check, at most 4 KiB; only known after an inspect.
    pub health_output: Option<String>,
    pub exit_code: Option<i64>,
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last started, exactly as the engine writes it; changes with every start, so that it
    /// tells "it was restarted" without comparing clocks. Only known after an inspect.
    pub started_at_raw: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub ports: Vec<Port>,
    pub labels: BTreeMap<String, String>,
}

impl ContainerFacts {
    /// The Compose project it belongs to, from Compose's (or Podman Compose's) label.
    pub fn stack(&self) -> Option<&str> {
        self.label("com.docker.compose.project")
            .or_else(|| self.label("io.podman.compose.project"))
            .or_else(|| self.label("com.docker.stack.namespace"))
    }

    /// The Compose service it is an instance of.
    pub fn service(&self) -> Option<&str> {
        self.label("com.docker.compose.service")
            .or_else(|| self.label("io.podman.compose.service"))
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// A host as a container's line names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostRef {
    pub id: HostId,
    pub name: String,
}

/// The next time something planned happens to a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextRun {
    pub schedule_id: crate::ids::ScheduleId,
    pub schedule_name: String,
    pub at: DateTime<Utc>,
    /// The verb of the first step that touches it: `restart`, `stop`, …
    pub action: String,
}

/// A container as lists and the API show it: one line of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Container {
    pub id: ContainerId,
    pub engine_id: String,
    pub name: String,
    pub image: String,
    /// The image's own id (`sha256:…`), which says exactly what runs.
    #[serde(default)]
    pub image_id: String,
    pub host: HostRef,
    pub stack: Option<String>,
    pub service: Option<String>,
    pub state: ContainerState,
    pub health: Option<Health>,
    pub health_output: Option<String>,
    pub exit_code: Option<i64>,
    pub created_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub ports: Vec<Port>,
    /// The host did not answer lately: this is what was last seen.
    pub stale: bool,
    /// Chrontainer itself or its database runs in it: some actions are refused.
    pub protected: bool,
    pub next_run: Option<NextRun>,
    /// The open run that works on it now.
    pub busy: Option<BusyWith>,
    /// Our own tags; they stay when the container is recreated under its name.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What somebody noted about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// An open run that works on a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BusyWith {
    pub run_id: crate::ids::RunId,
    pub action: String,
}

/// How many containers there are in each state; for the filter chips above the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetCounts {
    pub total: u64,
    pub running: u64,
    pub stopped: u64,
    pub paused: u64,
    pub unhealthy: u64,
}

/// What the list of containers is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContainerSort {
    #[default]
    Name,
    Image,
    Stack,
    Host,
    State,
    /// The longest running first.
    Uptime,
    /// What is planned next comes first; without a plan, last.
    NextRun,
    /// The busiest first; what is not measured, last.
    Cpu,
    /// The largest first; what is not measured, last.
    Memory,
    /// By the first published port; without one, last.
    Ports,
    /// By the first tag; without one, last.
    Tags,
}

impl ContainerSort {
    pub const ALL: &[Self] = &[
        Self::Name,
        Self::Image,
        Self::Stack,
        Self::Host,
        Self::State,
        Self::Uptime,
        Self::NextRun,
        Self::Cpu,
        Self::Memory,
        Self::Ports,
        Self::Tags,
    ];

    /// The word of the API and of the page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Image => "image",
            Self::Stack => "stack",
            Self::Host => "host",
            Self::State => "state",
            Self::Uptime => "uptime",
            Self::NextRun => "next_run",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Ports => "ports",
            Self::Tags => "tags",
        }
    }
}

/// What the list of containers is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    #[default]
    None,
    Host,
    Stack,
    /// A container stands below each of its tags.
    Tag,
}

impl Grouping {
    pub const ALL: &[Self] = &[Self::None, Self::Host, Self::Stack, Self::Tag];

    /// The word of the API and of the page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
            Self::Stack => "stack",
            Self::Tag => "tag",
        }
    }
}

/// One group of the list; the list goes through the groups in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerGroup {
    /// The host, stack or tag; nothing for what has none.
    pub name: Option<String>,
    /// How many lines of the list are in it, and how many of them run.
    pub count: u32,
    pub running: u32,
    /// Its lines are left out, since the page has closed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// A part of the list of containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerPage {
    pub items: Vec<Container>,
    /// How many match the query.
    pub total: u64,
    pub next: Option<String>,
    /// Of the whole organisation, whatever the query.
    pub counts: FleetCounts,
    /// All groups of the list, when it is grouped; a container with two tags stands in two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ContainerGroup>,
    /// Which containers the caller has marked as favourites, of all there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub favourites: Vec<ContainerId>,
    /// The tags that are in use, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}
