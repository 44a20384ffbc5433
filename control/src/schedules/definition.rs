//! A schedule's triggers, read and ready to compute with.

use chrono::{SubsecRound, TimeDelta};
use domain::{
    Timestamp,
    cron::CronExpression,
    forecast::{Recurrence, Timing},
    next_times::{Zone, interval_next},
    schedules::Trigger,
};
use std::time::Duration;

/// Triggers in a zone.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub zone: Zone,
    triggers: Vec<Ready>,
    /// Something beside times makes it run too.
    is_called: bool,
}

#[derive(Clone, Debug)]
enum Ready {
    Cron(Box<CronExpression>),
    Interval {
        every: Duration,
        anchor: Timestamp,
    },
    /// Single times, in order.
    Times(Vec<Timestamp>),
}

impl Ready {
    fn times(times: &[Timestamp]) -> Self {
        // In whole microseconds, as the database keeps them.
        let mut times: Vec<Timestamp> = times.iter().map(|at| at.trunc_subsecs(6)).collect();
        times.sort_unstable();
        Self::Times(times)
    }
}

impl Definition {
    /// Reads what is stored. Intervals without an anchor of their own count from `anchor`.
    ///
    /// # Errors
    /// A sentence: the zone is unknown on this machine, or a newer release wrote it.
    pub fn read(triggers: &serde_json::Value, timezone: &str, anchor: Timestamp) -> Result<Self, String> {
        let triggers: Vec<Trigger> = serde::Deserialize::deserialize(triggers)
            .map_err(|error| format!("its triggers cannot be read: {error}"))?;
        let zone = Zone::new(timezone).map_err(|error| error.message)?;
        Self::new(&triggers, zone, anchor)
    }

    /// # Errors
    /// A sentence, for a cron expression that is none.
    pub fn new(triggers: &[Trigger], zone: Zone, anchor: Timestamp) -> Result<Self, String> {
        let mut ready = Vec::with_capacity(triggers.len());
        for trigger in triggers {
            match trigger {
                Trigger::Cron { expression } => ready.push(Ready::Cron(Box::new(
                    expression
                        .parse::<CronExpression>()
                        .map_err(|error| format!("{expression}: {error}"))?,
                ))),
                Trigger::Interval { every, anchor: own } => ready.push(Ready::Interval {
                    every: every.get(),
                    anchor: own.unwrap_or(anchor),
                }),
                Trigger::Once { at } => ready.push(Ready::times(&[*at])),
                Trigger::Dates { at } => ready.push(Ready::times(at)),
                Trigger::Webhook { .. } | Trigger::Event { .. } | Trigger::Outcome { .. } => {}
            }
        }
        Ok(Self {
            zone,
            triggers: ready,
            is_called: triggers.iter().any(|trigger| !trigger.is_timed()),
        })
    }

    /// With single times beside the triggers: where fires were moved to.
    #[must_use]
    pub fn with_moved(mut self, times: &[Timestamp]) -> Self {
        if !times.is_empty() {
            self.triggers.push(Ready::times(times));
        }
        self
    }

    /// The same times, to be counted and looked at far ahead.
    pub fn recurrence(self) -> Recurrence {
        let timing = |trigger| match trigger {
            Ready::Cron(expression) => Timing::Cron(expression),
            Ready::Interval { every, anchor } => Timing::Interval { every, anchor },
            Ready::Times(times) => Timing::Times(times),
        };
        Recurrence::new(self.zone, self.triggers.into_iter().map(timing).collect())
    }

    /// Whether it fires at this very time.
    pub fn fires_at(&self, at: Timestamp) -> bool {
        self.next_after(at - TimeDelta::microseconds(1)) == Some(at)
    }

    /// The first fire time strictly after `after`: the earliest of all triggers, so that those that meet fire once. In
    /// whole microseconds, as the database keeps it.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.triggers
            .iter()
            .filter_map(|trigger| {
                let next = match trigger {
                    Ready::Cron(expression) => expression.next_after(&self.zone, after),
                    Ready::Interval { every, anchor } => interval_next(*every, *anchor, after),
                    Ready::Times(times) => times.get(times.partition_point(|at| *at <= after)).copied(),
                }?
                .trunc_subsecs(6);
                (next > after).then_some(next)
            })
            .min()
    }

    /// Whether it ends by itself: nothing but single times.
    pub fn is_finite(&self) -> bool {
        !self.is_called
            && !self.triggers.is_empty()
            && self
                .triggers
                .iter()
                .all(|trigger| matches!(trigger, Ready::Times(_)))
    }

    /// Every fire time strictly after `after`, in order.
    pub fn upcoming(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn triggers_that_meet_fire_once() {
        let triggers = json!([
            { "type": "cron", "expression": "0 * * * *" },
            { "type": "interval", "every": "30m" },
            { "type": "once", "at": "2026-12-01T10:15:00Z" },
        ]);
        let anchor = at("2026-12-01T00:00:00Z");
        let definition = Definition::read(&triggers, "UTC", anchor).unwrap();
        let next: Vec<_> = definition.upcoming(at("2026-12-01T09:59:59Z")).take(4).collect();
        assert_eq!(
            next,
            ["10:00", "10:15", "10:30", "11:00"].map(|time| at(&format!("2026-12-01T{time}:00Z")))
        );
    }

    #[test]
    fn once_is_done_afterwards() {
        let triggers = json!([{ "type": "once", "at": "2026-12-01T10:15:00Z" }]);
        let definition = Definition::read(&triggers, "UTC", at("2026-01-01T00:00:00Z")).unwrap();
        assert!(definition.next_after(at("2026-12-01T10:14:59Z")).is_some());
        assert!(definition.next_after(at("2026-12-01T10:15:00Z")).is_none());
    }

    #[test]
    fn dates_join_the_other_times_in_order() {
        let triggers = json!([
            { "type": "dates", "at": ["2026-12-03T10:00:00Z", "2026-12-01T09:30:00.1234567Z", "2026-12-03T10:00:00Z"] },
            { "type": "cron", "expression": "0 10 * * *" },
        ]);
        let definition = Definition::read(&triggers, "UTC", at("2026-01-01T00:00:00Z")).unwrap();
        let next: Vec<_> = definition.upcoming(at("2026-12-01T00:00:00Z")).take(4).collect();
        assert_eq!(
            next,
            [
                "2026-12-01T09:30:00.123456Z",
                "2026-12-01T10:00:00Z",
                "2026-12-02T10:00:00Z",
                "2026-12-03T10:00:00Z"
            ]
            .map(at)
        );
        assert!(!definition.is_finite());
    }

    #[test]
    fn only_times_make_a_schedule_end_by_itself() {
        let dates = json!({ "type": "dates", "at": ["2026-12-01T10:00:00Z"] });
        for (triggers, expected) in [
            (json!([dates]), true),
            (json!([dates, { "type": "webhook" }]), false),
            (
                json!([{ "type": "outcome", "schedule": "a", "of": "any" }]),
                false,
            ),
        ] {
            let definition = Definition::read(&triggers, "UTC", at("2026-01-01T00:00:00Z")).unwrap();
            assert_eq!(definition.is_finite(), expected, "{triggers}");
        }
        let hook = json!([{ "type": "webhook" }]);
        let definition = Definition::read(&hook, "UTC", at("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!(definition.next_after(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let bad = [
            (json!([{ "type": "moon" }]), "UTC"),
            (json!([{ "type": "cron", "expression": "99 * * * *" }]), "UTC"),
            (json!([]), "Europe/Nowhere"),
        ];
        for (triggers, zone) in bad {
            assert!(
                !Definition::read(&triggers, zone, Timestamp::UNIX_EPOCH)
                    .unwrap_err()
                    .is_empty()
            );
        }
    }
}
