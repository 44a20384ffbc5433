//! The connection to a host: how it is made, how it was tested, how it has been.

use super::EngineFacts;
use crate::{containers::HostRef, hosts::HostStatus, ids::HostId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How an engine is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    #[default]
    Unix,
    /// Neither encrypted nor authenticated.
    Tcp,
    /// TCP with mutual TLS.
    Tls,
    Ssh,
}

/// What is stored of mutual TLS; the texts themselves are never answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct TlsView {
    pub has_ca: bool,
    pub has_cert: bool,
    pub has_key: bool,
}

/// What is stored of SSH; keys and passwords themselves are never answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SshView {
    pub has_private_key: bool,
    pub has_passphrase: bool,
    pub has_password: bool,
    pub use_agent: bool,
    pub docker_path: Option<String>,
    /// The pinned host key, `SHA256:…`; nothing until a person has confirmed it, and until then the host is not signed in
    /// to. Of several, the one that the host showed last.
    pub fingerprint: Option<String>,
    /// Its algorithm, `ssh-ed25519` and the like, where it is known.
    pub algorithm: Option<String>,
    /// All pinned host keys, as `ssh-keygen -l` writes them, where they are out of a `known_hosts` file. The host may show any
    /// of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_keys: Vec<String>,
}

impl SshView {
    /// The pinned host keys as `ssh-keygen -l` writes them, with their algorithms where those are known.
    pub fn pinned(&self) -> Vec<String> {
        match (&self.fingerprint, &self.algorithm) {
            _ if !self.host_keys.is_empty() => self.host_keys.clone(),
            (Some(fingerprint), Some(algorithm)) => vec![format!("{algorithm} {fingerprint}")],
            (Some(fingerprint), None) => vec![fingerprint.clone()],
            (None, _) => Vec::new(),
        }
    }
}

/// One step of a connection test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestStep {
    /// `resolve`, `connect`, `tls`, `host_key`, `sign_in`, `ping`, `version`, `permission`, `duplicate`, …
    pub step: String,
    pub state: TestState,
    /// How long it took, in milliseconds.
    pub ms: Option<u32>,
    /// What was found, or what is wrong and what to do.
    pub message: String,
    /// The stable code of what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The SSH host key that the host showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The one that is pinned, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
}

/// How a step of a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    Running,
    Passed,
    /// It works, and a person should know something.
    Warning,
    Failed,
    /// Not tried, since a step before it failed.
    Skipped,
}

/// A change of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Connection {
    pub at: DateTime<Utc>,
    pub status: HostStatus,
    /// Why it was lost: a stable code, and a sentence.
    pub code: Option<String>,
    pub message: Option<String>,
}

/// Everything that is known of a host's engine and connection: `GET /api/v1/hosts/{id}/stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostStats {
    pub status: HostStatus,
    pub engine: Option<EngineFacts>,
    pub containers: ContainerCounts,
    /// What the engine keeps on its disk; nothing while it does not answer.
    pub disk: Option<DiskUse>,
    /// The time of the latest pings in milliseconds, oldest first; one every 10 s.
    pub latency_ms: Vec<f32>,
    /// How the connection changed, newest first.
    pub history: Vec<Connection>,
    /// The latest reasons for which it was lost, newest first.
    pub last_errors: Vec<Connection>,
    /// What its containers use together; nothing while it does not answer.
    #[serde(default)]
    pub in_use: Option<HostUse>,
    /// What happened to its containers lately, newest first, as far as this server heard of it.
    #[serde(default)]
    pub events: Vec<HostEvent>,
    /// What its engine cannot do, and what that means here.
    #[serde(default)]
    pub lacks: Vec<Lack>,
    /// Other hosts that are the same engine.
    pub same_engine: Vec<HostRef>,
}

/// What the containers of a host use together. They are measured while somebody asks, so that the first answers know little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostUse {
    /// Running containers, and how many of them are measured by now.
    pub running: u32,
    pub measured: u32,
    /// Of one processor: 250 is two and a half of them. Nothing until it is known.
    pub cpu_percent: Option<f32>,
    /// Nothing until it is known, and never known where the engine does not measure it.
    pub memory_bytes: Option<u64>,
}

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostEvent {
    /// By the engine's clock.
    pub at: DateTime<Utc>,
    pub container: String,
    /// In Docker's words: `start`, `die`, `health_status`, …
    pub action: String,
    /// An exit code, a health, an old name.
    pub detail: Option<String>,
}

/// Something that an engine cannot do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lack {
    /// A stable code.
    pub code: String,
    /// What that means, and what would help: a sentence or two.
    pub message: String,
}

/// Containers by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerCounts {
    pub total: u32,
    pub running: u32,
    pub paused: u32,
    pub restarting: u32,
    pub created: u32,
    /// Exited or dead.
    pub stopped: u32,
    pub unhealthy: u32,
}

/// What an engine keeps on its disk, in bytes and pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiskUse {
    pub images: u32,
    pub images_bytes: i64,
    pub containers_bytes: i64,
    pub volumes: u32,
    pub volumes_bytes: i64,
    pub build_cache_bytes: i64,
}

/// What is sent to add hosts out of docker contexts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ContextImport {
    /// The file of `docker context export NAME` in base64. Without it the server's own contexts are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// Only these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Only says what would be added.
    pub dry_run: bool,
}

/// One docker context and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedContext {
    pub name: String,
    pub description: String,
    pub url: String,
    pub outcome: ImportOutcome,
    pub host_id: Option<HostId>,
    /// Why it was not added.
    pub code: Option<String>,
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It could be added; nothing was done.
    Found,
    Added,
    /// A host of its name or its address is here already.
    Known,
    Failed,
}
