//! Switching a schedule on and off.

use super::{
    queries,
    service::{anchor, changed, definition, forget_skips, next, ring},
};
use crate::{Control, error::Result, schema::schedules};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    ids::ScheduleId,
    schedules::Schedule,
};

/// Switches a schedule on or off. Switched on, it fires next at the first time from now on; intervals count anew.
/// Doing it twice changes nothing. Who it acts for stays.
///
/// # Errors
/// 403; 404; 409 `schedule_unreadable`.
pub async fn set_enabled(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    enabled: bool,
) -> Result<Schedule> {
    actor.require(Permission::SchedulesManage)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let (mut row, before) = queries::locked(conn, actor.org_id, id).await?;
            if row.enabled == enabled {
                return Ok::<_, crate::Error>(before);
            }
            let anchor = if enabled { anchor(row.now) } else { row.anchor_at };
            // What was skipped or moved before is forgotten with it.
            row.moved.clear();
            let next_at = if enabled {
                next(&definition(&row, anchor)?, true, row.now)
            } else {
                None
            };
            diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
                .set((
                    schedules::enabled.eq(enabled),
                    schedules::anchor_at.eq(anchor),
                    schedules::next_at.eq(next_at),
                    schedules::version.eq(row.version + 1),
                    schedules::updated_at.eq(row.now),
                ))
                .execute(conn)
                .await?;
            forget_skips(conn, id, next_at).await?;
            let action = if enabled {
                "schedule.enable"
            } else {
                "schedule.disable"
            };
            changed(conn, actor, action, id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}
