//! Hosts: the engines that are managed, and the watchers that read them.

mod itself;
mod queries;
mod service;
mod watch;

pub(crate) use queries::by_ids;
pub use service::{create, get, list, register_local, retry};
pub(crate) use watch::watch_all;
