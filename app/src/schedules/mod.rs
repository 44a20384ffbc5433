//! Schedules: the list, and the form that makes and changes one.

mod acts;
pub mod api;
mod bulk;
mod editor;
mod files;
pub mod forecast;
mod labels;
mod list;
mod row;
pub mod words;

pub use editor::{EditSchedule, NewSchedule, inputs, wall};
pub use labels::LabelsCard;
pub use list::Schedules;

/// The address under which people reach this server.
#[cfg(not(feature = "ssr"))]
fn origin() -> String {
    leptos::prelude::window().location().origin().unwrap_or_default()
}

#[cfg(feature = "ssr")]
fn origin() -> String {
    String::new()
}
