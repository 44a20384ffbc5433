//! Keys for the REST API: shown once, stored as a hash, never worth more than their owner.

use super::{Client, actors, change_password::session_needed, names, tokens};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
    people::selectors::Hosts,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Bool, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission, Scope, Via},
    errors::{ErrorClass, Problem},
    ids::{ApiKeyId, OrgId, UserId},
    people::{ApiKey, CreatedApiKey, NewApiKey},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

/// What every key begins with, so that scanners for leaked secrets find it.
pub const PREFIX: &str = "chk_";
/// How much of a key lists show.
const SHOWN: usize = PREFIX.len() + 6;
/// The longest life of a key that has an end.
const DAYS_MOST: u16 = 730;

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// A key that is about to be written.
struct Fresh<'a> {
    org: OrgId,
    user: UserId,
    name: &'a str,
    scope: Scope,
    selector: Option<&'a str>,
    days: Option<u16>,
}

/// Makes a key for an account, from the command line of the server's machine. This is the only time it is seen.
///
/// # Errors
/// 404 for an account that does not exist or belongs to no organisation, 409 `name_taken`, 422 for the name.
pub async fn create(control: &Control, user_name: &str, key_name: &str) -> Result<SecretString> {
    let key_name = names::check(key_name)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let owner: Option<Owner> =
            diesel::sql_query("select id, name from users where lower(name) = lower($1)")
                .bind::<Text, _>(user_name.trim())
                .get_result(conn)
                .await
                .optional()?;
        let owner = owner.ok_or_else(|| Problem::not_found("user"))?;
        let org = actors::home(conn, UserId(owner.id))
            .await?
            .ok_or_else(|| Problem::not_found("user"))?;
        let fresh = Fresh {
            org,
            user: UserId(owner.id),
            name: &key_name,
            scope: Scope::Manage,
            selector: None,
            days: None,
        };
        let (id, key) = insert(conn, &fresh).await?;
        let actor = Actor {
            via: Via::Console,
            name: "console".to_owned(),
            ..Actor::system(org)
        };
        let entry = Entry::new("api_key.create", "api_key").object(id.0, &key_name);
        audit::record(
            conn,
            &actor,
            entry.after(json!({ "user": owner.name, "scope": fresh.scope })),
        )
        .await?;
        Ok(key)
    })
    .await
}

async fn insert(conn: &mut AsyncPgConnection, fresh: &Fresh<'_>) -> Result<(ApiKeyId, SecretString)> {
    let id = ApiKeyId::new();
    let key = tokens::random(PREFIX);
    let text = key.expose_secret();
    diesel::sql_query(
        "insert into api_keys (id, org_id, user_id, name, prefix, key_hash, scope, selector, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 day')",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<SqlUuid, _>(fresh.org.0)
    .bind::<SqlUuid, _>(fresh.user.0)
    .bind::<Text, _>(fresh.name)
    .bind::<Text, _>(&text[..SHOWN])
    .bind::<Bytea, _>(tokens::hash(text))
    .bind::<Text, _>(fresh.scope.as_str())
    .bind::<Nullable<Text>, _>(fresh.selector)
    .bind::<Nullable<Integer>, _>(fresh.days.map(i32::from))
    .execute(conn)
    .await?;
    Ok((id, key))
}

/// Makes a key of one's own. A key makes no other: it would live on when the first is revoked or over.
///
/// # Errors
/// 403 `session_needed` for a key; 409 `name_taken`; 422 for the name, the selector or the days.
pub async fn create_own(control: &Control, actor: &Actor, new: NewApiKey) -> Result<CreatedApiKey> {
    actor.require(Permission::OwnManage)?;
    if matches!(actor.via, Via::ApiKey { .. } | Via::Basic) {
        return Err(session_needed().into());
    }
    let user = person(actor)?;
    let name = names::check(&new.name)?;
    let selector = new
        .selector
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    if new.days.is_some_and(|days| !(1..=DAYS_MOST).contains(&days)) {
        return Err(Problem::invalid(
            "days_invalid",
            "days",
            format!("A key lasts 1 to {DAYS_MOST} days, or has no end. Choose one of them."),
        )
        .into());
    }
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let hosts = Hosts::of(conn, actor.org_id).await?;
        let bound = selector.map(|text| hosts.bind(text, "selector")).transpose()?;
        let fresh = Fresh {
            org: actor.org_id,
            user,
            name: &name,
            scope: new.scope,
            selector: bound.as_deref(),
            days: new.days,
        };
        let (id, key) = insert(conn, &fresh).await?;
        let after = json!({ "scope": new.scope, "selector": selector, "days": new.days });
        audit::record(
            conn,
            actor,
            Entry::new("api_key.create", "api_key")
                .object(id.0, &name)
                .after(after),
        )
        .await?;
        let row: Row = diesel::sql_query(format!("{LIST} where k.org_id = $1 and k.id = $2"))
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await?;
        Ok(CreatedApiKey {
            key: row.view(actor, &hosts)?,
            secret: key.expose_secret().to_owned(),
        })
    })
    .await
}

const LIST: &str = "select k.id, k.user_id, k.name, k.prefix, k.scope, k.selector, u.name as owner, k.created_at, \
     k.last_used_at, k.expires_at, coalesce(k.expires_at <= now(), false) as expired \
     from api_keys k join users u on u.id = k.user_id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Nullable<Text>)]
    selector: Option<String>,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<Timestamp>,
    #[diesel(sql_type = Bool)]
    expired: bool,
}

impl Row {
    fn view(self, actor: &Actor, hosts: &Hosts) -> Result<ApiKey> {
        Ok(ApiKey {
            id: ApiKeyId(self.id),
            name: self.name,
            prefix: self.prefix,
            scope: scope(&self.scope)?,
            selector: self.selector.map(|stored| hosts.show(&stored)),
            own: actor.user_id == Some(UserId(self.user_id)),
            owner: self.owner,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            expired: self.expired,
        })
    }
}

/// One's own keys in the organisation, and for those who manage people everybody's; the newest first.
///
/// # Errors
/// 403; when the database does not answer.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<ApiKey>> {
    actor.require(Permission::Own)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{LIST} where k.org_id = $1 and k.revoked_at is null and ($3 or k.user_id = $2) order by k.id desc limit 500"
    ))
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
    .bind::<Bool, _>(actor.may(Permission::UsersManage))
    .load(&mut conn)
    .await?;
    let hosts = Hosts::of(&mut conn, actor.org_id).await?;
    rows.into_iter().map(|row| row.view(actor, &hosts)).collect()
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Ends a key at once: one's own, or as one who manages people anybody's.
///
/// # Errors
/// 403; 404 `api_key_not_found`.
pub async fn revoke(control: &Control, actor: &Actor, id: ApiKeyId) -> Result<()> {
    actor.require(Permission::OwnManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let revoked: Option<Named> = diesel::sql_query(
            "update api_keys set revoked_at = now() where org_id = $1 and id = $2 and revoked_at is null \
             and ($4 or user_id = $3) returning name",
        )
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Nullable<SqlUuid>, _>(actor.user_id.map(|user| user.0))
        .bind::<Bool, _>(actor.may(Permission::UsersManage))
        .get_result(conn)
        .await
        .optional()?;
        let revoked = revoked.ok_or_else(|| Problem::not_found("api_key"))?;
        audit::record(
            conn,
            actor,
            Entry::new("api_key.revoke", "api_key").object(id.0, &revoked.name),
        )
        .await
    })
    .await
}

fn scope(word: &str) -> Result<Scope> {
    word.parse().map_err(Error::Internal)
}

fn person(actor: &Actor) -> Result<UserId, Problem> {
    actor.user_id.ok_or_else(|| {
        Problem::new(
            ErrorClass::Forbidden,
            "no_person",
            "A key has the rights of a person, so a person must make it. Sign in first.",
        )
    })
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
    server_admin: bool,
    #[diesel(sql_type = Text)]
    scope: String,
    #[diesel(sql_type = Nullable<Text>)]
    selector: Option<String>,
    #[diesel(sql_type = Jsonb)]
    grants: serde_json::Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    shared: Vec<Uuid>,
    #[diesel(sql_type = Bool)]
    missing: bool,
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
    let valid: Option<Valid> = diesel::sql_query(format!(
        "select k.id, k.user_id, k.org_id, u.name, m.role, u.is_server_admin as server_admin, k.scope, k.selector, \
         coalesce(k.last_used_at < now() - interval '1 minute', true) as used_long_ago, {}, {} \
         from api_keys k join users u on u.id = k.user_id \
         join memberships m on m.user_id = k.user_id and m.org_id = k.org_id \
         where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) \
         and u.disabled_at is null",
        actors::GRANTS,
        actors::MISSING,
    ))
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
    let scope = scope(&valid.scope)?;
    let mut grants = actors::grants(valid.grants)?;
    for grant in &mut grants {
        grant.role = grant.role.min(scope.role());
    }
    Ok(Some(Actor {
        org_id: OrgId(valid.org_id),
        user_id: Some(UserId(valid.user_id)),
        name: valid.name,
        role: actors::role(&valid.role)?.min(scope.role()),
        server_admin: valid.server_admin,
        second_factor_missing: valid.missing,
        grants,
        schedules: actors::schedules(valid.shared),
        via: Via::ApiKey {
            id: ApiKeyId(valid.id),
            scope,
            selector: valid.selector,
        },
        address: client.address.clone(),
    }))
}
