//! What is secret about a host or a schedule: one sealed value that goes with its owner and that no name finds.

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
    ids::{HostId, OrgId, ScheduleId, SecretId},
};
use secrecy::SecretString;
use uuid::Uuid;

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The keys and passwords of a host.
    Host(HostId),
    /// What the calls of a schedule's webhook are signed with.
    Schedule(ScheduleId),
}

impl Owner {
    fn id(self) -> Uuid {
        match self {
            Self::Host(id) => id.0,
            Self::Schedule(id) => id.0,
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Host(_) => "host_id",
            Self::Schedule(_) => "schedule_id",
        }
    }

    /// A colon is in no name that a person may give.
    fn name(self) -> String {
        match self {
            Self::Host(id) => format!("host:{id}"),
            Self::Schedule(id) => format!("webhook:{id}"),
        }
    }

    /// What it is called in a sentence.
    fn what(self) -> &'static str {
        match self {
            Self::Host(_) => "keys and passwords of this host",
            Self::Schedule(_) => "secrets of this webhook's signatures",
        }
    }

    /// How a person replaces it, as the second half of a sentence and as one of its own.
    fn again(self) -> (&'static str, &'static str) {
        match self {
            Self::Host(_) => (
                "edit the host and enter them again",
                "Edit the host and enter them again",
            ),
            Self::Schedule(_) => (
                "make a new address for the webhook",
                "Make a new address for the webhook",
            ),
        }
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Seals what is secret about an owner, in place of what was there. In the caller's transaction; the change of the owner is
/// what is audited.
pub(crate) async fn put_for(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    owner: Owner,
    value: &SecretString,
) -> Result<()> {
    let Id { id } = diesel::sql_query(format!(
        "insert into secrets (id, org_id, name, key_id, nonce, sealed, {}) values ($1, $2, $3, '', '', '', $4) \
         on conflict (org_id, lower(name)) do update set updated_at = now() returning id",
        owner.column()
    ))
    .bind::<SqlUuid, _>(SecretId::new().0)
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(owner.name())
    .bind::<SqlUuid, _>(owner.id())
    .get_result(conn)
    .await?;
    seal_into(conn, control, org, SecretId(id), value).await
}

/// Forgets what is secret about an owner.
pub(crate) async fn delete_for(conn: &mut AsyncPgConnection, owner: Owner) -> Result<()> {
    diesel::sql_query(format!("delete from secrets where {} = $1", owner.column()))
        .bind::<SqlUuid, _>(owner.id())
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether anything is kept for an owner.
pub(crate) async fn is_kept_for(conn: &mut AsyncPgConnection, owner: Owner) -> Result<bool> {
    let found: Option<Id> =
        diesel::sql_query(format!("select id from secrets where {} = $1", owner.column()))
            .bind::<SqlUuid, _>(owner.id())
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

/// Opens what is secret about an owner; nothing when nothing is.
///
/// # Errors
/// 503 `secret_key_lost`; 409 `secret_damaged`.
pub(crate) async fn open_for(
    conn: &mut AsyncPgConnection,
    control: &Control,
    org: OrgId,
    owner: Owner,
) -> Result<Option<SecretString>> {
    let row: Option<Row> = diesel::sql_query(format!(
        "select id, key_id, nonce, sealed from secrets where org_id = $1 and {} = $2",
        owner.column()
    ))
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(owner.id())
    .get_result(conn)
    .await
    .optional()?;
    let Some(row) = row else { return Ok(None) };
    let (what, (or_again, again)) = (owner.what(), owner.again());
    let key = control.seal_key();
    if row.key_id != key.id() {
        return Err(Problem::new(
            ErrorClass::Unavailable,
            "secret_key_lost",
            format!(
                "The {what} were sealed with the key {}, and this server has the key {}. Put the old key back with \
                 CHRONTAINER_SECRET_KEY_FILE, or {or_again}.",
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
            format!("The stored {what} were changed outside Chrontainer and do not open. {again}."),
        )
    })?;
    String::from_utf8(plain)
        .map(|text| Some(SecretString::from(text)))
        .map_err(|_| Error::Internal(format!("the {what} are not text")))
}
