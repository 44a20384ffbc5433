//! Schedules: what should happen when.
//!
//! A schedule stores its triggers and steps as they were written, and `next_at`, the earliest fire time that nobody has
//! decided yet. The [`ticker`] decides each fire time once; what was decided stays in `schedule_fires`.

mod batch;
mod decide;
mod definition;
mod enabled;
mod guards;
mod matches;
mod planned;
mod preview;
mod queries;
mod run_now;
mod service;
mod skip;
#[cfg(test)]
mod tests;
pub mod ticker;
mod validate;

pub use enabled::set_enabled;
pub use matches::{Matches, matches};
pub use planned::Planned;
pub(crate) use planned::planned;
pub use preview::preview;
pub(crate) use queries::host_names;
pub use queries::{ScheduleQuery, get, list};
pub use run_now::run_now;
pub use service::{create, delete, update};
pub use skip::{skip_next, unskip};
