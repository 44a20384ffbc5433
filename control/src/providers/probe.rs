//! Trying a provider out, step by step, before anybody has to sign in through it.

use super::{
    discover, outgoing, rows,
    service::{self, github_addresses},
};
use crate::{Control, error::Result};
use domain::{
    auth::{Actor, Permission},
    ids::ProviderId,
    providers::{ProbeReport, ProbeStep, ProviderDraft, ProviderKind},
};
use openidconnect::{
    JsonWebKey as _,
    core::{CoreJwsSigningAlgorithm as Alg, CoreProviderMetadata},
};
use secrecy::{ExposeSecret, SecretString};

/// Tries a draft out; nothing is stored. `stored` is the provider that is edited, whose secret counts when the draft has none.
///
/// # Errors
/// 403 for all but server administrators; 404 `provider_not_found`; 422 with the field that is wrong.
pub async fn probe(
    control: &Control,
    actor: &Actor,
    draft: ProviderDraft,
    stored: Option<ProviderId>,
) -> Result<ProbeReport> {
    actor.require(Permission::ProvidersManage)?;
    let draft = service::checked(draft)?;
    let kept = match stored {
        Some(id) => {
            let mut conn = control.db().conn().await?;
            Some(service::found(rows::one(&mut conn, id, false).await?)?)
        }
        None => None,
    };
    let secret = match (&draft.client_secret, &kept) {
        (Some(given), _) => {
            Ok(Some(SecretString::from(given.clone())).filter(|secret| !secret.expose_secret().is_empty()))
        }
        (None, Some(kept)) => kept.secret(control),
        (None, None) => Ok(None),
    };
    let mut steps = match draft.kind {
        ProviderKind::Oidc => openid(&draft.issuer).await,
        ProviderKind::Github => github(&draft.issuer, draft.api_url.as_deref()).await,
    };
    steps.push(match (secret, draft.kind) {
        (Err(why), _) => bad("Client", why),
        (Ok(None), ProviderKind::Github) => bad("Client", "GitHub asks for the client's secret. Enter it."),
        (Ok(None), ProviderKind::Oidc) => good(
            "Client",
            "There is no client secret, so the provider must know this client as a public one. Sign in once to try it.",
        ),
        (Ok(Some(_)), _) => good(
            "Client",
            "The id and the secret are shown to the provider only with a sign-in: save, and choose Try signing in in the list. Nobody is signed in \
             by it.",
        ),
    });
    Ok(ProbeReport {
        ok: steps.iter().all(|step| step.ok),
        steps,
    })
}

/// Tries a stored provider out.
///
/// # Errors
/// 403 for all but server administrators; 404 `provider_not_found`.
pub async fn probe_stored(control: &Control, actor: &Actor, id: ProviderId) -> Result<ProbeReport> {
    let provider = service::get(control, actor, id).await?;
    let draft = ProviderDraft {
        kind: provider.kind,
        name: provider.name,
        slug: Some(provider.slug),
        issuer: provider.issuer,
        api_url: provider.api_url,
        client_id: provider.client_id,
        ..ProviderDraft::default()
    };
    probe(control, actor, draft, Some(id)).await
}

fn good(name: &str, message: impl Into<String>) -> ProbeStep {
    ProbeStep {
        name: name.to_owned(),
        ok: true,
        message: message.into(),
    }
}

fn bad(name: &str, message: impl Into<String>) -> ProbeStep {
    ProbeStep {
        ok: false,
        ..good(name, message)
    }
}

async fn openid(issuer: &str) -> Vec<ProbeStep> {
    let found = match discover::ask(issuer).await {
        Ok(found) => found,
        Err(wrong) => return vec![bad("Discovery", wrong.message)],
    };
    let mut steps = vec![good(
        "Discovery",
        format!("{} answers, and calls itself so.", found.issuer().as_str()),
    )];
    steps.push(if issuer.starts_with("http:") {
        good(
            "Endpoints",
            "All addresses are there. They are reached without TLS, so whoever is on the wire can sign in as anybody: use https \
             outside of a test.",
        )
    } else {
        good("Endpoints", "All addresses are there, and are reached by https.")
    });
    steps.push(keys(&found));
    let code_flow = found.response_types_supported().iter().any(|types| {
        types
            .iter()
            .any(|kind| serde_json::to_value(kind).is_ok_and(|kind| kind == "code"))
    });
    if !code_flow {
        steps.push(bad(
            "Flow",
            "The provider does not offer the authorisation code flow. Allow it for this client.",
        ));
    }
    steps
}

fn keys(found: &CoreProviderMetadata) -> ProbeStep {
    let signs = |alg: &Alg| {
        !matches!(
            alg,
            Alg::HmacSha256 | Alg::HmacSha384 | Alg::HmacSha512 | Alg::None
        )
    };
    if !found.id_token_signing_alg_values_supported().iter().any(signs) {
        return bad(
            "Keys",
            "The provider signs with a shared secret or not at all, which is not taken. Choose RS256 or ES256 there.",
        );
    }
    let count = found
        .jwks()
        .keys()
        .iter()
        .filter(|key| key.key_type() != &openidconnect::core::CoreJsonWebKeyType::Symmetric)
        .count();
    match count {
        0 => bad(
            "Keys",
            "The provider publishes no key that can be read, so nothing of it could be checked.",
        ),
        1 => good("Keys", "One key to check its signatures with."),
        more => good("Keys", format!("{more} keys to check its signatures with.")),
    }
}

async fn github(issuer: &str, api_url: Option<&str>) -> Vec<ProbeStep> {
    let addresses = github_addresses(issuer, api_url);
    let Ok((pages, api)) = addresses else {
        return vec![bad("Addresses", "The addresses cannot be read.")];
    };
    let mut steps = Vec::new();
    // The root of the API answers everybody on github.com; GitHub Enterprise may ask for a sign-in first.
    let request = http::Request::get(api.as_str())
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new());
    let answer = match request {
        Ok(request) => outgoing::send(request).await,
        Err(_) => return vec![bad("API", "The API's address cannot be read.")],
    };
    steps.push(match answer {
        Ok(answer) if answer.status().is_success() || matches!(answer.status().as_u16(), 401 | 403) => {
            good("API", format!("{api} answers."))
        }
        Ok(answer) => bad(
            "API",
            format!("{api} was answered with {}. Check the address.", answer.status()),
        ),
        Err(error) => bad("API", error.to_string()),
    });
    steps.push(good(
        "Pages",
        format!("People sign in at {pages}login/oauth/authorize."),
    ));
    steps
}
