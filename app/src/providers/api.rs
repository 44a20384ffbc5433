//! Server functions about the ways to sign in.

use crate::error::AppError;
use domain::{
    ids::ProviderId,
    people::Org,
    providers::{ProbeReport, Provider, ProviderDraft, SignInPolicy},
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

#[server(endpoint = "providers/set-policy", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn set_policy(passwords: bool) -> Result<SignInPolicy, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let policy = SignInPolicy { passwords };
    Ok(control::providers::set_sign_in_policy(&control, &actor, policy).await?)
}
