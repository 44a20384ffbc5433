//! Containers: the fleet, and the page of one.

pub mod api;
mod detail;
mod fleet;
mod lines;
mod marks;
mod next;
mod plans;
mod ports;
mod recent;
pub mod words;

pub use detail::ContainerPage;
pub use fleet::Fleet;
