//! The next times at which a schedule will run.

use super::{
    definition::Definition,
    queries::{self, Row},
    spread::Spread,
};
use crate::error::Result;
use diesel_async::AsyncPgConnection;
use domain::{
    Timestamp,
    ids::{OrgId, ScheduleId},
};

/// The clock of a schedule.
pub(crate) struct Coming {
    pub timezone: String,
    /// What is skipped is left out, what was moved is where it was moved to.
    pub next: Vec<Timestamp>,
}

/// The next `count` times; 404 when the schedule is not there.
pub(crate) async fn coming(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ScheduleId,
    count: usize,
) -> Result<Coming> {
    let row = queries::row(conn, org, id).await?;
    Ok(Coming {
        next: times(&row, count),
        timezone: row.timezone,
    })
}

/// Nothing for what this release cannot read.
fn times(row: &Row, count: usize) -> Vec<Timestamp> {
    let definition = Definition::read(&row.triggers, &row.timezone, row.anchor_at);
    let (Some(next), Ok(definition)) = (row.next_at, definition) else {
        return Vec::new();
    };
    let definition = definition.with_moved(&row.moved);
    let spread = Spread::new(
        ScheduleId(row.id),
        &serde_json::from_value(row.guards.clone()).unwrap_or_default(),
    );
    let mut times: Vec<Timestamp> = std::iter::once(next)
        .chain(definition.upcoming(next))
        .filter(|at| !row.decided.contains(at))
        .take(count)
        .map(|at| spread.due(at))
        .collect();
    // Jitter may turn neighbours round.
    times.sort_unstable();
    times
}
