//! Signing in with a passkey alone: the device knows whose it is.

use super::{
    answers::{ask, check},
    challenges::{self, Purpose},
    org_of,
    party::Party,
    read, refused,
};
use crate::{
    Control,
    auth::{Client, NewSession, attempts::Attempt, sign_in},
    error::{Error, Result},
};
use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::passkeys::Challenge;
use serde_json::json;
use webauthn_rs::prelude::PublicKeyCredential;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether anybody has a passkey: before that, the sign-in page offers none.
///
/// # Errors
/// When the database does not answer.
pub async fn any_passkey(control: &Control) -> Result<bool> {
    let mut conn = control.db().conn().await?;
    let any: Answer = diesel::sql_query("select exists (select 1 from passkeys) as yes")
        .get_result(&mut conn)
        .await?;
    Ok(any.yes)
}

/// Begins a sign-in of whoever's passkey answers.
///
/// # Errors
/// When the database does not answer.
pub async fn begin_passkey_sign_in(control: &Control, party: &Party) -> Result<Challenge> {
    let mut conn = control.db().conn().await?;
    ask(&mut conn, party, Purpose::SignIn, None).await
}

/// Signs in whose passkey it is. The device has checked a finger, a face or a PIN, so no second factor is asked for.
///
/// # Errors
/// 403 `passkey_refused`, `passkey_copied` or `no_organisation`; 409 `passkey_too_late`; 422 `passkey_unreadable`; 429 after
/// too many tries.
pub async fn sign_in_with_passkey(
    control: &Control,
    party: &Party,
    token: &str,
    answer: &str,
    client: &Client,
) -> Result<NewSession> {
    let attempt = Attempt::of_passkey(client.address.as_deref());
    attempt.begin(control).await?;
    let answer: PublicKeyCredential = read(answer)?;
    let mut conn = control.db().conn().await?;
    let state = challenges::take(&mut conn, Purpose::SignIn, None, token).await?;
    let done = conn
        .transaction::<_, Error, _>(async |conn| {
            Ok(match check(conn, party, None, &answer, state).await? {
                Ok(key) => {
                    attempt.succeeded(conn).await?;
                    let who = (key.user, key.user_name.as_str());
                    let how = json!({ "passkey": key.name });
                    Ok(sign_in::begin(control, conn, who, Some(how), client).await?)
                }
                Err(refusal) => Err(refusal),
            })
        })
        .await?;
    match done {
        Ok(session) => Ok(session),
        Err(refusal) => {
            let org = org_of(&mut conn, refusal.0.as_ref().map(|key| key.user)).await?;
            Err(refused(&mut conn, &sign_in::stranger(org, client), &refusal)
                .await?
                .into())
        }
    }
}
