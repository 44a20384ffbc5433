//! What becomes of the fire times that are due: pure, and the same on every server.

use super::definition::Definition;
use chrono::TimeDelta;
use domain::Timestamp;

/// A fire time up to this late still runs: a busy or restarting database, a server that was slow. Later it is missed.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(60);
/// A fire time that passed while no server ran is missed, unless it is this little before the start: an update of the
/// server must not cost the nightly run.
pub(super) const RESTART: TimeDelta = TimeDelta::seconds(10);
/// Runs made for one schedule in one pass; the rest follow in the next.
const MOST_RUNS: usize = 100;
/// Missed fire times that are counted; a schedule of every second after a year would count for ever.
pub(super) const MOST_COUNTED: usize = 1000;
/// Missed fire times that are recorded one by one, the latest ones; all of them share one run.
const MOST_RECORDED: usize = 100;

/// What is done with the fire times of one schedule that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Each becomes a run.
    pub run: Vec<Timestamp>,
    pub missed: Option<Missed>,
    /// The earliest fire time that stays undecided.
    pub next: Option<Timestamp>,
}

/// Fire times that nobody could run in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missed {
    pub count: usize,
    /// There were more than could be counted.
    pub or_more: bool,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The latest of them, oldest first.
    pub recorded: Vec<Timestamp>,
}

/// Decides. `next_at` is the earliest undecided fire time; `up_since` is when the installation came up, if that is known.
pub(super) fn decide(
    definition: &Definition,
    next_at: Timestamp,
    now: Timestamp,
    up_since: Option<Timestamp>,
) -> Decision {
    let mut cutoff = now - LATE;
    if let Some(up) = up_since {
        cutoff = cutoff.max((up - RESTART).min(now));
    }
    let mut decision = Decision::default();
    let mut at = Some(next_at);
    let mut missed: Vec<Timestamp> = Vec::new();
    while let Some(due) = at.filter(|due| *due < cutoff) {
        if missed.len() == MOST_COUNTED {
            break;
        }
        missed.push(due);
        at = definition.next_after(due);
    }
    if let (Some(first), Some(last)) = (missed.first(), missed.last()) {
        let or_more = at.is_some_and(|at| at < cutoff);
        if or_more {
            // From here on nobody counts; what is not too late still runs.
            at = definition.next_after(cutoff - TimeDelta::microseconds(1));
        }
        decision.missed = Some(Missed {
            count: missed.len(),
            or_more,
            first: *first,
            last: *last,
            recorded: missed[missed.len().saturating_sub(MOST_RECORDED)..].to_vec(),
        });
    }
    while let Some(due) = at.filter(|due| *due <= now) {
        if decision.run.len() == MOST_RUNS {
            break;
        }
        decision.run.push(due);
        at = definition.next_after(due);
    }
    decision.next = at;
    decision
}

impl Missed {
    /// What history says of them.
    pub fn describe(&self) -> String {
        let clock = |at: Timestamp| at.format("%Y-%m-%d %H:%M:%S UTC");
        if self.count == 1 {
            return format!("Missed: no server could run it at {}.", clock(self.first));
        }
        if self.or_more {
            return format!(
                "Missed more than {} times from {} on: no server could run it.",
                self.count,
                clock(self.first)
            );
        }
        format!(
            "Missed {} times between {} and {}: no server could run it.",
            self.count,
            clock(self.first),
            clock(self.last)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::next_times::Zone;
    use domain::schedules::Trigger;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn every(seconds: u64) -> Definition {
        let trigger = Trigger::Interval {
            every: domain::durations::HumanDuration::from_secs(seconds).unwrap(),
            anchor: None,
        };
        Definition::new(&[trigger], Zone::utc(), at(0)).unwrap()
    }

    #[test]
    fn on_time_it_runs_and_goes_on() {
        let decision = decide(&every(300), at(300), at(300), None);
        assert_eq!(
            decision,
            Decision {
                run: vec![at(300)],
                missed: None,
                next: Some(at(600))
            }
        );
    }

    #[test]
    fn after_an_hour_it_was_missed() {
        let decision = decide(&every(300), at(300), at(3900), None);
        let missed = decision.missed.unwrap();
        // 3900 itself is due now and runs.
        assert_eq!((missed.count, missed.first, missed.last), (12, at(300), at(3600)));
        assert_eq!((decision.run, decision.next), (vec![at(3900)], Some(at(4200))));
        assert!(!missed.or_more);
    }

    #[test]
    fn a_year_of_seconds_costs_little() {
        let decision = decide(&every(1), at(1), at(365 * 86_400), None);
        let missed = decision.missed.unwrap();
        assert!(missed.or_more && missed.count == MOST_COUNTED);
        assert_eq!(missed.recorded.len(), MOST_RECORDED);
        assert!(missed.describe().contains("more than"), "{}", missed.describe());
        // What is at most a minute late runs.
        assert_eq!(decision.run.len(), 61);
        assert_eq!(decision.next, Some(at(365 * 86_400 + 1)));
    }

    #[test]
    fn what_passed_while_no_server_ran_is_missed() {
        // Down from before 20 until 52; looked at in 53.
        let decision = decide(&every(10), at(20), at(53), Some(at(52)));
        assert_eq!(decision.missed.unwrap().recorded, [at(20), at(30), at(40)]);
        assert_eq!((decision.run, decision.next), (vec![at(50)], Some(at(60))));
        // A server that was there all the time was only slow.
        assert_eq!(decide(&every(10), at(20), at(53), Some(at(-500))).run.len(), 4);
    }

    #[test]
    fn a_clock_that_goes_back_fires_nothing() {
        let decision = decide(&every(300), at(600), at(100), None);
        assert_eq!(
            decision,
            Decision {
                run: vec![],
                missed: None,
                next: Some(at(600))
            }
        );
    }

    proptest! {
        /// Whatever the downtime: every fire time up to now is decided exactly once over as many passes as it takes, and
        /// none after now.
        #[test]
        fn every_fire_time_is_decided_once(
            every_s in 1_u64..4000, gap in 0_i64..200_000, up in prop::option::of(0_i64..200_000),
        ) {
            let definition = every(every_s);
            let now = at(gap);
            let mut next = definition.next_after(at(0)).unwrap();
            let mut seen: Vec<Timestamp> = Vec::new();
            let mut uncounted = false;
            for _ in 0..2000 {
                if next > now {
                    break;
                }
                let decision = decide(&definition, next, now, up.map(at));
                if let Some(missed) = &decision.missed {
                    prop_assert!(missed.recorded.iter().all(|time| *time < now));
                    prop_assert_eq!(missed.recorded.last(), Some(&missed.last));
                    uncounted |= missed.or_more || missed.count > missed.recorded.len();
                    seen.extend(&missed.recorded);
                }
                seen.extend(&decision.run);
                prop_assert!(decision.next.unwrap() > next);
                next = decision.next.unwrap();
            }
            prop_assert!(next > now);
            prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(seen.iter().all(|time| *time <= now));
            if !uncounted {
                prop_assert_eq!(seen.len() as i64, gap / every_s as i64);
            }
        }
    }
}
