//! Which schedules fail most.

use super::first_run;
use crate::{Control, error::Result, schedules::clock};
use chrono::TimeDelta;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    ids::ScheduleId,
    statistics::{FailingSchedule, Statistics, share},
};
use uuid::Uuid;

/// How many are given.
const MOST: i64 = 10;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = Timestamptz)]
    last_failure: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    since: Timestamp,
}

/// Failures come from an index of their own; only those that are shown have their successes counted.
const SQL: &str = "with failures as ( \
       select r.schedule_id, d.until, count(*) as failures, max(r.queued_at) as last_failure \
       from runs r left join runs_deleted d on d.schedule_id = r.schedule_id \
       where r.org_id = $1 and r.id >= $2 and r.queued_at >= $3 and r.state in ('failed', 'partial', 'unknown') \
         and r.schedule_id is not null and (d.until is null or r.queued_at > d.until) group by r.schedule_id, d.until), \
     worst as ( \
       select s.id, s.name, f.until, f.failures, f.last_failure from failures f join schedules s on s.id = f.schedule_id \
       where s.org_id = $1 and s.deleted_at is null order by f.failures desc, f.last_failure desc, s.id limit $4) \
     select w.id, w.name, w.failures, w.last_failure, greatest(w.until, $3) as since, \
       (select count(*) from runs r where r.schedule_id = w.id and r.id >= $2 and r.queued_at >= $3 \
         and (w.until is null or r.queued_at > w.until) and r.state = 'succeeded') as succeeded \
     from worst w order by w.failures desc, w.last_failure desc, w.id";

/// The schedules of the organisation that failed most in the last days.
///
/// # Errors
/// 403; 422 `invalid_days`.
pub async fn statistics(control: &Control, actor: &Actor, wanted: Option<u32>) -> Result<Statistics> {
    actor.require(Permission::RunsRead)?;
    let days = super::days(wanted)?;
    let mut conn = control.db().conn().await?;
    let since = clock(&mut conn).await? - TimeDelta::days(i64::from(days));
    let rows: Vec<Row> = diesel::sql_query(SQL)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(first_run(since))
        .bind::<Timestamptz, _>(since)
        .bind::<BigInt, _>(MOST)
        .load(&mut conn)
        .await?;
    let failing = rows.into_iter().map(|row| {
        let failures = row.failures.unsigned_abs();
        FailingSchedule {
            id: ScheduleId(row.id),
            name: row.name,
            failures,
            failure_rate: share(failures, failures + row.succeeded.unsigned_abs()).unwrap_or_default(),
            last_failure: row.last_failure,
            since: row.since,
        }
    });
    Ok(Statistics {
        days,
        since,
        failing: failing.collect(),
    })
}
