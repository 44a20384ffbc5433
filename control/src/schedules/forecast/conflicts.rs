//! Conflicts among coming runs, in words.

use super::{
    build::{Decided, Marks, schedule},
    plans::Planned,
};
use domain::{
    Timestamp,
    forecast::{Busy, Clash, ClashKind, Conflict, clashes},
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
    decided: &Decided,
    durations: &HashMap<ScheduleId, i64>,
) -> Found {
    // The places of the marks that run at all.
    let running: Vec<usize> = (0..marks.fires.len())
        .filter(|order| {
            let (at, place) = marks.fires[*order];
            decided.state(plans[place].plan.id, at).runs()
        })
        .collect();
    let busy: Vec<Busy<'_>> = running
        .iter()
        .map(|order| {
            let (at, place) = marks.fires[*order];
            let begin = at.timestamp_millis();
            Busy {
                begin,
                end: begin
                    + durations
                        .get(&plans[place].plan.id)
                        .copied()
                        .unwrap_or(UNKNOWN)
                        .max(1000),
                schedule: place,
                containers: &plans[place].touched.containers,
                hosts: &plans[place].touched.host_ids,
            }
        })
        .collect();
    let all = clashes(&busy, CROWD, BUDGET);
    let stopped = all.stopped_at.map(|at| marks.fires[running[at]].0);
    Found {
        conflicts: all
            .found
            .iter()
            .take(MOST)
            .map(|clash| conflict(plans, clash))
            .collect(),
        touched: all.touched.iter().map(|at| running[*at]).collect(),
        until: stopped.or_else(|| marks.fires.last().filter(|_| marks.cut).map(|(at, _)| *at)),
    }
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
