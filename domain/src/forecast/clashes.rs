//! Runs that get into each other's way: found in one sweep over time.

use crate::ids::{ContainerId, HostId};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// What kind of clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClashKind {
    /// Two schedules work on one container at the same time.
    SameContainer,
    /// More runs at once on a host than it should have to do.
    HostOverloaded,
    /// A run falls into a blackout.
    Blackout,
}

/// A coming run, as far as it can clash.
#[derive(Clone, Copy, Debug)]
pub struct Busy<'a> {
    /// Milliseconds since 1970.
    pub begin: i64,
    /// After `begin`.
    pub end: i64,
    /// Which schedule; a schedule never clashes with itself, its overlap guard decides that.
    pub schedule: usize,
    pub containers: &'a [ContainerId],
    pub hosts: &'a [HostId],
}

/// A clash, gathered over all its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    pub kind: ClashKind,
    /// When it happens first: the later run's begin.
    pub at: i64,
    pub times: u32,
    /// Both schedules, the earlier run's first; of a host, all that ran at once the first time.
    pub schedules: Vec<usize>,
    pub container: Option<ContainerId>,
    pub host: Option<HostId>,
    /// The most at once.
    pub peak: usize,
}

/// All clashes, the soonest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clashes {
    pub found: Vec<Clash>,
    /// The runs, by their place, that take part in one.
    pub touched: Vec<usize>,
    /// Looked at up to this run; none when all were.
    pub stopped_at: Option<usize>,
}

/// Finds the clashes of `runs`, which are sorted by their begin. More than `crowd` at once are too many for a host; after
/// `budget` looks at a container or a host the rest stays unknown.
pub fn clashes(runs: &[Busy<'_>], crowd: usize, mut budget: usize) -> Clashes {
    let mut result = Clashes::default();
    let mut pairs: HashMap<(usize, usize), Clash> = HashMap::new();
    let mut crowds: HashMap<HostId, Clash> = HashMap::new();
    // The two runs of different schedules that hold a container longest.
    let mut holders: HashMap<ContainerId, [Option<(i64, usize)>; 2]> = HashMap::new();
    let mut on_host: HashMap<HostId, Crowd> = HashMap::new();
    let mut touched = vec![false; runs.len()];
    for (at, run) in runs.iter().enumerate() {
        let looks = run.containers.len() + run.hosts.len();
        if looks > budget {
            result.stopped_at = Some(at);
            break;
        }
        budget -= looks;
        // A pair meets once at a time, on however many containers.
        let mut met: Vec<usize> = Vec::new();
        for container in run.containers {
            let held = holders.entry(*container).or_default();
            for (end, other) in held.iter().flatten().copied() {
                let earlier = &runs[other];
                if end <= run.begin || earlier.schedule == run.schedule || met.contains(&earlier.schedule) {
                    continue;
                }
                met.push(earlier.schedule);
                touched[at] = true;
                touched[other] = true;
                let key = (
                    earlier.schedule.min(run.schedule),
                    earlier.schedule.max(run.schedule),
                );
                let clash = pairs.entry(key).or_insert_with(|| Clash {
                    kind: ClashKind::SameContainer,
                    at: run.begin,
                    times: 0,
                    schedules: vec![earlier.schedule, run.schedule],
                    container: Some(*container),
                    host: None,
                    peak: 2,
                });
                clash.times += 1;
            }
            hold(held, runs, run.end, at);
        }
        for host in run.hosts {
            let here = on_host.entry(*host).or_default();
            here.leave(run.begin);
            here.enter(run.end, at);
            if here.ends.len() <= crowd {
                here.is_crowded = false;
                continue;
            }
            for Reverse((_, other)) in here.ends.iter() {
                touched[*other] = true;
            }
            let clash = crowds.entry(*host).or_insert_with(|| Clash {
                kind: ClashKind::HostOverloaded,
                at: run.begin,
                times: 0,
                schedules: here
                    .ends
                    .iter()
                    .map(|Reverse((_, other))| runs[*other].schedule)
                    .collect(),
                container: None,
                host: Some(*host),
                peak: 0,
            });
            clash.peak = clash.peak.max(here.ends.len());
            if !here.is_crowded {
                here.is_crowded = true;
                clash.times += 1;
            }
        }
    }
    result.found = pairs.into_values().chain(crowds.into_values()).collect();
    result
        .found
        .sort_unstable_by(|a, b| (a.at, a.kind, &a.schedules).cmp(&(b.at, b.kind, &b.schedules)));
    result.touched = (0..runs.len()).filter(|at| touched[*at]).collect();
    result
}

/// Keeps, of two different schedules, the runs that hold the container longest.
fn hold(held: &mut [Option<(i64, usize)>; 2], runs: &[Busy<'_>], end: i64, at: usize) {
    let schedule = runs[at].schedule;
    let mut all: Vec<(i64, usize)> = held
        .iter()
        .flatten()
        .copied()
        .filter(|(_, other)| runs[*other].schedule != schedule)
        .collect();
    let own = held
        .iter()
        .flatten()
        .copied()
        .find(|(own_end, other)| runs[*other].schedule == schedule && *own_end > end);
    all.push(own.unwrap_or((end, at)));
    all.sort_unstable_by_key(|(end, _)| Reverse(*end));
    *held = [all.first().copied(), all.get(1).copied()];
}

#[derive(Default)]
struct Crowd {
    /// Ends of the runs that are on the host, the soonest first.
    ends: BinaryHeap<Reverse<(i64, usize)>>,
    is_crowded: bool,
}

impl Crowd {
    fn leave(&mut self, now: i64) {
        while self.ends.peek().is_some_and(|Reverse((end, _))| *end <= now) {
            self.ends.pop();
        }
    }

    fn enter(&mut self, end: i64, at: usize) {
        self.ends.push(Reverse((end, at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(count: usize) -> Vec<ContainerId> {
        (0..count).map(|_| ContainerId::new()).collect()
    }

    #[test]
    fn two_on_one_container_at_once_clash_and_are_gathered() {
        let containers = ids(2);
        let busy = |begin: i64, length: i64, schedule: usize, on: usize| Busy {
            begin,
            end: begin + length,
            schedule,
            containers: &containers[on..=on],
            hosts: &[],
        };
        let runs = [
            busy(0, 10, 0, 0),
            busy(5, 10, 1, 0),
            busy(6, 10, 2, 1),
            busy(100, 10, 0, 0),
            busy(105, 10, 1, 0),
            busy(115, 10, 0, 0),
        ];
        let all = clashes(&runs, 100, 1000);
        assert_eq!(all.found.len(), 1);
        assert_eq!((all.found[0].at, all.found[0].times), (5, 2));
        assert_eq!(all.found[0].schedules, [0, 1]);
        assert_eq!(all.touched, [0, 1, 3, 4]);
        assert_eq!(all.stopped_at, None);
        assert_eq!(clashes(&runs, 100, 3).stopped_at, Some(3));
    }

    #[test]
    fn a_crowd_on_a_host_is_told_once_with_its_peak() {
        let host = [HostId::new()];
        let runs: Vec<Busy<'_>> = (0..5)
            .map(|n| Busy {
                begin: n,
                end: 100 + n,
                schedule: n as usize,
                containers: &[],
                hosts: &host,
            })
            .collect();
        let all = clashes(&runs, 3, 1000);
        assert_eq!(all.found.len(), 1);
        assert_eq!(
            (all.found[0].peak, all.found[0].times, all.found[0].at),
            (5, 1, 3)
        );
        assert!(clashes(&runs, 5, 1000).found.is_empty());
    }

    proptest! {
        /// Whatever overlaps is found, and nothing else is.
        #[test]
        fn what_overlaps_is_found(
            raw in prop::collection::vec((0_i64..200, 1_i64..40, 0_usize..4, prop::collection::vec(0_usize..3, 0..3)), 0..30),
        ) {
            let names = ids(3);
            let mut raw = raw;
            raw.sort_by_key(|run| run.0);
            let sets: Vec<Vec<ContainerId>> = raw.iter().map(|run| {
                let mut set: Vec<_> = run.3.iter().map(|n| names[*n]).collect();
                set.sort_unstable();
                set.dedup();
                set
            }).collect();
            let runs: Vec<Busy<'_>> = raw.iter().zip(&sets).map(|(run, set)| Busy {
                begin: run.0, end: run.0 + run.1, schedule: run.2, containers: set, hosts: &[],
            }).collect();
            let mut expected: Vec<(usize, usize)> = Vec::new();
            for (n, a) in runs.iter().enumerate() {
                for b in &runs[n + 1..] {
                    let share = a.containers.iter().any(|c| b.containers.contains(c));
                    if share && a.schedule != b.schedule && b.begin < a.end {
                        expected.push((a.schedule.min(b.schedule), a.schedule.max(b.schedule)));
                    }
                }
            }
            expected.sort_unstable();
            expected.dedup();
            let mut found: Vec<(usize, usize)> = clashes(&runs, 1000, 1_000_000).found.iter()
                .map(|clash| (clash.schedules[0].min(clash.schedules[1]), clash.schedules[0].max(clash.schedules[1])))
                .collect();
            found.sort_unstable();
            // Of three at once on one container at least each newcomer is paired with somebody; no pair is invented.
            prop_assert!(found.iter().all(|pair| expected.contains(pair)));
            prop_assert_eq!(found.is_empty(), expected.is_empty());
        }
    }
}
