//! How long runs are kept: the limits of each organisation, and the sweep that deletes what goes beyond them, and with it
//! what was decided of fire times long ago.

mod delete;
mod fires;
mod sizes;
mod sweep;
#[cfg(test)]
mod tests;

pub use sweep::apply;
pub(crate) use sweep::sweep;

use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    ids::OrgId,
    retention::{Retention, RetentionState},
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Integer>)]
    days: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    runs_per_schedule: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    bytes: Option<i64>,
}

/// The limits of the organisation, and what it keeps.
///
/// # Errors
/// 403.
pub async fn get(control: &Control, actor: &Actor) -> Result<RetentionState> {
    actor.require(Permission::RunsRead)?;
    let mut conn = control.db().conn().await?;
    Ok(RetentionState {
        limits: limits(&mut conn, actor.org_id).await?,
        kept: sizes::kept(&mut conn, actor.org_id).await?,
    })
}

/// Replaces the limits. What goes beyond them is deleted by the next sweep.
///
/// # Errors
/// 403; 422 `invalid_retention` with the field.
pub async fn set(control: &Control, actor: &Actor, limits: Retention) -> Result<RetentionState> {
    actor.require(Permission::RetentionManage)?;
    limits.check()?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = self::limits(conn, actor.org_id).await?;
        diesel::sql_query(
            "insert into retention (org_id, days, runs_per_schedule, bytes) values ($1, $2, $3, $4) \
             on conflict (org_id) do update set days = excluded.days, \
               runs_per_schedule = excluded.runs_per_schedule, bytes = excluded.bytes, updated_at = now()",
        )
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<Nullable<Integer>, _>(limits.days.and_then(|days| i32::try_from(days).ok()))
        .bind::<Nullable<Integer>, _>(limits.runs_per_schedule.and_then(|runs| i32::try_from(runs).ok()))
        .bind::<Nullable<BigInt>, _>(limits.bytes.and_then(|bytes| i64::try_from(bytes).ok()))
        .execute(conn)
        .await?;
        let entry = Entry::new("retention.update", "retention")
            .object(actor.org_id.0, "How long runs are kept")
            .before(crate::runs::to_json("limits of runs", &before)?)
            .after(crate::runs::to_json("limits of runs", &limits)?);
        audit::record(conn, actor, entry).await
    })
    .await?;
    Ok(RetentionState {
        limits,
        kept: sizes::kept(&mut conn, actor.org_id).await?,
    })
}

/// The limits that hold for an organisation.
async fn limits(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Retention> {
    let row: Option<Row> =
        diesel::sql_query("select days, runs_per_schedule, bytes from retention where org_id = $1")
            .bind::<SqlUuid, _>(org.0)
            .get_result(conn)
            .await
            .optional()?;
    Ok(row.map_or_else(Retention::default, |row| Retention {
        days: row.days.map(i32::unsigned_abs),
        runs_per_schedule: row.runs_per_schedule.map(i32::unsigned_abs),
        bytes: row.bytes.map(i64::unsigned_abs),
    }))
}
