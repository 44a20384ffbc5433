//! Server functions about what is one's own: password, sessions, API keys.

use crate::error::AppError;
use domain::{
    ids::{ApiKeyId, IdentityId, SessionId},
    people::{ApiKey, CreatedApiKey, NewApiKey, SecondFactor, SecondFactorSetup, Session},
    providers::Identity,
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// Changes the password. Every session ends but the one that asks, which gets a new cookie.
#[server(endpoint = "auth/change-password", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn change_password(current: String, password: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let client = crate::context::client();
    let session =
        control::auth::change_password(&control, &actor, current.into(), password.into(), &client).await?;
    if let Some(session) = session {
        crate::context::put_session(&session);
    }
    Ok(())
}

/// Gives an account that has none its first password. Every session ends but the one that asks, which gets a new cookie.
#[server(endpoint = "auth/set-password", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn set_password(password: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let client = crate::context::client();
    if let Some(session) =
        control::auth::set_first_password(&control, &actor, password.into(), &client).await?
    {
        crate::context::put_session(&session);
    }
    Ok(())
}

#[server(endpoint = "auth/sessions", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn sessions() -> Result<Vec<Session>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::list_sessions(&control, &actor).await?)
}

#[server(endpoint = "auth/end-session", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn end_session(id: SessionId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::end_session(&control, &actor, id).await?)
}

#[server(endpoint = "auth/end-others", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn end_others() -> Result<u64, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::end_other_sessions(&control, &actor).await?)
}

#[server(endpoint = "auth/second-factor", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn my_second_factor() -> Result<SecondFactor, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::second_factor(&control, &actor).await?)
}

#[server(endpoint = "auth/begin-second-factor", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn begin_second_factor() -> Result<SecondFactorSetup, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::begin_second_factor(&control, &actor).await?)
}

/// Turns the second factor on, and gives the recovery codes.
#[server(endpoint = "auth/confirm-second-factor", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn confirm_second_factor(code: String) -> Result<Vec<String>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let client = crate::context::client();
    let (codes, session) = control::auth::confirm_second_factor(&control, &actor, &code, &client).await?;
    if let Some(session) = session {
        crate::context::put_session(&session);
    }
    Ok(codes)
}

#[server(endpoint = "auth/end-second-factor", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn end_second_factor(password: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::end_second_factor(&control, &actor, password.into()).await?)
}

#[server(endpoint = "auth/keys", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn keys() -> Result<Vec<ApiKey>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::api_keys::list(&control, &actor).await?)
}

#[server(endpoint = "auth/create-key", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create_key(new: NewApiKey) -> Result<CreatedApiKey, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::api_keys::create_own(&control, &actor, new).await?)
}

#[server(endpoint = "auth/revoke-key", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn revoke_key(id: ApiKeyId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::api_keys::revoke(&control, &actor, id).await?)
}

#[server(endpoint = "auth/identities", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn identities() -> Result<Vec<Identity>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::list_identities(&control, &actor).await?.items)
}

/// Begins to link an account of a provider. Gives the address there that the browser goes to; it comes back to the profile.
#[server(endpoint = "auth/link", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn link(slug: String) -> Result<String, AppError> {
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
            next: format!("/settings?linked={slug}"),
            purpose: Purpose::Link(actor),
            client: &crate::context::client(),
        },
    )
    .await?;
    FlowCookie::put(begun.browser.expose_secret(), FLOW_LASTS);
    Ok(begun.url.to_string())
}

#[server(endpoint = "auth/unlink", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn unlink(id: IdentityId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::providers::unlink(&control, &actor, id).await?)
}
