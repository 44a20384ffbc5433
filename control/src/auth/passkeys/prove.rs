//! Showing again, with a passkey, that a session is one's own.

use super::{
    answers::{ask, check},
    challenges::{self, Purpose},
    party::Party,
    read, refused,
};
use crate::{
    Control,
    auth::{attempts::Attempt, proof, second_factor::own},
    error::{Error, Result},
};
use diesel_async::AsyncConnection;
use domain::{auth::Actor, passkeys::Challenge};
use webauthn_rs::prelude::PublicKeyCredential;

/// Begins it.
///
/// # Errors
/// 403 `session_needed`; 409 `no_passkey_here`.
pub async fn begin_proof(control: &Control, actor: &Actor, party: &Party) -> Result<Challenge> {
    let user = own(actor)?;
    let mut conn = control.db().conn().await?;
    ask(&mut conn, party, Purpose::Prove, Some(user)).await
}

/// Shows it.
///
/// # Errors
/// 403 `session_needed`, `passkey_refused` or `passkey_copied`; 409 `passkey_too_late`; 422 `passkey_unreadable`; 429 after too
/// many tries.
pub async fn prove_with_passkey(
    control: &Control,
    actor: &Actor,
    party: &Party,
    token: &str,
    answer: &str,
) -> Result<()> {
    let user = own(actor)?;
    let attempt = Attempt::of_code(&user.to_string());
    attempt.begin(control).await?;
    let answer: PublicKeyCredential = read(answer)?;
    let mut conn = control.db().conn().await?;
    let state = challenges::take(&mut conn, Purpose::Prove, Some(user), token).await?;
    let refusal = conn
        .transaction::<_, Error, _>(async |conn| {
            Ok(match check(conn, party, Some(user), &answer, state).await? {
                Ok(_) => {
                    attempt.succeeded(conn).await?;
                    proof::note(conn, actor).await?;
                    None
                }
                Err(refusal) => Some(refusal),
            })
        })
        .await?;
    match refusal {
        None => Ok(()),
        Some(refusal) => Err(refused(&mut conn, actor, &refusal).await?.into()),
    }
}
