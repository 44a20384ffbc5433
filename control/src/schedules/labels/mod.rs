//! Schedules that come from containers' labels, where an admin lets labels count.
//!
//! They are rows like any other, so that everything that schedules have works for them: fires, runs, statistics, the
//! forecast. What differs is who writes them: [`keep`] makes them what the labels say, and people cannot. Their target
//! names the container by our own id and asks for the label too, so that a run finds nothing once the label is gone,
//! whether that was noticed yet or not.

mod findings;
mod keep;
mod read;

pub use findings::{LabelQuery, findings};
pub(crate) use keep::{Labels, archive_host, keep};

use super::queries::Row;
use domain::{
    errors::{ErrorClass, Problem},
    schedules::Schedule,
};

/// Refuses to change what labels say.
pub(super) fn refuse(schedule: &Schedule) -> Result<(), Problem> {
    let Some(origin) = &schedule.origin else {
        return Ok(());
    };
    Err(Problem::new(
        ErrorClass::Conflict,
        "from_labels",
        format!(
            "{} comes from the labels {}.* of {}, so it is changed there: change the labels and make the container anew. \
             Clone it to have one that is written here.",
            schedule.name, origin.label, origin.place
        ),
    )
    .with("origin", origin))
}

/// Refuses to wake a schedule whose label is gone.
pub(super) fn refuse_gone(row: &Row, schedule: &Schedule) -> Result<(), Problem> {
    let Some(origin) = schedule.origin.as_ref().filter(|_| row.done) else {
        return Ok(());
    };
    Err(Problem::new(
        ErrorClass::Conflict,
        "label_gone",
        format!(
            "{} came from the labels {}.* of {}. They are gone, or labels no longer count on that host, so it does not run \
             any more.",
            schedule.name, origin.label, origin.place
        ),
    )
    .with("origin", origin))
}
