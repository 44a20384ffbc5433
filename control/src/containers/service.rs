//! What people and programs do with containers.

use super::{ContainerQuery, Fleet, Line, list as lists};
use crate::{Control, error::Result, runs, schema::hosts};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::{
    actions::Action,
    auth::{Actor, Permission},
    containers::{Container, ContainerPage, ContainerSort, NextRun},
    errors::{ErrorClass, Problem},
    ids::{HostId, OrgId},
    pages::PAGE_MAX,
    runs::{RunPlan, RunSummary},
    schedules::Step,
    selectors::Selector,
};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// Lists containers from the watchers' snapshots; never waits for an engine.
///
/// # Errors
/// 403; 422 for a selector that cannot be read, with its position.
pub async fn list(control: &Control, actor: &Actor, mut query: ContainerQuery) -> Result<ContainerPage> {
    actor.require(Permission::ContainersRead)?;
    query.limit = query.limit.clamp(1, PAGE_MAX);
    let selector = query.selector()?;
    let loads = match query.sort {
        ContainerSort::Cpu | ContainerSort::Memory => {
            // Who asks for the busiest looks at all that may be it.
            let ids = control
                .fleet()
                .read(|state| lists::running(state, actor, &query, &selector));
            super::loads::lease(control, actor.org_id, &ids, super::loads::Look::Ordered);
            control.loads().keys(query.sort)
        }
        _ => HashMap::new(),
    };
    Ok(control
        .fleet()
        .read(|state| lists::list(state, actor, &query, &selector, &loads)))
}

/// One container, by our id or the engine's.
///
/// # Errors
/// 403; 404 `container_not_found`; 503 `fleet_incomplete` while it may be on a host that was not read yet.
pub async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Container> {
    actor.require(Permission::ContainersRead)?;
    let line = find(control, actor, id).await?;
    Ok(control.fleet().view(actor.org_id, &line))
}

/// The digests under which registries know the image of a container, as its engine tells now; none for one that was built there.
///
/// # Errors
/// 403; 404; 503 when the engine does not answer.
pub async fn image_digests(control: &Control, actor: &Actor, id: &str) -> Result<Vec<String>> {
    actor.require(Permission::ContainersRead)?;
    let line = find(control, actor, id).await?;
    let engine = control
        .fleet()
        .engine(line.host.id)
        .ok_or_else(|| Problem::not_found("host"))?;
    Ok(engine.image_digests(&line.facts.image_id).await?)
}

/// What is planned for one container: the next time of every schedule that touches it, soonest first.
///
/// # Errors
/// 403; 404; 503.
pub async fn plans(control: &Control, actor: &Actor, id: &str) -> Result<Vec<NextRun>> {
    actor.require(Permission::SchedulesRead)?;
    let line = find(control, actor, id).await?;
    Ok(control.fleet().read(|state| state.plans(actor.org_id, &line)))
}

/// Does something to one container, as a run.
///
/// # Errors
/// 403; 404; 503; 409 `protected` when it would take Chrontainer itself away.
pub async fn act(
    control: &Control,
    actor: &Actor,
    id: &str,
    action: Action,
    idempotency_key: Option<&str>,
) -> Result<RunSummary> {
    actor.require(Permission::ContainersOperate)?;
    let line = find(control, actor, id).await?;
    if !control
        .fleet()
        .may_on(actor, Permission::ContainersOperate, &line)
    {
        return Err(not_on_this(&line.facts.name).into());
    }
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
    let target = Selector::container(line.host.id, &line.facts.name).to_string();
    let step = Step::new(action, target);
    runs::start_direct(control, actor, title, RunPlan::of(vec![step]), idempotency_key).await
}

pub(super) fn not_on_this(name: &str) -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "forbidden",
        format!("This needs the role operator on {name}, and you may only look at it. Ask an owner of the organisation."),
    )
    .with("permission", Permission::ContainersOperate.as_str())
    .with("needs", "operator")
}

pub(super) async fn find(control: &Control, actor: &Actor, id: &str) -> Result<Arc<Line>> {
    if let Some(line) = control.fleet().lookup(actor.org_id, id) {
        return Ok(line);
    }
    if Fleet::could_be(id) && !all_listed(control, actor.org_id).await? {
        return Err(Problem::new(
            ErrorClass::Unavailable,
            "fleet_incomplete",
            "The server has just started and does not know the containers of every host yet. Try again in a few seconds.",
        )
        .with("retry_after", 1)
        .into());
    }
    Err(Problem::not_found("container").into())
}

/// Whether the containers of every host were read since the start, or the host was found not to answer.
async fn all_listed(control: &Control, org: OrgId) -> Result<bool> {
    let mut conn = control.db().conn().await?;
    let enabled: Vec<Uuid> = hosts::table
        .filter(hosts::org_id.eq(org.0))
        .filter(hosts::enabled.eq(true))
        .select(hosts::id)
        .load(&mut conn)
        .await?;
    Ok(enabled
        .into_iter()
        .all(|id| control.fleet().is_settled(HostId(id))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use domain::ids::ContainerId;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_may_be_on_a_host_that_was_not_read_yet_is_not_called_gone() {
        let fixture = Fixture::new().await;
        let code = async |id: &str| {
            let found = get(&fixture.control, &fixture.owner, id).await;
            found.unwrap_err().into_problem().code
        };
        let id = ContainerId::new().to_string();
        assert_eq!(code(&id).await, "container_not_found");
        fixture
            .sql(&format!(
                "insert into hosts (id, org_id, name, url) values ('{}', '{}', 'nas', 'tcp://127.0.0.1:9')",
                HostId::new(),
                fixture.owner.org_id
            ))
            .await;
        assert_eq!(code(&id).await, "fleet_incomplete");
        assert_eq!(code("0123456789ab").await, "fleet_incomplete");
        assert_eq!(code("web").await, "container_not_found");
    }
}
