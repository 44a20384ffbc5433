//! `CHRONTAINER_OIDC_…`: one provider to sign in with, as the environment says.

use super::{paths, reader::Reader};
use control::providers::FromEnvironment;
use domain::{
    auth::Role,
    providers::{ProviderDraft, ProviderKind},
};
use std::{io, path::PathBuf};

/// A provider, but for its secret, which is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    pub draft: ProviderDraft,
    pub secret_file: Option<PathBuf>,
    /// Value, role, and the organisation by its name.
    pub roles: Vec<(String, Role, Option<String>)>,
}

impl ProviderSettings {
    /// With the secret.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn load(&self) -> io::Result<FromEnvironment> {
        let mut draft = self.draft.clone();
        if let Some(file) = &self.secret_file {
            // Editors end a file with a line end that is no part of the secret.
            let text = std::fs::read_to_string(file)?;
            draft.client_secret = Some(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        Ok(FromEnvironment {
            draft,
            roles: self.roles.clone(),
        })
    }
}

pub(super) fn read(reader: &mut Reader) -> Option<ProviderSettings> {
    let text = |text: &str| Ok(text.to_owned());
    let list = |text: &str| Ok(vec![text.to_owned()]);
    let kind = reader.value("OIDC_KIND", |text| text.parse::<ProviderKind>().map_err(end));
    let issuer = reader.value("OIDC_ISSUER", text);
    let client_id = reader.value("OIDC_CLIENT_ID", text);
    let secret_file = reader.value("OIDC_CLIENT_SECRET_FILE", paths::directory);
    let roles = reader.value("OIDC_ROLES", roles);
    let draft = ProviderDraft {
        kind: kind.unwrap_or_default(),
        name: reader
            .value("OIDC_NAME", text)
            .unwrap_or_else(|| "Single sign-on".to_owned()),
        slug: reader.value("OIDC_SLUG", text),
        issuer: issuer.clone().unwrap_or_default(),
        api_url: reader.value("OIDC_API_URL", text),
        client_id: client_id.clone().unwrap_or_default(),
        client_secret: None,
        scopes: reader.value("OIDC_SCOPES", list).unwrap_or_default(),
        domains: reader.value("OIDC_DOMAINS", list).unwrap_or_default(),
        sign_up: reader
            .value("OIDC_SIGN_UP", |text| text.parse().map_err(end))
            .unwrap_or_default(),
        link_by_email: reader.value("OIDC_LINK_BY_EMAIL", yes_or_no).unwrap_or_default(),
        role_claim: reader.value("OIDC_ROLE_CLAIM", text),
        ..ProviderDraft::default()
    };
    let github = draft.kind == ProviderKind::Github;
    match (issuer.is_some() || github, client_id.is_some()) {
        (false, false) => {
            let rest = secret_file.is_some() || roles.is_some() || kind.is_some();
            if rest {
                reader.problem(
                    "CHRONTAINER_OIDC_ variables are set without CHRONTAINER_OIDC_ISSUER and CHRONTAINER_OIDC_CLIENT_ID: set both, \
                     or none of them.",
                );
            }
            None
        }
        (true, true) => match draft.clone().checked() {
            Ok(_) => Some(ProviderSettings {
                draft,
                secret_file,
                roles: roles.unwrap_or_default(),
            }),
            Err(problem) => {
                reader.problem(format!(
                    "The CHRONTAINER_OIDC_ variables cannot be used: {}",
                    problem.message
                ));
                None
            }
        },
        (true, false) => {
            reader.problem(
                "CHRONTAINER_OIDC_ISSUER is set without CHRONTAINER_OIDC_CLIENT_ID: register this server at the provider, and set \
                 the id that it gives.",
            );
            None
        }
        (false, true) => {
            reader.problem(
                "CHRONTAINER_OIDC_CLIENT_ID is set without CHRONTAINER_OIDC_ISSUER: set the provider's issuer too.",
            );
            None
        }
    }
}

/// Every error of a setting is shown without a full stop at its end.
fn end(sentence: String) -> String {
    sentence.trim_end_matches('.').to_owned()
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

/// `ops=admin; cn=media,dc=lan=operator@Family; *=viewer`: a value may hold equals signs and commas itself.
fn roles(text: &str) -> Result<Vec<(String, Role, Option<String>)>, String> {
    text.split(';')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let wrong = || {
                format!("`{line}` is no role; write values with roles, such as ops=admin; media=operator@Family; *=viewer")
            };
            let (value, rest) = line.rsplit_once('=').ok_or_else(wrong)?;
            let (role, org) = match rest.split_once('@') {
                Some((role, org)) => (role, Some(org.trim().to_owned())),
                None => (rest, None),
            };
            let role = role.trim().parse::<Role>().map_err(end)?;
            let value = value.trim();
            if value.is_empty() {
                return Err(wrong());
            }
            Ok((value.to_owned(), role, org))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_from_the_right() {
        let read = roles("ops=admin; cn=media,dc=lan = operator@My Family ;*=viewer;").unwrap();
        let line = |value: &str, role, org: Option<&str>| (value.to_owned(), role, org.map(str::to_owned));
        assert_eq!(
            read,
            [
                line("ops", Role::Admin, None),
                line("cn=media,dc=lan", Role::Operator, Some("My Family")),
                line("*", Role::Viewer, None),
            ]
        );
        for wrong in ["ops", "=admin", "ops=king"] {
            assert!(roles(wrong).is_err(), "{wrong}");
        }
    }
}
