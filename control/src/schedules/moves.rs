//! Skipping or moving one coming fire, whichever: decided in advance, in the same place where the ticker decides.
//!
//! A moved fire is `postponed` at its own time, and its new time joins the schedule's times until it is decided.

use super::{
    queries::{self, Row},
    rights,
    service::{changed, definition, guards, ring},
    spread::Spread,
};
use crate::{Control, error::Result, schema::schedules};
use chrono::{SubsecRound, TimeDelta};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::ScheduleId,
    schedules::Schedule,
};

/// How far ahead a fire can be moved.
const FURTHEST: TimeDelta = TimeDelta::days(366);

/// Skips the fire at `at`. Doing it twice changes nothing.
///
/// # Errors
/// 403; 404; 409 `no_such_fire` when nothing would run then, `fire_moved`.
pub async fn skip_at(control: &Control, actor: &Actor, id: ScheduleId, at: Timestamp) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let at = at.trunc_subsecs(6);
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            // The lock keeps the ticker from deciding this very fire time meanwhile.
            let (row, before) = queries::locked(conn, actor.org_id, id).await?;
            rights::require_on(control, actor, &before)?;
            coming(&row, at)?;
            match decided(conn, id, at).await? {
                Some(fire) if fire.moved_to.is_some() => return Err(moved_already(&row, at).into()),
                Some(_) => return Ok::<_, crate::Error>(before),
                None => {}
            }
            decide(conn, actor, id, at, None).await?;
            changed(conn, actor, "schedule.skip", id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// Moves the fire at `at` to `to`.
///
/// # Errors
/// 403; 404; 409 `no_such_fire`, `fire_moved`, `fires_then` when it runs at `to` anyway; 422 `in_the_past`, `too_far`.
pub async fn move_fire(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    at: Timestamp,
    to: Timestamp,
) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let (at, to) = (at.trunc_subsecs(6), to.trunc_subsecs(6));
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let (row, before) = queries::locked(conn, actor.org_id, id).await?;
            rights::require_on(control, actor, &before)?;
            let times = coming(&row, at)?;
            if let Some(fire) = decided(conn, id, at).await? {
                return match fire.moved_to {
                    Some(there) if there == to => Ok(before),
                    Some(_) => Err(moved_already(&row, at).into()),
                    None => Err(Problem::new(
                        ErrorClass::Conflict,
                        "fire_skipped",
                        format!(
                            "The run of {} at {} is skipped. Undo the skip first.",
                            row.name,
                            clock(at)
                        ),
                    )
                    .into()),
                };
            }
            if to <= row.now {
                let message = format!("{} has passed already. Choose a time to come.", clock(to));
                return Err(Problem::invalid("in_the_past", "to", message).into());
            }
            if to > row.now + FURTHEST {
                let message = "A run can be moved by a year at most. Skip it, or add a date to the schedule.";
                return Err(Problem::invalid("too_far", "to", message).into());
            }
            if times.fires_at(to) {
                let message = format!(
                    "{} runs at {} anyway. Skip this one instead.",
                    row.name,
                    clock(to)
                );
                return Err(Problem::new(ErrorClass::Conflict, "fires_then", message).into());
            }
            decide(conn, actor, id, at, Some(to)).await?;
            if row.next_at.is_none_or(|next| to < next) {
                set_next(conn, &row, Some(to)).await?;
            }
            changed(conn, actor, "schedule.move", id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// Takes back what was decided ahead for the fire at `at`: a skip, or a move whose new time has not come.
///
/// # Errors
/// 403; 404. Without such a decision nothing changes.
pub async fn undo_at(control: &Control, actor: &Actor, id: ScheduleId, at: Timestamp) -> Result<Schedule> {
    actor.require(Permission::SchedulesOperate)?;
    let at = at.trunc_subsecs(6);
    let mut conn = control.db().conn().await?;
    let schedule = conn
        .transaction(async |conn| {
            let (_, before) = queries::locked(conn, actor.org_id, id).await?;
            rights::require_on(control, actor, &before)?;
            let deleted: Option<Ahead> = diesel::sql_query(
                "delete from schedule_fires where schedule_id = $1 and fire_at = $2 and run_id is null \
                 and state in ('skipped', 'postponed') and fire_at > clock_timestamp() \
                 and (moved_to is null or moved_to > clock_timestamp()) returning moved_to",
            )
            .bind::<SqlUuid, _>(id.0)
            .bind::<Timestamptz, _>(at)
            .get_result(conn)
            .await
            .optional()?;
            let Some(deleted) = deleted else {
                return Ok::<_, crate::Error>(before);
            };
            if let Some(to) = deleted.moved_to {
                // A skip of the new time goes with the move.
                diesel::sql_query(
                    "delete from schedule_fires where schedule_id = $1 and fire_at = $2 and run_id is null",
                )
                .bind::<SqlUuid, _>(id.0)
                .bind::<Timestamptz, _>(to)
                .execute(conn)
                .await?;
                let row = queries::row(conn, actor.org_id, id).await?;
                if let Some(next) = row.next_at {
                    let times = definition(&row, row.anchor_at)?;
                    let earliest = times.next_after(next.min(at) - TimeDelta::microseconds(1));
                    set_next(conn, &row, earliest).await?;
                }
            }
            changed(conn, actor, "schedule.unskip", id, Some(&before)).await
        })
        .await?;
    ring(control);
    Ok(schedule)
}

/// The schedule's times, if it is going to fire at `at`.
fn coming(row: &Row, at: Timestamp) -> Result<super::definition::Definition> {
    let times = definition(row, row.anchor_at)?;
    let comes = row.enabled && row.next_at.is_some_and(|next| next <= at) && at > row.now;
    if comes && times.fires_at(at) {
        return Ok(times);
    }
    let why = match (row.enabled, at <= row.now) {
        (false, _) => "it is switched off",
        (true, true) => "that time has passed",
        (true, false) => "its triggers do not fire then",
    };
    let message = format!("{} has no coming run at {}: {why}.", row.name, clock(at));
    Err(Problem::new(ErrorClass::Conflict, "no_such_fire", message).into())
}

fn moved_already(row: &Row, at: Timestamp) -> Problem {
    let message = format!(
        "The run of {} at {} was moved already. Undo that first.",
        row.name,
        clock(at)
    );
    Problem::new(ErrorClass::Conflict, "fire_moved", message)
}

fn clock(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[derive(QueryableByName)]
struct Ahead {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    moved_to: Option<Timestamp>,
}

/// What was decided for a fire time, if anything was.
async fn decided(conn: &mut AsyncPgConnection, id: ScheduleId, at: Timestamp) -> Result<Option<Ahead>> {
    Ok(
        diesel::sql_query("select moved_to from schedule_fires where schedule_id = $1 and fire_at = $2")
            .bind::<SqlUuid, _>(id.0)
            .bind::<Timestamptz, _>(at)
            .get_result(conn)
            .await
            .optional()?,
    )
}

/// Decides the fire at `at`: skipped, or postponed to another time.
async fn decide(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    id: ScheduleId,
    at: Timestamp,
    to: Option<Timestamp>,
) -> Result<()> {
    let (state, reason) = match to {
        None => ("skipped", format!("Skipped by {}.", actor.name)),
        Some(to) => ("postponed", format!("Moved to {} by {}.", clock(to), actor.name)),
    };
    diesel::sql_query(
        "insert into schedule_fires (schedule_id, fire_at, org_id, state, reason, moved_to) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Timestamptz, _>(at)
    .bind::<SqlUuid, _>(actor.org_id.0)
    .bind::<Text, _>(state)
    .bind::<Text, _>(reason)
    .bind::<Nullable<Timestamptz>, _>(to)
    .execute(conn)
    .await?;
    Ok(())
}

async fn set_next(conn: &mut AsyncPgConnection, row: &Row, next: Option<Timestamp>) -> Result<()> {
    // Where jitter moves it back, that is when it is due.
    let spread = Spread::new(ScheduleId(row.id), &guards(row)?);
    diesel::update(schedules::table.filter(schedules::id.eq(row.id)))
        .set((
            schedules::next_at.eq(next),
            schedules::due_at.eq(spread.due_at(next)),
            schedules::done_at.eq(None::<Timestamp>),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
