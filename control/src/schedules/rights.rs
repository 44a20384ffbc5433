//! Who may touch a schedule: whose role holds on some containers only may touch those that are about these.

use crate::Control;
use domain::{
    auth::{Actor, Permission, Rights},
    errors::{ErrorClass, Problem},
    schedules::Step,
    selectors::Selector,
};

/// How many containers a refusal names.
const NAMED: usize = 3;

/// Refuses when a step would act on a container on which the actor may not. What its target fits later is decided anew by
/// each run, by the rights of the person it acts for.
///
/// # Errors
/// 403 `forbidden` with the containers.
pub(crate) fn require(control: &Control, actor: &Actor, steps: &[Step]) -> Result<(), Problem> {
    let rights = Rights::of(actor);
    if rights.are_whole() {
        return Ok(());
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
