//! The figures of one schedule.

use super::{days, first_run};
use crate::{
    Control,
    error::Result,
    schedules::{Coming, clock, coming},
};
use chrono::TimeDelta;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    ids::ScheduleId,
    next_times::Zone,
    runs::RunState,
    statistics::{DayOfRuns, Durations, Lateness, OutcomeCount, ScheduleStatistics, share},
};

/// How many coming times are given.
const NEXT: usize = 5;

/// What a line of the answer is about.
const BY_DAY: i32 = 1;
const BY_STATE: i32 = 2;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    kind: i32,
    #[diesel(sql_type = Nullable<Integer>)]
    day: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = Nullable<Array<Nullable<Double>>>)]
    took: Option<Vec<Option<f64>>>,
    #[diesel(sql_type = Nullable<Array<Nullable<Double>>>)]
    late: Option<Vec<Option<f64>>>,
}

/// One pass over the runs of the days: all together, by day and by state.
const SQL: &str = "with counted as ( \
       select state, width_bucket(queued_at, $4) as day, \
         case when state in ('succeeded', 'partial', 'failed') \
           then 1000 * extract(epoch from finished_at - started_at)::float8 end as took, \
         case when scheduled_for is not null \
           then 1000 * greatest(extract(epoch from started_at - scheduled_for)::float8, 0) end as late \
       from runs where org_id = $1 and schedule_id = $2 and id >= $3 and queued_at >= $5) \
     select grouping(day, state) as kind, day, state, count(*) as runs, \
       count(*) filter (where state = 'succeeded') as succeeded, \
       count(*) filter (where state in ('failed', 'partial', 'unknown')) as failed, \
       percentile_cont(array[0.5, 0.95]) within group (order by took) as took, \
       percentile_cont(array[0.5, 0.99]) within group (order by late) as late \
     from counted group by grouping sets ((), (day), (state))";

/// How the runs of a schedule went in the last days, and when it runs next.
///
/// # Errors
/// 403; 404 `schedule_not_found`; 422 `invalid_days`.
pub async fn of_schedule(
    control: &Control,
    actor: &Actor,
    id: ScheduleId,
    wanted: Option<u32>,
) -> Result<ScheduleStatistics> {
    actor.require(Permission::SchedulesRead)?;
    let wanted = super::days(wanted)?;
    let mut conn = control.db().conn().await?;
    let Coming { timezone, next } = coming(&mut conn, actor.org_id, id, NEXT).await?;
    let now = clock(&mut conn).await?;
    // A zone that this machine does not know has no midnights.
    let zone = Zone::new(&timezone).unwrap_or_else(|_| Zone::utc());
    let days = days::until(now, &zone, wanted);
    let first = days.as_slice().first().map_or(now, |day| day.from);
    let since = deleted_until(&mut conn, id)
        .await?
        .map_or(first, |until| first.max(until + TimeDelta::microseconds(1)));
    let begins: Vec<Timestamp> = days.iter().map(|day| day.from).collect();
    let rows: Vec<Row> = diesel::sql_query(SQL)
        .bind::<SqlUuid, _>(actor.org_id.0)
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(first_run(since))
        .bind::<Array<Timestamptz>, _>(&begins)
        .bind::<Timestamptz, _>(since)
        .load(&mut conn)
        .await?;
    let mut statistics = ScheduleStatistics {
        days: wanted,
        timezone: zone.name().to_owned(),
        since,
        cut_short: since > first,
        runs: 0,
        succeeded: 0,
        failed: 0,
        success_rate: None,
        outcomes: Vec::new(),
        duration: Durations::default(),
        lateness: Lateness::default(),
        trend: days.into_iter().map(|day| no_runs(day.name)).collect(),
        next,
    };
    for row in rows {
        match row.kind {
            BY_DAY => {
                let place = row.day.and_then(|day| usize::try_from(day - 1).ok());
                if let Some(day) = place.and_then(|place| statistics.trend.get_mut(place)) {
                    (day.runs, day.succeeded, day.failed) = row.counts();
                    day.duration = row.duration();
                }
            }
            BY_STATE => statistics.outcomes.extend(row.outcome()),
            _ => {
                (statistics.runs, statistics.succeeded, statistics.failed) = row.counts();
                statistics.duration = row.duration();
                statistics.lateness = row.lateness();
            }
        }
    }
    statistics.success_rate = share(statistics.succeeded, statistics.succeeded + statistics.failed);
    // In the order of a run's life.
    statistics
        .outcomes
        .sort_by_key(|outcome| RunState::ALL.iter().position(|state| *state == outcome.status));
    Ok(statistics)
}

#[derive(QueryableByName)]
struct Deleted {
    #[diesel(sql_type = Timestamptz)]
    until: Timestamp,
}

/// Up to when runs of the schedule were deleted, so that what is left of that time would lie.
async fn deleted_until(conn: &mut AsyncPgConnection, id: ScheduleId) -> Result<Option<Timestamp>> {
    let deleted: Option<Deleted> = diesel::sql_query("select until from runs_deleted where schedule_id = $1")
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
    Ok(deleted.map(|deleted| deleted.until))
}

fn no_runs(day: String) -> DayOfRuns {
    DayOfRuns {
        day,
        runs: 0,
        succeeded: 0,
        failed: 0,
        duration: Durations::default(),
    }
}

impl Row {
    fn counts(&self) -> (u64, u64, u64) {
        (
            self.runs.unsigned_abs(),
            self.succeeded.unsigned_abs(),
            self.failed.unsigned_abs(),
        )
    }

    fn outcome(&self) -> Option<OutcomeCount> {
        Some(OutcomeCount {
            status: RunState::from_word(self.state.as_deref()?)?,
            runs: self.runs.unsigned_abs(),
        })
    }

    fn duration(&self) -> Durations {
        let (p50_ms, p95_ms) = pair(self.took.as_deref());
        Durations { p50_ms, p95_ms }
    }

    fn lateness(&self) -> Lateness {
        let (p50_ms, p99_ms) = pair(self.late.as_deref());
        Lateness { p50_ms, p99_ms }
    }
}

fn pair(values: Option<&[Option<f64>]>) -> (Option<f64>, Option<f64>) {
    match values {
        Some([one, two]) => (*one, *two),
        _ => (None, None),
    }
}
