//! Who may do what: roles, permissions and the table that joins them.
//!
//! Deny by default: what the table does not allow is refused. The UI, the API and the permission walk of the
//! tests all read this table.

#[cfg(test)]
mod page;
mod rights;

pub use rights::Rights;

use crate::{
    errors::{ErrorClass, Problem},
    ids::{ApiKeyId, OrgId, RunId, ScheduleId, SessionId, UserId},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A member's role in an organisation; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything that is not secret.
    Viewer,
    /// Starts, stops and schedules.
    Operator,
    /// Adds hosts and manages people.
    Admin,
    /// May do everything, also give the organisation away.
    Owner,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Admin, Role::Owner];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether the table allows it.
    pub fn may(self, permission: Permission) -> bool {
        match permission.needs() {
            Needs::Nothing | Needs::SignIn => true,
            Needs::Role(role) => self >= role,
            Needs::ServerAdmin => false,
        }
    }

    /// "a viewer", "an operator": as sentences have it.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Operator => "an operator",
            Self::Admin => "an admin",
            Self::Owner => "an owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a role. Roles are viewer, operator, admin and owner."))
    }
}

/// How much of its owner's rights an API key has; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sees what its owner sees.
    Read,
    /// Starts, stops and schedules too.
    Operate,
    /// Everything that its owner may do.
    #[default]
    Manage,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Operate, Scope::Manage];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Manage => "manage",
        }
    }

    /// The role that a key of this scope has at most.
    pub fn role(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Manage => Role::Owner,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a scope. Scopes are read, operate and manage."))
    }
}

/// What a permission asks of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Open to anybody: sign-in, set-up, health.
    Nothing,
    /// Any signed-in person.
    SignIn,
    /// At least this role in the organisation.
    Role(Role),
    /// Somebody who looks after the whole server, whatever their role in an organisation is.
    ServerAdmin,
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, $needs:expr;)+) => {
        /// Something a person may be allowed to do. Every route and every server function names one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {$(
            $(#[doc = $doc])*
            #[serde(rename = $word)]
            $name,
        )+}

        impl Permission {
            /// The whole table.
            pub const ALL: &[Permission] = &[$(Permission::$name),+];

            /// `hosts.manage` and the like: as audit and documentation write it.
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$name => $word,)+}
            }

            /// What it lets somebody do, in one sentence.
            pub fn about(self) -> &'static str {
                match self {$(Self::$name => concat!($($doc),*).trim_ascii(),)+}
            }

            /// What it asks of a person.
            pub fn needs(self) -> Needs {
                match self {$(Self::$name => $needs,)+}
            }

            /// The least scope that an API key must have for it.
            pub fn scope(self) -> Scope {
                match self.needs() {
                    Needs::Role(Role::Admin | Role::Owner) | Needs::ServerAdmin => Scope::Manage,
                    Needs::Role(Role::Operator) => Scope::Operate,
                    _ if matches!(self, Self::OwnManage | Self::SharesManage) => Scope::Manage,
                    Needs::Role(Role::Viewer) | Needs::SignIn | Needs::Nothing => Scope::Read,
                }
            }
        }
    };
}

permissions! {
    /// Use pages and calls that come before signing in.
    Public = "public", Needs::Nothing;
    /// See one's own profile, and sign out.
    Own = "own", Needs::SignIn;
    /// Manage one's own password, passkeys, sessions, API keys, second factor and linked accounts.
    OwnManage = "own.manage", Needs::SignIn;
    /// See containers, their state and what is planned for them.
    ContainersRead = "containers.read", Needs::Role(Role::Viewer);
    /// Start, stop, restart and pause containers.
    ContainersOperate = "containers.operate", Needs::Role(Role::Operator);
    /// See hosts and whether they answer.
    HostsRead = "hosts.read", Needs::Role(Role::Viewer);
    /// Add hosts.
    HostsManage = "hosts.manage", Needs::Role(Role::Admin);
    /// See schedules.
    SchedulesRead = "schedules.read", Needs::Role(Role::Viewer);
    /// Make, change and delete schedules.
    SchedulesManage = "schedules.manage", Needs::Role(Role::Operator);
    /// Run a schedule now.
    SchedulesRun = "schedules.run", Needs::Role(Role::Operator);
    /// Skip and move runs of a schedule, pause it, switch it on and off.
    SchedulesOperate = "schedules.operate", Needs::Role(Role::Operator);
    /// See runs and their logs.
    RunsRead = "runs.read", Needs::Role(Role::Viewer);
    /// Cancel a run.
    RunsCancel = "runs.cancel", Needs::Role(Role::Operator);
    /// Decide how long runs are kept.
    RetentionManage = "retention.manage", Needs::Role(Role::Admin);
    /// Follow what changes as it happens.
    EventsRead = "events.read", Needs::Role(Role::Viewer);
    /// Read and export the audit log.
    AuditRead = "audit.read", Needs::Role(Role::Admin);
    /// Store and delete secrets; nobody reads them back.
    SecretsManage = "secrets.manage", Needs::Role(Role::Admin);
    /// See members, teams and what is granted to them.
    UsersRead = "users.read", Needs::Role(Role::Viewer);
    /// Manage members, invitations, teams and grants.
    UsersManage = "users.manage", Needs::Role(Role::Admin);
    /// Share one's own views with a team, schedules that one may change, and as an admin hosts.
    SharesManage = "shares.manage", Needs::Role(Role::Viewer);
    /// Change the organisation itself: its name and its rules.
    OrgManage = "org.manage", Needs::Role(Role::Owner);
    /// See every organisation of the server from outside, make, rename and join one.
    OrgsManage = "orgs.manage", Needs::ServerAdmin;
    /// Manage the ways to sign in: providers, and whether passwords are taken.
    ProvidersManage = "providers.manage", Needs::ServerAdmin;
    /// Read the metrics of the server.
    MetricsRead = "metrics.read", Needs::Role(Role::Viewer);
}

impl Permission {
    /// Whether grants decide about it, container by container.
    pub fn is_about_containers(self) -> bool {
        matches!(
            self,
            Self::ContainersOperate
                | Self::SchedulesManage
                | Self::SchedulesRun
                | Self::SchedulesOperate
                | Self::RunsCancel
        )
    }

    /// Whether a schedule that is shared with a team allows it to the team's members, on that schedule.
    pub fn comes_with_a_schedule(self) -> bool {
        matches!(
            self,
            Self::SchedulesRun | Self::SchedulesOperate | Self::RunsCancel
        )
    }
}

/// How somebody came in; kept in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Via {
    Session {
        id: SessionId,
    },
    ApiKey {
        id: ApiKeyId,
        #[serde(default)]
        scope: Scope,
        /// Elsewhere the key may only look.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        selector: Option<String>,
    },
    /// A name and a password with the request, where that is switched on.
    Basic,
    /// A run, on behalf of the person it acts for.
    Run {
        id: RunId,
    },
    /// The server itself: a schedule, the recovery sweep, the first start.
    System,
    /// The command line on the server's own machine.
    Console,
}

/// Another role on some containers: where a selector fits, the grant's role is held instead of the member's own, and of
/// several the highest. So a grant widens a viewer, and narrows an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Grant {
    /// On which containers.
    pub selector: String,
    pub role: Role,
}

/// On whose behalf something is done. Every service function takes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub org_id: OrgId,
    /// Nobody for the system.
    pub user_id: Option<UserId>,
    /// The name shown in the audit log.
    pub name: String,
    pub role: Role,
    /// Looks after the server: organisations and providers. No right inside an organisation.
    #[serde(default)]
    pub server_admin: bool,
    /// The organisation asks for a second factor and they have none: only what is their own works.
    #[serde(default)]
    pub second_factor_missing: bool,
    pub grants: Vec<Grant>,
    /// The schedules that are shared with their teams: these they may run, skip, move and pause, whatever they touch.
    #[serde(default)]
    pub schedules: Vec<ScheduleId>,
    pub via: Via,
    /// Where the request came from, as far as trusted proxies tell.
    pub address: Option<String>,
}

impl Actor {
    /// The server itself, acting in an organisation.
    pub fn system(org_id: OrgId) -> Self {
        Self {
            org_id,
            user_id: None,
            name: "Chrontainer".to_owned(),
            role: Role::Owner,
            server_admin: false,
            second_factor_missing: false,
            grants: Vec::new(),
            schedules: Vec::new(),
            via: Via::System,
            address: None,
        }
    }

    /// What the way they came in allows: an API key has a scope, everything else has them all.
    pub fn scope(&self) -> Scope {
        match self.via {
            Via::ApiKey { scope, .. } => scope,
            _ => Scope::Manage,
        }
    }

    /// Whether the table allows it. What is about containers may be allowed on some of them only, see [`Rights`], and what
    /// comes with a shared schedule on that one only, see [`Self::shares`].
    pub fn may(&self, permission: Permission) -> bool {
        if self.scope() < permission.scope() || self.waits_for_second_factor(permission) {
            return false;
        }
        match permission.needs() {
            Needs::ServerAdmin => self.server_admin,
            Needs::Role(_) if permission.is_about_containers() => {
                self.role.may(permission)
                    || self.grants.iter().any(|grant| grant.role.may(permission))
                    || permission.comes_with_a_schedule() && !self.schedules.is_empty()
            }
            _ => self.role.may(permission),
        }
    }

    /// Whether this schedule is shared with a team of theirs. A key that holds on some containers only has no part in it.
    pub fn shares(&self, schedule: ScheduleId) -> bool {
        self.schedules.contains(&schedule) && self.limit().is_none()
    }

    fn waits_for_second_factor(&self, permission: Permission) -> bool {
        self.second_factor_missing && matches!(permission.needs(), Needs::Role(_) | Needs::ServerAdmin)
    }

    /// Refuses what the table does not allow.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        if self.waits_for_second_factor(permission) {
            let message = "This organisation asks for a second factor, and you have none yet. Set one up in Settings, \
                           Profile.";
            return Err(
                Problem::new(ErrorClass::Forbidden, "second_factor_required", message)
                    .with("permission", permission.as_str()),
            );
        }
        let (needed, message) = match permission.needs() {
            _ if self.scope() < permission.scope() => {
                let needed = permission.scope().as_str();
                let message = format!(
                    "This needs an API key with the scope {needed}; this one has the scope {}. Make another key for it.",
                    self.scope()
                );
                (needed, message)
            }
            Needs::ServerAdmin => (
                "server_admin",
                "This needs a server administrator, and you are none. Ask one.".to_owned(),
            ),
            Needs::Role(role) => (
                role.as_str(),
                format!(
                    "This needs the role {role}; you are {}. Ask an owner of the organisation.",
                    self.role
                ),
            ),
            Needs::SignIn | Needs::Nothing => ("viewer", "This needs somebody who is signed in.".to_owned()),
        };
        Err(Problem::new(ErrorClass::Forbidden, "forbidden", message)
            .with("permission", permission.as_str())
            .with("needs", needed))
    }
}

/// The person who looks at a page, as pages and `GET /api/v1/me` show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Viewer {
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub org_id: OrgId,
    pub org_name: String,
    pub server_admin: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may() {
        for permission in Permission::ALL {
            for pair in Role::ALL.windows(2) {
                assert!(
                    !pair[0].may(*permission) || pair[1].may(*permission),
                    "{permission:?}"
                );
            }
        }
    }

    #[test]
    fn words_are_unique() {
        let mut words: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Permission::ALL.len());
    }

    #[test]
    fn a_refusal_names_the_role_that_is_needed() {
        let mut actor = Actor::system(OrgId::new());
        actor.role = Role::Viewer;
        let refusal = actor.require(Permission::HostsManage).unwrap_err();
        assert_eq!(refusal.code, "forbidden");
        assert!(refusal.message.contains("admin"), "{}", refusal.message);
    }

    #[test]
    fn a_key_may_what_its_scope_and_its_owner_may() {
        let with = |role, scope| Actor {
            role: scope_of(role, scope),
            via: Via::ApiKey {
                id: ApiKeyId::new(),
                scope,
                selector: None,
            },
            ..Actor::system(OrgId::new())
        };
        fn scope_of(role: Role, scope: Scope) -> Role {
            role.min(scope.role())
        }
        for permission in Permission::ALL {
            for role in Role::ALL {
                for scope in Scope::ALL {
                    let allowed = with(role, scope).may(*permission);
                    assert!(
                        !allowed || role.may(*permission),
                        "never more than its owner: {permission:?}"
                    );
                    assert!(!allowed || scope >= permission.scope(), "{permission:?} {scope}");
                }
                assert_eq!(
                    with(role, Scope::Manage).may(*permission),
                    role.may(*permission),
                    "{permission:?}"
                );
            }
        }
        assert!(
            !with(Role::Owner, Scope::Read).may(Permission::OwnManage),
            "a key makes no stronger key"
        );
        assert!(with(Role::Owner, Scope::Operate).may(Permission::SchedulesManage));
        let refused = with(Role::Owner, Scope::Read)
            .require(Permission::HostsManage)
            .unwrap_err();
        assert!(refused.message.contains("scope manage"), "{}", refused.message);
    }

    #[test]
    fn without_the_second_factor_that_is_asked_for_only_ones_own_works() {
        let mut actor = Actor::system(OrgId::new());
        actor.second_factor_missing = true;
        for permission in Permission::ALL {
            let own = !matches!(permission.needs(), Needs::Role(_) | Needs::ServerAdmin);
            assert_eq!(actor.may(*permission), own, "{permission:?}");
        }
        assert_eq!(
            actor.require(Permission::HostsRead).unwrap_err().code,
            "second_factor_required"
        );
    }

    #[test]
    fn a_shared_schedule_lets_a_viewer_work_with_it_and_with_nothing_else() {
        let mut actor = Actor::system(OrgId::new());
        actor.role = Role::Viewer;
        let shared = ScheduleId::new();
        actor.schedules = vec![shared];
        assert!(actor.shares(shared) && !actor.shares(ScheduleId::new()));
        for permission in Permission::ALL {
            let expected = Role::Viewer.may(*permission) || permission.comes_with_a_schedule();
            assert_eq!(actor.may(*permission), expected, "{permission:?}");
        }
        actor.via = Via::ApiKey {
            id: ApiKeyId::new(),
            scope: Scope::Read,
            selector: None,
        };
        assert!(!actor.may(Permission::SchedulesRun), "the key only reads");
        actor.via = Via::ApiKey {
            id: ApiKeyId::new(),
            scope: Scope::Manage,
            selector: Some("host:nas".to_owned()),
        };
        assert!(!actor.shares(shared), "the key holds on some containers only");
    }

    #[test]
    fn a_server_administrator_has_no_right_inside() {
        let mut actor = Actor::system(OrgId::new());
        actor.role = Role::Viewer;
        assert!(!actor.may(Permission::OrgsManage));
        actor.server_admin = true;
        assert!(actor.may(Permission::OrgsManage) && !actor.may(Permission::HostsManage));
    }
}
