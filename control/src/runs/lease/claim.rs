//! Taking a run: the claim raises its epoch and starts its lease.

use crate::{Control, db::statement, error::Result, runs::metrics};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::{
    Timestamp,
    auth::Role,
    ids::{OrgId, RunId, UserId},
    runs::{RunPlan, RunState},
};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// A run that this process has just taken.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub run: RunId,
    pub org: OrgId,
    /// Nothing when this release cannot read it.
    pub plan: Option<RunPlan>,
    pub acts_for: Option<UserId>,
    /// What the person it acts for is now; nothing when gone, disabled or no member.
    pub role: Option<Role>,
    pub epoch: i32,
    /// Whoever executed it before gave it back or is known to be dead, so that it came here before its lease was over.
    pub was_handed_over: bool,
    pub cancelling: bool,
    pub cancelled_by: Option<String>,
    pub title: String,
    /// Why it runs, with what came along.
    pub trigger: Value,
    /// Since its start, on the database's clock.
    pub running_for: Duration,
}

impl Claimed {
    /// Whether an executor before this one may have begun.
    pub fn is_continued(&self) -> bool {
        self.epoch > 1
    }
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    acts_for: Option<Uuid>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    scheduled_for: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    cancel_requested_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Jsonb)]
    trigger: Value,
    #[diesel(sql_type = Double)]
    running_for: f64,
    #[diesel(sql_type = Bool)]
    was_handed_over: bool,
}

/// Takes the run, if it is queued or its lease is over. Calls at the same time share a statement.
///
/// # Errors
/// When the database does not answer.
pub(in crate::runs) async fn claim(control: &Control, run: RunId) -> Result<Option<Arc<Claimed>>> {
    let this = control.clone();
    control
        .runs()
        .claims
        .call(run, move |runs| {
            let control = this.clone();
            async move { claim_all(&control, runs).await }
        })
        .await
}

/// The commit does not wait for the disk. Should Postgres crash before it is there, the claim is undone with all that
/// follows from it: no engine is asked before the intent's commit, which waits, and with it waits everything before.
async fn claim_all(control: &Control, runs: Vec<RunId>) -> Result<Vec<Option<Arc<Claimed>>>> {
    let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    let mut conn = control.db().conn().await?;
    let rows: Vec<ClaimRow> = statement(
        "with wanted as (\
           select id, state <> 'queued' and owner is null as was_handed_over from runs \
           where id = any($1) and (state = 'queued' \
             or state in ('running', 'cancelling') and (lease_until is null or lease_until < now())) \
           order by id for update), \
         claimed as (\
           update runs r set owner = $2, epoch = r.epoch + 1, lease_until = clock_timestamp() + $3 * interval '1 second', \
             state = case r.state when 'queued' then 'running' else r.state end, \
             started_at = coalesce(r.started_at, clock_timestamp()) \
           from wanted w where r.id = w.id returning r.*, w.was_handed_over) \
         select c.id, c.org_id, c.plan, c.acts_for, c.state, c.epoch, c.scheduled_for, c.started_at, \
           c.cancel_requested_by, case when u.disabled_at is null then m.role end as role, c.title, c.trigger, \
           extract(epoch from clock_timestamp() - c.started_at)::double precision as running_for, \
           c.was_handed_over, \
           set_config('synchronous_commit', 'off', true) as durable \
         from claimed c \
         left join memberships m on m.org_id = c.org_id and m.user_id = c.acts_for \
         left join users u on u.id = m.user_id",
    )
    .bind::<Array<SqlUuid>, _>(ids.clone())
    .bind::<SqlUuid, _>(control.server_id().0)
    .bind::<Double, _>(control.options().lease.as_secs_f64())
    .load(&mut conn)
    .await?;
    let mut claimed: HashMap<Uuid, Arc<Claimed>> = HashMap::with_capacity(rows.len());
    for row in rows {
        if row.epoch == 1 {
            metrics::started(row.scheduled_for, row.started_at);
        }
        let of = Claimed {
            run: RunId(row.id),
            org: OrgId(row.org_id),
            plan: serde_json::from_value(row.plan).ok(),
            acts_for: row.acts_for.map(UserId),
            role: row.role.and_then(|role| role.parse().ok()),
            epoch: row.epoch,
            was_handed_over: row.was_handed_over,
            cancelling: row.state == RunState::Cancelling.as_str(),
            cancelled_by: row.cancel_requested_by,
            title: row.title,
            trigger: row.trigger,
            running_for: Duration::try_from_secs_f64(row.running_for).unwrap_or_default(),
        };
        claimed.insert(row.id, Arc::new(of));
    }
    // A run that was asked for twice is given once: the second caller has nothing to do.
    Ok(ids.iter().map(|id| claimed.remove(id)).collect())
}
