//! The fleet: what every watcher knows, in one place. Lists read it and never wait for an engine.

use super::{
    Line,
    line::{Around, Seen},
    marks::{AllMarks, Marked},
};
use crate::{Control, schedules::Planned};
use domain::{
    auth::{Actor, Permission, Rights},
    containers::{BusyWith, Container, ContainerState, HostRef, NextRun},
    events::Event,
    hosts::{EngineFacts, HostStatus},
    ids::{ContainerId, HostId, OrgId, UserId},
    selectors::Selector,
};
use parking_lot::RwLock;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What every watcher knows.
#[derive(Clone, Default)]
pub struct Fleet(Arc<RwLock<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) hosts: HashMap<HostId, HostLine>,
    pub(super) busy: HashMap<ContainerId, BusyWith>,
    /// Enabled schedules with a coming fire time, soonest first, per organisation.
    pub(super) planned: HashMap<OrgId, Arc<Vec<Planned>>>,
    /// Tags and notes of the containers that have some.
    pub(super) marks: HashMap<ContainerId, Marked>,
    pub(super) favourites: HashMap<UserId, HashSet<ContainerId>>,
    /// Counts what was put into them here, so that what was read before is not taken for the newest.
    marked: u64,
}

/// One host as its watcher knows it.
pub(crate) struct HostLine {
    pub org_id: OrgId,
    pub host: HostRef,
    /// No scheduled work and no alerts.
    pub maintenance: bool,
    /// Who let containers' labels make schedules there, if anybody did.
    pub labels_allowed_by: Option<UserId>,
    pub status: HostStatus,
    pub error: Option<String>,
    pub facts: Option<EngineFacts>,
    pub last_seen: Option<domain::Timestamp>,
    pub engine: engine::Engine,
    /// By the engine's id.
    pub lines: HashMap<String, Arc<Line>>,
    /// Whether the containers were read at least once since the start.
    pub listed: bool,
    pub watcher: engine::watch::Watcher,
}

/// A container that a selector found: what a run needs to act on it.
#[derive(Clone, Debug)]
pub struct FleetTarget {
    pub container_id: ContainerId,
    pub engine_id: String,
    pub name: String,
    pub host_id: HostId,
    pub host_name: String,
    pub state: ContainerState,
    pub protected: bool,
    /// The host does not answer lately.
    pub stale: bool,
}

impl Fleet {
    /// The containers of an organisation on which somebody may do this.
    pub fn allowed(&self, org: OrgId, rights: &Rights, permission: Permission) -> HashSet<ContainerId> {
        let state = self.0.read();
        state
            .hosts
            .values()
            .filter(|host| host.org_id == org)
            .flat_map(|host| host.lines.values())
            .filter(|line| rights.may_on(permission, &state.seen(line)))
            .map(|line| line.id)
            .collect()
    }

    /// Whether somebody may do this to one container.
    pub fn may_on(&self, actor: &Actor, permission: Permission, line: &Line) -> bool {
        actor.may_on(permission, &self.0.read().seen(line))
    }

    /// The containers that a selector finds, ordered by host and name.
    pub fn resolve(&self, org: OrgId, selector: &Selector) -> Vec<FleetTarget> {
        let state = self.0.read();
        let mut found: Vec<FleetTarget> = state
            .hosts
            .values()
            .filter(|host| host.org_id == org)
            .flat_map(|host| {
                let stale = host.status != HostStatus::Online;
                host.lines
                    .values()
                    .filter(|line| selector.matches(&state.seen(line)))
                    .map(move |line| FleetTarget {
                        container_id: line.id,
                        engine_id: line.facts.engine_id.clone(),
                        name: line.facts.name.clone(),
                        host_id: line.host.id,
                        host_name: line.host.name.clone(),
                        state: line.facts.state,
                        protected: line.protected,
                        stale,
                    })
            })
            .collect();
        found.sort_unstable_by(|a, b| (&a.host_name, &a.name).cmp(&(&b.host_name, &b.name)));
        found
    }

    /// Whether the host was read at least once, or found not to answer: before, a selector would miss some.
    pub fn is_settled(&self, host: HostId) -> bool {
        let state = self.0.read();
        let host = state.hosts.get(&host);
        host.is_some_and(|host| host.listed || host.status == HostStatus::Offline)
    }

    /// The engine of a host.
    pub fn engine(&self, host: HostId) -> Option<engine::Engine> {
        self.0.read().hosts.get(&host).map(|line| line.engine.clone())
    }

    /// Why a host does not answer now, as a sentence; nothing while it does.
    pub fn host_error(&self, host: HostId) -> Option<String> {
        let state = self.0.read();
        let line = state.hosts.get(&host)?;
        (line.status == HostStatus::Offline).then(|| {
            line.error
                .clone()
                .unwrap_or_else(|| format!("{} does not answer.", line.host.name))
        })
    }

    /// Whether a host is in maintenance: no scheduled work touches it, and nothing is alerted of it.
    pub fn in_maintenance(&self, host: HostId) -> bool {
        self.0
            .read()
            .hosts
            .get(&host)
            .is_some_and(|line| line.maintenance)
    }

    /// The hosts of an organisation that are in maintenance.
    pub fn in_maintenance_of(&self, org: OrgId) -> Vec<HostRef> {
        let state = self.0.read();
        let hosts = state.hosts.values();
        hosts
            .filter(|host| host.org_id == org && host.maintenance)
            .map(|host| host.host.clone())
            .collect()
    }

    /// What `find` says of every container of an organisation, in no order.
    pub(crate) fn labelled<T>(&self, org: OrgId, find: impl Fn(&HostLine, &Line) -> Vec<T>) -> Vec<T> {
        let state = self.0.read();
        let hosts = state.hosts.values().filter(|host| host.org_id == org);
        hosts
            .flat_map(|host| host.lines.values().flat_map(|line| find(host, line)))
            .collect()
    }

    /// The hosts on which labels count.
    pub(crate) fn hosts_with_labels(&self) -> Vec<HostId> {
        let state = self.0.read();
        let hosts = state.hosts.iter();
        hosts
            .filter(|(_, host)| host.labels_allowed_by.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    /// The ids and names of an organisation's hosts, for selectors.
    pub fn host_names(&self, org: OrgId) -> Vec<HostRef> {
        let state = self.0.read();
        state
            .hosts
            .values()
            .filter(|host| host.org_id == org)
            .map(|host| host.host.clone())
            .collect()
    }

    /// One container by our id.
    pub fn line(&self, org: OrgId, id: ContainerId) -> Option<Arc<Line>> {
        self.find(org, |line| line.id == id)
    }

    /// One container by what a person or program may call it: our id, or the engine's (whole, or a prefix of 12 or more).
    pub fn lookup(&self, org: OrgId, id: &str) -> Option<Arc<Line>> {
        if let Ok(id) = id.parse::<ContainerId>() {
            return self.line(org, id);
        }
        if !Self::could_be(id) {
            return None;
        }
        let id = id.to_ascii_lowercase();
        self.find(org, |line| line.facts.engine_id.starts_with(&id))
    }

    /// Whether this can be the id of a container at all.
    pub(super) fn could_be(id: &str) -> bool {
        let is_engines = id.len() >= 12 && id.bytes().all(|b| b.is_ascii_hexdigit());
        is_engines || id.parse::<ContainerId>().is_ok()
    }

    fn find(&self, org: OrgId, wanted: impl Fn(&Line) -> bool) -> Option<Arc<Line>> {
        let state = self.0.read();
        state
            .hosts
            .values()
            .filter(|host| host.org_id == org)
            .flat_map(|host| host.lines.values())
            .find(|line| wanted(line))
            .cloned()
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.0.read())
    }

    pub(crate) fn with_host<T>(&self, id: HostId, read: impl FnOnce(&HostLine) -> T) -> Option<T> {
        self.0.read().hosts.get(&id).map(read)
    }

    pub(crate) fn change_host<T>(&self, id: HostId, change: impl FnOnce(&mut HostLine) -> T) -> Option<T> {
        self.0.write().hosts.get_mut(&id).map(change)
    }

    pub(crate) fn put_host(&self, id: HostId, line: HostLine) {
        self.0.write().hosts.insert(id, line);
    }

    pub(crate) fn drop_host(&self, id: HostId) {
        self.0.write().hosts.remove(&id);
    }

    /// A container as lists show it.
    pub fn view(&self, org: OrgId, line: &Line) -> Container {
        self.read(|state| state.view(org, line))
    }

    /// Reads again which containers open runs work on, and tells the pages of those that changed.
    pub(crate) async fn refresh_busy(&self, control: &Control) {
        let busy = match crate::runs::busy(control).await {
            Ok(busy) => busy,
            Err(error) => {
                tracing::debug!(error = %error, "open runs cannot be read now");
                return;
            }
        };
        let touched: HashSet<ContainerId> = {
            let mut state = self.0.write();
            let before = std::mem::replace(&mut state.busy, busy);
            before
                .keys()
                .chain(state.busy.keys())
                .filter(|id| before.get(id) != state.busy.get(id))
                .copied()
                .collect()
        };
        self.tell(control, &touched);
    }

    /// Takes tags, notes and favourites as they are stored, and tells the pages of what changed.
    pub(crate) async fn refresh_marks(&self, control: &Control) {
        let touched: HashSet<ContainerId> = loop {
            let seen = self.0.read().marked;
            let AllMarks { marks, favourites } = match super::marks::all(control).await {
                Ok(all) => all,
                Err(error) => {
                    tracing::debug!(error = %error, "marks cannot be read now");
                    return;
                }
            };
            let mut state = self.0.write();
            if state.marked != seen {
                continue;
            }
            let before = std::mem::replace(&mut state.marks, marks);
            state.favourites = favourites;
            break before
                .keys()
                .chain(state.marks.keys())
                .filter(|id| before.get(id) != state.marks.get(id))
                .copied()
                .collect();
        };
        self.tell(control, &touched);
    }

    /// What was stored just now is seen by whoever stored it, before the outbox comes round.
    pub(super) fn put_marks(&self, control: &Control, id: ContainerId, marked: Marked) {
        {
            let mut state = self.0.write();
            state.marked += 1;
            if marked == Marked::default() {
                state.marks.remove(&id);
            } else {
                state.marks.insert(id, marked);
            }
        }
        self.tell(control, &HashSet::from([id]));
    }

    pub(super) fn put_favourite(&self, user: UserId, id: ContainerId, is: bool) {
        let mut state = self.0.write();
        state.marked += 1;
        let favourites = state.favourites.entry(user).or_default();
        if is {
            favourites.insert(id);
        } else {
            favourites.remove(&id);
        }
    }

    /// Shows these containers anew on every page.
    fn tell(&self, control: &Control, touched: &HashSet<ContainerId>) {
        if touched.is_empty() {
            return;
        }
        let changed: Vec<(OrgId, Container)> = self.read(|state| {
            state
                .hosts
                .values()
                .flat_map(|host| host.lines.values().map(move |line| (host.org_id, line)))
                .filter(|(_, line)| touched.contains(&line.id))
                .map(|(org, line)| (org, state.view(org, line)))
                .collect()
        });
        for (org, container) in changed {
            control
                .events()
                .send_live(org, Event::ContainerChanged { container });
        }
    }

    /// What happens next in an organisation, if anything is planned.
    pub fn next_planned(&self, org: OrgId) -> Option<Planned> {
        self.read(|state| state.planned.get(&org)?.first().cloned())
    }

    /// Reads again what is planned next.
    pub(crate) async fn refresh_planned(&self, control: &Control) {
        match crate::schedules::planned(control).await {
            Ok(planned) => {
                let planned = planned
                    .into_iter()
                    .map(|(org, list)| (org, Arc::new(list)))
                    .collect();
                self.0.write().planned = planned;
            }
            Err(error) => tracing::debug!(error = %error, "schedules cannot be read now"),
        }
    }
}

impl State {
    pub(super) fn view(&self, org: OrgId, line: &Line) -> Container {
        let stale = self
            .hosts
            .get(&line.host.id)
            .is_none_or(|host| host.status != HostStatus::Online);
        line.view(Around {
            stale,
            next_run: self.next_run(org, line),
            busy: self.busy.get(&line.id).cloned(),
            marked: self.marks.get(&line.id),
        })
    }

    /// A line as selectors see it.
    pub(super) fn seen<'a>(&'a self, line: &'a Line) -> Seen<'a> {
        Seen {
            line,
            marks: &self.marks,
        }
    }

    /// The next time of every schedule that touches a container, soonest first.
    pub(super) fn plans(&self, org: OrgId, line: &Line) -> Vec<NextRun> {
        let mut seen = HashSet::new();
        let all = self
            .planned
            .get(&org)
            .map(|all| all.as_slice())
            .unwrap_or_default();
        all.iter()
            .filter(|planned| planned.selector.matches(&self.seen(line)) && seen.insert(planned.schedule_id))
            .map(|planned| NextRun {
                schedule_id: planned.schedule_id,
                schedule_name: planned.name.clone(),
                at: planned.next_at,
                action: planned.action.clone(),
            })
            .collect()
    }

    pub(super) fn next_run(&self, org: OrgId, line: &Line) -> Option<NextRun> {
        let planned = self.planned.get(&org)?;
        let line = self.seen(line);
        let first = planned.iter().find(|planned| planned.selector.matches(&line))?;
        Some(NextRun {
            schedule_id: first.schedule_id,
            schedule_name: first.name.clone(),
            at: first.next_at,
            action: first.action.clone(),
        })
    }
}
