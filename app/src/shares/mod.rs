//! Sharing with a team: the dialog that hosts, schedules and views open.

pub mod api;
mod dialog;

pub use dialog::{ShareDialog, Shared};
