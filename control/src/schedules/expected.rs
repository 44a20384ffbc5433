//! The dead-man's switch: schedules that expect a success within a time, and had none.
//!
//! `expected_by` is when that time is over, counted from the last success that is known. The ticker wakes then, looks for a
//! later success, and moves the time on or says, once, that the schedule is overdue. A server that was away looks at its
//! return. Whoever ends a run well takes the mark away again; the sweep does so where that server died in between.

use super::service::ring;
use crate::{
    Control, audit,
    db::statement,
    error::Result,
    events::{self, Kind},
};
use chrono::TimeDelta;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::Actor,
    guards::Guards,
    ids::{OrgId, ScheduleId},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Schedules looked at in one transaction.
const BATCH: i64 = 200;

#[derive(Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    guards: Value,
    #[diesel(sql_type = Timestamptz)]
    expected_by: Timestamp,
    /// The latest end of a run that succeeded, among the newest of them.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    succeeded_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
}

/// Selects [`Row`]s, under conditions that follow.
macro_rules! select {
    ($conditions:literal) => {
        concat!(
            "select s.id, s.org_id, s.name, s.guards, s.expected_by, clock_timestamp() as now, ",
            "(select max(l.finished_at) from (select r.finished_at from runs r where r.schedule_id = s.id ",
            "and r.state = 'succeeded' order by r.id desc limit 50) l) as succeeded_at ",
            "from schedules s where s.expected_by is not null ",
            "and s.enabled and s.deleted_at is null and ",
            $conditions
        )
    };
}

impl Row {
    /// Until when a success was or is expected; nothing when none is any more.
    fn expected_by(&self) -> Option<Timestamp> {
        let guards: Option<Guards> = serde::Deserialize::deserialize(&self.guards).ok();
        let within = TimeDelta::from_std(guards?.expect?.within.get()).ok()?;
        let after_success = self
            .succeeded_at
            .and_then(|succeeded| succeeded.checked_add_signed(within));
        Some(after_success.map_or(self.expected_by, |after| after.max(self.expected_by)))
    }
}

/// Looks at the schedules whose time is over: those without a success are overdue from now on, and that is told once.
/// Gives how many were looked at.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn look(control: &Control) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    let (looked, told) = conn
        .transaction(async |conn| {
            let rows: Vec<Row> = statement(select!(
                "s.overdue_since is null and s.expected_by <= clock_timestamp() \
                 order by s.expected_by limit $1 for update of s skip locked"
            ))
            .bind::<BigInt, _>(BATCH)
            .load(conn)
            .await?;
            let mut told = 0;
            for row in &rows {
                let expected_by = row.expected_by();
                let overdue = expected_by.filter(|by| *by <= row.now);
                set(conn, row.id, expected_by, overdue).await?;
                if let Some(since) = overdue {
                    told += 1;
                    tracing::warn!(schedule.id = %row.id, schedule.name = %row.name, "no success in the expected time");
                    let after = json!({ "overdue_since": since, "expect": row.guards["expect"] });
                    tell(conn, row, "schedule.overdue", after).await?;
                }
            }
            Ok::<_, crate::Error>((rows.len(), told))
        })
        .await?;
    drop(conn);
    if told > 0 {
        ring(control);
    }
    Ok(looked)
}

/// Takes the mark off the schedules that had a success since.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn recover(control: &Control) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    let recovered = conn
        .transaction(async |conn| {
            let rows: Vec<Row> = statement(select!(
                "s.overdue_since is not null and exists (select 1 from runs r where r.schedule_id = s.id \
                   and r.state = 'succeeded' and r.finished_at > s.overdue_since) \
                 order by s.id limit $1 for update of s skip locked"
            ))
            .bind::<BigInt, _>(BATCH)
            .load(conn)
            .await?;
            for row in &rows {
                set(conn, row.id, row.expected_by(), None).await?;
                let after = json!({ "succeeded_at": row.succeeded_at });
                tell(conn, row, "schedule.recovered", after).await?;
            }
            Ok::<_, crate::Error>(rows.len())
        })
        .await?;
    drop(conn);
    if recovered > 0 {
        ring(control);
    }
    Ok(recovered)
}

async fn set(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    expected_by: Option<Timestamp>,
    overdue_since: Option<Timestamp>,
) -> Result<()> {
    statement("update schedules set expected_by = $2, overdue_since = $3 where id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<Timestamptz>, _>(expected_by)
        .bind::<Nullable<Timestamptz>, _>(overdue_since)
        .execute(conn)
        .await?;
    Ok(())
}

async fn tell(conn: &mut AsyncPgConnection, row: &Row, action: &str, after: Value) -> Result<()> {
    let (org, id) = (OrgId(row.org_id), ScheduleId(row.id));
    let entry = audit::Entry::new(action, "schedule").object(id, &row.name);
    audit::record(conn, &Actor::system(org), entry.after(after)).await?;
    events::publish(conn, org, Kind::Schedule, id.0).await
}
