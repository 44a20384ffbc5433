//! Runs: recorded first, executed by the worker, visible, cancellable, with a log.
//!
//! A run is made in somebody's transaction ([`start`]) together with its queue job. A worker takes the job, or, where a
//! place is free on the server that decided it, that server goes on without one ([`Places`]): it calls
//! [`execute`], which claims the run's lease, does the steps, writes every one as it happens, and ends the run. Every
//! write of an executor is conditional on the epoch of its lease, so that two executors never both count; what an
//! executor that died left open is found by the [`sweep`] and brought to its end by another one.

mod batch;
mod cancel;
mod circuit;
mod execute;
pub(crate) mod faults;
mod held;
mod http_allow;
pub mod idempotency;
mod jobs;
mod lease;
mod local;
mod log;
mod metrics;
mod places;
mod queries;
mod recover;
mod repeat;
mod start;
pub mod sweep;
#[cfg(test)]
mod tests;
mod variables;
mod wait;

pub use cancel::cancel;
pub use execute::execute;
pub(crate) use execute::{Rights, narrow, node_of, rights_now};
#[cfg(test)]
pub(crate) use held::after_end;
pub(crate) use held::{HELD_BY_BLACKOUT, HELD_BY_OVERLAP, release, release_due};
pub use http_allow::HttpAllow;
pub use idempotency::idempotent;
pub(crate) use jobs::JobTexts;
pub use jobs::{QUEUE, RunJob, job_id};
pub use lease::{drain, take_over};
pub use local::Local;
pub use log::log;
pub(crate) use metrics::ended_at_once;
pub use places::{Place, Places};
pub(crate) use queries::summary;
pub use queries::{RunQuery, get, list};
pub(crate) use queries::{busy, shown, summaries};
pub use repeat::{rerun, retry};
pub(crate) use start::start_as;
pub(crate) use start::to_json;
pub use start::{NewRun, start, start_direct};
pub(crate) use variables::check as check_variables;
pub use wait::wait;
