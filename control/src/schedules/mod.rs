//! Schedules: what should happen when.
//!
//! A schedule stores its triggers and steps as they were written, and `next_at`, the earliest fire time that nobody has
//! decided yet. The [`ticker`] decides each fire time once; what was decided stays in `schedule_fires`.

mod batch;
mod calendar;
mod calls;
mod chained;
mod circle;
mod coming;
mod decide;
mod definition;
mod dry_run;
mod due;
mod enabled;
mod expected;
pub mod forecast;
mod guards;
mod happenings;
mod history;
mod itself;
mod labels;
mod matches;
mod moves;
mod overlap;
mod pause;
mod planned;
mod preview;
mod queries;
mod references;
pub(crate) mod rights;
mod run_now;
mod service;
mod skip;
mod spread;
mod steps;
#[cfg(test)]
mod tests;
pub mod ticker;
mod timing;
mod transfer;
mod validate;
mod webhook;

pub use calendar::{calendar_feed, read_calendar, subscribe, unsubscribe};
pub(crate) use calls::{called_by_end, forget as forget_calls};
pub(crate) use chained::{Chained, start_chained};
pub(crate) use coming::{Coming, coming};
pub use dry_run::{dry_run, dry_run_draft};
pub use enabled::{set_enabled, switch_many};
pub(crate) use expected::recover;
pub use forecast::{ForecastQuery, forecast};
pub(crate) use happenings::{Happened, Happenings, listen};
pub use history::history;
pub use labels::{LabelQuery, findings as label_findings};
pub(crate) use labels::{Labels, archive_host, keep as keep_labels};
pub use matches::{Matches, matches};
pub use moves::{move_fire, skip_at, undo_at};
pub use pause::{MOST_PAUSED, pause, pause_many};
pub use planned::Planned;
pub(crate) use planned::planned;
pub(crate) use preview::local;
pub use preview::preview;
pub(crate) use queries::host_names;
pub use queries::{ScheduleQuery, get, list};
pub use run_now::run_now;
pub(crate) use service::clock;
pub use service::{create, delete, update};
pub use skip::{skip_next, unskip};
pub use transfer::{ApplyOptions, FileFormat, apply, export};
pub(crate) use validate::{name as valid_name, zone as valid_zone};
pub use webhook::{LARGEST_CALL, Webhook, call_webhook, find_webhook, renew_webhook};
