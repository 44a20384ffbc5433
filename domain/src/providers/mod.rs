//! Providers: others who vouch for people who sign in, by OpenID Connect or as GitHub does.

mod check;
mod presets;
mod refusals;
mod roles;

pub use check::slug_of;
pub use presets::{PRESETS, Preset};
pub use refusals::refusal;
pub use roles::{EVERYBODY, claim_values, granted};

use crate::{
    auth::Role,
    ids::{IdentityId, OrgId, ProviderId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenID Connect, found by its issuer.
    #[default]
    Oidc,
    /// GitHub's own way, which is OAuth 2 and a REST API.
    Github,
}

impl ProviderKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Github => "github",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "oidc" => Ok(Self::Oidc),
            "github" => Ok(Self::Github),
            _ => Err(format!(
                "\"{text}\" is not a kind of provider. Kinds are oidc and github."
            )),
        }
    }
}

/// What becomes of somebody who has no account yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// They need an invitation.
    #[default]
    InviteOnly,
    /// They get an account with the roles of the mappings, if any fits.
    AutoCreate,
}

impl SignUp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InviteOnly => "invite_only",
            Self::AutoCreate => "auto_create",
        }
    }
}

impl FromStr for SignUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "invite_only" => Ok(Self::InviteOnly),
            "auto_create" => Ok(Self::AutoCreate),
            _ => Err(format!(
                "\"{text}\" is not known. Write invite_only or auto_create."
            )),
        }
    }
}

/// Whoever has this value of the claim has this role in this organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleMapping {
    /// A group, a role, or at GitHub `organisation` or `organisation/team`; `*` is everybody whom the provider lets in.
    pub value: String,
    pub org_id: OrgId,
    pub role: Role,
}

/// A provider as lists and forms carry it: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    pub id: ProviderId,
    pub kind: ProviderKind,
    pub name: String,
    pub slug: String,
    pub issuer: String,
    pub api_url: Option<String>,
    pub client_id: String,
    /// A client secret is stored; it is never given back.
    pub has_secret: bool,
    pub scopes: Vec<String>,
    pub domains: Vec<String>,
    pub sign_up: SignUp,
    pub link_by_email: bool,
    pub role_claim: Option<String>,
    pub mappings: Vec<RoleMapping>,
    pub enabled: bool,
    /// It is as the server's environment says, and is changed there only.
    pub managed: bool,
    /// How many accounts are linked to it.
    pub identities: u64,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A provider to be stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProviderDraft {
    pub kind: ProviderKind,
    pub name: String,
    /// Its part of the callback's address; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The issuer; for GitHub the address of its pages, `https://github.com` when absent.
    #[serde(default)]
    pub issuer: String,
    /// GitHub alone: the address of its API, found from the issuer when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    pub client_id: String,
    /// The client's secret. Absent keeps the one that is stored; an empty one removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What is asked for beside `openid`; what the kind needs when empty.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Domains of e-mail addresses that may sign in; all when empty.
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub sign_up: SignUp,
    /// Whether a verified e-mail address finds an account that is not linked yet.
    #[serde(default)]
    pub link_by_email: bool,
    /// The claim whose values the mappings name, such as `groups` or `realm_access.roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_claim: Option<String>,
    #[serde(default)]
    pub mappings: Vec<RoleMapping>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The version that was edited; another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

fn yes() -> bool {
    true
}

impl Default for ProviderDraft {
    fn default() -> Self {
        Self {
            kind: ProviderKind::Oidc,
            name: String::new(),
            slug: None,
            issuer: String::new(),
            api_url: None,
            client_id: String::new(),
            client_secret: None,
            scopes: Vec::new(),
            domains: Vec::new(),
            sign_up: SignUp::InviteOnly,
            link_by_email: false,
            role_claim: None,
            mappings: Vec::new(),
            enabled: true,
            version: None,
        }
    }
}

impl fmt::Debug for ProviderDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderDraft")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// One button of the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInWay {
    pub name: String,
    pub slug: String,
    pub kind: ProviderKind,
}

/// Who an account is at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    pub id: IdentityId,
    /// The provider's name and slug.
    pub provider: String,
    pub slug: String,
    /// What people call them there.
    pub label: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// One step of trying a provider out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProbeStep {
    /// What was tried, as a heading.
    pub name: String,
    pub ok: bool,
    /// What was found, or what went wrong and what to do.
    pub message: String,
}

/// What came of trying a provider out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProbeReport {
    pub ok: bool,
    pub steps: Vec<ProbeStep>,
}

/// What came of a round trip to a provider, by which nobody was signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walked {
    /// Its name.
    pub provider: String,
    pub report: ProbeReport,
}

/// How people may sign in at this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInPolicy {
    /// Whether names and passwords are taken.
    pub passwords: bool,
    /// Whether requests of the API may bring a name and a password (HTTP Basic); never those of an account with a second factor.
    #[serde(default)]
    pub basic: bool,
}
