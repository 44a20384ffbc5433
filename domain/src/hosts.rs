//! Hosts: the container engines that are managed.

use crate::ids::HostId;
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
}

/// A host as lists and the API show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    pub id: HostId,
    pub name: String,
    pub url: String,
    pub enabled: bool,
    pub status: HostStatus,
    /// Why it does not answer: a sentence.
    pub error: Option<String>,
    /// When the engine answered last.
    pub last_seen: Option<DateTime<Utc>>,
    pub engine: Option<EngineFacts>,
    /// Containers known on it, and how many of them run.
    pub containers: u32,
    pub running: u32,
    pub created_at: DateTime<Utc>,
    pub version: i32,
}

/// What is sent to add a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewHost {
    pub name: String,
    /// `unix:///var/run/docker.sock` or `tcp://nas:2375`.
    pub url: String,
}
