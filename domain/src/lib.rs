//! The words of Chrontainer: types, ids, validation and rules, without I/O.
//!
//! Everything here is shared by the servers and the browser. What needs time-zone data is behind the
//! `zones` feature, so that it never reaches the browser.

pub mod actions;
pub mod audit;
pub mod auth;
pub mod blackouts;
pub mod calendar;
pub mod conditions;
pub mod containers;
pub mod cron;
pub mod dry_run;
pub mod durations;
pub mod errors;
pub mod events;
pub mod forecast;
pub mod guards;
pub mod history;
pub mod hosts;
pub mod ids;
pub mod labels;
pub mod loads;
pub mod marks;
#[cfg(feature = "zones")]
pub mod next_times;
pub mod order;
pub mod pages;
pub mod passkeys;
pub mod people;
pub mod providers;
pub mod retention;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod selectors;
pub mod shares;
pub mod statistics;
pub mod templates;
pub mod transfer;
pub mod triggers;
pub mod views;

/// An instant in UTC, as the database and the API carry it (RFC 3339).
pub type Timestamp = chrono::DateTime<chrono::Utc>;
