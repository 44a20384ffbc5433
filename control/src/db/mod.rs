//! The database: how to reach it.

pub mod connect;
