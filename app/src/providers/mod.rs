//! The ways to sign in, for server administrators: providers, and whether passwords are taken.

pub mod api;
mod fields;
mod form;
mod page;
mod policy;
mod state;
mod test;

pub use page::Providers;
