//! What OpenID providers say of themselves: addresses and keys, found by the issuer and kept for a while.

use super::{outgoing, person::refused};
use crate::Control;
use domain::{errors::Problem, ids::ProviderId, providers::Provider};
use openidconnect::{DiscoveryError, IssuerUrl, core::CoreProviderMetadata};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long it counts. Keys that are new meanwhile are asked for when a token names one.
const KEPT: Duration = Duration::from_secs(300);

/// What providers said lately, on this server.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<ProviderId, (i32, Instant, Arc<CoreProviderMetadata>)>>);

/// What one provider said, and whether it was just now.
pub(super) struct Found {
    pub metadata: Arc<CoreProviderMetadata>,
    pub is_fresh: bool,
}

/// What a provider says of itself; `anew` asks it although it said something lately.
///
/// # Errors
/// 503 `provider_unreachable`, `provider_misconfigured`.
pub(super) async fn discover(control: &Control, provider: &Provider, anew: bool) -> Result<Found, Problem> {
    let kept = control.providers().0.lock().get(&provider.id).cloned();
    if let Some((version, at, metadata)) = kept
        && !anew
        && version == provider.version
        && at.elapsed() < KEPT
    {
        return Ok(Found {
            metadata,
            is_fresh: false,
        });
    }
    let metadata = Arc::new(ask(&provider.issuer).await.map_err(|wrong| {
        tracing::warn!(provider.slug = provider.slug, error = %wrong.message, "a sign-in provider cannot be used");
        refused(wrong.code)
    })?);
    let kept = (provider.version, Instant::now(), metadata.clone());
    control.providers().0.lock().insert(provider.id, kept);
    Ok(Found {
        metadata,
        is_fresh: true,
    })
}

/// Why a provider cannot be used, for a server administrator.
pub(super) struct Wrong {
    pub code: &'static str,
    pub message: String,
}

/// Asks an issuer (OpenID Connect Discovery 1.0, section 4) and reads its keys.
pub(super) async fn ask(issuer: &str) -> Result<CoreProviderMetadata, Wrong> {
    // It may repeat what the other side wrote, at any length.
    let broken = |message: String| Wrong {
        code: "provider_misconfigured",
        message: message.chars().take(500).collect(),
    };
    let url = IssuerUrl::new(issuer.to_owned())
        .map_err(|error| broken(format!("The issuer cannot be read: {error}.")))?;
    let found = CoreProviderMetadata::discover_async(url, &outgoing::send)
        .await
        .map_err(|error| match error {
            DiscoveryError::Request(outgoing::Unreachable(message)) => Wrong {
                code: "provider_unreachable",
                message,
            },
            DiscoveryError::Response(status, _, _) if status != http::StatusCode::OK => broken(format!(
                "The issuer's document or its keys were answered with {status}. Check the issuer: what follows it is \
                 /.well-known/openid-configuration."
            )),
            DiscoveryError::Response(..) => broken("The issuer's answer is no JSON.".to_owned()),
            DiscoveryError::Parse(error) => broken(format!("The issuer's document cannot be read: {error}.")),
            DiscoveryError::Validation(message) => broken(format!(
                "The issuer calls itself otherwise: {message}. Write it exactly as it does."
            )),
            other => broken(format!("{other}.")),
        })?;
    let secure = |url: &url::Url| url.scheme() == "https";
    let addresses = [
        Some(found.authorization_endpoint().url()),
        found.token_endpoint().map(|endpoint| endpoint.url()),
        Some(found.jwks_uri().url()),
        found.userinfo_endpoint().map(|endpoint| endpoint.url()),
    ];
    if secure(found.issuer().url()) && !addresses.iter().flatten().all(|url| secure(url)) {
        return Err(broken(
            "The issuer is reached by https, and one of its addresses is not, so nothing of it would be safe.".to_owned(),
        ));
    }
    if found.token_endpoint().is_none() {
        return Err(broken(
            "The issuer names no token endpoint, so it cannot be used by a server.".to_owned(),
        ));
    }
    Ok(found)
}
