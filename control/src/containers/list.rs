//! The list of containers: filter, sort, cut. In memory, so that ten thousand lines cost milliseconds.

use super::{Line, fleet::State};
use crate::error::Result;
use domain::{
    containers::{ContainerPage, ContainerSort, ContainerState, FleetCounts, Health},
    ids::{HostId, OrgId},
    selectors::Selector,
};
use std::{cmp::Ordering, sync::Arc};

/// Which containers, in which order, and which part of them.
#[derive(Clone, Debug, Default)]
pub struct ContainerQuery {
    /// The selector language, bare words allowed; empty is everything.
    pub query: String,
    pub host: Option<HostId>,
    pub sort: ContainerSort,
    pub descending: bool,
    pub offset: u32,
    /// At most [`domain::pages::PAGE_MAX`].
    pub limit: u32,
}

impl ContainerQuery {
    /// Reads the selector.
    ///
    /// # Errors
    /// 422 `invalid_selector` with the position in the details.
    pub(super) fn selector(&self) -> Result<Selector> {
        Ok(Selector::parse_search(&self.query).map_err(|error| error.problem("query"))?)
    }
}

pub(super) fn list(state: &State, org: OrgId, query: &ContainerQuery, selector: &Selector) -> ContainerPage {
    let mut counts = FleetCounts::default();
    let mut lines: Vec<&Arc<Line>> = Vec::new();
    for host in state.hosts.values().filter(|host| host.org_id == org) {
        let wanted = query.host.is_none_or(|id| id == host.host.id);
        for line in host.lines.values() {
            count(&mut counts, line);
            if wanted && selector.matches(line.as_ref()) {
                lines.push(line);
            }
        }
    }
    let total = lines.len() as u64;
    if query.sort == ContainerSort::NextRun {
        let mut keyed: Vec<_> = lines
            .iter()
            .map(|line| (state.next_run(org, line).map(|next| next.at), *line))
            .collect();
        keyed.sort_by(|(a, x), (b, y)| {
            // Without a plan comes last in both directions.
            match (a, b) {
                (Some(a), Some(b)) => directed(a.cmp(b), query.descending),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            }
            .then_with(|| by_name(x, y))
        });
        lines = keyed.into_iter().map(|(_, line)| line).collect();
    } else {
        lines.sort_by(|a, b| {
            directed(compare(query.sort, a, b), query.descending).then_with(|| by_name(a, b))
        });
    }
    let (offset, limit) = (query.offset as usize, query.limit as usize);
    let items = lines
        .iter()
        .skip(offset)
        .take(limit)
        .map(|line| state.view(org, line))
        .collect();
    let next = (offset + limit < lines.len()).then(|| (offset + limit).to_string());
    ContainerPage {
        items,
        total,
        next,
        counts,
    }
}

fn count(counts: &mut FleetCounts, line: &Line) {
    counts.total += 1;
    match line.facts.state {
        ContainerState::Running => counts.running += 1,
        ContainerState::Paused => counts.paused += 1,
        ContainerState::Exited | ContainerState::Dead | ContainerState::Created => counts.stopped += 1,
        _ => {}
    }
    if line.facts.health == Some(Health::Unhealthy) {
        counts.unhealthy += 1;
    }
}

fn directed(ordering: Ordering, descending: bool) -> Ordering {
    if descending { ordering.reverse() } else { ordering }
}

fn by_name(a: &Arc<Line>, b: &Arc<Line>) -> Ordering {
    (&a.facts.name, &a.host.name, a.id).cmp(&(&b.facts.name, &b.host.name, b.id))
}

fn compare(sort: ContainerSort, a: &Line, b: &Line) -> Ordering {
    match sort {
        ContainerSort::Name | ContainerSort::NextRun => a.facts.name.cmp(&b.facts.name),
        ContainerSort::Image => a.facts.image.cmp(&b.facts.image),
        // Without a stack comes last.
        ContainerSort::Stack => {
            (a.facts.stack().is_none(), a.facts.stack()).cmp(&(b.facts.stack().is_none(), b.facts.stack()))
        }
        ContainerSort::Host => a.host.name.cmp(&b.host.name),
        ContainerSort::State => rank(a).cmp(&rank(b)),
        ContainerSort::Uptime => (started(a).is_none(), started(a)).cmp(&(started(b).is_none(), started(b))),
    }
}

fn started(line: &Line) -> Option<domain::Timestamp> {
    (line.facts.state == ContainerState::Running)
        .then_some(line.facts.started_at)
        .flatten()
}

/// What needs a person comes first.
fn rank(line: &Line) -> u8 {
    if line.facts.health == Some(Health::Unhealthy) {
        return 0;
    }
    match line.facts.state {
        ContainerState::Dead => 1,
        ContainerState::Restarting | ContainerState::Removing => 2,
        ContainerState::Paused => 3,
        ContainerState::Unknown => 4,
        ContainerState::Running => 5,
        ContainerState::Created => 6,
        ContainerState::Exited => 7,
    }
}
