//! The sweep: once an hour what goes beyond the limits is deleted, in small batches, by one server at a time.

use super::{delete, fires, limits, sizes};
use crate::{Control, db::first_id, error::Result, schedules::clock, schema::runs};
use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{BigInt, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ids::OrgId;
use metrics::counter;
use std::time::Duration;
use uuid::Uuid;

/// The first sweep comes a while after the start, when runs that were open are taken up again.
const FIRST: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(3600);
/// Runs of one transaction, and the rest between two, so that runs and pages never notice.
const BATCH: i64 = 500;
const REST: Duration = Duration::from_millis(50);
/// Schedules looked at by one query.
const SCHEDULES: i64 = 200;

/// Sweeps until the control plane stops.
pub(crate) async fn sweep(control: &Control) {
    let stop = control.stopping();
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = PAUSE;
        match apply(control).await {
            Ok(0) => {}
            Ok(runs) => tracing::info!(runs, "deleted runs that are kept no longer"),
            Err(error) => tracing::warn!(error = %error, "old runs could not be deleted now"),
        }
        match fires::prune(control).await {
            Ok(fires) => tracing::debug!(fires, "forgot what was decided long ago"),
            Err(error) => tracing::warn!(error = %error, "old fire times could not be deleted now"),
        }
    }
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Deletes what goes beyond the limits of every organisation, and says how many runs that were. Stops early while another
/// server is at it.
///
/// # Errors
/// When the database does not answer.
pub async fn apply(control: &Control) -> Result<u64> {
    let orgs: Vec<Id> = {
        let mut conn = control.db().conn().await?;
        diesel::sql_query("select id from orgs order by id")
            .load(&mut conn)
            .await?
    };
    let mut sweep = Sweep {
        control,
        deleted: 0,
        is_over: false,
    };
    for org in orgs {
        sweep.org(OrgId(org.id)).await?;
        if sweep.is_over {
            break;
        }
    }
    counter!("chrontainer_runs_deleted_total").increment(sweep.deleted);
    Ok(sweep.deleted)
}

/// Which runs are looked at, always the oldest first.
enum Which {
    /// All that come before this id.
    Before(Uuid),
    /// Those of a schedule, up to this one.
    OfSchedule(Uuid, Uuid),
    All,
}

struct Sweep<'a> {
    control: &'a Control,
    deleted: u64,
    /// The server stops, or another one is at it.
    is_over: bool,
}

impl Sweep<'_> {
    async fn org(&mut self, org: OrgId) -> Result<()> {
        let limits = {
            let mut conn = self.control.db().conn().await?;
            limits(&mut conn, org).await?
        };
        if let Some(days) = limits.days {
            let mut conn = self.control.db().conn().await?;
            let until = clock(&mut conn).await? - TimeDelta::days(days.into());
            drop(conn);
            let before = first_id(until.timestamp().max(0).unsigned_abs(), 0);
            self.delete(org, &Which::Before(before), None).await?;
        }
        if let Some(runs) = limits.runs_per_schedule {
            self.beyond_count(org, runs.into()).await?;
        }
        if self.is_over {
            return Ok(());
        }
        let mut conn = self.control.db().conn().await?;
        sizes::measure(&mut conn, org).await?;
        let kept = sizes::kept(&mut conn, org).await?;
        drop(conn);
        let too_much = limits.bytes.and_then(|bytes| kept.bytes.checked_sub(bytes));
        if let Some(too_much) = too_much.filter(|bytes| *bytes > 0) {
            self.delete(org, &Which::All, Some(too_much)).await?;
            let mut conn = self.control.db().conn().await?;
            sizes::measure(&mut conn, org).await?;
        }
        Ok(())
    }

    /// Of each schedule those beyond the newest `most`.
    async fn beyond_count(&mut self, org: OrgId, most: i64) -> Result<()> {
        #[derive(QueryableByName)]
        struct Schedule {
            #[diesel(sql_type = SqlUuid)]
            id: Uuid,
            #[diesel(sql_type = Nullable<SqlUuid>)]
            beyond: Option<Uuid>,
        }
        let mut after = Uuid::nil();
        while !self.is_over {
            let mut conn = self.control.db().conn().await?;
            let schedules: Vec<Schedule> = diesel::sql_query(
                "select s.id, (select r.id from runs r where r.schedule_id = s.id order by r.id desc offset $3 limit 1) \
                   as beyond \
                 from schedules s where s.org_id = $1 and s.id > $2 order by s.id limit $4",
            )
            .bind::<SqlUuid, _>(org.0)
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(most)
            .bind::<BigInt, _>(SCHEDULES)
            .load(&mut conn)
            .await?;
            drop(conn);
            let Some(last) = schedules.as_slice().last() else {
                return Ok(());
            };
            after = last.id;
            for schedule in schedules {
                if let Some(beyond) = schedule.beyond {
                    self.delete(org, &Which::OfSchedule(schedule.id, beyond), None)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Goes through the runs once, and deletes what may go; with `bytes` only until so much is freed.
    async fn delete(&mut self, org: OrgId, which: &Which, bytes: Option<u64>) -> Result<()> {
        let mut left = bytes;
        let mut after = Uuid::nil();
        while !self.is_over && left != Some(0) {
            let mut conn = self.control.db().conn().await?;
            let mut ids = candidates(&mut conn, org, which, after).await?;
            if let Some(wanted) = left {
                enough(&mut conn, org, &mut ids, wanted).await?;
            }
            let Some(last) = ids.as_slice().last() else {
                return Ok(());
            };
            after = *last;
            let size = match left {
                Some(_) => sizes::of(&mut conn, org, &ids).await?,
                None => 0,
            };
            let Some(gone) = delete::delete(&mut conn, org, &ids).await? else {
                self.is_over = true;
                return Ok(());
            };
            drop(conn);
            let gone = gone.len() as u64;
            self.deleted += gone;
            left = left.map(|left| left.saturating_sub(gone * size / (ids.len() as u64).max(1)));
            let stop = self.control.stopping();
            tokio::select! {
                () = stop.cancelled() => self.is_over = true,
                () = tokio::time::sleep(if gone == 0 { Duration::ZERO } else { REST }) => {}
            }
        }
        Ok(())
    }
}

/// Keeps as many of the runs as free what is wanted, if they are about alike.
async fn enough(conn: &mut AsyncPgConnection, org: OrgId, ids: &mut Vec<Uuid>, wanted: u64) -> Result<()> {
    let each = sizes::of(conn, org, ids).await? / (ids.len() as u64).max(1);
    ids.truncate(usize::try_from(wanted.div_ceil(each.max(1))).unwrap_or(usize::MAX));
    Ok(())
}

async fn candidates(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    which: &Which,
    after: Uuid,
) -> Result<Vec<Uuid>> {
    let runs = runs::table
        .filter(runs::id.gt(after))
        .select(runs::id)
        .order(runs::id)
        .limit(BATCH)
        .into_boxed();
    let runs = match *which {
        Which::Before(before) => runs.filter(runs::org_id.eq(org.0)).filter(runs::id.lt(before)),
        // By the index of its schedule; deleting asks for the organisation.
        Which::OfSchedule(schedule, last) => runs
            .filter(runs::schedule_id.eq(schedule))
            .filter(runs::id.le(last)),
        Which::All => runs.filter(runs::org_id.eq(org.0)),
    };
    Ok(runs.load(conn).await?)
}
