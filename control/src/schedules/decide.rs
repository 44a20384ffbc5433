//! What becomes of the fire times that are due: pure, and the same on every server.

use super::{definition::Definition, spread::Spread};
use chrono::TimeDelta;
use domain::{
    Timestamp,
    guards::{CatchUp, CatchUpPolicy},
};

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
    /// Passed while no server was there, and run all the same, since the schedule says so.
    pub caught_up: Vec<Timestamp>,
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
    spread: &Spread,
    catch_up: &CatchUp,
    next_at: Timestamp,
    now: Timestamp,
    up_since: Option<Timestamp>,
) -> Decision {
    let mut cutoff = now - LATE;
    if let Some(up) = up_since {
        cutoff = cutoff.max((up - RESTART).min(now));
    }
    let is_late = |at: &Timestamp| spread.due(*at) < cutoff;
    let mut decision = Decision::default();
    let mut at = Some(next_at);
    let mut missed: Vec<Timestamp> = Vec::new();
    while let Some(due) = at.filter(is_late) {
        if missed.len() == MOST_COUNTED {
            break;
        }
        missed.push(due);
        at = definition.next_after(due);
    }
    let most = match catch_up.policy {
        CatchUpPolicy::None => 0,
        CatchUpPolicy::Latest => 1,
        CatchUpPolicy::All => catch_up.max as usize,
    };
    let or_more = at.is_some_and(|at| is_late(&at));
    if let Some(last) = missed.last().copied().filter(|_| or_more) {
        // From here on nobody counts; what is not too late still runs.
        decision.caught_up = latest(definition, spread, last, cutoff, most);
        let from = decision.caught_up.last().copied().unwrap_or(last);
        at = definition.next_after(from.max(cutoff - spread.most() - TimeDelta::microseconds(1)));
        while let Some(due) = at.filter(is_late) {
            at = definition.next_after(due);
        }
    } else {
        decision.caught_up = missed.split_off(missed.len().saturating_sub(most));
    }
    if let Some(window) = catch_up.window {
        let oldest = now - TimeDelta::from_std(window.get()).unwrap_or(TimeDelta::MAX);
        let kept = decision.caught_up.partition_point(|at| spread.due(*at) < oldest);
        let recent = decision.caught_up.split_off(kept);
        missed.extend(std::mem::replace(&mut decision.caught_up, recent));
    }
    if let (Some(first), Some(last)) = (missed.first(), missed.last()) {
        decision.missed = Some(Missed {
            count: missed.len(),
            or_more,
            first: *first,
            last: *last,
            recorded: missed[missed.len().saturating_sub(MOST_RECORDED)..].to_vec(),
        });
    }
    while let Some(due) = at.filter(|at| spread.due(*at) <= now) {
        if decision.run.len() == MOST_RUNS {
            break;
        }
        decision.run.push(due);
        at = definition.next_after(due);
    }
    decision.next = at;
    decision
}

/// The latest `most` fire times after `after` that are too late, in order. Looks back in ever longer steps, so that a
/// schedule of every second costs no year of seconds.
fn latest(
    definition: &Definition,
    spread: &Spread,
    after: Timestamp,
    cutoff: Timestamp,
    most: usize,
) -> Vec<Timestamp> {
    if most == 0 {
        return Vec::new();
    }
    let mut back = TimeDelta::minutes(1);
    loop {
        let start = (cutoff - back).max(after);
        let mut found: Vec<Timestamp> = definition
            .upcoming(start)
            .take_while(|at| spread.due(*at) < cutoff)
            .collect();
        if found.len() >= most || start == after {
            return found.split_off(found.len().saturating_sub(most));
        }
        back = back * 4;
    }
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
    use domain::{durations::HumanDuration, guards::Guards, ids::ScheduleId, schedules::Trigger};
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

    fn decide(
        definition: &Definition,
        next_at: Timestamp,
        now: Timestamp,
        up_since: Option<Timestamp>,
    ) -> Decision {
        with(definition, &Guards::default(), next_at, now, up_since)
    }

    fn with(
        definition: &Definition,
        guards: &Guards,
        next_at: Timestamp,
        now: Timestamp,
        up_since: Option<Timestamp>,
    ) -> Decision {
        let spread = Spread::new(ScheduleId(uuid::Uuid::from_u128(7)), guards);
        super::decide(definition, &spread, &guards.catch_up, next_at, now, up_since)
    }

    fn catching_up(policy: CatchUpPolicy, max: u32, window: Option<u64>) -> Guards {
        Guards {
            catch_up: CatchUp {
                policy,
                max,
                window: window.map(|seconds| HumanDuration::from_secs(seconds).unwrap()),
            },
            ..Guards::default()
        }
    }

    #[test]
    fn after_a_downtime_the_latest_or_all_within_the_window_run() {
        // 300, 600, … 3600 passed; 3900 is due now.
        let hour = |guards: &Guards| with(&every(300), guards, at(300), at(3900), None);
        let latest = hour(&catching_up(CatchUpPolicy::Latest, 10, None));
        assert_eq!(latest.caught_up, [at(3600)]);
        assert_eq!(latest.missed.unwrap().count, 11);
        assert_eq!((latest.run, latest.next), (vec![at(3900)], Some(at(4200))));

        let three = hour(&catching_up(CatchUpPolicy::All, 3, None));
        assert_eq!(three.caught_up, [at(3000), at(3300), at(3600)]);
        let missed = three.missed.unwrap();
        assert_eq!((missed.count, missed.last), (9, at(2700)));

        let recent = hour(&catching_up(CatchUpPolicy::All, 10, Some(700)));
        assert_eq!(recent.caught_up, [at(3300), at(3600)]);
        assert_eq!(recent.missed.unwrap().count, 10);

        let all = hour(&catching_up(CatchUpPolicy::All, 100, None));
        assert_eq!((all.caught_up.len(), all.missed), (12, None));
        let too_old = hour(&catching_up(CatchUpPolicy::Latest, 1, Some(60)));
        assert_eq!((too_old.caught_up.len(), too_old.missed.unwrap().count), (0, 12));
    }

    #[test]
    fn what_cannot_be_counted_is_caught_up_from_its_end() {
        let year = 365 * 86_400;
        let guards = catching_up(CatchUpPolicy::All, 5, None);
        let decision = with(&every(1), &guards, at(1), at(year), None);
        let expected: Vec<_> = (year - 65..year - 60).map(at).collect();
        assert_eq!(decision.caught_up, expected);
        assert_eq!(decision.run[0], at(year - 60));
        assert!(decision.missed.unwrap().or_more);
    }

    #[test]
    fn jitter_moves_what_is_due_and_not_what_it_is_called() {
        let guards = Guards {
            jitter: Some(HumanDuration::from_secs(200).unwrap()),
            ..Guards::default()
        };
        let spread = Spread::new(ScheduleId(uuid::Uuid::from_u128(7)), &guards);
        let due = spread.due(at(300));
        assert!(due > at(300) && due < at(500));
        let before = with(
            &every(300),
            &guards,
            at(300),
            due - TimeDelta::microseconds(1),
            None,
        );
        assert_eq!((before.run.len(), before.next), (0, Some(at(300))));
        let then = with(&every(300), &guards, at(300), due, None);
        assert_eq!((then.run, then.next), (vec![at(300)], Some(at(600))));
        assert_eq!(then.missed, None);
    }

    #[test]
    fn on_time_it_runs_and_goes_on() {
        let decision = decide(&every(300), at(300), at(300), None);
        assert_eq!(
            decision,
            Decision {
                caught_up: vec![],
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
                caught_up: vec![],
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
            policy in prop::sample::select(vec![CatchUpPolicy::None, CatchUpPolicy::Latest, CatchUpPolicy::All]),
            max in 1_u32..20, window in prop::option::of(1_u64..100_000), jitter in prop::option::of(1_u64..5000),
        ) {
            let mut guards = catching_up(policy, max, window);
            guards.jitter = jitter.map(|seconds| HumanDuration::from_secs(seconds).unwrap());
            let spread = Spread::new(ScheduleId(uuid::Uuid::from_u128(7)), &guards);
            let definition = every(every_s);
            let now = at(gap);
            let mut next = definition.next_after(at(0)).unwrap();
            let mut seen: Vec<Timestamp> = Vec::new();
            let mut uncounted = false;
            for _ in 0..2000 {
                if spread.due(next) > now {
                    break;
                }
                let decision = with(&definition, &guards, next, now, up.map(at));
                if let Some(missed) = &decision.missed {
                    prop_assert!(missed.recorded.iter().all(|time| *time < now));
                    prop_assert_eq!(missed.recorded.last(), Some(&missed.last));
                    uncounted |= missed.or_more || missed.count > missed.recorded.len();
                    seen.extend(&missed.recorded);
                }
                prop_assert!(decision.caught_up.len() <= max as usize);
                seen.extend(&decision.caught_up);
                seen.extend(&decision.run);
                prop_assert!(decision.next.unwrap() > next);
                next = decision.next.unwrap();
            }
            prop_assert!(spread.due(next) > now);
            prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(seen.iter().all(|time| spread.due(*time) <= now));
            if !uncounted && jitter.is_none() {
                prop_assert_eq!(seen.len() as i64, gap / every_s as i64);
            }
        }
    }
}
