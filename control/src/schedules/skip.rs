//! Skipping the next fire: decided in advance, in the same place where the ticker decides.

use super::{
    queries, rights,
    service::{changed, ring},
};
use crate::{Control, error::Result};
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::ScheduleId,
    schedules::Schedule,
};

/// Skips the next fire time. Doing it twice skips no second one.
///
/// # Errors
/// 403; 404; 409 `nothing_to_skip` when no fire time comes.
pub async fn skip_next(control: &Control, actor: &Actor, id: ScheduleId) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            // The lock keeps the ticker from deciding this very fire time meanwhile.
            let (row, before) = queries::locked(conn, actor.org_id, id).await?;
            rights::require_on(control, actor, &before)?;
            let Some(fire_at) = row.next_at.filter(|_| row.enabled) else {
                return Err(Problem::new(
                    ErrorClass::Conflict,
                    "nothing_to_skip",
                    format!("{} has no coming run to skip: it is disabled or done.", row.name),
                )
                .into());
            };
            if row.skipped {
                return Ok::<_, crate::Error>(before);
            }
            diesel::sql_query(
                "insert into schedule_fires (schedule_id, fire_at, org_id, state, reason) \
                 values ($1, $2, $3, 'skipped', $4) on conflict do nothing",
            )
            .bind::<SqlUuid, _>(id.0)
            .bind::<Timestamptz, _>(fire_at)
            .bind::<SqlUuid, _>(actor.org_id.0)
            .bind::<Text, _>(format!("Skipped by {}.", actor.name))
            .execute(conn)
            .await?;
            changed(conn, actor, "schedule.skip", id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// Takes the skip back. Without one, nothing changes.
///
/// # Errors
/// 403; 404.
pub async fn unskip(control: &Control, actor: &Actor, id: ScheduleId) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let (row, before) = queries::locked(conn, actor.org_id, id).await?;
            rights::require_on(control, actor, &before)?;
            let Some(fire_at) = row.next_at.filter(|_| row.skipped) else {
                return Ok::<_, crate::Error>(before);
            };
            diesel::sql_query(
                "delete from schedule_fires where schedule_id = $1 and fire_at = $2 and state = 'skipped' \
                 and run_id is null",
            )
            .bind::<SqlUuid, _>(id.0)
            .bind::<Timestamptz, _>(fire_at)
            .execute(conn)
            .await?;
            changed(conn, actor, "schedule.unskip", id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}
