//! The list of containers: filter, group, sort, cut. In memory, so that ten thousand lines cost milliseconds.

use super::{Line, fleet::State};
use crate::error::Result;
use domain::{
    auth::Actor,
    containers::{
        ContainerGroup, ContainerPage, ContainerSort, ContainerState, FleetCounts, Grouping, Health,
    },
    ids::{ContainerId, HostId},
    selectors::Selector,
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Which containers, in which order, and which part of them.
#[derive(Clone, Debug, Default)]
pub struct ContainerQuery {
    /// The selector language, bare words allowed; empty is everything.
    pub query: String,
    pub host: Option<HostId>,
    /// Only the favourites of the caller.
    pub favourites: bool,
    pub group: Grouping,
    /// Groups whose lines are left out, by name; the empty one is for what has none.
    pub closed: Vec<String>,
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

/// One line of the list; grouped by tag, a container has one for each of its tags.
struct Row<'a> {
    group: Option<&'a str>,
    line: &'a Arc<Line>,
    /// For orders by what does not stand in the line itself: what is smaller comes first, and nothing comes last
    /// whichever way the order goes.
    key: Option<i64>,
}

pub(super) fn list(
    state: &State,
    actor: &Actor,
    query: &ContainerQuery,
    selector: &Selector,
    loads: &HashMap<ContainerId, i64>,
) -> ContainerPage {
    let org = actor.org_id;
    let no_favourites = HashSet::new();
    let favourites = actor
        .user_id
        .and_then(|user| state.favourites.get(&user))
        .unwrap_or(&no_favourites);
    let mut counts = FleetCounts::default();
    let mut lines: Vec<&Arc<Line>> = Vec::new();
    for host in state.hosts.values().filter(|host| host.org_id == org) {
        let wanted = query.host.is_none_or(|id| id == host.host.id);
        for line in host.lines.values() {
            count(&mut counts, line);
            if wanted
                && (!query.favourites || favourites.contains(&line.id))
                && selector.matches(&state.seen(line))
            {
                lines.push(line);
            }
        }
    }
    let total = lines.len() as u64;
    let mut rows = rows(state, query, lines, |line| {
        key(state, actor, query.sort, line, loads)
    });
    let groups = groups(query, &rows);
    if !query.closed.is_empty() {
        rows.retain(|row| !is_closed(query, row.group));
    }

    let (offset, limit) = (query.offset as usize, query.limit as usize);
    let end = offset.saturating_add(limit).min(rows.len());
    // Only what comes before the end of the part has to be in order.
    if end < rows.len() {
        rows.select_nth_unstable_by(end, |a, b| in_order(query, state, a, b));
    }
    let all = rows.len();
    rows.truncate(end);
    rows.sort_unstable_by(|a, b| in_order(query, state, a, b));
    let items = rows
        .iter()
        .skip(offset)
        .map(|row| state.view(org, row.line))
        .collect();
    ContainerPage {
        items,
        total,
        next: (end < all).then(|| end.to_string()),
        counts,
        groups,
        favourites: mine(favourites),
        tags: tags(state, actor),
    }
}

/// The running containers that match.
pub(super) fn running(
    state: &State,
    actor: &Actor,
    query: &ContainerQuery,
    selector: &Selector,
) -> Vec<ContainerId> {
    let hosts = state
        .hosts
        .values()
        .filter(|host| host.org_id == actor.org_id && query.host.is_none_or(|id| id == host.host.id));
    hosts
        .flat_map(|host| host.lines.values())
        .filter(|line| line.facts.state == ContainerState::Running && selector.matches(&state.seen(line)))
        .map(|line| line.id)
        .collect()
}

fn rows<'a>(
    state: &'a State,
    query: &ContainerQuery,
    lines: Vec<&'a Arc<Line>>,
    key: impl Fn(&Line) -> Option<i64>,
) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let key = key(line);
        let group = match query.group {
            Grouping::None => None,
            Grouping::Host => Some(line.host.name.as_str()),
            Grouping::Stack => line.facts.stack(),
            Grouping::Tag => {
                let tags = state.marks.get(&line.id).map(|marked| marked.tags.as_slice());
                let tags = tags.unwrap_or_default();
                rows.extend(tags.iter().map(|tag| Row {
                    group: Some(tag),
                    line,
                    key,
                }));
                if !tags.is_empty() {
                    continue;
                }
                None
            }
        };
        rows.push(Row { group, line, key });
    }
    rows
}

/// Without a group comes last.
fn groups(query: &ContainerQuery, rows: &[Row<'_>]) -> Vec<ContainerGroup> {
    if query.group == Grouping::None {
        return Vec::new();
    }
    let mut counted: BTreeMap<(bool, Option<&str>), (u32, u32)> = BTreeMap::new();
    for row in rows {
        let (count, running) = counted.entry((row.group.is_none(), row.group)).or_default();
        *count += 1;
        *running += u32::from(row.line.facts.state == ContainerState::Running);
    }
    counted
        .into_iter()
        .map(|((_, name), (count, running))| ContainerGroup {
            name: name.map(str::to_owned),
            count,
            running,
            closed: is_closed(query, name),
        })
        .collect()
}

fn is_closed(query: &ContainerQuery, group: Option<&str>) -> bool {
    let name = group.unwrap_or_default();
    query.group != Grouping::None && query.closed.iter().any(|closed| closed == name)
}

fn mine(favourites: &HashSet<ContainerId>) -> Vec<ContainerId> {
    let mut all: Vec<ContainerId> = favourites.iter().copied().collect();
    all.sort_unstable();
    all
}

/// The tags in use, for completion.
fn tags(state: &State, actor: &Actor) -> Vec<String> {
    if state.marks.is_empty() {
        return Vec::new();
    }
    let hosts = state.hosts.values().filter(|host| host.org_id == actor.org_id);
    let all: BTreeSet<&String> = hosts
        .flat_map(|host| host.lines.values())
        .filter_map(|line| state.marks.get(&line.id))
        .flat_map(|marked| &marked.tags)
        .collect();
    all.into_iter().cloned().collect()
}

fn key(
    state: &State,
    actor: &Actor,
    sort: ContainerSort,
    line: &Line,
    loads: &HashMap<ContainerId, i64>,
) -> Option<i64> {
    match sort {
        ContainerSort::Cpu | ContainerSort::Memory => loads.get(&line.id).copied(),
        ContainerSort::NextRun => {
            let next = state.next_run(actor.org_id, line)?;
            Some(next.at.timestamp_millis())
        }
        ContainerSort::Uptime => started(line).map(|at| at.timestamp_millis()),
        ContainerSort::Ports => line
            .facts
            .ports
            .iter()
            .map(|port| i64::from(port.public))
            .filter(|port| *port > 0)
            .min(),
        _ => None,
    }
}

fn in_order(query: &ContainerQuery, state: &State, a: &Row<'_>, b: &Row<'_>) -> Ordering {
    (a.group.is_none(), a.group)
        .cmp(&(b.group.is_none(), b.group))
        .then_with(|| match query.sort {
            ContainerSort::NextRun
            | ContainerSort::Uptime
            | ContainerSort::Ports
            | ContainerSort::Cpu
            | ContainerSort::Memory => match (a.key, b.key) {
                (Some(a), Some(b)) => directed(a.cmp(&b), query.descending),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
            ContainerSort::Tags => first_tag(state, a, b, query.descending),
            sort => directed(compare(sort, a.line, b.line), query.descending),
        })
        .then_with(|| by_name(a.line, b.line))
}

fn first_tag(state: &State, a: &Row<'_>, b: &Row<'_>, descending: bool) -> Ordering {
    let first = |row: &Row<'_>| {
        let marked = state.marks.get(&row.line.id)?;
        marked.tags.iter().min()
    };
    match (first(a), first(b)) {
        (Some(a), Some(b)) => directed(a.cmp(b), descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
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
        ContainerSort::Image => a.facts.image.cmp(&b.facts.image),
        // Without a stack comes last.
        ContainerSort::Stack => {
            (a.facts.stack().is_none(), a.facts.stack()).cmp(&(b.facts.stack().is_none(), b.facts.stack()))
        }
        ContainerSort::Host => a.host.name.cmp(&b.host.name),
        ContainerSort::State => rank(a).cmp(&rank(b)),
        _ => a.facts.name.cmp(&b.facts.name),
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
