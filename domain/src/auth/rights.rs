//! What somebody may do to which containers: a role, widened or narrowed by grants, and cut by an API key.

use super::{Actor, Permission, Role, Via};
use crate::{
    errors::{ErrorClass, Problem},
    selectors::{Selector, SelectorSubject},
};

/// An actor's rights with their selectors read, for asking about many containers.
///
/// A selector that cannot be read any more fits nothing, so a grant that widens is lost and one that narrows takes the
/// whole: what cannot be understood gives no rights.
#[derive(Clone, Debug)]
pub struct Rights {
    role: Role,
    grants: Vec<(Selector, Role)>,
    /// Where an API key holds; everywhere without one.
    limit: Option<Selector>,
    unreadable: Option<Role>,
}

impl Rights {
    pub fn of(actor: &Actor) -> Self {
        let mut unreadable = None;
        let mut grants = Vec::new();
        // Admins and owners hold their role everywhere: nobody below them could take it away.
        let of_some = actor.role <= Role::Operator;
        for grant in actor.grants.iter().filter(|_| of_some) {
            match Selector::parse_target(&grant.selector) {
                Ok(selector) => grants.push((selector, grant.role)),
                Err(_) if grant.role < actor.role => unreadable = Some(grant.role),
                Err(_) => {}
            }
        }
        // Grants that only widen say nothing new where the role is as high: the role then holds everywhere.
        if unreadable.is_none() && grants.iter().all(|(_, role)| *role >= actor.role) {
            grants.retain(|(_, role)| *role > actor.role);
        }
        let limit = match &actor.via {
            Via::ApiKey {
                selector: Some(text), ..
            } => match Selector::parse_target(text) {
                Ok(selector) => Some(selector),
                Err(_) => {
                    unreadable = Some(Role::Viewer);
                    None
                }
            },
            _ => None,
        };
        Self {
            role: actor.role,
            grants,
            limit,
            unreadable,
        }
    }

    /// Whether the role is the same on every container.
    pub fn are_whole(&self) -> bool {
        self.grants.is_empty() && self.limit.is_none() && self.unreadable.is_none()
    }

    /// The role on one container.
    pub fn role_on(&self, subject: &impl SelectorSubject) -> Role {
        let granted = self
            .grants
            .iter()
            .filter(|(selector, _)| selector.matches(subject))
            .map(|(_, role)| *role)
            .max();
        let mut role = granted.unwrap_or(self.role);
        if let Some(most) = self.unreadable {
            role = role.min(most);
        }
        match &self.limit {
            Some(limit) if !limit.matches(subject) => role.min(Role::Viewer),
            _ => role,
        }
    }

    pub fn may_on(&self, permission: Permission, subject: &impl SelectorSubject) -> bool {
        self.role_on(subject).may(permission)
    }
}

impl Actor {
    /// Where the API key that they come with holds, if it holds on some containers only.
    pub fn limit(&self) -> Option<&str> {
        match &self.via {
            Via::ApiKey { selector, .. } => selector.as_deref(),
            _ => None,
        }
    }

    /// Refuses what is about every container to somebody whose role holds on some of them only.
    pub fn require_everywhere(&self, permission: Permission) -> Result<(), Problem> {
        self.require(permission)?;
        if self.role.may(permission) && Rights::of(self).are_whole() {
            return Ok(());
        }
        let message = "This concerns every container, and your role for it holds on some of them only. Ask an owner of the \
                       organisation.";
        Err(Problem::new(ErrorClass::Forbidden, "forbidden", message).with("permission", permission.as_str()))
    }

    /// Whether they may do it to this container; for many of them make [`Rights`] once.
    pub fn may_on(&self, permission: Permission, subject: &impl SelectorSubject) -> bool {
        self.scope() >= permission.scope() && Rights::of(self).may_on(permission, subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{Grant, Scope},
        containers::{ContainerState, Health},
        ids::{ApiKeyId, ContainerId, HostId, OrgId},
    };

    struct Named(&'static str, &'static str);

    impl SelectorSubject for Named {
        fn id(&self) -> ContainerId {
            ContainerId(uuid::Uuid::nil())
        }
        fn engine_id(&self) -> &str {
            ""
        }
        fn name(&self) -> &str {
            self.0
        }
        fn host_id(&self) -> HostId {
            HostId(uuid::Uuid::nil())
        }
        fn host_name(&self) -> &str {
            self.1
        }
        fn stack(&self) -> Option<&str> {
            None
        }
        fn service(&self) -> Option<&str> {
            None
        }
        fn image(&self) -> &str {
            ""
        }
        fn state(&self) -> ContainerState {
            ContainerState::Running
        }
        fn health(&self) -> Option<Health> {
            None
        }
        fn label(&self, _: &str) -> Option<&str> {
            None
        }
        fn tags(&self) -> &[String] {
            &[]
        }
        fn has_port(&self, _: u16) -> bool {
            false
        }
    }

    fn actor(role: Role, grants: &[(&str, Role)]) -> Actor {
        Actor {
            role,
            grants: grants
                .iter()
                .map(|(selector, role)| Grant {
                    selector: (*selector).to_owned(),
                    role: *role,
                })
                .collect(),
            ..Actor::system(OrgId::new())
        }
    }

    const PLEX: Named = Named("plex", "nas");
    const DB: Named = Named("db", "prod");

    #[test]
    fn a_grant_widens_a_viewer() {
        let viewer = actor(Role::Viewer, &[("host:nas", Role::Operator)]);
        assert!(viewer.may(Permission::ContainersOperate), "somewhere");
        assert!(viewer.may_on(Permission::ContainersOperate, &PLEX));
        assert!(!viewer.may_on(Permission::ContainersOperate, &DB));
        assert!(
            !viewer.may(Permission::HostsManage),
            "grants are about containers"
        );
        assert!(viewer.require_everywhere(Permission::SchedulesManage).is_err());
        let operator = actor(Role::Operator, &[]);
        assert!(operator.require_everywhere(Permission::SchedulesManage).is_ok());
    }

    #[test]
    fn a_grant_narrows_an_operator() {
        let operator = actor(
            Role::Operator,
            &[("host:prod", Role::Viewer), ("name:web", Role::Operator)],
        );
        assert!(operator.may_on(Permission::ContainersOperate, &PLEX));
        assert!(!operator.may_on(Permission::ContainersOperate, &DB));
        assert!(
            operator.may_on(Permission::ContainersOperate, &Named("web", "prod")),
            "the highest of those that fit"
        );
    }

    #[test]
    fn what_says_nothing_new_takes_nothing_away() {
        let operator = actor(Role::Operator, &[("host:nas", Role::Operator)]);
        assert!(Rights::of(&operator).are_whole());
        assert!(operator.require_everywhere(Permission::SchedulesManage).is_ok());
        let narrowed = actor(
            Role::Operator,
            &[("host:nas", Role::Operator), ("*", Role::Viewer)],
        );
        assert!(narrowed.may_on(Permission::ContainersOperate, &PLEX));
        assert!(!narrowed.may_on(Permission::ContainersOperate, &DB));
    }

    #[test]
    fn admins_are_not_narrowed() {
        let admin = actor(Role::Admin, &[("*", Role::Viewer)]);
        assert!(admin.may_on(Permission::ContainersOperate, &DB));
        assert!(Rights::of(&admin).are_whole());
    }

    #[test]
    fn a_key_holds_where_its_selector_fits() {
        let mut owner = actor(Role::Owner, &[]);
        owner.via = Via::ApiKey {
            id: ApiKeyId::new(),
            scope: Scope::Manage,
            selector: Some("host:nas".to_owned()),
        };
        assert!(owner.may_on(Permission::ContainersOperate, &PLEX));
        assert!(!owner.may_on(Permission::ContainersOperate, &DB));
        assert!(owner.may_on(Permission::ContainersRead, &DB));
        assert!(!Rights::of(&owner).are_whole());
    }

    #[test]
    fn what_cannot_be_read_gives_no_rights() {
        let viewer = actor(Role::Viewer, &[("nonsense:", Role::Operator)]);
        assert!(!viewer.may_on(Permission::ContainersOperate, &PLEX));
        let operator = actor(Role::Operator, &[("nonsense:", Role::Viewer)]);
        assert!(!operator.may_on(Permission::ContainersOperate, &PLEX));
    }
}
