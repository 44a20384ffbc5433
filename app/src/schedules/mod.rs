//! Schedules: the list, and the form that makes and changes one.

mod acts;
pub mod api;
mod editor;
mod files;
pub mod forecast;
mod list;
mod row;
pub mod words;

pub use editor::{EditSchedule, NewSchedule, inputs, wall};
pub use list::Schedules;
