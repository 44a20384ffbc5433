//! Forgetting decided fire times, so that a schedule of every second does not leave a row for each.
//!
//! That a time was decided must never be forgotten: what is deleted of a schedule moves its `fires_until` on, and the ticker
//! decides nothing up to there. Both happen in one statement, under the lock under which the ticker decides.

use crate::{Control, db::statement, error::Result};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use std::time::Duration;
use uuid::Uuid;

/// Schedules looked at by one query.
const SCHEDULES: i64 = 500;
/// Rows of one transaction, and the rest between two.
const BATCH: i64 = 1000;
const REST: Duration = Duration::from_millis(20);

#[derive(QueryableByName)]
struct Schedule {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    is_old: bool,
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Which rows of schedule `s` go: decided a week ago, for a time that passed a week ago and is behind the schedule; of a
/// moved one, the new time too. By both times, so that a clock that was wrong for a day forgets nothing that is to come.
macro_rules! old {
    () => {
        "f.schedule_id = s.id and f.fire_at < least(now() - interval '7 days', s.next_at) \
           and f.decided_at < now() - interval '7 days' \
           and (f.moved_to is null or f.moved_to < least(now() - interval '7 days', s.next_at))"
    };
}

/// Deletes what was decided more than a week ago, and says how much that was.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn prune(control: &Control) -> Result<u64> {
    let stop = control.stopping();
    let mut after = Uuid::nil();
    let mut deleted = 0;
    while !stop.is_cancelled() {
        let mut conn = control.db().conn().await?;
        let schedules: Vec<Schedule> = statement(concat!(
            "select s.id, exists (select 1 from schedule_fires f where ",
            old!(),
            ") as is_old from schedules s where s.id > $1 order by s.id limit $2"
        ))
        .bind::<SqlUuid, _>(after)
        .bind::<BigInt, _>(SCHEDULES)
        .load(&mut conn)
        .await?;
        drop(conn);
        let Some(last) = schedules.as_slice().last() else {
            break;
        };
        after = last.id;
        for schedule in schedules.iter().filter(|schedule| schedule.is_old) {
            deleted += of(control, schedule.id).await?;
        }
    }
    Ok(deleted)
}

/// Deletes what is old of one schedule. One that is being decided or changed is left for the next time.
async fn of(control: &Control, schedule: Uuid) -> Result<u64> {
    let stop = control.stopping();
    let mut deleted = 0;
    loop {
        let mut conn = control.db().conn().await?;
        let gone: Gone = statement(concat!(
            "with s as (select id, next_at from schedules where id = $1 for update skip locked), \
             old as (select f.schedule_id, f.fire_at from schedule_fires f join s on ",
            old!(),
            " order by f.fire_at limit $2), \
             gone as (delete from schedule_fires f using old o where f.schedule_id = o.schedule_id and f.fire_at = o.fire_at \
               returning f.fire_at), \
             noted as (update schedules t set fires_until = greatest(t.fires_until, (select max(fire_at) from gone)) \
               from s where t.id = s.id and exists (select 1 from gone)) \
             select count(*) as count from gone"
        ))
        .bind::<SqlUuid, _>(schedule)
        .bind::<BigInt, _>(BATCH)
        .get_result(&mut conn)
        .await?;
        drop(conn);
        deleted += gone.count.unsigned_abs();
        if gone.count < BATCH || stop.is_cancelled() {
            return Ok(deleted);
        }
        tokio::time::sleep(REST).await;
    }
}
