//! Who may touch a schedule: whose role holds on some containers only may touch those that are about these.

use super::queries;
use crate::{Control, error::Result, runs};
use diesel_async::AsyncPgConnection;
use domain::{
    actions::Action,
    auth::{Actor, Permission, Rights},
    errors::{ErrorClass, Problem},
    ids::ScheduleId,
    schedules::{Schedule, Step},
    selectors::Selector,
};

/// How many containers a refusal names.
const NAMED: usize = 3;

/// What a step is about beside its target, where that is the whole organisation's: a sentence's end.
pub(crate) fn beyond_its_target(step: &Step) -> Option<&'static str> {
    if matches!(step.action, Action::Http(_)) {
        return Some("sends requests from the server");
    }
    let asks_for_secrets = runs::check_variables(&step.action, "").is_ok_and(|secrets| !secrets.is_empty());
    asks_for_secrets.then_some("uses secrets, which are the whole organisation's")
}

/// Refuses an API key that holds on some containers only: a schedule acts later, for the person and not for the key, when
/// its target may fit others.
///
/// # Errors
/// 403 `forbidden`.
pub(crate) fn require_no_limit(actor: &Actor) -> Result<(), Problem> {
    if actor.limit().is_none() {
        return Ok(());
    }
    Err(Problem::new(
        ErrorClass::Forbidden,
        "forbidden",
        "This key holds on some containers only, and a schedule goes on without it, when its targets may fit others. Use a \
         key without a selector, or sign in.",
    )
    .with("permission", Permission::SchedulesManage.as_str()))
}

/// Refuses to run a schedule or to hold it back to those who have no right of their own to what it does, unless it is
/// shared with a team of theirs.
///
/// # Errors
/// As [`require`].
pub(crate) fn require_to_operate(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    steps: &[Step],
) -> Result<(), Problem> {
    if actor.shares(id) {
        return Ok(());
    }
    require(control, actor, steps)
}

/// As [`require_to_operate`], for a schedule as it is shown.
pub(super) fn require_on(control: &Control, actor: &Actor, schedule: &Schedule) -> Result<(), Problem> {
    require_to_operate(control, actor, schedule.id, &schedule.steps)
}

/// The name of a schedule that somebody may share: they may change it.
///
/// # Errors
/// 403; 404 `schedule_not_found`.
pub(crate) async fn shareable(
    conn: &mut AsyncPgConnection,
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
) -> Result<String> {
    let schedule = queries::view(conn, actor.org_id, id).await?;
    actor.require(Permission::SchedulesManage)?;
    require_no_limit(actor)?;
    require(control, actor, &schedule.steps)?;
    Ok(schedule.name)
}

/// Refuses when a step would act on a container on which the actor may not, or on more than its target. What that fits
/// later is decided anew by each run, by the rights of the person it acts for.
///
/// # Errors
/// 403 `forbidden`, with the containers if they are the reason.
pub(crate) fn require(control: &Control, actor: &Actor, steps: &[Step]) -> Result<(), Problem> {
    // A schedule that is shared with them is not enough for what is asked here.
    actor.require(Permission::ContainersOperate)?;
    let rights = Rights::of(actor);
    if rights.are_whole() {
        return Ok(());
    }
    if let Some((step, why)) = steps
        .iter()
        .find_map(|step| Some((step, beyond_its_target(step)?)))
    {
        return Err(Problem::new(
            ErrorClass::Forbidden,
            "forbidden",
            format!(
                "The step “{}” {why}, and your role holds on some containers only. Leave it out, or ask an owner of the \
                 organisation.",
                step.title()
            ),
        )
        .with("permission", Permission::ContainersOperate.as_str()));
    }
    let fleet = control.fleet();
    let allowed = fleet.allowed(actor.org_id, &rights, Permission::ContainersOperate);
    let mut refused: Vec<String> = steps
        .iter()
        .filter_map(|step| Selector::parse_target(&step.target).ok())
        .flat_map(|selector| fleet.resolve(actor.org_id, &selector))
        .filter(|target| !allowed.contains(&target.container_id))
        .map(|target| format!("{} on {}", target.name, target.host_name))
        .collect();
    refused.sort_unstable();
    refused.dedup();
    if refused.is_empty() {
        return Ok(());
    }
    let more = refused.len().saturating_sub(NAMED);
    let mut names = refused.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        names.push_str(&format!(" and {more} more"));
    }
    Err(Problem::new(
        ErrorClass::Forbidden,
        "forbidden",
        format!(
            "This needs the role operator on every container that it touches, and you do not have it on {names}. Choose \
             other targets, or ask an owner of the organisation."
        ),
    )
    .with("permission", Permission::ContainersOperate.as_str())
    .with("needs", "operator")
    .with("containers", refused))
}
