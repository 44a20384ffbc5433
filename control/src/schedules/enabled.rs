//! Switching a schedule on and off.

use super::{
    labels, pause, queries, rights,
    service::{anchor, changed, definition, forget_skips, guards, ring},
    timing::Timing,
};
use crate::{Control, error::Result, schema::schedules};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    ids::ScheduleId,
    schedules::Schedule,
};

/// Switches a schedule on or off; a pause until a date ends with either. Switched on, it fires next at the first time from now on; intervals count anew.
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
    actor.require(Permission::SchedulesOperate)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| switched(control, conn, actor, id, enabled).await)
        .await?;
    ring(control);
    Ok(schedule)
}

/// Switches many on or off, all or none; switched on, a pause until a date ends too.
///
/// # Errors
/// As [`set_enabled`]; 422 `too_many`.
pub async fn switch_many(
    control: &Control,
    actor: &Actor,
    ids: &[ScheduleId],
    enabled: bool,
) -> Result<Vec<Schedule>> {
    actor.require(Permission::SchedulesOperate)?;
    let ordered = pause::ordered(ids)?;
    let mut conn = control.db().conn().await?;
    let schedules = conn
        .transaction(async |conn| {
            let mut schedules = Vec::with_capacity(ordered.len());
            for id in ordered {
                let mut schedule = switched(control, conn, actor, id, enabled).await?;
                if enabled && schedule.paused_until.is_some() {
                    schedule = pause::paused(control, conn, actor, id, None).await?;
                }
                schedules.push(schedule);
            }
            Ok::<_, crate::Error>(schedules)
        })
        .await?;
    ring(control);
    Ok(schedules)
}

async fn switched(
    control: &Control,
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    id: ScheduleId,
    enabled: bool,
) -> Result<Schedule> {
    let (mut row, before) = queries::locked(conn, actor.org_id, id).await?;
    rights::require_on(control, actor, &before)?;
    labels::refuse_gone(&row, &before)?;
    if row.enabled == enabled {
        return Ok(before);
    }
    let anchor = if enabled { anchor(row.now) } else { row.anchor_at };
    // What was skipped or moved before is forgotten with it.
    row.moved.clear();
    let timing = if enabled {
        let guards = guards(&row)?;
        Timing::new(id, &definition(&row, anchor)?, &guards, true, row.now)
    } else {
        Timing::default()
    };
    let next_at = timing.next_at;
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set((
            schedules::enabled.eq(enabled),
            schedules::anchor_at.eq(anchor),
            timing.set(),
            schedules::paused_until.eq(None::<domain::Timestamp>),
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
}
