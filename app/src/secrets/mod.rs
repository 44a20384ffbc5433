//! Secrets: named values for steps. A value goes in here and never comes out again.

mod api;
mod page;
mod put;

pub use page::Secrets;
