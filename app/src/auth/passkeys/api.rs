//! Server functions about passkeys, and about showing again that a session is one's own.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use control::auth::passkeys::Party;
use domain::{
    ids::PasskeyId,
    passkeys::{Challenge, Passkeys, ProofWays, StepWays},
};
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// Begins a sign-in with whichever passkey the device finds.
#[server(endpoint = "auth/begin-passkey-sign-in", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn begin_sign_in() -> Result<Challenge, AppError> {
    let control = crate::context::control()?;
    Ok(control::auth::passkeys::begin_passkey_sign_in(&control, &party()?).await?)
}

/// Signs in with a passkey and goes to `next`.
#[server(endpoint = "auth/passkey-sign-in", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn sign_in(token: String, answer: String, next: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let session =
        control::auth::passkeys::sign_in_with_passkey(&control, &party()?, &token, &answer, &client).await?;
    crate::context::begin_session(&control, &session).await?;
    leptos_axum::redirect(crate::auth::own_path(Some(&next)));
    Ok(())
}

/// What the sign-in that waits for its second step can go on with; nothing when it does not wait any more.
#[server(endpoint = "auth/step", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn step() -> Result<Option<StepWays>, AppError> {
    let control = crate::context::control()?;
    let step = crate::context::cookie_token();
    // No passkeys at this address are no error here, and must not become the answer's status.
    let party = Party::at(&crate::context::origin()?).ok();
    Ok(control::auth::passkeys::step_ways(&control, party.as_ref(), &step).await?)
}

/// Begins to answer the second step with a passkey.
#[server(endpoint = "auth/begin-passkey-step", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn begin_step() -> Result<Challenge, AppError> {
    let control = crate::context::control()?;
    let step = crate::context::cookie_token();
    Ok(control::auth::passkeys::begin_passkey_step(&control, &party()?, &step).await?)
}

/// Completes a sign-in with a passkey as its second step, and goes to `next`.
#[server(endpoint = "auth/passkey-step", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn complete_step(token: String, answer: String, next: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let step = crate::context::cookie_token();
    let party = party()?;
    let session = control::auth::passkeys::complete_step_with_passkey(
        &control, &party, &step, &token, &answer, &client,
    )
    .await?;
    crate::context::put_session(&session);
    leptos_axum::redirect(crate::auth::own_path(Some(&next)));
    Ok(())
}

/// One's own passkeys, and whether the page's address can have any.
#[server(endpoint = "auth/passkeys", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list() -> Result<Passkeys, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(Passkeys {
        items: control::auth::passkeys::list_passkeys(&control, &actor).await?,
        place: Party::place(&crate::context::origin()?),
        recovery_codes_left: control::auth::second_factor(&control, &actor)
            .await?
            .recovery_codes_left,
    })
}

/// Begins to make a passkey.
#[server(endpoint = "auth/begin-passkey", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn begin() -> Result<Challenge, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::passkeys::begin_passkey(&control, &actor, &party()?).await?)
}

/// Keeps a new passkey. The first one brings recovery codes, and a new cookie.
#[server(endpoint = "auth/finish-passkey", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn finish(token: String, answer: String, name: String) -> Result<Vec<String>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let (party, client) = (party()?, crate::context::client());
    let made =
        control::auth::passkeys::finish_passkey(&control, &actor, &party, &token, &answer, &name, &client)
            .await?;
    if let Some(session) = made.session {
        crate::context::put_session(&session);
    }
    Ok(made.recovery_codes)
}

#[server(endpoint = "auth/rename-passkey", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn rename(id: PasskeyId, name: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::passkeys::rename_passkey(&control, &actor, id, &name).await?)
}

#[server(endpoint = "auth/remove-passkey", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn remove(id: PasskeyId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::passkeys::remove_passkey(&control, &actor, id).await?)
}

/// How one can show again that the session is one's own.
#[server(endpoint = "auth/proof", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn proof() -> Result<ProofWays, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::proof_ways(&control, &actor).await?)
}

#[server(endpoint = "auth/prove", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn prove(password: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::prove_with_password(&control, &actor, password.into()).await?)
}

#[server(endpoint = "auth/begin-proof", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn begin_proof() -> Result<Challenge, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::passkeys::begin_proof(&control, &actor, &party()?).await?)
}

#[server(endpoint = "auth/prove-passkey", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn prove_passkey(token: String, answer: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::passkeys::prove_with_passkey(&control, &actor, &party()?, &token, &answer).await?)
}

/// Whom passkeys are made for at the address of this request.
#[cfg(feature = "ssr")]
fn party() -> Result<Party, AppError> {
    Ok(Party::at(&crate::context::origin()?)?)
}
