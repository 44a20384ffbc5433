//! What is secret about a host: one sealed value that goes with it and that no name finds.

use super::{key::Sealed, store::seal_into};
use crate::{
    Control,
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Bytea, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    errors::{ErrorClass, Problem},
    ids::{HostId, OrgId, SecretId},
};
use secrecy::SecretString;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Seals what is secret about a host, in place of what was there. In the caller's transaction; the change of the host
/// is what is audited.
pub(crate) async fn put_for_host(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    host: HostId,
    value: &SecretString,
) -> Result<()> {
    // A colon is in no name that a person may give.
    let Id { id } = diesel::sql_query(
        "insert into secrets (id, org_id, name, key_id, nonce, sealed, host_id) values ($1, $2, $3, '', '', '', $4) \
         on conflict (org_id, lower(name)) do update set updated_at = now() returning id",
    )
    .bind::<SqlUuid, _>(SecretId::new().0)
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(format!("host:{host}"))
    .bind::<SqlUuid, _>(host.0)
    .get_result(conn)
    .await?;
    seal_into(conn, control, org, SecretId(id), value).await
}

/// Forgets what is secret about a host.
pub(crate) async fn delete_for_host(conn: &mut AsyncPgConnection, host: HostId) -> Result<()> {
    diesel::sql_query("delete from secrets where host_id = $1")
        .bind::<SqlUuid, _>(host.0)
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

/// Opens what is secret about a host; nothing when nothing is.
///
/// # Errors
/// 503 `secret_key_lost`; 409 `secret_damaged`.
pub(crate) async fn open_for_host(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    host: HostId,
) -> Result<Option<SecretString>> {
    let row: Option<Row> =
        diesel::sql_query("select id, key_id, nonce, sealed from secrets where org_id = $1 and host_id = $2")
            .bind::<SqlUuid, _>(org.0)
            .bind::<SqlUuid, _>(host.0)
            .get_result(conn)
            .await
            .optional()?;
    let Some(row) = row else { return Ok(None) };
    let key = control.seal_key();
    if row.key_id != key.id() {
        return Err(Problem::new(
            ErrorClass::Unavailable,
            "secret_key_lost",
            format!(
                "The keys and passwords of this host were sealed with the key {}, and this server has the key {}. Put the \
                 old key back with CHRONTAINER_SECRET_KEY_FILE, or edit the host and enter them again.",
                row.key_id,
                key.id()
            ),
        )
        .into());
    }
    let sealed = Sealed {
        nonce: row.nonce,
        bytes: row.sealed,
    };
    let plain = key.open(org, SecretId(row.id), &sealed).ok_or_else(|| {
        Problem::new(
            ErrorClass::Conflict,
            "secret_damaged",
            "The stored keys and passwords of this host were changed outside Chrontainer and do not open. Edit the host and \
             enter them again.",
        )
    })?;
    String::from_utf8(plain)
        .map(|text| Some(SecretString::from(text)))
        .map_err(|_| Error::Internal("a host's secret is not text".to_owned()))
}
