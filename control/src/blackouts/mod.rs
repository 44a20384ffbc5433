//! Blackouts: windows in which nothing that is scheduled runs.
//!
//! Those of an organisation or a schedule hold the whole run, and are asked when a fire is decided and again when a held
//! run would start. Those of a host or a tag leave the containers and hosts alone that are theirs ([`Closed`]).

mod ahead;
mod closed;
mod service;

pub(crate) use ahead::{Ahead, Held, WorkedOn};
pub(crate) use closed::{Blackouts, Closed, Hold};
pub use service::{create, delete, get, list, update};
