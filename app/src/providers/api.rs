//! Server functions about the ways to sign in.

use crate::error::AppError;
use domain::{
    ids::ProviderId,
    people::Org,
    providers::{ProbeReport, Provider, ProviderDraft, SignInPolicy, Walked},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    pub providers: Vec<Provider>,
    pub policy: SignInPolicy,
    /// The organisations in which roles may be given by the form: one's own.
    pub orgs: Vec<Org>,
    /// The address under which this browser knows the server; callbacks begin with it.
    pub origin: String,
}

#[server(endpoint = "providers/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list() -> Result<Ways, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(Ways {
        providers: control::providers::list(&control, &actor).await?.items,
        policy: control::providers::sign_in_policy(&control).await?,
        orgs: control::people::list_orgs(&control, &actor).await?.items,
        origin: use_context::<crate::context::Origin>()
            .map(|origin| origin.0)
            .unwrap_or_default(),
    })
}

#[server(endpoint = "providers/create", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create(draft: ProviderDraft) -> Result<Provider, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::create(&control, &actor, draft).await?)
}

#[server(endpoint = "providers/update", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn update(id: ProviderId, draft: ProviderDraft) -> Result<Provider, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::update(&control, &actor, id, draft).await?)
}

#[server(endpoint = "providers/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete(id: ProviderId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::delete(&control, &actor, id).await?)
}

/// Tries a draft out; `id` is the provider that is edited, whose secret counts when the draft has none.
#[server(endpoint = "providers/test", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn test(draft: ProviderDraft, id: Option<ProviderId>) -> Result<ProbeReport, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::probe(&control, &actor, draft, id).await?)
}

#[server(endpoint = "providers/set-policy", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn set_policy(policy: SignInPolicy) -> Result<SignInPolicy, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::set_sign_in_policy(&control, &actor, policy).await?)
}

/// Begins a round trip to a provider, by which nobody is signed in. Gives the address there that the browser goes to; it comes
/// back to this page.
#[server(endpoint = "providers/walk", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn walk(slug: String) -> Result<String, AppError> {
    use crate::context::FlowCookie;
    use control::providers::{Begin, FLOW_LASTS, Purpose};
    use secrecy::ExposeSecret;
    let (control, actor) = crate::context::signed_in()?;
    let origin = crate::context::origin()?;
    let begun = control::providers::begin(
        &control,
        Begin {
            slug: &slug,
            redirect_uri: format!("{origin}/auth/{slug}/callback"),
            next: format!("/settings/sign-in?tested={slug}"),
            purpose: Purpose::Test(actor),
            client: &crate::context::client(),
        },
    )
    .await?;
    FlowCookie::put(begun.browser.expose_secret(), FLOW_LASTS);
    Ok(begun.url.to_string())
}

/// What came of the last round trip of this session.
#[server(endpoint = "providers/walked", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn last_walk() -> Result<Option<Walked>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::walked(&control, &actor).await?)
}
