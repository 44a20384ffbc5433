//! The control plane: use cases and persistence. Decides who may do what, and records it.
//!
//! Every service function takes the [`domain::auth::Actor`] it acts for, and goes the same way:
//! authorise, validate, one transaction (change, audit, outbox, queue), then wake those who wait.

pub mod audit;
pub mod auth;
mod beats;
pub mod blackouts;
pub mod containers;
mod control;
pub mod db;
pub mod error;
pub mod events;
pub mod hosts;
pub mod pages;
pub mod people;
pub mod providers;
pub mod retention;
pub mod runs;
pub mod schedules;
pub mod schema;
pub mod secrets;
mod servers;
pub mod statistics;
#[cfg(test)]
mod testing;
mod tls;
pub mod views;

pub use beats::{Beats, Part};
pub use control::{Control, ControlOptions};
pub use error::{Error, Result};
