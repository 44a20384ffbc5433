//! Stored passkeys.

use super::party::Party;
use crate::error::{Error, Result};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bool, Bytea, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    ids::{PasskeyId, UserId},
    passkeys::Passkey as View,
};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{AuthenticationResult, Passkey};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Bool)]
    disabled: bool,
    #[diesel(sql_type = Text)]
    rp_id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    public: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<Timestamp>,
}

/// A passkey and whose it is.
pub struct Key {
    pub(super) id: PasskeyId,
    pub(super) user: UserId,
    pub(super) user_name: String,
    /// Its owner may not sign in.
    pub(super) disabled: bool,
    pub(super) host: String,
    pub(super) name: String,
    pub(super) passkey: Passkey,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl Key {
    pub(super) fn view(self) -> View {
        View {
            id: self.id,
            name: self.name,
            host: self.host,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

fn key(row: Row) -> Result<Key> {
    let passkey = serde_json::from_value(row.public).map_err(|source| Error::Stored {
        what: "a passkey",
        source,
    })?;
    Ok(Key {
        id: PasskeyId(row.id),
        user: UserId(row.user_id),
        user_name: row.user_name,
        disabled: row.disabled,
        host: row.rp_id,
        name: row.name,
        passkey,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    })
}

const COLUMNS: &str = "select p.id, p.user_id, u.name as user_name, u.disabled_at is not null as disabled, p.rp_id, p.name, \
                       p.public, p.created_at, p.last_used_at from passkeys p join users u on u.id = p.user_id";

/// Those of an account, all or those that work at one host.
pub(super) async fn of_user(
    conn: &mut AsyncPgConnection,
    user: UserId,
    party: Option<&Party>,
) -> Result<Vec<Key>> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{COLUMNS} where p.user_id = $1 and ($2 is null or p.rp_id = $2) order by p.created_at, p.id"
    ))
    .bind::<SqlUuid, _>(user.0)
    .bind::<Nullable<Text>, _>(party.map(Party::host))
    .load(conn)
    .await?;
    rows.into_iter().map(key).collect()
}

/// The one that an authenticator calls so. Locked, so that two uses at once are counted one after the other.
pub(super) async fn called(
    conn: &mut AsyncPgConnection,
    party: &Party,
    credential: &[u8],
) -> Result<Option<Key>> {
    let row: Option<Row> = diesel::sql_query(format!(
        "{COLUMNS} where p.credential_id = $1 and p.rp_id = $2 for update of p"
    ))
    .bind::<Bytea, _>(credential)
    .bind::<Text, _>(party.host())
    .get_result(conn)
    .await
    .optional()?;
    row.map(key).transpose()
}

/// Keeps a new one.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    user: UserId,
    party: &Party,
    name: &str,
    passkey: &Passkey,
) -> Result<PasskeyId> {
    let id = PasskeyId::new();
    let credential: &[u8] = passkey.cred_id().as_ref();
    diesel::sql_query(
        "insert into passkeys (id, user_id, credential_id, rp_id, name, public) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<SqlUuid, _>(user.0)
    .bind::<Bytea, _>(credential)
    .bind::<Text, _>(party.host())
    .bind::<Text, _>(name)
    .bind::<Jsonb, _>(written(passkey)?)
    .execute(conn)
    .await?;
    Ok(id)
}

/// Keeps that it was used, and the counter that the authenticator gave.
pub(super) async fn used(
    conn: &mut AsyncPgConnection,
    key: &mut Key,
    result: &AuthenticationResult,
) -> Result<()> {
    key.passkey.update_credential(result);
    diesel::sql_query("update passkeys set public = $2, last_used_at = now() where id = $1")
        .bind::<SqlUuid, _>(key.id.0)
        .bind::<Jsonb, _>(written(&key.passkey)?)
        .execute(conn)
        .await?;
    Ok(())
}

fn written(passkey: &Passkey) -> Result<Value> {
    serde_json::to_value(passkey)
        .map_err(|error| Error::Internal(format!("a passkey cannot be kept: {error}")))
}
