//! Schedules: what should happen when.

pub mod ticker;
