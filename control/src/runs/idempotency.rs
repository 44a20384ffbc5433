//! Idempotency keys: a request that is sent again gets the first answer and does nothing twice.

use crate::{Control, error::Result};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Binary, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::Actor,
    errors::{ErrorClass, Problem},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest key, in characters.
pub const MAX_KEY: usize = 200;

/// What a key stands for.
#[derive(Debug, QueryableByName)]
pub struct Stored {
    #[diesel(sql_type = Binary)]
    request_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub status: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub response: Option<Value>,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    abandoned: bool,
}

/// What tells two requests apart: the SHA-256 of the request in JSON.
pub fn hash(request: &Value) -> Vec<u8> {
    Sha256::digest(request.to_string()).to_vec()
}

/// Answers a request once: does it and keeps the status and the body, or gives back what was kept under the key. A
/// failed request keeps nothing, so that it can be tried again. Keys are kept for a day, per person.
///
/// # Errors
/// 422 for a bad or a reused key, 409 `in_progress` while the first request has not been answered, else the request's own.
pub async fn idempotent<F>(
    control: &Control,
    actor: &Actor,
    key: Option<&str>,
    request_hash: &[u8],
    request: F,
) -> Result<(u16, Value)>
where
    F: Future<Output = Result<(u16, Value)>>,
{
    let Some(key) = key else { return request.await };
    if let Some(stored) = reserve(&mut *control.db().conn().await?, actor, key, request_hash).await? {
        let status = stored.status.and_then(|status| u16::try_from(status).ok());
        return match (status, stored.response) {
            (Some(status), Some(response)) => Ok((status, response)),
            _ => Err(in_progress().into()),
        };
    }
    match request.await {
        Ok((status, response)) => {
            keep(&mut *control.db().conn().await?, actor, key, status, &response).await?;
            Ok((status, response))
        }
        Err(error) => {
            if let Ok(mut conn) = control.db().conn().await {
                // Should this fail too, the key frees itself after a minute.
                let _ = forget(&mut conn, actor, key).await;
            }
            Err(error)
        }
    }
}

/// Takes the key for this request, in the caller's transaction; gives what it stands for when it is taken already.
pub(super) async fn reserve(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    key: &str,
    request_hash: &[u8],
) -> Result<Option<Stored>> {
    if key.is_empty() || key.chars().count() > MAX_KEY || key.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "bad_idempotency_key",
            "Idempotency-Key",
            format!("An Idempotency-Key has 1 to {MAX_KEY} characters; a UUID is a good one."),
        )
        .into());
    }
    let (org, user) = (actor.org_id.0, owner(actor));
    let inserted = diesel::sql_query(
        "insert into idempotency_keys (org_id, user_id, key, request_hash) values ($1, $2, $3, $4) \
         on conflict do nothing",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<SqlUuid, _>(user)
    .bind::<Text, _>(key)
    .bind::<Binary, _>(request_hash)
    .execute(conn)
    .await?;
    if inserted == 1 {
        return Ok(None);
    }
    let stored: Option<Stored> = diesel::sql_query(
        "select request_hash, status, response, \
         response is null and created_at < now() - interval '1 minute' as abandoned \
         from idempotency_keys where org_id = $1 and user_id = $2 and key = $3 for update",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<SqlUuid, _>(user)
    .bind::<Text, _>(key)
    .get_result(conn)
    .await
    .optional()?;
    match stored {
        // Deleted between the two statements: the next try will do.
        None => Err(in_progress().into()),
        Some(stored) if stored.request_hash != request_hash => Err(Problem::new(
            ErrorClass::Invalid,
            "idempotency_key_reused",
            "This Idempotency-Key was sent before with a different request. Use a new key for each request.",
        )
        .into()),
        Some(stored) if stored.abandoned => {
            diesel::sql_query(
                "update idempotency_keys set created_at = now() where org_id = $1 and user_id = $2 and key = $3",
            )
            .bind::<SqlUuid, _>(org)
            .bind::<SqlUuid, _>(user)
            .bind::<Text, _>(key)
            .execute(conn)
            .await?;
            Ok(None)
        }
        Some(stored) => Ok(Some(stored)),
    }
}

/// Keeps the answer.
pub(super) async fn keep(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    key: &str,
    status: u16,
    response: &Value,
) -> Result<()> {
    diesel::sql_query(
        "update idempotency_keys set status = $4, response = $5 where org_id = $1 and user_id = $2 and key = $3",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<SqlUuid, _>(owner(actor))
    .bind::<Text, _>(key)
    .bind::<Integer, _>(i32::from(status))
    .bind::<Jsonb, _>(response)
    .execute(conn)
    .await?;
    Ok(())
}

async fn forget(conn: &mut AsyncPgConnection, actor: &Actor, key: &str) -> Result<()> {
    diesel::sql_query("delete from idempotency_keys where org_id = $1 and user_id = $2 and key = $3")
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(owner(actor))
        .bind::<Text, _>(key)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes keys older than a day.
pub(super) async fn prune(conn: &mut AsyncPgConnection) -> Result<()> {
    diesel::sql_query("delete from idempotency_keys where created_at < now() - interval '1 day'")
        .execute(conn)
        .await?;
    Ok(())
}

/// Keys are a person's own; the system shares one name.
fn owner(actor: &Actor) -> Uuid {
    actor.user_id.map_or(Uuid::nil(), |user| user.0)
}

fn in_progress() -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "in_progress",
        "The first request with this Idempotency-Key is still being answered. Try again in a moment.",
    )
}
