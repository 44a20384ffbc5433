//! Computing a forecast: the marks by merging the coming times of all schedules, the cells by counting.

use super::{
    conflicts,
    plans::{Ahead, Planned},
    write_cursor,
};
use crate::blackouts::{self, Held};
use chrono::TimeDelta;
use domain::{
    Timestamp,
    blackouts::BlackoutPolicy,
    containers::HostRef,
    forecast::{
        CellWidth, Density, Forecast, ForecastLane, ForecastMark, ForecastSchedule, Grid, MarkState, PastRun,
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
            && plans[place].plan.spread.due(at) >= asked.begin()
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
        .filter(|(place, at)| {
            let plan = &plans[*place].plan;
            *at >= start - plan.spread.most() && !plan.is_dense
        })
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
        // A time that has come may still be spread to later.
        let before =
            (start - planned.plan.spread.most()).max(planned.not_before) - TimeDelta::microseconds(1);
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

    fn get(&self, id: ScheduleId, at: Timestamp) -> Option<&(MarkState, Option<Timestamp>, Option<String>)> {
        self.0.get(&(id, at))
    }
}

/// What becomes of a fire.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub state: MarkState,
    /// When it is due: its time, moved back by jitter.
    pub due: Timestamp,
    pub moved: Option<Timestamp>,
    pub note: Option<String>,
    pub blackout: Option<String>,
}

impl Fate {
    /// By what people decided, and where they did not, by the blackouts, as the ticker will ask them.
    fn new(planned: &Planned, at: Timestamp, decided: &Decided, closed: &blackouts::Ahead) -> Self {
        let plan = &planned.plan;
        let mut fate = Self {
            state: MarkState::Planned,
            due: plan.spread.due(at),
            moved: None,
            note: None,
            blackout: None,
        };
        if let Some((state, moved, note)) = decided.get(plan.id, at) {
            (fate.state, fate.moved, fate.note) = (*state, *moved, note.clone());
        }
        if closed.is_empty() || !fate.state.runs() {
            return fate;
        }
        match closed.held(plan.id, planned.touched.worked_on(), fate.due) {
            None => {}
            Some(Held::Whole(hold)) => {
                (fate.state, fate.moved) = match hold.policy {
                    BlackoutPolicy::Skip => (MarkState::Skipped, None),
                    BlackoutPolicy::Postpone => (MarkState::Postponed, Some(hold.until)),
                };
                fate.note = Some(hold.describe());
                fate.blackout = Some(hold.name().to_owned());
            }
            Some(Held::Some { name, left_alone }) => {
                let touched = &planned.touched;
                let all = touched.containers.len() + touched.whole.len();
                let what = match (touched.containers.is_empty(), touched.whole.is_empty()) {
                    (_, true) => "containers",
                    (true, false) => "hosts",
                    (false, false) => "targets",
                };
                fate.note = Some(if left_alone == all {
                    format!("Leaves all its {what} alone: the blackout {name} is on.")
                } else {
                    format!("Leaves {left_alone} of its {all} {what} alone: the blackout {name} is on.")
                });
                if left_alone == all {
                    (fate.state, fate.moved) = (MarkState::Skipped, None);
                }
                fate.blackout = Some(name);
            }
        }
        fate
    }

    /// When something begins to run, if anything does.
    pub fn begins(&self) -> Option<Timestamp> {
        match (self.state.runs(), &self.blackout) {
            (true, _) => Some(self.due),
            (false, Some(_)) => self.moved,
            (false, None) => None,
        }
    }
}

/// What was read for a forecast.
pub(super) struct Read {
    pub plans: Vec<Planned>,
    pub ahead: Vec<Ahead>,
    pub marks: Marks,
    pub durations: HashMap<ScheduleId, i64>,
    pub hosts: Vec<HostRef>,
    pub closed: blackouts::Ahead,
}

/// Everything else, from what was read.
pub(super) fn forecast(asked: &Asked, read: Read) -> Forecast {
    let Read {
        plans,
        ahead,
        marks,
        durations,
        hosts,
        closed,
    } = read;
    let decided = Decided::new(ahead);
    let zones = zones(asked, &plans);
    let fates: Vec<Fate> = marks
        .fires
        .iter()
        .map(|(at, place)| Fate::new(&plans[*place], *at, &decided, &closed))
        .collect();
    let counted = count(asked, &plans, (&decided, &marks, &fates), &zones);
    let found = match asked.after {
        // Conflicts stand on the first page.
        Some(_) => conflicts::Found::default(),
        None => conflicts::find(&plans, &marks, &fates, &durations),
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
                mark(&plans[*place], *at, &fates[order], &zones, &durations, clashes)
            })
            .collect(),
        density_more: counted.dense.len().saturating_sub(MOST_DENSE) as u64,
        density: counted
            .dense
            .iter()
            .take(MOST_DENSE)
            .map(|(count, place)| {
                let planned = &plans[*place];
                let held = held(asked, planned, &closed, &zones);
                density(planned, (*count, held), &durations)
            })
            .collect(),
        cells: counted.cells,
        lanes: lanes(counted.lanes, &hosts),
        conflicts_until: found.until,
        conflicts: found.conflicts,
        blackouts: closed.view(),
        clock_changes: changes(asked, zones),
        ..Forecast::default()
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

fn count(
    asked: &Asked,
    plans: &[Planned],
    (decided, marks, fates): (&Decided, &Marks, &[Fate]),
    zones: &Zones,
) -> Counted {
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
    for ((at, place), fate) in marks.fires.iter().zip(fates) {
        if fate.blackout.is_none() || fate.state.runs() {
            continue;
        }
        let corrected = corrections.entry(plans[*place].plan.id).or_default();
        if decided.get(plans[*place].plan.id, *at).is_some() {
            // It was moved here, which is counted already.
            corrected.retain(|(moved, state)| (*moved, *state) != (*at, MarkState::Moved));
        } else {
            corrected.push((*at, fate.state));
        }
        let later = fate.moved.filter(|later| (begin..asked.to).contains(later));
        corrected.extend(later.map(|later| (later, MarkState::Moved)));
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

/// Lanes for what was, where nothing comes.
pub(super) fn add_lanes(forecast: &mut Forecast, past: &[PastRun]) {
    let empty = vec![0; forecast.cells.len()];
    for run in past {
        let hosts: Vec<Option<&HostRef>> = match run.hosts.as_slice() {
            [] => vec![None],
            hosts => hosts.iter().map(Some).collect(),
        };
        for host in hosts {
            let id = |host: Option<&HostRef>| host.map(|host| host.id);
            if forecast
                .lanes
                .iter()
                .all(|lane| id(lane.host.as_ref()) != id(host))
            {
                forecast.lanes.push(ForecastLane {
                    host: host.cloned(),
                    runs: empty.clone(),
                    dense: empty.clone(),
                });
            }
        }
    }
    in_order(&mut forecast.lanes);
}

/// By the hosts' names; what touches no container comes last.
fn in_order(lanes: &mut [ForecastLane]) {
    lanes.sort_by(|a, b| {
        let key = |lane: &ForecastLane| {
            (
                lane.host.is_none(),
                lane.host.as_ref().map(|host| host.name.clone()),
            )
        };
        key(a).cmp(&key(b))
    });
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
    in_order(&mut lanes);
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
    fate: &Fate,
    zones: &Zones,
    durations: &HashMap<ScheduleId, i64>,
    conflict: bool,
) -> ForecastMark {
    let plan = &planned.plan;
    let clock = || plan.times.clock_note(zones.get(plan.times.zone().name())?, at);
    let note = fate.note.clone().or_else(clock);
    ForecastMark {
        at,
        due: Some(fate.due).filter(|due| *due != at),
        schedule: schedule(planned),
        action: plan.action.clone(),
        state: fate.state,
        hosts: planned.touched.hosts.clone(),
        targets: u32::try_from(planned.touched.containers.len()).unwrap_or(u32::MAX),
        first_target: planned.touched.first().map(str::to_owned),
        expected_ms: durations.get(&plan.id).copied(),
        moved: fate.moved,
        blackout: fate.blackout.clone(),
        conflict,
        note,
    }
}

/// How many fires of a dense schedule a blackout holds.
fn held(asked: &Asked, planned: &Planned, closed: &blackouts::Ahead, zones: &Zones) -> u64 {
    let plan = &planned.plan;
    let Some(stretches) = zones.get(plan.times.zone().name()).filter(|_| !closed.is_empty()) else {
        return 0;
    };
    let begin = asked.begin().max(planned.not_before);
    let mut cells = Vec::new();
    closed
        .over(plan.id, planned.touched.worked_on())
        .into_iter()
        .map(|period| (period.from.max(begin), period.to.min(asked.to)))
        .filter(|(from, to)| from < to)
        .map(|(from, to)| {
            let grid = Grid::new(&asked.zone, from, to, CellWidth::Day);
            cells.clear();
            cells.resize(grid.len(), 0);
            plan.times.count(stretches, from, to, &grid, &mut cells)
        })
        .sum()
}

fn density(planned: &Planned, (count, held): (u64, u64), durations: &HashMap<ScheduleId, i64>) -> Density {
    Density {
        schedule: schedule(planned),
        action: planned.plan.action.clone(),
        sentence: planned.plan.sentence.clone(),
        hosts: planned.touched.hosts.clone(),
        targets: u32::try_from(planned.touched.containers.len()).unwrap_or(u32::MAX),
        count,
        held,
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
