//! Schedules that are decided now, locked by who decides.

use super::overlap::Standing;
use crate::{
    Control,
    blackouts::{Blackouts, Hold},
    db::statement,
    error::Result,
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{Timestamp, guards::Guards, schedules::Step};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// A schedule whose time has come.
#[derive(QueryableByName)]
pub(super) struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub org_id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub timezone: String,
    #[diesel(sql_type = Jsonb)]
    pub triggers: Value,
    #[diesel(sql_type = Jsonb)]
    pub guards: Value,
    #[diesel(sql_type = Timestamptz)]
    pub anchor_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_at: Option<Timestamp>,
    #[diesel(sql_type = Jsonb)]
    pub steps: Value,
    /// Whether its organisation has blackouts at all.
    #[diesel(sql_type = Bool)]
    pub has_blackouts: bool,
    /// Where fires were moved to.
    #[diesel(sql_type = Array<Timestamptz>)]
    pub moved: Vec<Timestamp>,
    /// Nothing but no-ops.
    #[diesel(sql_type = Bool)]
    pub is_quick: bool,
    #[diesel(sql_type = Timestamptz)]
    pub now: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub up_since: Option<Timestamp>,
}

/// Selects [`Due`]s, under conditions that follow; `$1` is this server.
macro_rules! select_due {
    ($conditions:literal) => {
        concat!(
            "select s.id, s.org_id, s.name, s.timezone, s.triggers, s.guards, s.anchor_at, s.next_at, s.steps, ",
            "array(select f.moved_to from schedule_fires f where f.schedule_id = s.id and f.moved_to >= s.next_at) as moved, ",
            "exists (select 1 from blackouts b where b.org_id = s.org_id and b.enabled) as has_blackouts, ",
            "clock_timestamp() as now, not jsonb_path_exists(s.steps, '$[*].action ? (@.type != \"noop\")') as is_quick, ",
            "(select min(o.started_at) from servers o where o.id = $1 ",
            "or o.seen_at > (select m.started_at from servers m where m.id = $1)) as up_since ",
            "from schedules s ",
            $conditions
        )
    };
}
pub(super) use select_due;

#[derive(QueryableByName)]
struct OpenRuns {
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
}

/// The open runs of schedules that the caller has locked. A statement of its own, after the lock: so it sees what those
/// who held the lock before have committed.
pub(super) async fn standing(conn: &mut AsyncPgConnection, due: &[Due]) -> Result<HashMap<Uuid, Standing>> {
    standing_of(conn, due.iter().map(|due| due.id).collect()).await
}

/// The open runs of schedules.
pub(super) async fn standing_of(
    conn: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Standing>> {
    let rows: Vec<OpenRuns> = statement(
        "select schedule_id, count(*) filter (where state <> 'waiting') as running, \
           count(*) filter (where state = 'waiting') as waiting \
         from runs where schedule_id = any($1) and state in ('waiting', 'queued', 'running', 'cancelling') \
         group by schedule_id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    let count = |count: i64| usize::try_from(count).unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| {
            let standing = Standing {
                running: count(row.running),
                waiting: count(row.waiting),
            };
            (row.schedule_id, standing)
        })
        .collect())
}

impl Due {
    /// # Errors
    /// A sentence, when a newer release wrote them.
    pub fn guards(&self) -> std::result::Result<Guards, String> {
        serde::Deserialize::deserialize(&self.guards)
            .map_err(|error| format!("its guards cannot be read: {error}"))
    }
}

/// The blackouts of those organisations that have some; read only where that is so.
pub(super) async fn closed(conn: &mut AsyncPgConnection, due: &[Due]) -> Result<Blackouts> {
    let mut orgs: Vec<Uuid> = due
        .iter()
        .filter(|due| due.has_blackouts)
        .map(|due| due.org_id)
        .collect();
    orgs.sort_unstable();
    orgs.dedup();
    Blackouts::load(conn, orgs).await
}

/// The blackout that a schedule's runs are in now, if any.
pub(super) fn hold(control: &Control, closed: &Blackouts, due: &Due) -> Option<Hold> {
    if !due.has_blackouts {
        return None;
    }
    let steps: Vec<Step> = if closed.are_on_containers() {
        serde::Deserialize::deserialize(&due.steps).unwrap_or_default()
    } else {
        Vec::new()
    };
    closed.hold(control, due.org_id, due.id, due.now, &steps)
}
