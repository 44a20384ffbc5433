//! What people and programs do with containers.

use super::{ContainerQuery, Line, list as lists};
use crate::{Control, error::Result, runs};
use domain::{
    actions::Action,
    auth::{Actor, Permission},
    containers::{Container, ContainerPage, NextRun},
    errors::{ErrorClass, Problem},
    pages::PAGE_MAX,
    runs::{RunPlan, RunSummary},
    schedules::Step,
    selectors::Selector,
};
use std::sync::Arc;

/// Lists containers from the watchers' snapshots; never waits for an engine.
///
/// # Errors
/// 403; 422 for a selector that cannot be read, with its position.
pub async fn list(control: &Control, actor: &Actor, mut query: ContainerQuery) -> Result<ContainerPage> {
    actor.require(Permission::ContainersRead)?;
    query.limit = query.limit.clamp(1, PAGE_MAX);
    let selector = query.selector()?;
    Ok(control
        .fleet()
        .read(|state| lists::list(state, actor.org_id, &query, &selector)))
}

/// One container, by our id or the engine's.
///
/// # Errors
/// 403; 404 `container_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Container> {
    actor.require(Permission::ContainersRead)?;
    let line = find(control, actor, id)?;
    Ok(control.fleet().view(actor.org_id, &line))
}

/// What is planned for one container: the next time of every schedule that touches it, soonest first.
///
/// # Errors
/// 403; 404.
pub async fn plans(control: &Control, actor: &Actor, id: &str) -> Result<Vec<NextRun>> {
    actor.require(Permission::SchedulesRead)?;
    let line = find(control, actor, id)?;
    Ok(control.fleet().read(|state| state.plans(actor.org_id, &line)))
}

/// Does something to one container, as a run.
///
/// # Errors
/// 403; 404; 409 `protected` when it would take Chrontainer itself away.
pub async fn act(
    control: &Control,
    actor: &Actor,
    id: &str,
    action: Action,
    idempotency_key: Option<&str>,
) -> Result<RunSummary> {
    actor.require(Permission::ContainersOperate)?;
    let line = find(control, actor, id)?;
    if line.protected && action.refused_on_itself() {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "protected",
            format!(
                "{} runs Chrontainer or its database, so it cannot {} it: nothing would be left to start it again. \
                 Use the engine's own command line.",
                line.facts.name,
                action.verb()
            ),
        )
        .into());
    }
    let title = format!("{} {}", action.label(), line.facts.name);
    let step = Step {
        name: None,
        action,
        target: Selector::container(line.host.id, &line.facts.name).to_string(),
    };
    runs::start_direct(control, actor, title, RunPlan::of(vec![step]), idempotency_key).await
}

fn find(control: &Control, actor: &Actor, id: &str) -> Result<Arc<Line>> {
    control
        .fleet()
        .lookup(actor.org_id, id)
        .ok_or_else(|| Problem::not_found("container").into())
}
