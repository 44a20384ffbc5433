//! Sealed values by name.

use super::key::Sealed;
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bytea, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::{OrgId, SecretId},
    pages::Page,
    secrets::SecretName,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// The longest value, in bytes: room for certificates and keys, not for files.
const LARGEST: usize = 64 * 1024;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Seals a value under a name, in place of the one that was there.
///
/// # Errors
/// 403 without the permission, 422 for a name or value that cannot be stored.
pub async fn put(control: &Control, actor: &Actor, name: &str, value: &SecretString) -> Result<SecretId> {
    actor.require(Permission::SecretsManage)?;
    let name = checked(name)?;
    if value.expose_secret().len() > LARGEST {
        return Err(Problem::invalid(
            "secret_too_large",
            "value",
            format!("The secret is larger than {LARGEST} bytes. Store a shorter one."),
        )
        .into());
    }
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        // Two that store the same new name at once agree on one row here.
        let Id { id } = diesel::sql_query(
            "insert into secrets (id, org_id, name, key_id, nonce, sealed) values ($1, $2, $3, '', '', '') \
             on conflict (org_id, lower(name)) do update set updated_at = now() returning id",
        )
        .bind::<SqlUuid, _>(SecretId::new().0)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Text, _>(&name)
        .get_result(conn)
        .await?;
        let id = SecretId(id);
        diesel::sql_query("update secrets set name = $2 where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .bind::<Text, _>(&name)
            .execute(conn)
            .await?;
        seal_into(conn, control, actor.org_id, id, value).await?;
        audit::record(conn, actor, Entry::new("secret.put", "secret").object(id, &name)).await?;
        Ok(id)
    })
    .await
}

/// Seals a value into a row that is there.
pub(super) async fn seal_into(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    id: SecretId,
    value: &SecretString,
) -> Result<()> {
    let key = control.seal_key();
    let sealed = key
        .seal(org, id, value.expose_secret().as_bytes())
        .ok_or_else(|| Error::Internal("a secret could not be sealed".to_owned()))?;
    diesel::sql_query("update secrets set key_id = $2, nonce = $3, sealed = $4 where id = $1")
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(key.id())
        .bind::<Bytea, _>(sealed.nonce)
        .bind::<Bytea, _>(sealed.bytes)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Bytea)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    sealed: Vec<u8>,
}

/// Opens a secret for the server's own use, such as a run or a message; it never leaves through a page or the API.
///
/// # Errors
/// 404 `secret_not_found`, 503 `secret_key_lost` when it was sealed with another key.
pub async fn open(control: &Control, org: OrgId, name: &str) -> Result<SecretString> {
    let mut conn = control.db().conn().await?;
    let row: Option<Row> = diesel::sql_query(
        "select id, key_id, nonce, sealed from secrets where org_id = $1 and lower(name) = lower($2) and host_id is null and schedule_id is null",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(name.trim())
    .get_result(&mut conn)
    .await
    .optional()?;
    let row = row.ok_or_else(|| Problem::not_found("secret").with("name", name))?;
    let key = control.seal_key();
    if row.key_id != key.id() {
        return Err(key_lost(&row.key_id, key.id()).into());
    }
    let sealed = Sealed {
        nonce: row.nonce,
        bytes: row.sealed,
    };
    let plain = key.open(org, SecretId(row.id), &sealed).ok_or_else(|| {
        Problem::new(
            ErrorClass::Conflict,
            "secret_damaged",
            format!("The stored secret \"{name}\" was changed outside Chrontainer and does not open. Store it again."),
        )
    })?;
    String::from_utf8(plain)
        .map(SecretString::from)
        .map_err(|_| Error::Internal("a secret is not text".to_owned()))
}

/// The id of a secret, for what is written about it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn id_of(control: &Control, org: OrgId, name: &str) -> Result<Option<SecretId>> {
    let mut conn = control.db().conn().await?;
    let row: Option<Id> = diesel::sql_query(
        "select id from secrets where org_id = $1 and lower(name) = lower($2) and host_id is null and schedule_id is null",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(name.trim())
    .get_result(&mut conn)
    .await
    .optional()?;
    Ok(row.map(|row| SecretId(row.id)))
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

/// The names of all secrets; whoever writes schedules may know them.
///
/// # Errors
/// 403 without the permission.
pub async fn list(control: &Control, actor: &Actor) -> Result<Page<SecretName>> {
    actor.require(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    let rows: Vec<Named> = diesel::sql_query(
        "select name, created_at, updated_at from secrets where org_id = $1 and host_id is null and schedule_id is null \
         order by lower(name)",
    )
    .bind::<SqlUuid, _>(actor.org_id.0)
    .load(&mut conn)
    .await?;
    let items: Vec<SecretName> = rows
        .into_iter()
        .map(|row| SecretName {
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect();
    Ok(Page {
        total: items.len() as u64,
        next: None,
        items,
    })
}

/// Deletes a secret.
///
/// # Errors
/// 403 without the permission, 404 `secret_not_found`.
pub async fn delete(control: &Control, actor: &Actor, name: &str) -> Result<()> {
    actor.require(Permission::SecretsManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let gone: Option<Id> = diesel::sql_query(
            "delete from secrets where org_id = $1 and lower(name) = lower($2) and host_id is null and schedule_id is null returning id",
        )
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Text, _>(name.trim())
        .get_result(conn)
        .await
        .optional()?;
        let gone = gone.ok_or_else(|| Problem::not_found("secret"))?;
        audit::record(
            conn,
            actor,
            Entry::new("secret.delete", "secret").object(gone.id, name.trim()),
        )
        .await
    })
    .await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Says in the log at the start when secrets wait for another key, before a run fails over it at night.
///
/// # Errors
/// When the database does not answer.
pub async fn check_key(control: &Control) -> Result<()> {
    let key = control.seal_key().id().to_owned();
    let mut conn = control.db().conn().await?;
    let Count { count } = diesel::sql_query(
        "select (select count(*) from secrets where key_id <> $1) \
         + (select count(*) from identity_providers where key_id <> $1) as count",
    )
    .bind::<Text, _>(&key)
    .get_result(&mut conn)
    .await?;
    if count > 0 {
        tracing::error!(
            secrets.count = count,
            key.id = key,
            "secrets were sealed with another key and do not open; put the old key back with CHRONTAINER_SECRET_KEY_FILE, \
             or store these secrets again"
        );
    }
    Ok(())
}

fn key_lost(sealed_with: &str, ours: &str) -> Problem {
    Problem::new(
        ErrorClass::Unavailable,
        "secret_key_lost",
        format!(
            "This secret was sealed with the key {sealed_with}, and this server has the key {ours}. Put the old key back \
             with CHRONTAINER_SECRET_KEY_FILE, or store the secret again."
        ),
    )
}

fn checked(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(Problem::invalid(
            "secret_name_invalid",
            "name",
            "A secret's name has 1 to 64 letters, digits, dots, dashes and underscores. Choose another name.",
        ));
    }
    Ok(name.to_owned())
}
