//! Who may do what: roles, permissions and the table that joins them.
//!
//! Deny by default: what the table does not allow is refused. The UI, the API and the permission walk of the
//! tests all read this table.

use crate::ids::{ApiKeyId, OrgId, SessionId, UserId};
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

/// What a permission asks of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Open to anybody: sign-in, set-up, health.
    Nothing,
    /// Any signed-in person.
    SignIn,
    /// At least this role in the organisation.
    Role(Role),
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $needs:expr;)+) => {
        /// Something a person may be allowed to do. Every route and every server function names one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {$(
            $(#[$doc])*
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

            /// What it asks of a person.
            pub fn needs(self) -> Needs {
                match self {$(Self::$name => $needs,)+}
            }
        }
    };
}

permissions! {
    /// Pages and calls that come before signing in.
    Public = "public", Needs::Nothing;
    /// One's own profile, sessions and sign-out.
    Own = "own", Needs::SignIn;
    ContainersRead = "containers.read", Needs::Role(Role::Viewer);
    ContainersOperate = "containers.operate", Needs::Role(Role::Operator);
    HostsRead = "hosts.read", Needs::Role(Role::Viewer);
    HostsManage = "hosts.manage", Needs::Role(Role::Admin);
    SchedulesRead = "schedules.read", Needs::Role(Role::Viewer);
    SchedulesManage = "schedules.manage", Needs::Role(Role::Operator);
    SchedulesRun = "schedules.run", Needs::Role(Role::Operator);
    RunsRead = "runs.read", Needs::Role(Role::Viewer);
    RunsCancel = "runs.cancel", Needs::Role(Role::Operator);
    EventsRead = "events.read", Needs::Role(Role::Viewer);
    AuditRead = "audit.read", Needs::Role(Role::Admin);
    SecretsManage = "secrets.manage", Needs::Role(Role::Admin);
    UsersManage = "users.manage", Needs::Role(Role::Admin);
    /// Metrics of the process.
    MetricsRead = "metrics.read", Needs::Role(Role::Viewer);
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
    },
    /// The server itself: a schedule, the recovery sweep, the first start.
    System,
    /// The command line on the server's own machine.
    Console,
}

/// A narrowing of a role. None exist yet; the shape is here so that every check already asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role is held only on targets of this selector.
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
    pub grants: Vec<Grant>,
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
            grants: Vec::new(),
            via: Via::System,
            address: None,
        }
    }

    /// Whether the table allows it.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Refuses what the table does not allow.
    pub fn require(&self, permission: Permission) -> Result<(), crate::errors::Problem> {
        if self.may(permission) {
            return Ok(());
        }
        let needed = match permission.needs() {
            Needs::Role(role) => role.as_str(),
            Needs::SignIn | Needs::Nothing => "viewer",
        };
        Err(crate::errors::Problem::new(
            crate::errors::ErrorClass::Forbidden,
            "forbidden",
            format!(
                "This needs the role {needed}; you are {}. Ask an owner of the organisation.",
                self.role
            ),
        )
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
}
