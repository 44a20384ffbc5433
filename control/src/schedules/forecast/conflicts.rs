//! Conflicts among coming runs, in words.

use super::{
    build::{Fate, Marks, schedule},
    plans::Planned,
};
use domain::{
    Timestamp,
    forecast::{Busy, Clash, ClashKind, Conflict, MarkState, clashes},
    ids::{ContainerId, ScheduleId},
};
use std::collections::{HashMap, HashSet};

/// What is assumed of a schedule that never ran, in milliseconds.
const UNKNOWN: i64 = 10_000;
/// More runs at once are too many for a host.
const CROWD: usize = 10;
/// Looks at containers and hosts, so that targets of thousands cost no seconds.
const BUDGET: usize = 400_000;
/// Conflicts that are told.
const MOST: usize = 100;
/// Names that one sentence holds.
const NAMES: usize = 3;

#[derive(Default)]
pub(super) struct Found {
    pub conflicts: Vec<Conflict>,
    /// The marks, by their order, that take part in one.
    pub touched: HashSet<usize>,
    /// Looked for up to here, if not everywhere.
    pub until: Option<Timestamp>,
}

pub(super) fn find(
    plans: &[Planned],
    marks: &Marks,
    fates: &[Fate],
    durations: &HashMap<ScheduleId, i64>,
) -> Found {
    // The marks that run at all, by when they begin: jitter and blackouts change their order.
    let mut running: Vec<(i64, usize)> = fates
        .iter()
        .enumerate()
        .filter_map(|(order, fate)| Some((fate.begins()?.timestamp_millis(), order)))
        .collect();
    running.sort_unstable();
    let busy: Vec<Busy<'_>> = running
        .iter()
        .map(|(begin, order)| {
            let (_, place) = marks.fires[*order];
            let takes = durations.get(&plans[place].plan.id).copied().unwrap_or(UNKNOWN);
            Busy {
                begin: *begin,
                end: begin + takes.max(1000),
                schedule: place,
                containers: &plans[place].touched.containers,
                hosts: &plans[place].touched.host_ids,
            }
        })
        .collect();
    let all = clashes(&busy, CROWD, BUDGET);
    let stopped = all
        .stopped_at
        .and_then(|at| Timestamp::from_timestamp_millis(running[at].0));
    let (mut conflicts, mut touched) = closed(plans, marks, fates);
    conflicts.extend(all.found.iter().take(MOST).map(|clash| conflict(plans, clash)));
    conflicts.sort_by_key(|conflict| conflict.at);
    conflicts.truncate(MOST);
    touched.extend(all.touched.iter().map(|at| running[*at].1));
    Found {
        conflicts,
        touched,
        until: stopped.or_else(|| marks.fires.last().filter(|_| marks.cut).map(|(at, _)| *at)),
    }
}

/// Runs that fall into blackouts: one conflict for each schedule and blackout.
fn closed(plans: &[Planned], marks: &Marks, fates: &[Fate]) -> (Vec<Conflict>, HashSet<usize>) {
    let mut touched = HashSet::new();
    let mut found: HashMap<(usize, &str), Conflict> = HashMap::new();
    for (order, fate) in fates.iter().enumerate() {
        let Some(name) = fate.blackout.as_deref() else {
            continue;
        };
        touched.insert(order);
        let (at, place) = marks.fires[order];
        let planned = &plans[place];
        let conflict = found.entry((place, name)).or_insert_with(|| Conflict {
            kind: ClashKind::Blackout,
            at,
            times: 0,
            message: format!(
                "{} falls into the blackout {name}: {}",
                planned.plan.name,
                match fate.state {
                    MarkState::Postponed => "it waits for its end.",
                    MarkState::Skipped => "it is skipped.",
                    _ => "it leaves some of its containers alone.",
                }
            ),
            schedules: vec![schedule(planned)],
            host: match planned.touched.hosts.as_slice() {
                [host] => Some(host.clone()),
                _ => None,
            },
            container: None,
        });
        conflict.times += 1;
    }
    (found.into_values().collect(), touched)
}

fn conflict(plans: &[Planned], clash: &Clash) -> Conflict {
    let first = plans.get(clash.schedules.first().copied().unwrap_or_default());
    let (container, host) = match (clash.container, clash.host, first) {
        (Some(id), _, Some(planned)) => named(planned, id),
        (_, Some(id), Some(planned)) => {
            let host = planned.touched.hosts.iter().find(|host| host.id == id);
            (None, host.cloned())
        }
        _ => (None, None),
    };
    let mut names: Vec<&str> = clash
        .schedules
        .iter()
        .filter_map(|place| Some(plans.get(*place)?.plan.name.as_str()))
        .collect();
    names.dedup();
    let on = host
        .as_ref()
        .map(|host| format!(" on {}", host.name))
        .unwrap_or_default();
    let message = match clash.kind {
        ClashKind::SameContainer => format!(
            "{} both work on {}{on} at once.",
            names.join(" and "),
            container.as_deref().unwrap_or("a container")
        ),
        _ => {
            let more = names.len().saturating_sub(NAMES);
            names.truncate(NAMES);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("{} runs at once{on}: {}{more}.", clash.peak, names.join(", "))
        }
    };
    Conflict {
        kind: clash.kind,
        at: Timestamp::from_timestamp_millis(clash.at).unwrap_or_default(),
        times: clash.times,
        message,
        schedules: clash
            .schedules
            .iter()
            .take(20)
            .filter_map(|place| plans.get(*place))
            .map(schedule)
            .collect(),
        host,
        container: clash.container,
    }
}

/// The name of a container that a schedule touches, and its host.
fn named(planned: &Planned, id: ContainerId) -> (Option<String>, Option<domain::containers::HostRef>) {
    let touched = &planned.touched;
    match touched.containers.binary_search(&id) {
        Ok(place) => {
            let (name, host) = &touched.names[place];
            (Some(name.clone()), touched.hosts.get(*host).cloned())
        }
        Err(_) => (None, None),
    }
}
