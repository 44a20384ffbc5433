//! The order in which a step goes through its targets.

use super::{Executor, target::Target};
use crate::containers::Line;
use domain::{
    order::{self, Circle, Node},
    runs::TargetState,
    schedules::{OnFailure, Order, Step},
};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};

/// Containers whose links are read together.
const TOGETHER: usize = 8;

/// Targets in groups, one group after the other, and for whom each waits.
#[derive(Debug, Default)]
pub(super) struct Arranged {
    pub groups: Vec<Vec<Target>>,
    waits_for: BTreeMap<i32, BTreeSet<i32>>,
    /// Any failure ends the step.
    stops: bool,
}

impl Executor {
    /// Arranges the targets as the step wants it.
    ///
    /// # Errors
    /// When they need each other in a circle.
    pub(super) async fn arrange(&self, step: &Step, targets: Vec<Target>) -> Result<Arranged, Circle> {
        Ok(match step.order {
            Order::Parallel => Arranged::together(targets),
            Order::Serial => Arranged {
                groups: targets.into_iter().map(|target| vec![target]).collect(),
                stops: step.on_failure == OnFailure::Stop,
                ..Arranged::default()
            },
            Order::Dependency => {
                // Owned, since futures of borrowed items cannot be sent between threads.
                let each: Vec<_> = targets.iter().map(|target| self.node(target.clone())).collect();
                let nodes: Vec<Node> = stream::iter(each).buffered(TOGETHER).collect().await;
                Arranged::by_need(targets, &nodes, step.action.goes_backwards())?
            }
        })
    }

    async fn node(&self, target: Target) -> Node {
        let fleet = self.control.fleet();
        let line = target
            .container_id
            .and_then(|id| fleet.line(self.claimed.org, id));
        let mut node = node_of(
            line.as_deref(),
            (&target.name, target.engine_id.as_deref()),
            &target.host_name,
        );
        // A host that does not answer fails its targets by itself; here it only says nothing.
        if let (Some(engine), Some(id)) = (
            target.host_id.and_then(|host| fleet.engine(host)),
            &target.engine_id,
        ) && let Ok(links) = engine.links(id).await
        {
            node.shares = links.0;
        }
        node
    }
}

/// A container as far as its labels tell what it needs.
pub(crate) fn node_of(line: Option<&Line>, (name, engine_id): (&str, Option<&str>), host: &str) -> Node {
    let mut node = Node {
        name: name.to_owned(),
        host: host.to_owned(),
        ids: engine_id.into_iter().chain([name]).map(str::to_owned).collect(),
        ..Node::default()
    };
    if let Some(line) = line {
        let facts = &line.facts;
        if let (Some(stack), Some(service)) = (facts.stack(), facts.service()) {
            node.service = Some((stack.to_owned(), service.to_owned()));
        }
        if let Some(label) = facts.labels.get("com.docker.compose.depends_on") {
            node.depends_on = order::depends_on(label);
        }
    }
    node
}

impl Arranged {
    /// All at once.
    pub fn together(targets: Vec<Target>) -> Self {
        Self {
            groups: vec![targets],
            ..Self::default()
        }
    }

    fn by_need(targets: Vec<Target>, nodes: &[Node], backwards: bool) -> Result<Self, Circle> {
        let levels = order::levels(nodes, backwards)?;
        let ordinals: Vec<i32> = targets.iter().map(|target| target.ordinal).collect();
        let mut waits_for: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
        for (at, needs) in order::needs(nodes).into_iter().enumerate() {
            for need in needs {
                let (later, earlier) = if backwards { (need, at) } else { (at, need) };
                waits_for
                    .entry(ordinals[later])
                    .or_default()
                    .insert(ordinals[earlier]);
            }
        }
        let mut left: Vec<Option<Target>> = targets.into_iter().map(Some).collect();
        Ok(Self {
            groups: levels
                .into_iter()
                .map(|level| level.into_iter().filter_map(|at| left[at].take()).collect())
                .collect(),
            waits_for,
            stops: false,
        })
    }

    /// Why a target is not done any more, after these ended so; nothing when it is.
    pub fn objection(&self, target: &Target, ended: &[super::target::Ended]) -> Option<String> {
        let waits_for = self.waits_for.get(&target.ordinal);
        let bad = ended.iter().find(|end| {
            let is_bad = match end.state {
                TargetState::Succeeded => false,
                // Left alone by the schedule's conditions, and no failure.
                TargetState::Skipped => end.was_held_back,
                _ => true,
            };
            is_bad && (self.stops || waits_for.is_some_and(|waits| waits.contains(&end.ordinal)))
        })?;
        Some(format!(
            "Not done, because {} before it did not succeed.",
            bad.name
        ))
    }
}
