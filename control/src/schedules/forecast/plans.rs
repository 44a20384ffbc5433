//! What a forecast is made of: schedules as they compute, what they find, what they take, what was decided ahead.

use super::build::Marks;
use crate::{
    Control,
    blackouts::WorkedOn,
    db::statement,
    error::Result,
    schedules::{definition::Definition, queries, spread::Spread},
};
use chrono::TimeDelta;
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    actions::WorksOn,
    containers::HostRef,
    forecast::{ForecastSchedule, PastRun, Recurrence},
    guards::Guards,
    ids::{ContainerId, HostId, OrgId, RunId, ScheduleId},
    runs::RunState,
    schedules::{Step, Trigger},
    selectors::Selector,
};
use parking_lot::Mutex;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How long it is believed what a target finds. Containers come and go; a forecast need not know within seconds.
const FOUND: Duration = Duration::from_secs(10);
/// How long it is believed what a schedule takes.
const TAKES: Duration = Duration::from_secs(300);
/// Schedules whose durations are looked up for one forecast; the others follow with the next.
const MOST_LOOKED_UP: usize = 2000;
/// Past runs that are told.
const MOST_PAST: i64 = 500;

/// What forecasts keep between them.
#[derive(Default)]
pub(crate) struct ForecastCache {
    plans: Mutex<HashMap<ScheduleId, Arc<Plan>>>,
    found: Mutex<HashMap<(OrgId, String), (Instant, Arc<Touched>)>>,
    takes: Mutex<HashMap<ScheduleId, (Instant, Option<i64>)>>,
}

/// A schedule, understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub id: ScheduleId,
    version: i32,
    anchor_at: Timestamp,
    pub name: String,
    /// The first step's verb.
    pub action: String,
    /// Its triggers in plain English, where it is dense.
    pub sentence: String,
    pub times: Recurrence,
    pub is_dense: bool,
    /// Its jitter.
    pub spread: Spread,
    /// The targets of its steps as one text, which is what they are kept under; and each of them, with what is worked on
    /// there: containers, or only their hosts.
    key: String,
    selectors: Vec<(WorksOn, Selector)>,
}

/// What a schedule's targets find now.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Sorted.
    pub containers: Vec<ContainerId>,
    /// As long as `containers`: its name, and where its host stands in `hosts`.
    pub names: Vec<(String, usize)>,
    pub hosts: Vec<HostRef>,
    pub host_ids: Vec<HostId>,
    /// Those of the hosts that are worked on as such: pulled to, pruned, run on.
    pub whole: Vec<HostId>,
}

/// A plan and what it touches.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub plan: Arc<Plan>,
    pub touched: Arc<Touched>,
    /// Nothing fires before this: what was is decided, and a pause ends here.
    pub not_before: Timestamp,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Timestamptz)]
    anchor_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    next_at: Timestamp,
}

#[derive(QueryableByName)]
struct Full {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    #[diesel(sql_type = Jsonb)]
    triggers: Value,
    #[diesel(sql_type = Jsonb)]
    steps: Value,
    #[diesel(sql_type = Jsonb)]
    guards: Value,
    #[diesel(sql_type = Timestamptz)]
    anchor_at: Timestamp,
}

/// The schedules of an organisation that have a coming fire time, by name as asked, and what they touch.
pub(super) async fn load(
    control: &Control,
    conn: &mut AsyncPgConnection,
    org: OrgId,
    words: &str,
    host: Option<HostId>,
) -> Result<Vec<Planned>> {
    let cache = control.forecasts();
    let heads: Vec<Head> = statement(
        "select s.id, s.version, s.anchor_at, s.next_at from schedules s \
         where s.org_id = $1 and s.deleted_at is null and s.enabled and s.next_at is not null and s.name ilike $2",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Text, _>(queries::pattern(words))
    .load(conn)
    .await?;
    let missing: Vec<Uuid> = {
        let plans = cache.plans.lock();
        let known = |head: &&Head| {
            plans
                .get(&ScheduleId(head.id))
                .is_some_and(|plan| plan.version == head.version && plan.anchor_at == head.anchor_at)
        };
        heads
            .iter()
            .filter(|head| !known(head))
            .map(|head| head.id)
            .collect()
    };
    if !missing.is_empty() {
        let rows: Vec<Full> = statement(
            "select s.id, s.version, s.name, s.timezone, s.triggers, s.steps, s.guards, s.anchor_at from schedules s \
             where s.id = any($1)",
        )
        .bind::<Array<SqlUuid>, _>(missing)
        .load(conn)
        .await?;
        let read: Vec<Plan> = rows.into_iter().filter_map(Plan::read).collect();
        let mut plans = cache.plans.lock();
        plans.extend(read.into_iter().map(|plan| (plan.id, Arc::new(plan))));
    }
    let mine: Vec<(Arc<Plan>, Timestamp)> = {
        let mut plans = cache.plans.lock();
        let mine = heads
            .iter()
            .filter_map(|head| Some((plans.get(&ScheduleId(head.id))?.clone(), head.next_at)))
            .collect();
        // What was deleted long ago is not kept for ever.
        if words.is_empty() && plans.len() > 1000 + 2 * heads.len() {
            plans.clear();
        }
        mine
    };
    let planned = mine.into_iter().map(|(plan, not_before)| Planned {
        touched: cache.touched(control, org, &plan),
        plan,
        not_before,
    });
    Ok(planned
        .filter(|planned| host.is_none_or(|host| planned.touched.host_ids.contains(&host)))
        .collect())
}

impl Plan {
    /// None for what this release cannot read, or what no time starts.
    fn read(row: Full) -> Option<Self> {
        let times = Definition::read(&row.triggers, &row.timezone, row.anchor_at)
            .ok()?
            .recurrence();
        let steps: Vec<Step> = serde_json::from_value(row.steps).ok()?;
        let guards: Guards = serde_json::from_value(row.guards).ok()?;
        if !times.has_times() {
            return None;
        }
        let mut targets: Vec<(bool, &str)> = steps
            .iter()
            .filter(|step| step.action.needs_target())
            .map(|step| (step.action.works_on() == WorksOn::Hosts, step.target.as_str()))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let whole = |on_hosts: &bool| match on_hosts {
            true => WorksOn::Hosts,
            false => WorksOn::Containers,
        };
        let is_dense = times.is_dense();
        let sentence = if is_dense {
            let mut triggers: Vec<Trigger> = serde_json::from_value(row.triggers).ok()?;
            triggers.retain(Trigger::is_timed);
            domain::triggers::sentence(&triggers, |_| None)
        } else {
            String::new()
        };
        Some(Self {
            id: ScheduleId(row.id),
            version: row.version,
            anchor_at: row.anchor_at,
            name: row.name,
            action: steps
                .as_slice()
                .first()
                .map_or("noop", |step| step.action.verb())
                .to_owned(),
            sentence,
            times,
            is_dense,
            spread: Spread::new(ScheduleId(row.id), &guards),
            selectors: targets
                .iter()
                .filter_map(|(on_hosts, target)| {
                    Some((whole(on_hosts), Selector::parse_target(target).ok()?))
                })
                .collect(),
            key: targets
                .iter()
                .map(|(on_hosts, target)| format!("{}{target}", if *on_hosts { "@" } else { "" }))
                .collect::<Vec<_>>()
                .join("\n"),
        })
    }
}

impl ForecastCache {
    /// What targets find is looked for anew.
    #[cfg(test)]
    pub(super) fn forget_found(&self) {
        self.found.lock().clear();
    }

    fn touched(&self, control: &Control, org: OrgId, plan: &Plan) -> Arc<Touched> {
        if plan.selectors.is_empty() {
            return Arc::default();
        }
        let key = (org, plan.key.clone());
        let mut found = self.found.lock();
        if let Some((at, touched)) = found.get(&key)
            && at.elapsed() < FOUND
        {
            return touched.clone();
        }
        if found.len() > 20_000 {
            found.clear();
        }
        let touched = Arc::new(Touched::find(control, org, &plan.selectors));
        found.insert(key, (Instant::now(), touched.clone()));
        touched
    }
}

impl Touched {
    fn find(control: &Control, org: OrgId, selectors: &[(WorksOn, Selector)]) -> Self {
        let of = |wanted: WorksOn| {
            selectors
                .iter()
                .filter(move |(on, _)| *on == wanted)
                .map(|(_, s)| s)
        };
        let mut found: Vec<_> = of(WorksOn::Containers)
            .flat_map(|selector| control.fleet().resolve(org, selector))
            .collect();
        found.sort_unstable_by_key(|target| target.container_id);
        found.dedup_by_key(|target| target.container_id);
        let mut touched = Self::default();
        for target in found {
            let host = match touched.host_ids.iter().position(|host| *host == target.host_id) {
                Some(place) => place,
                None => {
                    touched.host_ids.push(target.host_id);
                    touched.hosts.push(HostRef {
                        id: target.host_id,
                        name: target.host_name,
                    });
                    touched.hosts.len() - 1
                }
            };
            touched.containers.push(target.container_id);
            touched.names.push((target.name, host));
        }
        for host in of(WorksOn::Hosts).flat_map(|selector| control.fleet().resolve_hosts(org, selector)) {
            if !touched.whole.contains(&host.id) {
                touched.whole.push(host.id);
            }
            if !touched.host_ids.contains(&host.id) {
                touched.host_ids.push(host.id);
                touched.hosts.push(host);
            }
        }
        touched
    }

    /// As blackouts ask for it.
    pub fn worked_on(&self) -> WorkedOn<'_> {
        WorkedOn {
            containers: &self.containers,
            hosts: &self.whole,
        }
    }

    /// The first container by host and name.
    pub fn first(&self) -> Option<&str> {
        let key = |(name, host): &(String, usize)| (self.hosts[*host].name.clone(), name.clone());
        let named = self.names.iter().min_by_key(|named| key(named));
        named.map(|(name, _)| name.as_str())
    }
}

/// What was decided ahead of its time.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Ahead {
    #[diesel(sql_type = SqlUuid)]
    pub schedule_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub fire_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub moved_to: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

/// Skips and moves that concern the time from `from` on.
pub(super) async fn ahead(conn: &mut AsyncPgConnection, org: OrgId, from: Timestamp) -> Result<Vec<Ahead>> {
    Ok(statement(
        "select f.schedule_id, f.fire_at, f.moved_to, f.reason from schedule_fires f \
         where f.org_id = $1 and f.run_id is null and f.state in ('skipped', 'postponed') \
           and greatest(f.fire_at, f.moved_to) >= $2",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<Timestamptz, _>(from)
    .load(conn)
    .await?)
}

#[derive(QueryableByName)]
struct Ran {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    schedule_id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Nullable<BigInt>)]
    ms: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    message: Option<String>,
    #[diesel(sql_type = Integer)]
    targets: i32,
    #[diesel(sql_type = Array<SqlUuid>)]
    hosts: Vec<Uuid>,
}

/// What ran in a stretch of the past, oldest first, and whether there was more. Runs of dense schedules are left out, as
/// they are ahead.
pub(super) async fn past(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    words: &str,
    (from, to): (Timestamp, Timestamp),
    plans: &[Planned],
    hosts: &[HostRef],
) -> Result<(Vec<PastRun>, bool)> {
    let dense: Vec<Uuid> = plans
        .iter()
        .filter(|planned| planned.plan.is_dense)
        .map(|planned| planned.plan.id.0)
        .collect();
    // Ids sort by the time at which a run was recorded, which is at most a day from that at which it began or should have.
    let (first, last) = (before(from - TimeDelta::days(1)), before(to + TimeDelta::days(1)));
    let rows: Vec<Ran> = statement(
        "select r.id, r.schedule_id, r.title, r.state, coalesce(r.started_at, r.scheduled_for, r.queued_at) as at, \
           (extract(epoch from r.finished_at - r.started_at) * 1000)::bigint as ms, r.message, r.targets, \
           array(select distinct t.host_id from run_targets t where t.run_id = r.id) as hosts \
         from runs r where r.org_id = $1 and r.id >= $2 and r.id < $3 and r.schedule_id is not null \
           and coalesce(r.started_at, r.scheduled_for, r.queued_at) >= $4 \
           and coalesce(r.started_at, r.scheduled_for, r.queued_at) < $5 \
           and r.title ilike $6 and r.schedule_id <> all($7) order by r.id desc limit $8",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(first)
    .bind::<SqlUuid, _>(last)
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .bind::<Text, _>(queries::pattern(words))
    .bind::<Array<SqlUuid>, _>(dense)
    .bind::<BigInt, _>(MOST_PAST + 1)
    .load(conn)
    .await?;
    let most = usize::try_from(MOST_PAST).unwrap_or(usize::MAX);
    let is_cut = rows.len() > most;
    let mut past: Vec<PastRun> = rows
        .into_iter()
        .take(most)
        .map(|row| PastRun {
            run: RunId(row.id),
            at: row.at,
            schedule: ForecastSchedule {
                id: ScheduleId(row.schedule_id),
                name: row.title,
            },
            status: RunState::from_word(&row.state).unwrap_or(RunState::Unknown),
            hosts: hosts
                .iter()
                .filter(|host| row.hosts.contains(&host.id.0))
                .cloned()
                .collect(),
            targets: u32::try_from(row.targets).unwrap_or_default(),
            took_ms: row.ms,
            message: row.message,
        })
        .collect();
    past.sort_by_key(|run| (run.at, run.run));
    Ok((past, is_cut))
}

/// The least id that could have been made at a time.
fn before(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

#[derive(QueryableByName)]
struct Takes {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    ms: Option<i64>,
}

/// The median of the last runs of every schedule that is marked or dense, in milliseconds.
pub(super) async fn durations(
    control: &Control,
    conn: &mut AsyncPgConnection,
    plans: &[Planned],
    marks: &Marks,
) -> Result<HashMap<ScheduleId, i64>> {
    let cache = control.forecasts();
    let mut wanted = vec![false; plans.len()];
    for (_, place) in &marks.fires {
        wanted[*place] = true;
    }
    let ids: Vec<ScheduleId> = plans
        .iter()
        .zip(&wanted)
        .filter(|(planned, wanted)| **wanted || planned.plan.is_dense)
        .map(|(planned, _)| planned.plan.id)
        .collect();
    let unknown: Vec<Uuid> = {
        let takes = cache.takes.lock();
        let known = |id: &&ScheduleId| takes.get(*id).is_some_and(|(at, _)| at.elapsed() < TAKES);
        ids.iter()
            .filter(|id| !known(id))
            .take(MOST_LOOKED_UP)
            .map(|id| id.0)
            .collect()
    };
    if !unknown.is_empty() {
        let rows: Vec<Takes> = statement(
            "select w.id, (select (percentile_cont(0.5) within group (order by extract(epoch from r.finished_at - r.started_at)) \
                * 1000)::bigint \
              from (select state, started_at, finished_at from runs where schedule_id = w.id order by id desc limit 20) r \
              where r.state in ('succeeded', 'partial') and r.started_at is not null) as ms \
             from unnest($1) as w (id)",
        )
        .bind::<Array<SqlUuid>, _>(unknown)
        .load(conn)
        .await?;
        let now = Instant::now();
        let mut takes = cache.takes.lock();
        if takes.len() > 100_000 {
            takes.clear();
        }
        takes.extend(rows.into_iter().map(|row| (ScheduleId(row.id), (now, row.ms))));
    }
    let takes = cache.takes.lock();
    let known = |id: ScheduleId| Some((id, takes.get(&id)?.1?));
    Ok(ids.into_iter().filter_map(known).collect())
}
