//! The Chrontainer server process: settings, the private Postgres, HTTP, and the commands of its program.

// The type of a page nests as deeply as its elements.
#![recursion_limit = "512"]

pub mod api;
pub mod commands;
pub mod error;
pub mod extract;
pub mod health;
mod listen;
pub mod logging;
pub mod metrics;
pub mod postgres;
pub mod router;
mod seat;
pub mod security;
pub mod serve;
pub mod session;
pub mod settings;
pub mod state;
pub mod tls;
pub mod worker;

pub use serve::{Server, StartError, serve};
