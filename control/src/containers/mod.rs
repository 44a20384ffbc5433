//! Containers: the fleet in memory, and what is done to its members.

mod fleet;
mod identity;
mod line;
mod list;
mod service;

pub(crate) use fleet::HostLine;
pub use fleet::{Fleet, FleetTarget};
pub(crate) use identity::identify;
pub use line::Line;
pub use list::ContainerQuery;
pub use service::{act, get, list, plans};
