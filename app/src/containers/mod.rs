//! Containers: the fleet, and the page of one.

pub mod api;
mod detail;
mod fleet;
mod lines;
mod next;
mod ports;
pub mod words;

pub use detail::ContainerPage;
pub use fleet::Fleet;
