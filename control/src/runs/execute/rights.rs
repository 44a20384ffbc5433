//! Whose rights: a run may do what the person it acts for may do now, not when it was planned.

use crate::{
    Control, auth,
    containers::{Fleet, FleetTarget},
    error::Result,
};
use domain::{
    auth::{Actor, Permission, Role},
    ids::{HostId, OrgId, UserId},
    selectors::Selector,
};
use std::collections::HashSet;

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
    Ok(if domain::auth::Rights::of(&actor).are_whole() {
        Rights::Whole
    } else {
        Rights::Narrowed(actor)
    })
}

/// The hosts on which somebody whose role holds on some containers only may act as a whole.
pub(super) struct OnHosts {
    /// Where no grant says something else.
    everywhere: bool,
    /// Hosts that a grant covers whole.
    widened: HashSet<HostId>,
    /// What grants take away: on these hosts, or wherever their selectors fit.
    narrowed: Vec<Option<Vec<HostId>>>,
}

pub(super) fn on_hosts(fleet: &Fleet, actor: &Actor) -> OnHosts {
    let (mut widened, mut narrowed) = (HashSet::new(), Vec::new());
    for grant in &actor.grants {
        match Selector::parse_target(&grant.selector) {
            Ok(selector) if suffices(grant.role) => {
                widened.extend(
                    fleet
                        .whole_hosts(actor.org_id, &selector)
                        .into_iter()
                        .map(|host| host.id),
                );
            }
            Ok(selector) => narrowed.push(selector.only_on()),
            // What cannot be understood gives no rights.
            Err(_) => narrowed.push(None),
        }
    }
    OnHosts {
        everywhere: suffices(actor.role),
        widened,
        narrowed,
    }
}

impl OnHosts {
    /// The highest role of those that fit, as with containers; one that is taken away on a part of a host is not whole.
    pub fn cover(&self, host: HostId) -> bool {
        let is_narrowed = || {
            let mut taken = self.narrowed.iter();
            taken.any(|hosts| hosts.as_ref().is_none_or(|hosts| hosts.contains(&host)))
        };
        self.widened.contains(&host) || (self.everywhere && !is_narrowed())
    }
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
