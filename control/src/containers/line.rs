//! One container of the fleet: the engine's facts under our lasting identity.

use super::marks::Marked;
use domain::{
    containers::{BusyWith, Container, ContainerFacts, ContainerState, Health, HostRef, NextRun},
    ids::{ContainerId, HostId},
    selectors::SelectorSubject,
};
use std::{collections::HashMap, sync::Arc};

/// One container of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub id: ContainerId,
    pub host: HostRef,
    pub facts: Arc<ContainerFacts>,
    /// Chrontainer itself or its database runs in it.
    pub protected: bool,
}

/// What surrounds a line when it is shown.
#[derive(Debug, Default)]
pub(super) struct Around<'a> {
    pub stale: bool,
    pub next_run: Option<NextRun>,
    pub busy: Option<BusyWith>,
    pub marked: Option<&'a Marked>,
}

impl Line {
    /// As lists and the API show it.
    pub(super) fn view(&self, around: Around<'_>) -> Container {
        let facts = &self.facts;
        let marked = around.marked;
        Container {
            id: self.id,
            engine_id: facts.engine_id.clone(),
            name: facts.name.clone(),
            image: facts.image.clone(),
            image_id: facts.image_id.clone(),
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
            stale: around.stale,
            protected: self.protected,
            next_run: around.next_run,
            busy: around.busy,
            tags: marked.map(|marked| marked.tags.clone()).unwrap_or_default(),
            note: marked.and_then(|marked| marked.note.clone()),
        }
    }
}

/// A line as selectors see it: with its tags, which are looked up only when they are asked for.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub line: &'a Line,
    pub marks: &'a HashMap<ContainerId, Marked>,
}

impl SelectorSubject for Seen<'_> {
    fn name(&self) -> &str {
        &self.line.facts.name
    }

    fn host_id(&self) -> HostId {
        self.line.host.id
    }

    fn host_name(&self) -> &str {
        &self.line.host.name
    }

    fn stack(&self) -> Option<&str> {
        self.line.facts.stack()
    }

    fn service(&self) -> Option<&str> {
        self.line.facts.service()
    }

    fn image(&self) -> &str {
        &self.line.facts.image
    }

    fn state(&self) -> ContainerState {
        self.line.facts.state
    }

    fn health(&self) -> Option<Health> {
        self.line.facts.health
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.line.facts.labels.get(key).map(String::as_str)
    }

    fn tags(&self) -> &[String] {
        self.marks
            .get(&self.line.id)
            .map(|marked| marked.tags.as_slice())
            .unwrap_or_default()
    }

    fn id(&self) -> ContainerId {
        self.line.id
    }

    fn engine_id(&self) -> &str {
        &self.line.facts.engine_id
    }

    fn has_port(&self, port: u16) -> bool {
        self.line.facts.ports.iter().any(|p| p.public == port)
    }
}
