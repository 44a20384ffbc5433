//! One container of the fleet: the engine's facts under our lasting identity.

use domain::{
    containers::{BusyWith, Container, ContainerFacts, ContainerState, Health, HostRef, NextRun},
    ids::{ContainerId, HostId},
    selectors::SelectorSubject,
};
use std::sync::Arc;

/// One container of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub id: ContainerId,
    pub host: HostRef,
    pub facts: Arc<ContainerFacts>,
    /// Chrontainer itself or its database runs in it.
    pub protected: bool,
}

impl Line {
    /// As lists and the API show it.
    pub fn view(&self, stale: bool, next_run: Option<NextRun>, busy: Option<BusyWith>) -> Container {
        let facts = &self.facts;
        Container {
            id: self.id,
            engine_id: facts.engine_id.clone(),
            name: facts.name.clone(),
            image: facts.image.clone(),
            host: self.host.clone(),
            stack: facts.stack().map(str::to_owned),
            service: facts.service().map(str::to_owned),
            state: facts.state,
            health: facts.health,
            health_output: facts.health_output.clone(),
            exit_code: facts.exit_code,
            created_at: facts.created_at,
            started_at: facts.started_at,
            finished_at: facts.finished_at,
            ports: facts.ports.clone(),
            stale,
            protected: self.protected,
            next_run,
            busy,
        }
    }
}

impl SelectorSubject for Line {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn host_id(&self) -> HostId {
        self.host.id
    }

    fn host_name(&self) -> &str {
        &self.host.name
    }

    fn stack(&self) -> Option<&str> {
        self.facts.stack()
    }

    fn service(&self) -> Option<&str> {
        self.facts.service()
    }

    fn image(&self) -> &str {
        &self.facts.image
    }

    fn state(&self) -> ContainerState {
        self.facts.state
    }

    fn health(&self) -> Option<Health> {
        self.facts.health
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.facts.labels.get(key).map(String::as_str)
    }

    fn tags(&self) -> &[String] {
        &[]
    }

    fn id(&self) -> ContainerId {
        self.id
    }

    fn engine_id(&self) -> &str {
        &self.facts.engine_id
    }

    fn has_port(&self, port: u16) -> bool {
        self.facts.ports.iter().any(|p| p.public == port)
    }
}
