//! The Chrontainer server process.

pub mod postgres;
pub mod settings;
