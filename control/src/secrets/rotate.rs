//! Sealing everything with another key.

use super::key::{SealKey, Sealed};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::Actor,
    errors::{ErrorClass, Problem},
    ids::{OrgId, SecretId},
};
use uuid::Uuid;

/// Where sealed values are: the table, the column that names the row which they are bound to, and the organisation.
const PLACES: [(&str, &str, &str); 3] = [
    ("secrets", "id", "org_id"),
    ("second_factors", "user_id", NO_ORG),
    ("identity_providers", "id", NO_ORG),
];
/// What belongs to no organisation is bound to this.
const NO_ORG: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

/// What became of the secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Sealed with the new key now.
    pub sealed: usize,
    /// They open with neither key, and stay as they are.
    pub lost: usize,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Bytea)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    sealed: Vec<u8>,
}

#[derive(QueryableByName)]
struct Running {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Seals all secrets of all organisations with the new key, in one transaction. Those that are sealed with it already,
/// by a rotation that was interrupted, stay.
///
/// # Errors
/// 409 `servers_running` unless `force`: a server that runs keeps the old key until it is started again.
pub async fn rotate(control: &Control, new: &SealKey, force: bool) -> Result<Rotated> {
    let old = control.seal_key();
    let mut conn = control.db().conn().await?;
    let running: Running = diesel::sql_query(
        "select count(*) as count from servers where seen_at > now() - interval '30 seconds'",
    )
    .get_result(&mut conn)
    .await?;
    if running.count > 0 && !force {
        return Err(Problem::new(
            ErrorClass::Conflict,
            "servers_running",
            "A server runs on this database and would go on with the old key. Stop every server first (one that was killed \
             counts for 30 s), or say --force and start them again right afterwards.",
        )
        .into());
    }
    conn.transaction::<_, Error, _>(async |conn| {
        let mut done = Rotated::default();
        for place in PLACES {
            reseal(conn, (old, new), place, &mut done).await?;
        }
        let actor = Actor {
            via: domain::auth::Via::Console,
            ..Actor::system(OrgId::HOME)
        };
        let entry = Entry::new("secret.rotate", "secret").after(serde_json::json!({
            "key": new.id(), "sealed": done.sealed, "lost": done.lost,
        }));
        audit::record(conn, &actor, entry).await?;
        Ok(done)
    })
    .await
}

/// Seals what one table holds.
async fn reseal(
    conn: &mut AsyncPgConnection,
    (old, new): (&SealKey, &SealKey),
    (table, id, org): (&str, &str, &str),
    done: &mut Rotated,
) -> Result<()> {
    diesel::sql_query(format!("lock table {table} in exclusive mode"))
        .execute(conn)
        .await?;
    let rows: Vec<Row> = diesel::sql_query(format!(
        "select {id} as id, {org} as org_id, key_id, nonce, sealed from {table} where sealed is not null"
    ))
    .load(conn)
    .await?;
    for row in rows {
        if row.key_id == new.id() {
            done.sealed += 1;
            continue;
        }
        let sealed = Sealed {
            nonce: row.nonce,
            bytes: row.sealed,
        };
        let (org, bound) = (OrgId(row.org_id), SecretId(row.id));
        let opened = (row.key_id == old.id())
            .then(|| old.open(org, bound, &sealed))
            .flatten();
        let Some(plain) = opened else {
            done.lost += 1;
            continue;
        };
        let sealed = new
            .seal(org, bound, &plain)
            .ok_or_else(|| Error::Internal("a secret could not be sealed".to_owned()))?;
        diesel::sql_query(format!(
            "update {table} set key_id = $2, nonce = $3, sealed = $4 where {id} = $1"
        ))
        .bind::<SqlUuid, _>(row.id)
        .bind::<Text, _>(new.id())
        .bind::<Bytea, _>(sealed.nonce)
        .bind::<Bytea, _>(sealed.bytes)
        .execute(conn)
        .await?;
        done.sealed += 1;
    }
    Ok(())
}
