//! Ids: UUIDv7 newtypes, one per kind of object, so that they cannot be confused.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = uuid::Uuid))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after those made before it on this machine (RFC 9562, version 7).
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An organisation: the tenant that owns everything below.
    OrgId,
    /// A person who can sign in.
    UserId,
    /// A signed-in browser.
    SessionId,
    /// A key for the REST API.
    ApiKeyId,
    /// A passkey that signs its owner in.
    PasskeyId,
    /// An invitation to an organisation.
    InvitationId,
    /// A team of an organisation.
    TeamId,
    /// A role on some containers.
    GrantId,
    /// Something that is shared with a team.
    ShareId,
    /// Somebody who vouches for people who sign in.
    ProviderId,
    /// Who an account is at a provider.
    IdentityId,
    /// A container engine that is managed.
    HostId,
    /// A container's lasting identity: the same (host, name) keeps it across recreation and renames.
    ContainerId,
    /// A schedule.
    ScheduleId,
    /// One run of a chain of steps.
    RunId,
    /// A saved view of the fleet.
    ViewId,
    /// A window in which nothing scheduled runs.
    BlackoutId,
    /// A sealed secret.
    SecretId,
    /// A line of the audit log.
    AuditId,
    /// One process of the server; new at each start.
    ServerId,
}

impl OrgId {
    /// The organisation that every installation begins with; the migrations make it.
    pub const HOME: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}
