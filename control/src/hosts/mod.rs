//! Hosts: the engines that are managed, and the watchers that read them.

mod change;
mod check;
mod contexts;
mod history;
mod host_key;
mod itself;
mod known_hosts;
mod links;
mod queries;
mod remove;
mod service;
mod settings;
mod stats;
mod watch;
mod watchers;

pub use change::{change, create, replace};
pub use check::test;
pub use contexts::import_contexts;
pub use links::Links;
pub(crate) use queries::by_ids;
pub use remove::delete;
pub use service::{get, list, register_local, retry};
pub use stats::{in_use, stats};
pub(crate) use watchers::watch_all;
