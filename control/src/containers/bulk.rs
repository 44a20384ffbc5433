//! One action on many containers: one run, with a result for each of them.

use super::{ContainerQuery, service::find};
use crate::{Control, error::Result, runs};
use domain::{
    actions::Action,
    auth::{Actor, Permission},
    containers::HostRef,
    errors::{ErrorClass, Problem},
    ids::{ContainerId, HostId},
    runs::{RunPlan, RunSummary},
    schedules::Step,
    selectors::{MAX_LENGTH, Selector},
};
use std::collections::HashSet;

/// How many containers can be named one by one.
const MOST: usize = 1000;

/// Which containers an action is for.
#[derive(Clone, Debug)]
pub enum BulkTargets {
    /// These, by our id or the engine's.
    Ids(Vec<String>),
    /// What this target picks when the run starts.
    Selector(String),
    /// What a search of the fleet's page shows; bare words are allowed.
    Search(ContainerQuery),
}

/// Does something to many containers, as one run.
///
/// # Errors
/// 403; 404 `container_not_found` for an id that is unknown; 409 `protected` when Chrontainer itself is all there is;
/// 422 `no_targets`, `too_many_targets`, `action_invalid`, `invalid_selector`.
pub async fn bulk(
    control: &Control,
    actor: &Actor,
    action: Action,
    targets: BulkTargets,
    idempotency_key: Option<&str>,
) -> Result<RunSummary> {
    actor.require(Permission::ContainersOperate)?;
    if !action.needs_target() {
        return Err(Problem::invalid(
            "action_invalid",
            "action",
            "This action touches no container. Choose one that does, such as restart.",
        )
        .into());
    }
    let (selector, title) = match targets {
        BulkTargets::Ids(ids) => by_ids(control, actor, &action, &ids).await?,
        BulkTargets::Selector(text) => by_selector(control, actor, &action, &text)?,
        BulkTargets::Search(query) => by_search(control, actor, &action, query).await?,
    };
    let step = Step::new(action, selector.to_string());
    if step.target.len() > MAX_LENGTH {
        return Err(too_many());
    }
    runs::start_direct(control, actor, title, RunPlan::of(vec![step]), idempotency_key).await
}

async fn by_ids(
    control: &Control,
    actor: &Actor,
    action: &Action,
    ids: &[String],
) -> Result<(Selector, String)> {
    if ids.is_empty() {
        return Err(Problem::invalid(
            "no_targets",
            "targets",
            "No container is named. Name some by their ids, or pick them with a selector.",
        )
        .into());
    }
    if ids.len() > MOST {
        return Err(too_many());
    }
    let mut seen = HashSet::new();
    let mut lines = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        let line = find(control, actor, id).await.map_err(|error| match error {
            crate::Error::Problem(problem) => problem.with("field", format!("targets[{at}]")).into(),
            other => other,
        })?;
        if seen.insert(line.id) {
            lines.push(line);
        }
    }
    if action.refused_on_itself() && lines.iter().all(|line| line.protected) {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "protected",
            format!(
                "Chrontainer itself or its database runs there, so it cannot {} it: nothing would be left to start it \
                 again. Use the engine's own command line.",
                action.verb()
            ),
        )
        .into());
    }
    let title = match lines.as_slice() {
        [one] => format!("{} {}", action.label(), one.facts.name),
        many => {
            let hosts: HashSet<HostId> = many.iter().map(|line| line.host.id).collect();
            match hosts.len() {
                1 => format!(
                    "{} {} containers on {}",
                    action.label(),
                    many.len(),
                    many.first().map_or("", |line| line.host.name.as_str())
                ),
                hosts => format!("{} {} containers on {hosts} hosts", action.label(), many.len()),
            }
        }
    };
    let selector = Selector::containers(lines.iter().map(|line| (line.host.id, line.facts.name.as_str())));
    Ok((selector, title))
}

fn by_selector(control: &Control, actor: &Actor, action: &Action, text: &str) -> Result<(Selector, String)> {
    let names = control.fleet().host_names(actor.org_id);
    let selector = Selector::parse_target(text)
        .and_then(|selector| selector.bind_hosts(|name| host(&names, name)))
        .map_err(|error| error.problem("selector"))?;
    if control.fleet().resolve(actor.org_id, &selector).is_empty() {
        return Err(nothing_matches(text));
    }
    // The count would differ between two tries with one idempotency key.
    let title = if selector.is_everything() {
        format!("{} every container", action.label())
    } else {
        let shown: String = text.trim().chars().take(80).collect();
        format!("{} {shown}", action.label())
    };
    Ok((selector, title))
}

/// Where a target can say the same as the search, the run picks by it; otherwise what the search shows now is fixed.
async fn by_search(
    control: &Control,
    actor: &Actor,
    action: &Action,
    mut query: ContainerQuery,
) -> Result<(Selector, String)> {
    let as_target = query.selector()?.into_target().filter(|_| !query.favourites);
    if let Some(target) = as_target {
        return by_selector(control, actor, action, &target.to_string());
    }
    query.offset = 0;
    query.limit = MOST as u32 / 2;
    let mut ids: Vec<ContainerId> = Vec::new();
    loop {
        let page = super::list(control, actor, query.clone()).await?;
        if page.total > MOST as u64 {
            return Err(too_many());
        }
        ids.extend(page.items.iter().map(|container| container.id));
        if page.next.is_none() {
            break;
        }
        query.offset += query.limit;
    }
    if ids.is_empty() {
        return Err(nothing_matches(&query.query));
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    by_ids(control, actor, action, &ids).await
}

/// Names are compared in lower case.
fn host(names: &[HostRef], name: &str) -> Option<HostId> {
    let name = name.to_lowercase();
    names
        .iter()
        .find(|host| host.name.to_lowercase() == name)
        .map(|host| host.id)
}

fn nothing_matches(text: &str) -> crate::Error {
    Problem::invalid(
        "no_targets",
        "selector",
        format!("No container matches {text} now, so nothing was started. Check the selector."),
    )
    .into()
}

fn too_many() -> crate::Error {
    Problem::invalid(
        "too_many_targets",
        "targets",
        "These are more than 1,000 containers, too many to be named one by one. Pick them with a selector, such as \
         stack:media or tag:nightly.",
    )
    .into()
}
