//! The Leptos interface and its server functions.
//!
//! One module per domain word. `shell` holds what is around every page, `components` what pages share, `live` the
//! stream of changes. The server provides [`context`] to pages and server functions.

// The types of nested views are deep.
#![recursion_limit = "512"]

pub mod audit;
pub mod auth;
pub mod blackouts;
pub mod client;
pub mod codec;
pub mod components;
pub mod containers;
#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
pub mod hosts;
#[cfg(not(feature = "ssr"))]
pub mod hydration;
pub mod live;
pub mod people;
pub mod permissions;
pub mod providers;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod settings;
pub mod shares;
mod shell;

pub use shell::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
