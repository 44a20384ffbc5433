//! The audit log.

pub mod api;
mod line;
mod page;

pub use page::Audit;
