//! Whose rights: a run may do what the person it acts for may do now, not when it was planned.

use crate::{Control, auth, containers::FleetTarget, error::Result};
use domain::{
    auth::{Actor, Permission, Role},
    ids::{OrgId, UserId},
};

/// Whether a role is enough to act on containers at all.
pub(super) fn suffices(role: Role) -> bool {
    role.may(Permission::ContainersOperate)
}

/// The person that a run acts for, as they are now.
pub(crate) enum Rights {
    /// The system, or a person who may act everywhere.
    Whole,
    /// A person whose role holds on some targets only.
    Narrowed(Actor),
    /// Why nothing may be done: a sentence.
    None(String),
}

/// Looks the person up.
pub(crate) async fn now(control: &Control, org: OrgId, acts_for: Option<UserId>) -> Result<Rights> {
    let Some(user) = acts_for else {
        return Ok(Rights::Whole);
    };
    let mut conn = control.db().conn().await?;
    let Some(actor) = auth::actor_for_user(&mut conn, org, user).await? else {
        return Ok(Rights::None(
            "The person this acts for has no account here any more, so nothing was done. Somebody with the role \
             operator must save the schedule again to take it over."
                .to_owned(),
        ));
    };
    if !actor.may(Permission::ContainersOperate) {
        return Ok(Rights::None(format!(
            "This acts for {}, who is only {} now, so nothing was done. Somebody with the role operator must save the \
             schedule again to take it over.",
            actor.name, actor.role
        )));
    }
    Ok(if actor.grants.is_empty() {
        Rights::Whole
    } else {
        Rights::Narrowed(actor)
    })
}

/// Leaves the targets that the person may act on.
pub(crate) fn narrow(
    control: &Control,
    org: OrgId,
    rights: &Rights,
    mut targets: Vec<FleetTarget>,
) -> Vec<FleetTarget> {
    let Rights::Narrowed(actor) = rights else {
        return targets;
    };
    let rights = domain::auth::Rights::of(actor);
    let allowed = control
        .fleet()
        .allowed(org, &rights, Permission::ContainersOperate);
    targets.retain(|target| allowed.contains(&target.container_id));
    targets
}
