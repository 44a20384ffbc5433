//! Deleting a few runs, with all that belongs to them.

use crate::error::{Error, Result};
use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::ids::OrgId;
use uuid::Uuid;

/// "chronrun" in ASCII: whoever holds this advisory lock deletes runs.
const LOCK: i64 = 0x6368_726f_6e72_756e;

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// What stays: open runs, what ended within the hour (somebody may wait for it, or look at it), the latest run of each
/// schedule, and its latest success, which the watch for overdue schedules asks for. Steps, targets and logs go by their
/// foreign keys. A schedule that is deleted itself keeps nothing.
const SQL: &str = "with wanted as ( \
       select id, schedule_id, queued_at from runs where org_id = $1 and id = any($2) \
         and state not in ('waiting', 'queued', 'running', 'cancelling') \
         and coalesce(finished_at, queued_at) < now() - interval '1 hour'), \
     heads as materialized ( \
       select s.id as schedule_id, (select r.id from runs r where r.schedule_id = s.id order by r.id desc limit 1) as latest, \
         (select r.id from runs r where r.schedule_id = s.id and r.state = 'succeeded' order by r.id desc limit 1) as success \
       from schedules s where s.deleted_at is null and s.id in (select schedule_id from wanted)), \
     gone as ( \
       delete from runs r using wanted w where r.id = w.id \
         and not exists (select 1 from heads h where h.schedule_id = r.schedule_id and r.id in (h.latest, h.success)) \
       returning r.id, r.schedule_id, r.queued_at), \
     noted as ( \
       insert into runs_deleted as d (schedule_id, org_id, until, runs) \
       select schedule_id, $1, max(queued_at), count(*) from gone where schedule_id is not null group by schedule_id \
       on conflict (schedule_id) do update set until = greatest(d.until, excluded.until), runs = d.runs + excluded.runs) \
     select id from gone";

/// Deletes those of the runs that may go, and names them. Nothing (`None`) while another server deletes.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    ids: &[Uuid],
) -> Result<Option<Vec<Uuid>>> {
    conn.transaction::<_, Error, _>(async |conn| {
        let Locked { locked } = diesel::sql_query("select pg_try_advisory_xact_lock($1) as locked")
            .bind::<BigInt, _>(LOCK)
            .get_result(conn)
            .await?;
        if !locked {
            return Ok(None);
        }
        let gone: Vec<Gone> = diesel::sql_query(SQL)
            .bind::<SqlUuid, _>(org.0)
            .bind::<Array<SqlUuid>, _>(ids)
            .load(conn)
            .await?;
        let gone: Vec<Uuid> = gone.into_iter().map(|run| run.id).collect();
        let mut days: Vec<NaiveDate> = gone.iter().filter_map(|id| super::sizes::day_of(*id)).collect();
        days.dedup();
        if !days.is_empty() {
            // To be measured again.
            diesel::sql_query("delete from run_sizes where org_id = $1 and day = any($2)")
                .bind::<SqlUuid, _>(org.0)
                .bind::<Array<Date>, _>(days)
                .execute(conn)
                .await?;
        }
        Ok(Some(gone))
    })
    .await
}
