//! The columns of a schedule that say when something is due.

use super::{definition::Definition, spread::Spread};
use crate::schema::schedules;
use chrono::TimeDelta;
use diesel::ExpressionMethods;
use domain::{Timestamp, guards::Guards, ids::ScheduleId};

/// When a schedule is due, and by when it should have succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timing {
    /// The next fire time.
    pub next_at: Option<Timestamp>,
    /// When that is due, where jitter moves it back.
    pub due_at: Option<Timestamp>,
    pub expected_by: Option<Timestamp>,
    pub overdue_since: Option<Timestamp>,
}

impl Timing {
    /// From `after` on; nothing when it is off.
    pub fn new(
        id: ScheduleId,
        definition: &Definition,
        guards: &Guards,
        enabled: bool,
        after: Timestamp,
    ) -> Self {
        if !enabled {
            return Self::default();
        }
        let mut timing = Self {
            expected_by: expected_by(guards, after),
            ..Self::default()
        };
        timing.keep(id, guards, definition.next_after(after));
        timing
    }

    /// Takes this fire time as the next one.
    pub fn keep(&mut self, id: ScheduleId, guards: &Guards, next_at: Option<Timestamp>) {
        self.next_at = next_at;
        self.due_at = Spread::new(id, guards).due_at(next_at);
    }

    /// What is set in the table.
    #[expect(clippy::type_complexity, reason = "diesel's own types of four columns")]
    pub fn set(
        &self,
    ) -> (
        diesel::dsl::Eq<schedules::next_at, Option<Timestamp>>,
        diesel::dsl::Eq<schedules::due_at, Option<Timestamp>>,
        diesel::dsl::Eq<schedules::expected_by, Option<Timestamp>>,
        diesel::dsl::Eq<schedules::overdue_since, Option<Timestamp>>,
        diesel::dsl::Eq<schedules::done_at, Option<Timestamp>>,
    ) {
        (
            schedules::next_at.eq(self.next_at),
            schedules::due_at.eq(self.due_at),
            schedules::expected_by.eq(self.expected_by),
            schedules::overdue_since.eq(self.overdue_since),
            schedules::done_at.eq(None),
        )
    }
}

/// When a success is overdue, counted from `since`.
pub(super) fn expected_by(guards: &Guards, since: Timestamp) -> Option<Timestamp> {
    let within = TimeDelta::from_std(guards.expect.as_ref()?.within.get()).ok()?;
    since.checked_add_signed(within)
}
