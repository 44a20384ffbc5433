//! The step of a sign-in that asks for a second factor: its token, and what completes it.

use super::{has_app, opened, recovery_hash, stored, totp, wrong};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    auth::{Client, NewSession, actors, attempts::Attempt, sessions, sign_in, tokens},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::{ErrorClass, Problem},
    ids::{OrgId, UserId},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How long it lasts.
pub const STEP_LASTS: Duration = Duration::from_secs(300);

/// The step after a right password: a token for the cookie, worth nothing but the question for a second factor.
pub(in crate::auth) async fn begin_step(conn: &mut AsyncPgConnection, user: UserId) -> Result<SecretString> {
    let token = tokens::random("");
    diesel::sql_query(
        "with old as (delete from sign_in_steps where expires_at < now()) \
         insert into sign_in_steps (token_hash, user_id, expires_at) values ($1, $2, now() + $3 * interval '1 second')",
    )
    .bind::<Bytea, _>(tokens::hash(token.expose_secret()))
    .bind::<SqlUuid, _>(user.0)
    .bind::<BigInt, _>(STEP_LASTS.as_secs().cast_signed())
    .execute(conn)
    .await?;
    Ok(token)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Whose sign-in waits for the second factor.
pub(in crate::auth) struct Pending {
    pub user: UserId,
    name: String,
}

/// Finds it by the token of the step.
///
/// # Errors
/// 401 `sign_in_again`.
pub(in crate::auth) async fn pending(conn: &mut AsyncPgConnection, step: &str) -> Result<Pending> {
    let row: Option<Row> = diesel::sql_query(
        "select u.id, u.name from sign_in_steps s join users u on u.id = s.user_id \
         where s.token_hash = $1 and s.expires_at > now() and u.disabled_at is null",
    )
    .bind::<Bytea, _>(tokens::hash(step))
    .get_result(conn)
    .await
    .optional()?;
    let row = row.ok_or_else(again)?;
    Ok(Pending {
        user: UserId(row.id),
        name: row.name,
    })
}

/// Completes it with a session, in the caller's transaction. `how` is for the audit log.
///
/// # Errors
/// 403 `no_organisation`; 401 `sign_in_again` for one that another answer has completed.
pub(in crate::auth) async fn complete(
    control: &Control,
    conn: &mut AsyncPgConnection,
    pending: &Pending,
    how: Value,
    client: &Client,
) -> Result<NewSession> {
    let user = pending.user;
    let steps = diesel::sql_query("delete from sign_in_steps where user_id = $1")
        .bind::<SqlUuid, _>(user.0)
        .execute(conn)
        .await?;
    if steps == 0 {
        return Err(again().into());
    }
    let org = actors::home(conn, user)
        .await?
        .ok_or_else(sign_in::no_organisation)?;
    let member = actors::actor_for_user(conn, org, user).await?.ok_or_else(again)?;
    let session = sessions::create(control, conn, (user, &pending.name, member.role), org, client).await?;
    let entry = Entry::new("session.begin", "user").object(user.0, &pending.name);
    audit::record(conn, &session.actor, entry.after(how)).await?;
    Ok(session)
}

/// Completes a sign-in with a code of the app, or with a recovery code, which is used up by it.
///
/// # Errors
/// 401 `sign_in_again` when the five minutes are over; 422 `code_wrong`; 429 after too many tries; 403 `no_organisation`.
pub async fn sign_in_with_code(
    control: &Control,
    step: &str,
    code: &str,
    client: &Client,
) -> Result<NewSession> {
    let mut conn = control.db().conn().await?;
    let pending = pending(&mut conn, step).await?;
    let user = pending.user;
    drop(conn);
    // Counted per account alone: only somebody who knows the password comes this far.
    let attempt = Attempt::of_code(&user.to_string());
    attempt.begin(control).await?;
    let mut conn = control.db().conn().await?;
    let done = conn
        .transaction::<_, Error, _>(async |conn| {
            let how = if by_app(control, conn, user, code).await? {
                "app"
            } else if by_recovery(conn, user, code).await? {
                "recovery code"
            } else {
                return Ok(None);
            };
            attempt.succeeded(conn).await?;
            let how = json!({ "second_factor": how });
            Ok(Some(complete(control, conn, &pending, how, client).await?))
        })
        .await?;
    if let Some(session) = done {
        return Ok(session);
    }
    let org = actors::home(&mut conn, user).await?.unwrap_or(OrgId::HOME);
    let stranger = sign_in::stranger(org, client);
    let entry = Entry::new("session.second_factor", "user").object(user.0, &pending.name);
    audit::record(&mut conn, &stranger, entry.outcome(Outcome::Refused)).await?;
    let app = has_app(&mut conn, user).await?;
    Err(if app { wrong("code") } else { wrong_recovery() }.into())
}

async fn by_app(control: &Control, conn: &mut AsyncPgConnection, user: UserId, code: &str) -> Result<bool> {
    // An account with passkeys alone has no app.
    let Some(stored) = stored(conn, user).await?.filter(|stored| stored.confirmed) else {
        return Ok(false);
    };
    let secret = opened(control, user, &stored)?;
    let Some(step) = totp::matching(&secret, code, stored.now, stored.last_step) else {
        return Ok(false);
    };
    diesel::sql_query("update second_factors set last_step = $2 where user_id = $1")
        .bind::<SqlUuid, _>(user.0)
        .bind::<BigInt, _>(step)
        .execute(conn)
        .await?;
    Ok(true)
}

async fn by_recovery(conn: &mut AsyncPgConnection, user: UserId, code: &str) -> Result<bool> {
    let used = diesel::sql_query(
        "update recovery_codes set used_at = now() where user_id = $1 and code_hash = $2 and used_at is null",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Bytea, _>(recovery_hash(code))
    .execute(conn)
    .await?;
    Ok(used > 0)
}

fn wrong_recovery() -> Problem {
    Problem::invalid(
        "code_wrong",
        "code",
        "That is none of your recovery codes that are left. Check it, or use a passkey.",
    )
}

fn again() -> Problem {
    Problem::new(
        ErrorClass::Unauthenticated,
        "sign_in_again",
        "The sign-in took too long. Sign in with your password again.",
    )
}
