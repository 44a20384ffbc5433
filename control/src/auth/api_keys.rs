//! Keys for the REST API: shown once, stored as a hash, never worth more than their owner.

use super::{Client, actors, names, tokens};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Via},
    errors::Problem,
    ids::{ApiKeyId, OrgId, UserId},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// What every key begins with, so that scanners for leaked secrets find it.
pub const PREFIX: &str = "chk_";
/// How much of a key lists show.
const SHOWN: usize = PREFIX.len() + 6;

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Makes a key for an account, from the command line of the server's machine. This is the only time it is seen.
///
/// # Errors
/// 404 for an account that does not exist or belongs to no organisation, 409 `name_taken`, 422 for the name.
pub async fn create(control: &Control, user_name: &str, key_name: &str) -> Result<SecretString> {
    let key_name = names::check(key_name)?;
    let key = tokens::random(PREFIX);
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let owner: Option<Owner> = diesel::sql_query("select id, name from users where lower(name) = lower($1)")
            .bind::<Text, _>(user_name.trim())
            .get_result(conn)
            .await
            .optional()?;
        let owner = owner.ok_or_else(|| Problem::not_found("user"))?;
        let org = actors::home(conn, UserId(owner.id)).await?.ok_or_else(|| Problem::not_found("user"))?;
        let id = ApiKeyId::new();
        let text = key.expose_secret();
        diesel::sql_query(
            "insert into api_keys (id, org_id, user_id, name, prefix, key_hash) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(owner.id)
        .bind::<Text, _>(&key_name)
        .bind::<Text, _>(&text[..SHOWN])
        .bind::<Bytea, _>(tokens::hash(text))
        .execute(conn)
        .await?;
        let actor = Actor { via: Via::Console, name: "console".to_owned(), ..Actor::system(org) };
        let entry = Entry::new("api_key.create", "api_key").object(id.0, &key_name);
        audit::record(conn, &actor, entry.after(serde_json::json!({ "user": owner.name }))).await
    })
    .await?;
    Ok(key)
}

#[derive(QueryableByName)]
struct Valid {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    used_long_ago: bool,
}

/// Who a key belongs to, or nobody: unknown, revoked, expired, its owner disabled or no member any more.
/// Notes at most once a minute that it is in use.
///
/// # Errors
/// When the database does not answer.
pub async fn authenticate_key(control: &Control, key: &str, client: &Client) -> Result<Option<Actor>> {
    if !key.starts_with(PREFIX) {
        return Ok(None);
    }
    let mut conn = control.db().conn().await?;
    let valid: Option<Valid> = diesel::sql_query(
        "select k.id, k.user_id, k.org_id, u.name, m.role, \
         coalesce(k.last_used_at < now() - interval '1 minute', true) as used_long_ago \
         from api_keys k join users u on u.id = k.user_id \
         join memberships m on m.user_id = k.user_id and m.org_id = k.org_id \
         where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) \
         and u.disabled_at is null",
    )
    .bind::<Bytea, _>(tokens::hash(key))
    .get_result(&mut conn)
    .await
    .optional()?;
    let Some(valid) = valid else { return Ok(None) };
    if valid.used_long_ago {
        diesel::sql_query("update api_keys set last_used_at = now() where id = $1")
            .bind::<SqlUuid, _>(valid.id)
            .execute(&mut conn)
            .await?;
    }
    Ok(Some(Actor {
        org_id: OrgId(valid.org_id),
        user_id: Some(UserId(valid.user_id)),
        name: valid.name,
        role: actors::role(&valid.role)?,
        grants: Vec::new(),
        via: Via::ApiKey {
            id: ApiKeyId(valid.id),
        },
        address: client.address.clone(),
    }))
}
