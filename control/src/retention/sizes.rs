//! What runs take, by day: a day that is over is measured once.

use crate::{db::first_id, error::Result, schedules::clock};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, ids::OrgId, retention::KeptRuns};
use std::collections::HashSet;
use uuid::Uuid;

/// How long after its end a day is measured again: its last runs end later, and servers' clocks differ.
const SETTLES: TimeDelta = TimeDelta::hours(24);

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// What the rows of `picked` take, with those that belong to them: their large columns, and what a row costs with its place in
/// the indexes. Nothing is read for it that lies compressed aside.
macro_rules! size_of {
    ($picked:literal, $rest:literal) => {
        concat!(
            "with picked as (select id, 400 + pg_column_size(plan) + coalesce(octet_length(message), 0) as bytes \
               from runs where org_id = $1 and ",
            $picked,
            ") select count(*) as runs, (coalesce(sum(bytes), 0) \
             + (select coalesce(sum(160 + pg_column_size(s.action) + coalesce(octet_length(s.message), 0)), 0) \
                from run_steps s join picked p on p.id = s.run_id where ",
            $rest,
            ") + (select coalesce(sum(320 + coalesce(octet_length(s.output), 0) + coalesce(octet_length(s.message), 0)), 0) \
                from run_targets s join picked p on p.id = s.run_id where ",
            $rest,
            ") + (select coalesce(sum(100 + octet_length(s.chunk)), 0) \
                from run_logs s join picked p on p.id = s.run_id where ",
            $rest,
            "))::bigint as bytes from picked"
        )
    };
}

/// The day on which a run was recorded, by its id.
pub(super) fn day_of(id: Uuid) -> Option<NaiveDate> {
    let (seconds, _) = id.get_timestamp()?.to_unix();
    Some(DateTime::from_timestamp(seconds.try_into().ok()?, 0)?.date_naive())
}

fn begin(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

fn first_of(day: NaiveDate) -> Uuid {
    first_id(begin(day).timestamp().max(0).unsigned_abs(), 0)
}

/// What these runs take.
pub(super) async fn of(conn: &mut AsyncPgConnection, org: OrgId, ids: &[Uuid]) -> Result<u64> {
    let size: Size = diesel::sql_query(size_of!("id = any($2)", "s.run_id = any($2)"))
        .bind::<SqlUuid, _>(org.0)
        .bind::<Array<SqlUuid>, _>(ids)
        .get_result(conn)
        .await?;
    Ok(size.bytes.unsigned_abs())
}

#[derive(QueryableByName)]
struct Day {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    queued_at: Timestamp,
}

async fn oldest(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Option<Oldest>> {
    Ok(
        diesel::sql_query("select id, queued_at from runs where org_id = $1 order by id limit 1")
            .bind::<SqlUuid, _>(org.0)
            .get_result(conn)
            .await
            .optional()?,
    )
}

/// Measures the days that are not known, or not for good.
pub(super) async fn measure(conn: &mut AsyncPgConnection, org: OrgId) -> Result<()> {
    let now = clock(conn).await?;
    let today = now.date_naive();
    let first = oldest(conn, org).await?.and_then(|run| day_of(run.id));
    diesel::sql_query("delete from run_sizes where org_id = $1 and ($2 is null or day < $2)")
        .bind::<SqlUuid, _>(org.0)
        .bind::<Nullable<Date>, _>(first)
        .execute(conn)
        .await?;
    let Some(first) = first else {
        return Ok(());
    };
    let settled: Vec<Day> = diesel::sql_query("select day from run_sizes where org_id = $1 and settled")
        .bind::<SqlUuid, _>(org.0)
        .load(conn)
        .await?;
    let settled: HashSet<NaiveDate> = settled.into_iter().map(|row| row.day).collect();
    // A server whose clock is ahead may have begun tomorrow.
    let last = today.checked_add_days(Days::new(1)).unwrap_or(today);
    for day in first.iter_days().take_while(|day| *day <= last) {
        if settled.contains(&day) {
            continue;
        }
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        let size: Size = diesel::sql_query(size_of!(
            "id >= $2 and id < $3",
            "s.run_id >= $2 and s.run_id < $3"
        ))
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(first_of(day))
        .bind::<SqlUuid, _>(first_of(next))
        .get_result(conn)
        .await?;
        diesel::sql_query(
            "insert into run_sizes (org_id, day, runs, bytes, settled) values ($1, $2, $3, $4, $5) \
             on conflict (org_id, day) do update set runs = excluded.runs, bytes = excluded.bytes, \
               settled = excluded.settled, measured_at = now()",
        )
        .bind::<SqlUuid, _>(org.0)
        .bind::<Date, _>(day)
        .bind::<BigInt, _>(size.runs)
        .bind::<BigInt, _>(size.bytes)
        .bind::<Bool, _>(begin(next) + SETTLES < now)
        .execute(conn)
        .await?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    measured_at: Option<Timestamp>,
}

/// What an organisation keeps, as it was measured last.
pub(super) async fn kept(conn: &mut AsyncPgConnection, org: OrgId) -> Result<KeptRuns> {
    let sum: Sum = diesel::sql_query(
        "select coalesce(sum(runs), 0)::bigint as runs, coalesce(sum(bytes), 0)::bigint as bytes, \
           max(measured_at) as measured_at from run_sizes where org_id = $1",
    )
    .bind::<SqlUuid, _>(org.0)
    .get_result(conn)
    .await?;
    Ok(KeptRuns {
        runs: sum.runs.unsigned_abs(),
        bytes: sum.bytes.unsigned_abs(),
        oldest: oldest(conn, org).await?.map(|run| run.queued_at),
        measured_at: sum.measured_at,
    })
}
