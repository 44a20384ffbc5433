//! Hosts as targets: a selector names them (`host:nas`, `*`), or finds containers whose hosts are meant.

use super::{Fleet, Line};
use domain::{
    containers::{ContainerState, Health, HostRef},
    ids::{ContainerId, HostId, OrgId},
    selectors::{Selector, SelectorSubject},
};

/// A host without any container: what a selector says of the host alone.
struct Bare<'a>(&'a HostRef);

impl Fleet {
    /// The hosts that a selector names, and those of the containers it finds, by name.
    pub fn resolve_hosts(&self, org: OrgId, selector: &Selector) -> Vec<HostRef> {
        self.hosts_where(org, selector, true)
    }

    /// The hosts that a selector names as a whole.
    pub fn whole_hosts(&self, org: OrgId, selector: &Selector) -> Vec<HostRef> {
        self.hosts_where(org, selector, false)
    }

    /// Whether a selector picks this container, as it is given here.
    pub(crate) fn picks(&self, selector: &Selector, line: &Line) -> bool {
        self.read(|state| selector.matches(&state.seen(line)))
    }

    fn hosts_where(&self, org: OrgId, selector: &Selector, or_containers: bool) -> Vec<HostRef> {
        self.read(|state| {
            let mut found: Vec<HostRef> = state
                .hosts
                .values()
                .filter(|host| host.org_id == org)
                .filter(|host| {
                    selector.matches(&Bare(&host.host))
                        || (or_containers
                            && host
                                .lines
                                .values()
                                .any(|line| selector.matches(&state.seen(line))))
                })
                .map(|host| host.host.clone())
                .collect();
            found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            found
        })
    }
}

impl SelectorSubject for Bare<'_> {
    fn id(&self) -> ContainerId {
        ContainerId(uuid::Uuid::nil())
    }

    fn engine_id(&self) -> &str {
        ""
    }

    fn name(&self) -> &str {
        ""
    }

    fn host_id(&self) -> HostId {
        self.0.id
    }

    fn host_name(&self) -> &str {
        &self.0.name
    }

    fn stack(&self) -> Option<&str> {
        None
    }

    fn service(&self) -> Option<&str> {
        None
    }

    fn image(&self) -> &str {
        ""
    }

    fn state(&self) -> ContainerState {
        ContainerState::Unknown
    }

    fn health(&self) -> Option<Health> {
        None
    }

    fn label(&self, _key: &str) -> Option<&str> {
        None
    }

    fn tags(&self) -> &[String] {
        &[]
    }

    fn has_port(&self, _port: u16) -> bool {
        false
    }
}
