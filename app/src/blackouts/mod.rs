//! Blackouts: windows in which nothing that is scheduled may run.

mod api;
mod dialog;
mod page;
mod typed;

pub use page::Blackouts;
