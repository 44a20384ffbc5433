//! GitHub: OAuth 2 with PKCE, and what its REST API says of the person.

use super::{
    openid::Once,
    outgoing,
    person::{self, Person, refused},
    rows::Stored,
    service::github_addresses,
};
use crate::Control;
use domain::{errors::Problem, providers::EVERYBODY};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _, TokenUrl,
    basic::BasicClient,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

/// How many pages of organisations and of teams are read, of 100 each.
const PAGES: usize = 5;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(control: &Control, stored: &Stored, redirect_uri: &str) -> Result<Client, Problem> {
    let wrong = |_| refused("provider_misconfigured");
    let (pages, _) = github_addresses(&stored.provider.issuer, stored.provider.api_url.as_deref())?;
    let secret = stored.secret(control).map_err(|why| {
        tracing::error!(provider.slug = stored.provider.slug, "{why}");
        refused("provider_misconfigured")
    })?;
    let secret = secret.ok_or_else(|| refused("provider_misconfigured"))?;
    let at = |path: &str| format!("{pages}login/oauth/{path}");
    Ok(BasicClient::new(ClientId::new(stored.provider.client_id.clone()))
        .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        .set_auth_uri(AuthUrl::new(at("authorize")).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(at("access_token")).map_err(wrong)?)
        .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned()).map_err(wrong)?)
        // GitHub reads them from the body.
        .set_auth_type(oauth2::AuthType::RequestBody))
}

/// Whether organisations and teams matter.
fn asks_for_teams(stored: &Stored) -> bool {
    stored
        .provider
        .mappings
        .iter()
        .any(|mapping| mapping.value != EVERYBODY)
}

/// Where the browser goes to sign in.
///
/// # Errors
/// 503 `provider_misconfigured`.
pub(super) fn authorize(control: &Control, stored: &Stored, once: Once) -> Result<Url, Problem> {
    let client = client(control, stored, &once.redirect_uri)?;
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(once.verifier));
    let state = once.state;
    let mut request = client
        .authorize_url(move || CsrfToken::new(state))
        .set_pkce_challenge(challenge);
    let mut scopes = stored.provider.scopes.clone();
    if scopes.is_empty() {
        scopes = vec!["read:user".to_owned(), "user:email".to_owned()];
        if asks_for_teams(stored) {
            scopes.push("read:org".to_owned());
        }
    }
    for scope in scopes {
        request = request.add_scope(Scope::new(scope));
    }
    Ok(request.url().0)
}

/// Takes the code to GitHub and asks who it is.
///
/// # Errors
/// 503 `provider_unreachable`, `provider_misconfigured`; 401 `code_refused`, `token_invalid`.
pub(super) async fn complete(
    control: &Control,
    stored: &Stored,
    once: Once,
    code: String,
) -> Result<Person, Problem> {
    let slug = &stored.provider.slug;
    let (_, api) = github_addresses(&stored.provider.issuer, stored.provider.api_url.as_deref())?;
    let answer = client(control, stored, &once.redirect_uri)?
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(once.verifier))
        .request_async(&outgoing::send)
        .await
        .map_err(|error| {
            let (code, why) = match &error {
                RequestTokenError::Request(why) => ("provider_unreachable", why.to_string()),
                // GitHub says no with a status of 200 and an object that is no token.
                _ => (
                    "code_refused",
                    "it did not take the code, or does not know this client".to_owned(),
                ),
            };
            tracing::warn!(
                provider.slug = slug,
                code,
                error = why,
                "a provider did not confirm a sign-in"
            );
            refused(code)
        })?;
    let token = answer.access_token().secret();
    let read = async |path: String| {
        let url = api.join(&path).map_err(|_| refused("provider_misconfigured"))?;
        outgoing::get_json(url.as_str(), token).await.map_err(|error| {
            tracing::warn!(provider.slug = slug, error = %error, "GitHub's API cannot be read");
            refused("provider_unreachable")
        })
    };
    let user = read("user".to_owned()).await?;
    let emails = read("user/emails?per_page=100".to_owned()).await?;
    let mut values = Vec::new();
    if asks_for_teams(stored) {
        for (list, value_of) in [("orgs", org as fn(&Value) -> Option<String>), ("teams", team)] {
            for page in 1..=PAGES {
                let items = read(format!("user/{list}?per_page=100&page={page}")).await?;
                let items = items.as_array().cloned().unwrap_or_default();
                values.extend(items.iter().filter_map(value_of));
                if items.len() < 100 {
                    break;
                }
            }
        }
    }
    person(&user, &emails, values)
}

fn org(org: &Value) -> Option<String> {
    person::text(org, "login")
}

fn team(team: &Value) -> Option<String> {
    let org = person::text(team.get("organization")?, "login")?;
    Some(format!("{org}/{}", person::text(team, "slug")?))
}

fn person(user: &Value, emails: &Value, values: Vec<String>) -> Result<Person, Problem> {
    // Logins are given to others once they are free; the number stays.
    let subject = user
        .get("id")
        .and_then(Value::as_u64)
        .ok_or_else(|| refused("token_invalid"))?;
    let login = person::text(user, "login").ok_or_else(|| refused("token_invalid"))?;
    let is = |email: &Value, name: &str| email.get(name).and_then(Value::as_bool).unwrap_or_default();
    let mut verified: Vec<&Value> = emails
        .as_array()
        .into_iter()
        .flatten()
        .filter(|email| is(email, "verified"))
        .collect();
    verified.sort_by_key(|email| !is(email, "primary"));
    Ok(Person {
        subject: subject.to_string(),
        name: person::account_name(&login),
        label: login,
        emails: verified
            .into_iter()
            .filter_map(|email| person::text(email, "email"))
            .collect(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_is_their_number_and_their_verified_addresses() {
        let emails = json!([
            { "email": "old@example.org", "verified": true, "primary": false },
            { "email": "ada@example.org", "verified": true, "primary": true },
            { "email": "boss@example.org", "verified": false, "primary": false },
        ]);
        let ada = person(&json!({ "id": 7, "login": "ada" }), &emails, Vec::new()).unwrap();
        assert_eq!((ada.subject.as_str(), ada.label.as_str()), ("7", "ada"));
        assert_eq!(ada.emails, ["ada@example.org", "old@example.org"]);
        assert_eq!(
            person(&json!({ "login": "ada" }), &emails, Vec::new())
                .unwrap_err()
                .code,
            "token_invalid"
        );
    }

    #[test]
    fn a_team_is_named_with_its_organisation() {
        let found = team(&json!({ "slug": "ops", "organization": { "login": "acme" } }));
        assert_eq!(found.as_deref(), Some("acme/ops"));
        assert_eq!(team(&json!({ "slug": "ops" })), None);
    }
}
