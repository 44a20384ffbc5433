//! Computing a forecast: the marks by merging the coming times of all schedules, the cells by counting.

use super::{
    conflicts,
    plans::{Ahead, Planned},
    write_cursor,
};
use chrono::TimeDelta;
use domain::{
    Timestamp,
    containers::HostRef,
    forecast::{
        CellWidth, Density, Forecast, ForecastLane, ForecastMark, ForecastSchedule, Grid, MarkState,
        Stretches, ZoneChange,
    },
    ids::{HostId, ScheduleId},
    next_times::Zone,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

/// Runs that are looked at for conflicts.
const MOST_LOOKED_AT: usize = 20_000;
/// Dense schedules that are listed.
const MOST_DENSE: usize = 200;

/// What is asked, checked.
pub(super) struct Asked {
    pub from: Timestamp,
    pub to: Timestamp,
    pub now: Timestamp,
    pub zone: Zone,
    pub width: CellWidth,
    pub host: Option<HostId>,
    pub limit: usize,
    /// Marks follow after this one.
    pub after: Option<(Timestamp, ScheduleId)>,
}

impl Asked {
    /// Nothing before now is forecast.
    pub fn begin(&self) -> Timestamp {
        self.from.max(self.now)
    }
}

/// Coming fires of schedules that are not dense, in order: when, and the schedule's place.
pub(super) struct Marks {
    pub fires: Vec<(Timestamp, usize)>,
    /// There are more.
    pub cut: bool,
}

/// Merges the coming times: the cost is that of the fires that are wanted, and of one look at each schedule.
pub(super) fn marks(asked: &Asked, plans: &[Planned], ahead: &[Ahead]) -> Marks {
    let most = MOST_LOOKED_AT.max(asked.limit + 1);
    let start = asked.after.map_or(asked.begin(), |(at, _)| at);
    let is_next = |at: Timestamp, place: usize| {
        at < asked.to
            && asked
                .after
                .is_none_or(|(last, id)| (at, plans[place].plan.id) > (last, id))
    };
    let places: HashMap<ScheduleId, usize> = plans
        .iter()
        .enumerate()
        .map(|(place, planned)| (planned.plan.id, place))
        .collect();
    let mut moved: Vec<(usize, Timestamp)> = ahead
        .iter()
        .filter_map(|fire| Some((*places.get(&ScheduleId(fire.schedule_id))?, fire.moved_to?)))
        .filter(|(place, at)| *at >= start && !plans[*place].plan.is_dense)
        .collect();
    moved.sort_unstable();
    // By time, then id, so that a cursor finds its place again.
    let mut heap: BinaryHeap<Reverse<(Timestamp, ScheduleId, usize, bool)>> =
        BinaryHeap::with_capacity(plans.len());
    for (place, planned) in plans
        .iter()
        .enumerate()
        .filter(|(_, planned)| !planned.plan.is_dense)
    {
        let before = start.max(planned.not_before) - TimeDelta::microseconds(1);
        if let Some(at) = planned.plan.times.next_after(before).filter(|at| *at < asked.to) {
            heap.push(Reverse((at, planned.plan.id, place, true)));
        }
    }
    heap.extend(
        moved
            .iter()
            .map(|(place, at)| Reverse((*at, plans[*place].plan.id, *place, false))),
    );
    let mut marks = Marks {
        fires: Vec::new(),
        cut: false,
    };
    while let Some(Reverse((at, id, place, goes_on))) = heap.pop() {
        if is_next(at, place) && marks.fires.last() != Some(&(at, place)) {
            if marks.fires.len() == most {
                marks.cut = true;
                break;
            }
            marks.fires.push((at, place));
        }
        if goes_on
            && let Some(next) = plans[place]
                .plan
                .times
                .next_after(at)
                .filter(|next| *next < asked.to)
        {
            heap.push(Reverse((next, id, place, true)));
        }
    }
    marks
}

/// What was decided ahead, by schedule and time.
pub(super) struct Decided(HashMap<(ScheduleId, Timestamp), (MarkState, Option<Timestamp>, Option<String>)>);

impl Decided {
    fn new(ahead: Vec<Ahead>) -> Self {
        let mut all = HashMap::new();
        for fire in &ahead {
            if let Some(to) = fire.moved_to {
                all.insert(
                    (ScheduleId(fire.schedule_id), to),
                    (MarkState::Moved, Some(fire.fire_at), None),
                );
            }
        }
        // A skip of a moved run is told before its move.
        for fire in ahead {
            let state = if fire.moved_to.is_some() {
                MarkState::Postponed
            } else {
                MarkState::Skipped
            };
            all.insert(
                (ScheduleId(fire.schedule_id), fire.fire_at),
                (state, fire.moved_to, fire.reason),
            );
        }
        Self(all)
    }

    pub fn state(&self, id: ScheduleId, at: Timestamp) -> MarkState {
        self.0
            .get(&(id, at))
            .map_or(MarkState::Planned, |(state, ..)| *state)
    }
}

/// Everything else, from what was read.
pub(super) fn forecast(
    asked: &Asked,
    plans: Vec<Planned>,
    ahead: Vec<Ahead>,
    marks: Marks,
    durations: HashMap<ScheduleId, i64>,
    hosts: Vec<HostRef>,
) -> Forecast {
    let decided = Decided::new(ahead);
    let zones = zones(asked, &plans);
    let counted = count(asked, &plans, &decided, &zones);
    let found = match asked.after {
        // Conflicts stand on the first page.
        Some(_) => conflicts::Found::default(),
        None => conflicts::find(&plans, &marks, &decided, &durations),
    };
    let shown = marks.fires.len().min(asked.limit);
    let next = marks.fires.get(shown).and(marks.fires[..shown].last());
    Forecast {
        from: asked.from,
        to: asked.to,
        now: asked.now,
        timezone: asked.zone.name().to_owned(),
        schedules: plans.len() as u64,
        total: counted.total,
        dense_total: counted.dense_total,
        next: next.map(|(at, place)| write_cursor(*at, plans[*place].plan.id)),
        marks: marks.fires[..shown]
            .iter()
            .enumerate()
            .map(|(order, (at, place))| {
                let clashes = found.touched.contains(&order);
                mark(&plans[*place], *at, &decided, &zones, &durations, clashes)
            })
            .collect(),
        density_more: counted.dense.len().saturating_sub(MOST_DENSE) as u64,
        density: counted
            .dense
            .iter()
            .take(MOST_DENSE)
            .map(|(count, place)| density(&plans[*place], *count, &durations))
            .collect(),
        cells: counted.cells,
        lanes: lanes(counted.lanes, &hosts),
        conflicts_until: found.until,
        conflicts: found.conflicts,
        clock_changes: changes(asked, zones),
    }
}

/// Zones as stretches of constant offset, a day around what is asked.
type Zones = HashMap<String, Stretches>;

fn zones(asked: &Asked, plans: &[Planned]) -> Zones {
    let (from, to) = (asked.begin() - TimeDelta::days(1), asked.to + TimeDelta::days(1));
    let mut zones = Zones::from([(
        asked.zone.name().to_owned(),
        Stretches::new(&asked.zone, from, to),
    )]);
    for planned in plans {
        let zone = planned.plan.times.zone();
        if !zones.contains_key(zone.name()) {
            zones.insert(zone.name().to_owned(), Stretches::new(zone, from, to));
        }
    }
    zones
}

#[derive(Default)]
struct Counted {
    total: u64,
    dense_total: u64,
    cells: Vec<Timestamp>,
    lanes: HashMap<Option<HostId>, [Vec<u32>; 2]>,
    /// How often each dense schedule fires; the most frequent first.
    dense: Vec<(u64, usize)>,
}

fn count(asked: &Asked, plans: &[Planned], decided: &Decided, zones: &Zones) -> Counted {
    let grid = Grid::new(&asked.zone, asked.from, asked.to, asked.width);
    let mut counted = Counted {
        cells: grid.starts(),
        ..Counted::default()
    };
    let begin = asked.begin();
    if begin >= asked.to {
        return counted;
    }
    let mut corrections: HashMap<ScheduleId, Vec<(Timestamp, MarkState)>> = HashMap::new();
    for ((id, at), (state, ..)) in &decided.0 {
        if (begin..asked.to).contains(at) {
            corrections.entry(*id).or_default().push((*at, *state));
        }
    }
    let mut cells = vec![0_u32; grid.len()];
    for (place, planned) in plans.iter().enumerate() {
        let plan = &planned.plan;
        let begin = begin.max(planned.not_before);
        if begin >= asked.to {
            continue;
        }
        cells.fill(0);
        let Some(stretches) = zones.get(plan.times.zone().name()) else {
            continue;
        };
        let mut fires = plan.times.count(stretches, begin, asked.to, &grid, &mut cells);
        for (at, state) in corrections.get(&plan.id).into_iter().flatten() {
            let Some(cell) = grid.cell(at.timestamp()).and_then(|cell| cells.get_mut(cell)) else {
                continue;
            };
            if *state == MarkState::Moved {
                *cell += 1;
                fires += 1;
            } else if *cell > 0 && plan.times.next_after(*at - TimeDelta::microseconds(1)) == Some(*at) {
                *cell -= 1;
                fires -= 1;
            }
        }
        if fires == 0 {
            continue;
        }
        counted.total += fires;
        if plan.is_dense {
            counted.dense_total += fires;
            counted.dense.push((fires, place));
        }
        let mut add = |host: Option<HostId>| {
            let lane = counted
                .lanes
                .entry(host)
                .or_insert_with(|| [vec![0; grid.len()], vec![0; grid.len()]]);
            for (sum, count) in lane[usize::from(plan.is_dense)].iter_mut().zip(&cells) {
                *sum += count;
            }
        };
        if planned.touched.host_ids.is_empty() {
            add(None);
        }
        for host in planned
            .touched
            .host_ids
            .iter()
            .filter(|id| asked.host.is_none_or(|host| host == **id))
        {
            add(Some(*host));
        }
    }
    counted
        .dense
        .sort_by_key(|(count, place)| (Reverse(*count), *place));
    counted
}

fn lanes(lanes: HashMap<Option<HostId>, [Vec<u32>; 2]>, hosts: &[HostRef]) -> Vec<ForecastLane> {
    let mut lanes: Vec<ForecastLane> = lanes
        .into_iter()
        .map(|(host, [runs, dense])| ForecastLane {
            host: host.and_then(|id| hosts.iter().find(|host| host.id == id).cloned()),
            runs,
            dense,
        })
        .collect();
    lanes.sort_by(|a, b| {
        let key = |lane: &ForecastLane| {
            (
                lane.host.is_none(),
                lane.host.as_ref().map(|host| host.name.clone()),
            )
        };
        key(a).cmp(&key(b))
    });
    lanes
}

pub(super) fn schedule(planned: &Planned) -> ForecastSchedule {
    ForecastSchedule {
        id: planned.plan.id,
        name: planned.plan.name.clone(),
    }
}

fn mark(
    planned: &Planned,
    at: Timestamp,
    decided: &Decided,
    zones: &Zones,
    durations: &HashMap<ScheduleId, i64>,
    conflict: bool,
) -> ForecastMark {
    let plan = &planned.plan;
    let (state, moved, reason) =
        decided
            .0
            .get(&(plan.id, at))
            .cloned()
            .unwrap_or((MarkState::Planned, None, None));
    let note = reason.or_else(|| plan.times.clock_note(zones.get(plan.times.zone().name())?, at));
    ForecastMark {
        at,
        schedule: schedule(planned),
        action: plan.action.clone(),
        state,
        hosts: planned.touched.hosts.clone(),
        targets: u32::try_from(planned.touched.containers.len()).unwrap_or(u32::MAX),
        first_target: planned.touched.first().map(str::to_owned),
        expected_ms: durations.get(&plan.id).copied(),
        moved,
        conflict,
        note,
    }
}

fn density(planned: &Planned, count: u64, durations: &HashMap<ScheduleId, i64>) -> Density {
    Density {
        schedule: schedule(planned),
        action: planned.plan.action.clone(),
        sentence: planned.plan.sentence.clone(),
        hosts: planned.touched.hosts.clone(),
        targets: u32::try_from(planned.touched.containers.len()).unwrap_or(u32::MAX),
        count,
        expected_ms: durations.get(&planned.plan.id).copied(),
    }
}

/// The changes of clocks within what is asked, each zone's once.
fn changes(asked: &Asked, zones: Zones) -> Vec<ZoneChange> {
    let mut seen = HashSet::new();
    let mut changes: Vec<ZoneChange> = zones
        .into_iter()
        .flat_map(|(zone, stretches)| {
            let all: Vec<_> = stretches.changes().collect();
            all.into_iter().map(move |(at, seconds)| ZoneChange {
                at,
                timezone: zone.clone(),
                seconds,
            })
        })
        .filter(|change| (asked.from..asked.to).contains(&change.at))
        .filter(|change| seen.insert((change.at, change.timezone.clone())))
        .collect();
    changes.sort_by(|a, b| (a.at, &a.timezone).cmp(&(b.at, &b.timezone)));
    changes
}
