//! Containers: the fleet in memory, and what is done to its members.

mod bulk;
mod complete;
mod fleet;
mod identity;
mod line;
mod list;
pub(crate) mod loads;
mod marks;
mod places;
mod service;
pub(crate) mod snapshots;

pub use bulk::{BulkTargets, bulk};
pub use complete::complete;
pub(crate) use fleet::HostLine;
pub use fleet::{Fleet, FleetTarget};
pub(crate) use identity::identify;
pub use line::Line;
pub use list::ContainerQuery;
pub use loads::{Loads, watch};
pub(crate) use marks::person;
pub use marks::{favour, marks, set_note, set_tags};
pub use service::{act, get, image_digests, list, plans};
