//! What well-known providers need, so that only the client's id and secret are left to fill in.

use super::ProviderKind;

/// A beginning for the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// How the form's list calls it.
    pub name: &'static str,
    pub kind: ProviderKind,
    /// In braces what is to be filled in.
    pub issuer: &'static str,
    pub scopes: &'static [&'static str],
    pub role_claim: Option<&'static str>,
    /// What to know of it, in a sentence or two.
    pub hint: &'static str,
}

/// All of them, the general one last.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "Google",
        kind: ProviderKind::Oidc,
        issuer: "https://accounts.google.com",
        scopes: &["email", "profile"],
        role_claim: Some("hd"),
        hint: "Make an OAuth client of the kind \"Web application\". The claim hd holds the domain of a Workspace account; \
               Google sends no groups.",
    },
    Preset {
        name: "Microsoft",
        kind: ProviderKind::Oidc,
        issuer: "https://login.microsoftonline.com/{tenant}/v2.0",
        scopes: &["email", "profile"],
        role_claim: Some("roles"),
        hint: "Put your tenant's id into the issuer; \"common\" does not work. Microsoft never says that an e-mail address is \
               verified, so allow no domains here and link accounts in the profile.",
    },
    Preset {
        name: "Keycloak",
        kind: ProviderKind::Oidc,
        issuer: "https://{host}/realms/{realm}",
        scopes: &["email", "profile"],
        role_claim: Some("groups"),
        hint: "Turn \"Client authentication\" on. For groups, add the mapper \"Group Membership\" with the claim groups and \
               without the full path.",
    },
    Preset {
        name: "Authentik",
        kind: ProviderKind::Oidc,
        issuer: "https://{host}/application/o/{application}/",
        scopes: &["email", "profile"],
        role_claim: Some("groups"),
        hint: "The issuer ends with a slash. Groups come with the scope profile.",
    },
    Preset {
        name: "GitLab",
        kind: ProviderKind::Oidc,
        issuer: "https://gitlab.com",
        scopes: &["email", "profile"],
        role_claim: Some("groups_direct"),
        hint: "For a GitLab of your own, write its address as the issuer. Values are the paths of groups.",
    },
    Preset {
        name: "GitHub",
        kind: ProviderKind::Github,
        issuer: "https://github.com",
        scopes: &["read:user", "user:email", "read:org"],
        role_claim: None,
        hint: "Make an OAuth app. Values are organisations, or teams as organisation/team. For GitHub Enterprise, write its \
               address as the issuer.",
    },
    Preset {
        name: "Another provider",
        kind: ProviderKind::Oidc,
        issuer: "",
        scopes: &["email", "profile"],
        role_claim: Some("groups"),
        hint: "Any provider with OpenID Connect discovery.",
    },
];
