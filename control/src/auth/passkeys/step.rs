//! A passkey as the second step, after a password or a provider.

use super::{
    answers::{ask, check},
    challenges::{self, Purpose},
    org_of,
    party::Party,
    read, refused, rows,
};
use crate::{
    Control,
    auth::{Client, NewSession, attempts::Attempt, second_factor, sign_in},
    error::{Error, Result},
};
use diesel_async::AsyncConnection;
use domain::passkeys::{Challenge, StepWays};
use serde_json::json;
use webauthn_rs::prelude::PublicKeyCredential;

/// What the account of a second step can answer with, or nothing when there is no such step any more. `party` is that of the
/// page, where passkeys work at all.
///
/// # Errors
/// When the database does not answer.
pub async fn step_ways(control: &Control, party: Option<&Party>, step: &str) -> Result<Option<StepWays>> {
    let mut conn = control.db().conn().await?;
    let user = match second_factor::pending(&mut conn, step).await {
        Ok(pending) => pending.user,
        Err(Error::Problem(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let keys = rows::of_user(&mut conn, user, None).await?;
    let passkeys = party.is_some_and(|party| keys.iter().any(|key| key.host == party.host()));
    Ok(Some(StepWays {
        app: second_factor::has_app(&mut conn, user).await?,
        passkeys,
        elsewhere: keys.into_iter().next().filter(|_| !passkeys).map(|key| key.host),
    }))
}

/// Begins to answer the second step with one of the account's passkeys.
///
/// # Errors
/// 401 `sign_in_again` when the five minutes are over; 409 `no_passkey_here`.
pub async fn begin_passkey_step(control: &Control, party: &Party, step: &str) -> Result<Challenge> {
    let mut conn = control.db().conn().await?;
    let user = second_factor::pending(&mut conn, step).await?.user;
    ask(&mut conn, party, Purpose::Step, Some(user)).await
}

/// Completes a sign-in with one of the account's passkeys.
///
/// # Errors
/// 401 `sign_in_again`; 403 `passkey_refused`, `passkey_copied` or `no_organisation`; 409 `passkey_too_late`; 422
/// `passkey_unreadable`; 429 after too many tries.
pub async fn complete_step_with_passkey(
    control: &Control,
    party: &Party,
    step: &str,
    token: &str,
    answer: &str,
    client: &Client,
) -> Result<NewSession> {
    let mut conn = control.db().conn().await?;
    let pending = second_factor::pending(&mut conn, step).await?;
    let user = pending.user;
    drop(conn);
    let attempt = Attempt::of_code(&user.to_string());
    attempt.begin(control).await?;
    let answer: PublicKeyCredential = read(answer)?;
    let mut conn = control.db().conn().await?;
    let state = challenges::take(&mut conn, Purpose::Step, Some(user), token).await?;
    let done = conn
        .transaction::<_, Error, _>(async |conn| {
            Ok(match check(conn, party, Some(user), &answer, state).await? {
                Ok(key) => {
                    attempt.succeeded(conn).await?;
                    let how = json!({ "second_factor": "passkey", "passkey": key.name });
                    Ok(second_factor::complete(control, conn, &pending, how, client).await?)
                }
                Err(refusal) => Err(refusal),
            })
        })
        .await?;
    match done {
        Ok(session) => Ok(session),
        Err(refusal) => {
            let org = org_of(&mut conn, Some(user)).await?;
            Err(refused(&mut conn, &sign_in::stranger(org, client), &refusal)
                .await?
                .into())
        }
    }
}
