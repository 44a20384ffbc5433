//! The Chrontainer server process.

pub mod settings;
