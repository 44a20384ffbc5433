//! The other ways in: a button for each provider.

use crate::components::icon;
use domain::providers::{ProviderKind, SignInWay};
use leptos::prelude::*;

/// A link that leaves the app: the provider's page is elsewhere, and a form could not lead there by our policy.
pub(super) fn buttons(ways: Vec<SignInWay>, query: String) -> AnyView {
    ways.into_iter()
        .map(|way| {
            let href = format!("/auth/{}/start?{query}", way.slug);
            let sign = match way.kind {
                ProviderKind::Oidc => "shield-check",
                ProviderKind::Github => "git-branch",
            };
            view! { <a class="btn" href=href rel="external">{icon(sign)}{format!("Continue with {}", way.name)}</a> }
        })
        .collect_view()
        .into_any()
}

/// Percent-encodes the value of a query, on both sides alike.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
