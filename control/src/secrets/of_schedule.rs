//! What the calls of a schedule's webhook are signed with: a sealed value that goes with the schedule and that no name finds.

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
    ids::{OrgId, ScheduleId, SecretId},
};
use secrecy::SecretString;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Seals the secret of a schedule's webhook, in place of the one that was there. In the caller's transaction.
pub(crate) async fn put_for_schedule(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    schedule: ScheduleId,
    value: &SecretString,
) -> Result<()> {
    // A colon is in no name that a person may give.
    let Id { id } = diesel::sql_query(
        "insert into secrets (id, org_id, name, key_id, nonce, sealed, schedule_id) values ($1, $2, $3, '', '', '', $4) \
         on conflict (org_id, lower(name)) do update set updated_at = now() returning id",
    )
    .bind::<SqlUuid, _>(SecretId::new().0)
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(format!("webhook:{schedule}"))
    .bind::<SqlUuid, _>(schedule.0)
    .get_result(conn)
    .await?;
    seal_into(conn, control, org, SecretId(id), value).await
}

/// Forgets the secret of a schedule's webhook.
pub(crate) async fn delete_for_schedule(conn: &mut AsyncPgConnection, schedule: ScheduleId) -> Result<()> {
    diesel::sql_query("delete from secrets where schedule_id = $1")
        .bind::<SqlUuid, _>(schedule.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a schedule's webhook has a secret.
pub(crate) async fn is_kept_for_schedule(conn: &mut AsyncPgConnection, schedule: ScheduleId) -> Result<bool> {
    let found: Option<Id> = diesel::sql_query("select id from secrets where schedule_id = $1")
        .bind::<SqlUuid, _>(schedule.0)
        .get_result(conn)
        .await
        .optional()?;
    Ok(found.is_some())
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

/// Opens the secret of a schedule's webhook; nothing when it has none.
///
/// # Errors
/// 503 `secret_key_lost`, when it does not open with this server's key.
pub(crate) async fn open_for_schedule(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    schedule: ScheduleId,
) -> Result<Option<SecretString>> {
    let row: Option<Row> = diesel::sql_query(
        "select id, key_id, nonce, sealed from secrets where org_id = $1 and schedule_id = $2",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(schedule.0)
    .get_result(conn)
    .await
    .optional()?;
    let Some(row) = row else { return Ok(None) };
    let sealed = Sealed {
        nonce: row.nonce,
        bytes: row.sealed,
    };
    let key = control.seal_key();
    let plain = (row.key_id == key.id())
        .then(|| key.open(org, SecretId(row.id), &sealed))
        .flatten()
        .ok_or_else(|| {
            Problem::new(
                ErrorClass::Unavailable,
                "secret_key_lost",
                "What signs the calls of this webhook does not open with this server's key. Put the old key back with \
                 CHRONTAINER_SECRET_KEY_FILE, or make a new address for the webhook.",
            )
        })?;
    String::from_utf8(plain)
        .map(|text| Some(SecretString::from(text)))
        .map_err(|_| Error::Internal("a webhook's secret is not text".to_owned()))
}
