//! Pausing until a date: nothing fires before, and nothing that passes meanwhile is missed.

use super::{
    labels, queries, rights,
    service::{changed, definition, forget_skips, guards, ring},
    timing::Timing,
};
use crate::{Control, error::Result, schema::schedules};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::ScheduleId,
    schedules::Schedule,
};

/// The most schedules paused by one request.
pub const MOST_PAUSED: usize = 1000;

/// Pauses a schedule until a time, or takes the pause back. Its rhythm stays: intervals are not counted anew.
///
/// # Errors
/// 403; 404; 409 `schedule_disabled`, `schedule_unreadable`; 422 `in_the_past`.
pub async fn pause(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    until: Option<Timestamp>,
) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| paused(control, conn, actor, id, until).await)
        .await?;
    ring(control);
    Ok(schedule)
}

/// Pauses many at once, all or none.
///
/// # Errors
/// As [`pause`]; 422 `too_many`.
pub async fn pause_many(
    control: &Control,
    actor: &Actor,
    ids: &[ScheduleId],
    until: Option<Timestamp>,
) -> Result<Vec<Schedule>> {
    actor.require(Permission::SchedulesOperate)?;
    let ordered = ordered(ids)?;
    let mut conn = control.db().conn().await?;
    let schedules = conn
        .transaction(async |conn| {
            let mut schedules = Vec::with_capacity(ordered.len());
            for id in &ordered {
                schedules.push(paused(control, conn, actor, *id, until).await?);
            }
            Ok::<_, crate::Error>(schedules)
        })
        .await?;
    ring(control);
    Ok(schedules)
}

/// Each once and in one order, so that two of these never wait for each other.
pub(super) fn ordered(ids: &[ScheduleId]) -> Result<Vec<ScheduleId>, Problem> {
    if ids.len() > MOST_PAUSED {
        let message = format!(
            "These are {} schedules; at most {MOST_PAUSED} can be paused or resumed at once.",
            ids.len()
        );
        return Err(Problem::invalid("too_many", "ids", message));
    }
    let mut ordered = ids.to_vec();
    ordered.sort_unstable();
    ordered.dedup();
    Ok(ordered)
}

pub(super) async fn paused(
    control: &Control,
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    id: ScheduleId,
    until: Option<Timestamp>,
) -> Result<Schedule> {
    let (row, before) = queries::locked(conn, actor.org_id, id).await?;
    rights::require_on(control, actor, &before)?;
    labels::refuse_gone(&row, &before)?;
    if let Some(until) = until {
        if until <= row.now {
            let message = format!(
                "{} has passed already. Choose a time to come.",
                until.format("%Y-%m-%d %H:%M:%S UTC")
            );
            return Err(Problem::invalid("in_the_past", "until", message).into());
        }
        if !row.enabled {
            let message = format!(
                "{} is switched off, so there is nothing to pause. Switch it on first.",
                row.name
            );
            return Err(Problem::new(ErrorClass::Conflict, "schedule_disabled", message).into());
        }
    }
    if before.paused_until == until {
        return Ok(before);
    }
    let after = until.unwrap_or(row.now);
    let timing = Timing::new(
        id,
        &definition(&row, row.anchor_at)?,
        &guards(&row)?,
        row.enabled,
        after,
    );
    diesel::update(schedules::table.filter(schedules::id.eq(id.0)))
        .set((
            timing.set(),
            schedules::paused_until.eq(until),
            schedules::version.eq(row.version + 1),
            schedules::updated_at.eq(row.now),
        ))
        .execute(conn)
        .await?;
    forget_skips(conn, id, timing.next_at).await?;
    let action = if until.is_some() {
        "schedule.pause"
    } else {
        "schedule.resume"
    };
    changed(conn, actor, action, id, Some(&before)).await
}
