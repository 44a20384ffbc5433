//! Hosts: the container engines that are managed.

mod draft;
mod hidden;
mod link;
mod rules;

pub use draft::{HostDraft, HostPatch, SshDraft, TlsDraft};
pub use hidden::{Change, Hidden};
pub use link::{
    Connection, ContainerCounts, ContextImport, DiskUse, HostEvent, HostStats, HostUse, ImportOutcome,
    ImportedContext, Lack, SshView, TestState, TestStep, TlsView, Transport,
};
pub use rules::{valid_address, valid_name, valid_note, valid_tags};

use crate::{containers::HostRef, ids::HostId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How a host's engine answers now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HostStatus {
    /// Not asked yet.
    #[default]
    Connecting,
    Online,
    Offline,
    Disabled,
}

/// What an engine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngineFacts {
    /// The engine's own id: tells whether two hosts are one engine.
    pub engine_id: String,
    /// `docker` or `podman`.
    pub kind: String,
    pub version: String,
    pub api_version: String,
    pub os: String,
    pub architecture: String,
    pub kernel: String,
    pub hostname: String,
    pub cpus: i64,
    pub memory_bytes: i64,
    /// `overlay2`, `vfs`, …
    #[serde(default)]
    pub storage_driver: String,
    /// `1` or `2`; empty where the engine does not tell.
    #[serde(default)]
    pub cgroup_version: String,
    /// Whether the kernel measures the memory of containers. A Raspberry Pi's does not unless it is told to at boot
    /// (`cgroup_enable=memory`): then memory is "not measured" and never 0.
    #[serde(default = "measured")]
    pub memory_measured: bool,
    /// How many containers the engine counts, by state.
    #[serde(default)]
    pub containers_running: i64,
    #[serde(default)]
    pub containers_paused: i64,
    #[serde(default)]
    pub containers_stopped: i64,
    #[serde(default)]
    pub images: i64,
    /// What the engine itself warns of.
    #[serde(default)]
    pub warnings: Vec<String>,
}

fn measured() -> bool {
    true
}

/// A host as lists and the API show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    pub id: HostId,
    pub name: String,
    pub url: String,
    pub transport: Transport,
    /// What a person should know of this way of reaching it.
    pub warning: Option<String>,
    pub tls: Option<TlsView>,
    pub ssh: Option<SshView>,
    pub tags: Vec<String>,
    pub note: String,
    pub enabled: bool,
    /// No scheduled work and no alerts.
    pub maintenance: bool,
    /// Its containers' labels make schedules.
    #[serde(default)]
    pub label_schedules: bool,
    /// Where its published ports are reached, if not at the host of the url.
    pub address: Option<String>,
    pub status: HostStatus,
    /// Why it does not answer: a sentence.
    pub error: Option<String>,
    /// The stable code of that, and what helps a program: fingerprints of a host key.
    pub error_code: Option<String>,
    /// What is wrong with what its engine tells of itself while it answers: a sentence.
    #[serde(default)]
    pub events_fault: Option<String>,
    /// The SSH host key that waits for a person to confirm it.
    pub offered_fingerprint: Option<String>,
    /// When the engine answered last.
    pub last_seen: Option<DateTime<Utc>>,
    /// The time of the last ping, in milliseconds.
    pub latency_ms: Option<f32>,
    pub engine: Option<EngineFacts>,
    /// Other hosts that are the same engine: its containers are listed twice.
    pub same_engine: Vec<HostRef>,
    /// Containers known on it, and how many of them run.
    pub containers: u32,
    pub running: u32,
    pub created_at: DateTime<Utc>,
    pub version: i32,
}
