//! OpenID Connect: the authorisation code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).

use super::{
    discover::{self, Found},
    outgoing,
    person::{self, Person, refused},
    rows::Stored,
};
use crate::Control;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{Duration, Utc};
use domain::{
    errors::Problem,
    providers::{EVERYBODY, claim_values},
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken,
        CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Alg, CoreProviderMetadata,
    },
};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

/// How far the clocks of the two may differ.
const SKEW: i64 = 60;

/// What belongs to one sign-in alone.
pub(super) struct Once {
    pub redirect_uri: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

fn client(
    control: &Control,
    stored: &Stored,
    found: &CoreProviderMetadata,
    redirect_uri: &str,
) -> Result<Client, Problem> {
    let secret = stored.secret(control).map_err(|why| {
        tracing::error!(provider.slug = stored.provider.slug, "{why}");
        refused("provider_misconfigured")
    })?;
    let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let redirect =
        RedirectUrl::new(redirect_uri.to_owned()).map_err(|_| refused("provider_misconfigured"))?;
    let client = CoreClient::from_provider_metadata(
        found.clone(),
        ClientId::new(stored.provider.client_id.clone()),
        secret,
    )
    .set_redirect_uri(redirect);
    // Without a word of the provider it is Basic (OpenID Connect Discovery 1.0, section 3).
    let in_body = found
        .token_endpoint_auth_methods_supported()
        .is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
    Ok(if in_body {
        client.set_auth_type(AuthType::RequestBody)
    } else {
        client
    })
}

/// Where the browser goes to sign in.
///
/// # Errors
/// 503 `provider_unreachable`, `provider_misconfigured`.
pub(super) async fn authorize(control: &Control, stored: &Stored, once: Once) -> Result<Url, Problem> {
    let found = discover::discover(control, &stored.provider, false)
        .await?
        .metadata;
    let client = client(control, stored, &found, &once.redirect_uri)?;
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(once.verifier));
    let (state, nonce) = (once.state, once.nonce);
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_pkce_challenge(challenge);
    let usual = ["email".to_owned(), "profile".to_owned()];
    let scopes: &[String] = if stored.provider.scopes.is_empty() {
        &usual
    } else {
        &stored.provider.scopes
    };
    for scope in scopes.iter().filter(|scope| *scope != "openid") {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    Ok(request.url().0)
}

/// Takes the code to the provider and checks what comes back. `issuer` is what the answer in the browser said (RFC 9207).
///
/// # Errors
/// 503 `provider_unreachable`, `provider_misconfigured`; 401 `code_refused`, `token_signature`, `token_issuer`,
/// `token_audience`, `token_nonce`, `token_expired`, `token_invalid`.
pub(super) async fn complete(
    control: &Control,
    stored: &Stored,
    once: Once,
    code: String,
    issuer: Option<&str>,
) -> Result<Person, Problem> {
    let provider = &stored.provider;
    let Found { metadata, is_fresh } = discover::discover(control, provider, false).await?;
    if issuer.is_some_and(|issuer| issuer != metadata.issuer().as_str()) {
        return Err(refused("token_issuer"));
    }
    let asking = client(control, stored, &metadata, &once.redirect_uri)?;
    let answer = asking
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|_| refused("provider_misconfigured"))?
        .set_pkce_verifier(PkceCodeVerifier::new(once.verifier))
        .request_async(&outgoing::send)
        .await
        .map_err(|error| {
            let (code, why) = match &error {
                RequestTokenError::Request(why) => ("provider_unreachable", why.to_string()),
                RequestTokenError::ServerResponse(said) => match said.error() {
                    CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => (
                        "provider_misconfigured",
                        "it does not know this client or its secret".to_owned(),
                    ),
                    other => (
                        "code_refused",
                        format!(
                            "it refused the code: {}",
                            other.as_ref().chars().take(64).collect::<String>()
                        ),
                    ),
                },
                // What it said may hold tokens.
                RequestTokenError::Parse(error, _) => (
                    "token_invalid",
                    format!("its answer cannot be read at {}", error.path()),
                ),
                _ => ("token_invalid", "its answer cannot be read".to_owned()),
            };
            tracing::warn!(
                provider.slug = provider.slug,
                code,
                error = why,
                "a provider did not confirm a sign-in"
            );
            refused(code)
        })?;
    let token = answer.id_token().ok_or_else(|| refused("token_invalid"))?;
    let nonce = Nonce::new(once.nonce);
    let access = answer.access_token();
    let checked = match check(&asking, &metadata, token, &nonce, access) {
        // It may have new keys.
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))
            if !is_fresh =>
        {
            let metadata = discover::discover(control, provider, true).await?.metadata;
            let asking = client(control, stored, &metadata, &once.redirect_uri)?;
            check(&asking, &metadata, token, &nonce, access)
        }
        other => other,
    };
    checked.map_err(|error| {
        let code = code_of(&error);
        // The sentence names what was expected and found, and no token.
        tracing::warn!(provider.slug = provider.slug, code, error = %error, "a provider's token was refused");
        refused(code)
    })?;
    let mut claims = payload(token).ok_or_else(|| refused("token_invalid"))?;
    let wanted = provider
        .role_claim
        .as_deref()
        .filter(|_| provider.mappings.iter().any(|mapping| mapping.value != EVERYBODY));
    let lacks = person::text(&claims, "email").is_none()
        || wanted.is_some_and(|name| claim_values(&claims, name).is_empty());
    if let Some(endpoint) = metadata.userinfo_endpoint().filter(|_| lacks) {
        let more = outgoing::get_json(endpoint.as_str(), access.secret()).await.map_err(|error| {
            tracing::warn!(provider.slug = provider.slug, error = %error, "a provider's userinfo cannot be read");
            refused("provider_unreachable")
        })?;
        // OpenID Connect Core 1.0, section 5.3.2: it must be about the same person.
        if more.get("sub") != claims.get("sub") {
            return Err(refused("token_invalid"));
        }
        add(&mut claims, more);
    }
    Ok(person(&claims, wanted))
}

fn check(
    client: &Client,
    metadata: &CoreProviderMetadata,
    token: &CoreIdToken,
    nonce: &Nonce,
    access: &openidconnect::AccessToken,
) -> Result<(), ClaimsVerificationError> {
    // Signatures that whoever knows the public keys, or the client's secret, could make are out of the question.
    let signed = metadata
        .id_token_signing_alg_values_supported()
        .iter()
        .filter(|alg| {
            matches!(
                alg,
                Alg::RsaSsaPkcs1V15Sha256
                    | Alg::RsaSsaPkcs1V15Sha384
                    | Alg::RsaSsaPkcs1V15Sha512
                    | Alg::RsaSsaPssSha256
                    | Alg::RsaSsaPssSha384
                    | Alg::RsaSsaPssSha512
                    | Alg::EcdsaP256Sha256
                    | Alg::EcdsaP384Sha384
                    | Alg::EdDsa
            )
        })
        .cloned();
    let verifier: CoreIdTokenVerifier<'_> = client
        .id_token_verifier()
        .set_allowed_algs(signed)
        .set_time_fn(|| Utc::now() - Duration::seconds(SKEW))
        .set_issue_time_verifier_fn(|issued| {
            if issued > Utc::now() + Duration::seconds(SKEW) {
                return Err("it was issued in the future".to_owned());
            }
            Ok(())
        });
    let claims = token.claims(&verifier, nonce)?;
    if claims
        .authorized_party()
        .is_some_and(|party| party != client.client_id())
    {
        return Err(ClaimsVerificationError::InvalidAudience(
            "it was made for another client".to_owned(),
        ));
    }
    if let Some(expected) = claims.access_token_hash() {
        let signing = |error| ClaimsVerificationError::SignatureVerification(error);
        let (alg, key) = (
            token.signing_alg().map_err(signing)?,
            token.signing_key(&verifier).map_err(signing)?,
        );
        let found = AccessTokenHash::from_token(access, alg, key)
            .map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
        if found != *expected {
            return Err(ClaimsVerificationError::Other(
                "the access token beside it belongs to another".to_owned(),
            ));
        }
    }
    Ok(())
}

fn code_of(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "token_expired",
        ClaimsVerificationError::InvalidAudience(_) => "token_audience",
        ClaimsVerificationError::InvalidIssuer(_) => "token_issuer",
        ClaimsVerificationError::InvalidNonce(_) => "token_nonce",
        ClaimsVerificationError::SignatureVerification(_) => "token_signature",
        _ => "token_invalid",
    }
}

/// The claims of a token that was checked.
fn payload(token: &CoreIdToken) -> Option<Value> {
    let text = token.to_string();
    let part = text.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}

/// Adds what is not there yet.
fn add(claims: &mut Value, more: Value) {
    if let (Value::Object(claims), Value::Object(more)) = (claims, more) {
        // An address and whether it was verified are said by one of the two, never by both together.
        let has_email = claims.contains_key("email");
        if !has_email {
            claims.remove("email_verified");
        }
        for (name, value) in more {
            if !(has_email && name == "email_verified") {
                claims.entry(name).or_insert(value);
            }
        }
    }
}

fn person(claims: &Value, wanted: Option<&str>) -> Person {
    let email = person::text(claims, "email");
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(yes)) => *yes,
        // As some write it.
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    let first = |names: &[&str]| names.iter().find_map(|name| person::text(claims, name));
    let subject = person::text(claims, "sub").unwrap_or_default();
    let name =
        first(&["preferred_username", "nickname", "email", "name"]).unwrap_or_else(|| "member".to_owned());
    let label = first(&["email", "preferred_username", "name"]).unwrap_or_else(|| subject.clone());
    Person {
        name: person::account_name(&name),
        label: label.chars().take(200).collect(),
        subject,
        emails: email.filter(|_| verified).into_iter().collect(),
        values: wanted.map(|name| claim_values(claims, name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_verified_address_counts() {
        for (claims, emails) in [
            (
                json!({ "sub": "1", "email": "a@b.c", "email_verified": true }),
                vec!["a@b.c"],
            ),
            (
                json!({ "sub": "1", "email": "a@b.c", "email_verified": "true" }),
                vec!["a@b.c"],
            ),
            (
                json!({ "sub": "1", "email": "a@b.c", "email_verified": false }),
                vec![],
            ),
            (json!({ "sub": "1", "email": "a@b.c" }), vec![]),
            (json!({ "sub": "1", "email_verified": true }), vec![]),
        ] {
            assert_eq!(person(&claims, None).emails, emails, "{claims}");
        }
    }

    #[test]
    fn what_userinfo_adds_changes_nothing_that_was_signed() {
        let mut claims = json!({ "sub": "1", "email": "a@b.c", "groups": ["x"] });
        add(
            &mut claims,
            json!({ "sub": "1", "email": "boss@b.c", "email_verified": true, "groups": ["admins"], "name": "A" }),
        );
        assert_eq!(
            claims,
            json!({ "sub": "1", "email": "a@b.c", "groups": ["x"], "name": "A" })
        );
    }

    #[test]
    fn a_person_is_read_from_the_claims() {
        let claims =
            json!({ "sub": "7", "preferred_username": "ada@corp", "name": "Ada L.", "groups": ["ops"] });
        let person = person(&claims, Some("groups"));
        assert_eq!(
            (
                person.name.as_str(),
                person.label.as_str(),
                person.subject.as_str()
            ),
            ("ada", "ada@corp", "7")
        );
        assert_eq!(person.values, ["ops"]);
    }
}
