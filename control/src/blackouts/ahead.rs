//! Blackouts as a forecast sees them: all their windows in a stretch of time, and what each of them would hold.

use super::closed::{Blackouts, Hold, Ready};
use crate::Control;
use domain::{
    Timestamp,
    blackouts::{BlackoutOn, BlackoutPolicy, Period},
    forecast::ForecastBlackout,
    ids::{BlackoutId, ContainerId, HostId, OrgId, ScheduleId},
};

/// Windows of one blackout that are looked at.
const MOST: usize = 500;

/// The blackouts that are on within a stretch.
#[derive(Default)]
pub(crate) struct Ahead(Vec<Window>);

struct Window {
    ready: Ready,
    periods: Vec<Period>,
    /// Sorted; of those on a host or a tag.
    containers: Vec<ContainerId>,
    hosts: Vec<HostId>,
}

/// What becomes of a run that falls into a blackout.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// It is skipped or waits, as the hold says.
    Whole(Hold),
    /// It leaves some of its containers alone, or all of them.
    Some { name: String, left_alone: usize },
}

/// What a run works on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WorkedOn<'a> {
    /// Sorted.
    pub containers: &'a [ContainerId],
    /// Hosts as such, whatever is on them.
    pub hosts: &'a [HostId],
}

impl Ahead {
    /// Those of `blackouts` that are on between `from` and `to`.
    pub fn new(control: &Control, org: OrgId, blackouts: Blackouts, from: Timestamp, to: Timestamp) -> Self {
        let window = |ready: Ready| {
            let periods = ready.closing.periods(from, to, MOST);
            if periods.is_empty() {
                return None;
            }
            let targets = ready
                .containers
                .as_ref()
                .map(|all| control.fleet().resolve(org, all));
            let targets = targets.unwrap_or_default();
            let mut containers: Vec<ContainerId> = targets.iter().map(|target| target.container_id).collect();
            containers.sort_unstable();
            let mut hosts: Vec<HostId> = targets.iter().map(|target| target.host_id).collect();
            if let BlackoutOn::Host { id } = &ready.on {
                hosts.push(*id);
            }
            hosts.sort_unstable();
            hosts.dedup();
            Some(Window {
                ready,
                periods,
                containers,
                hosts,
            })
        };
        Self(blackouts.0.into_iter().filter_map(window).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What becomes of a run of `schedule` on these that is due at `at`: decided as the ticker
    /// decides it.
    pub fn held(&self, schedule: ScheduleId, on: WorkedOn<'_>, at: Timestamp) -> Option<Held> {
        let mut whole: Option<Hold> = None;
        let mut some: Option<Held> = None;
        for window in &self.0 {
            let Some(period) = window.at(at) else { continue };
            let ready = &window.ready;
            let holds = match &ready.on {
                BlackoutOn::Organisation => true,
                BlackoutOn::Schedule { id } => *id == schedule,
                BlackoutOn::Host { .. } | BlackoutOn::Tag { .. } => {
                    let left_alone = window.left_alone(on);
                    if left_alone > 0 && ready.policy == BlackoutPolicy::Skip && some.is_none() {
                        some = Some(Held::Some {
                            name: ready.name.clone(),
                            left_alone,
                        });
                    }
                    left_alone > 0 && ready.policy == BlackoutPolicy::Postpone
                }
            };
            if holds {
                let hold = ready.hold(period.to);
                if whole.as_ref().is_none_or(|before| hold.goes_before(before)) {
                    whole = Some(hold);
                }
            }
        }
        whole.map(Held::Whole).or(some)
    }

    /// The windows that hold every run of `schedule` on these, whenever they are on; those of several blackouts may
    /// overlap.
    pub fn over(&self, schedule: ScheduleId, on: WorkedOn<'_>) -> Vec<Period> {
        let holds = |window: &&Window| match &window.ready.on {
            BlackoutOn::Organisation => true,
            BlackoutOn::Schedule { id } => *id == schedule,
            BlackoutOn::Host { .. } | BlackoutOn::Tag { .. } => window.left_alone(on) > 0,
        };
        let mut periods: Vec<Period> = self
            .0
            .iter()
            .filter(holds)
            .flat_map(|window| window.periods.iter().copied())
            .collect();
        periods.sort_unstable_by_key(|period| period.from);
        let mut joined: Vec<Period> = Vec::with_capacity(periods.len());
        for period in periods {
            match joined.last_mut() {
                Some(last) if period.from <= last.to => last.to = last.to.max(period.to),
                _ => joined.push(period),
            }
        }
        joined
    }

    /// As it is shown.
    pub fn view(&self) -> Vec<ForecastBlackout> {
        self.0
            .iter()
            .map(|window| ForecastBlackout {
                id: BlackoutId(window.ready.id),
                name: window.ready.name.clone(),
                policy: window.ready.policy,
                everywhere: window.ready.on == BlackoutOn::Organisation,
                hosts: window.hosts.clone(),
                schedule: match &window.ready.on {
                    BlackoutOn::Schedule { id } => Some(*id),
                    _ => None,
                },
                periods: window.periods.clone(),
            })
            .collect()
    }
}

impl Window {
    /// How many of these it covers. A tag is one of containers, so it covers no host as such.
    fn left_alone(&self, on: WorkedOn<'_>) -> usize {
        let whole = match &self.ready.on {
            BlackoutOn::Host { id } => usize::from(on.hosts.contains(id)),
            _ => 0,
        };
        common(&self.containers, on.containers) + whole
    }

    /// The period that is on at `at`.
    fn at(&self, at: Timestamp) -> Option<&Period> {
        let place = self.periods.partition_point(|period| period.to <= at);
        self.periods.get(place).filter(|period| period.from <= at)
    }
}

/// How many are in both, which are sorted.
fn common(one: &[ContainerId], other: &[ContainerId]) -> usize {
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    short.iter().filter(|id| long.binary_search(id).is_ok()).count()
}
