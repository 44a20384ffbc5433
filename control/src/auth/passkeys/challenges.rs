//! Challenges that wait for their answer: five minutes, one answer, kept here and known to the browser by a token.

use crate::{
    auth::{STEP_LASTS, tokens},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bytea, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::{ErrorClass, Problem},
    ids::UserId,
    passkeys::Challenge,
};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What an answer is good for; one that was asked for as another is none.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Register,
    SignIn,
    Step,
    Prove,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::Step => "step",
            Self::Prove => "prove",
        }
    }
}

/// Keeps what the answer will be checked against.
pub(super) async fn put(
    conn: &mut AsyncPgConnection,
    purpose: Purpose,
    user: Option<UserId>,
    options: &impl Serialize,
    state: &impl Serialize,
) -> Result<Challenge> {
    let unwritable =
        |error: serde_json::Error| Error::Internal(format!("a challenge cannot be kept: {error}"));
    let token = tokens::random("");
    diesel::sql_query(
        "with old as (delete from passkey_challenges where expires_at < now()) \
         insert into passkey_challenges (token_hash, purpose, user_id, state, expires_at) \
         values ($1, $2, $3, $4, now() + $5 * interval '1 second')",
    )
    .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
    .bind::<Text, _>(purpose.as_str())
    .bind::<Nullable<SqlUuid>, _>(user.map(|user| user.0))
    .bind::<Jsonb, _>(serde_json::to_value(state).map_err(unwritable)?)
    .bind::<BigInt, _>(STEP_LASTS.as_secs().cast_signed())
    .execute(conn)
    .await?;
    Ok(Challenge {
        token: token.expose_secret().to_owned(),
        options: serde_json::to_string(options).map_err(unwritable)?,
    })
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    state: Value,
}

/// Takes a challenge for its answer. It is gone by that, whatever the answer is worth.
///
/// # Errors
/// 409 `passkey_too_late`.
pub(super) async fn take<T: DeserializeOwned>(
    conn: &mut AsyncPgConnection,
    purpose: Purpose,
    user: Option<UserId>,
    token: &str,
) -> Result<T> {
    let row: Option<Row> = diesel::sql_query(
        "delete from passkey_challenges where token_hash = $1 and purpose = $2 and user_id is not distinct from $3 \
         and expires_at > now() returning state",
    )
    .bind::<Bytea, _>(tokens::hash(token))
    .bind::<Text, _>(purpose.as_str())
    .bind::<Nullable<SqlUuid>, _>(user.map(|user| user.0))
    .get_result(conn)
    .await
    .optional()?;
    let row = row.ok_or_else(|| {
        Problem::new(
            ErrorClass::Conflict,
            "passkey_too_late",
            "This took longer than five minutes, or was answered already. Try again.",
        )
    })?;
    serde_json::from_value(row.state).map_err(|source| Error::Stored {
        what: "a passkey's challenge",
        source,
    })
}
