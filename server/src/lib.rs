//! The Chrontainer server process.
