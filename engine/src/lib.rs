//! Container engines: transports and Docker operations.
//!
//! An [`Engine`] is one connected engine (Docker from API 1.41 on, or Podman's Docker-compatible API). Every
//! operation has a deadline of its own, so that an engine that accepts and never answers costs a caller a
//! bounded time and an [`EngineError`] that says what happened, why, and what to do. There is no database here,
//! no user and no permission.

pub mod bridge;
pub mod client;
pub mod containers;
pub mod contexts;
pub mod diagnose;
pub mod error;
pub mod events;
mod images;
pub mod itself;
pub mod local;
mod output;
mod prune;
pub mod stats;
pub mod transport;
pub mod watch;
mod wire;

pub use client::{Engine, Options, lacks};
pub use containers::{ExecSpec, ExecState, Links, OnceSpec, Outcome};
pub use diagnose::{Step, StepError, StepName, diagnose};
pub use error::EngineError;
pub use events::{EngineEvent, EventAction, EventStream};
pub use images::Pulled;
pub use output::{Output, Piece, Stream};
pub use prune::{PruneKind, Pruned};
pub use stats::{ContainerStats, DiskUse};
pub use transport::{
    EngineUrl, HostKey, SshSettings, TlsSettings, Transport, TransportError, TransportSettings, UrlError,
};
pub use watch::{StreamFault, WatchEvent, WatchOptions, Watcher};
