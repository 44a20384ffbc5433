//! Reading runs.

use crate::{
    Control,
    error::{Error, Result},
    pages::{self, ListQuery},
    schema::{run_steps, run_targets, runs},
};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    dsl::sql,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    actions::Action,
    auth::{Actor, Permission},
    containers::BusyWith,
    errors::Problem,
    guards::RetryOf,
    ids::{ContainerId, HostId, OrgId, RunId, ScheduleId},
    pages::Page,
    runs::{Run, RunPlan, RunSchedule, RunState, RunStep, RunSummary, RunTarget, RunTrigger, TargetState},
    selectors::Selector,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// Beyond this many, `total` stays: counting millions of rows for a number nobody reads would cost more than the page.
const COUNTED: i64 = 10_000;

/// Which runs a list holds.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    pub schedule: Option<ScheduleId>,
    /// Runs that worked on this container.
    pub container: Option<ContainerId>,
    pub state: Option<RunState>,
    pub page: ListQuery,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = runs)]
struct Row {
    id: Uuid,
    schedule_id: Option<Uuid>,
    title: String,
    trigger: Value,
    state: String,
    scheduled_for: Option<Timestamp>,
    queued_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    message: Option<String>,
    targets: i32,
    succeeded: i32,
}

impl Row {
    fn summary(self) -> RunSummary {
        RunSummary {
            id: RunId(self.id),
            schedule: self.schedule_id.map(|id| RunSchedule {
                id: ScheduleId(id),
                name: self.title.clone(),
            }),
            // What a newer release wrote is shown as far as it is known, never as an error of the whole list.
            trigger: serde_json::from_value(self.trigger).unwrap_or(RunTrigger::Schedule),
            title: self.title,
            status: RunState::from_word(&self.state).unwrap_or(RunState::Unknown),
            scheduled_for: self.scheduled_for,
            queued_at: self.queued_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            message: self.message,
            targets: self.targets.try_into().unwrap_or_default(),
            succeeded: self.succeeded.try_into().unwrap_or_default(),
        }
    }
}

/// Lists runs, the latest first. `total` is exact up to 10,000 and stays there beyond; of a container the latest 10,000 runs
/// before the page are looked at.
///
/// # Errors
/// 403; 400 `cursor_invalid`.
pub async fn list(control: &Control, actor: &Actor, query: RunQuery) -> Result<Page<RunSummary>> {
    actor.require(Permission::RunsRead)?;
    let limit = query.page.limit();
    let cursor = pages::after(&query.page)?;
    // Nothing but the container's runs: each of them is in the list.
    let is_all_of_container = query.container.is_some() && query.state.is_none() && query.schedule.is_none();
    let filtered = |before: Option<Uuid>, within: i64| {
        let mut filtered = runs::table.filter(runs::org_id.eq(actor.org_id.0)).into_boxed();
        if let Some(schedule) = query.schedule {
            filtered = filtered.filter(runs::schedule_id.eq(schedule.0));
        }
        if let Some(state) = query.state {
            // In the text itself: indexes of some states serve only a plan that is made for one of them.
            filtered = filtered.filter(sql::<Bool>(&format!("runs.state = '{}'", state.as_str())));
        }
        if let Some(container) = query.container {
            // From the container's side, whose index is in the order of the list: of one that ran rarely, Postgres would
            // else go through all runs once a plan is kept for all containers.
            filtered = filtered.filter(
                sql::<Bool>(
                    "runs.id = any(array(select distinct t.run_id from run_targets t where t.container_id = ",
                )
                .bind::<SqlUuid, _>(container.0)
                .sql(" and t.run_id < ")
                .bind::<SqlUuid, _>(before.unwrap_or(Uuid::max()))
                .sql(&format!(" order by t.run_id desc limit {within}))")),
            );
        }
        filtered
    };
    let mut conn = control.db().conn().await?;
    let within = if is_all_of_container { limit + 1 } else { COUNTED };
    let mut page = filtered(cursor, within)
        .select(Row::as_select())
        .order(runs::id.desc())
        .limit(limit + 1);
    if let Some(cursor) = cursor {
        page = page.filter(runs::id.lt(cursor));
    }
    let mut items: Vec<RunSummary> = page
        .load::<Row>(&mut conn)
        .await?
        .into_iter()
        .map(Row::summary)
        .collect();
    let more = items.len() as i64 > limit;
    items.truncate(limit as usize);
    let total = match query.container {
        // One of them is the organisation's, so all are.
        Some(container) if is_all_of_container && !items.is_empty() => {
            let row: Count = diesel::sql_query(
                "select count(*) as count from (select distinct run_id from run_targets where container_id = $1 limit $2) t",
            )
            .bind::<SqlUuid, _>(container.0)
            .bind::<BigInt, _>(COUNTED)
            .get_result(&mut conn)
            .await?;
            row.count.unsigned_abs()
        }
        _ => {
            let counted: Vec<Uuid> = filtered(None, COUNTED)
                .select(runs::id)
                .limit(COUNTED)
                .load(&mut conn)
                .await?;
            counted.len() as u64
        }
    };
    Ok(Page {
        next: items.last().filter(|_| more).map(|run| run.id.to_string()),
        total,
        items,
    })
}

/// One run with its steps and targets. Steps that have not begun are pending.
///
/// # Errors
/// 403; 404 `run_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: RunId) -> Result<Run> {
    actor.require(Permission::RunsRead)?;
    let mut conn = control.db().conn().await?;
    let found: Option<(Row, Value)> = runs::table
        .filter(runs::org_id.eq(actor.org_id.0))
        .filter(runs::id.eq(id.0))
        .select((Row::as_select(), runs::plan))
        .first(&mut conn)
        .await
        .optional()?;
    let (row, plan) = found.ok_or_else(|| Problem::not_found("run"))?;
    let steps: Vec<StepRow> = run_steps::table
        .filter(run_steps::run_id.eq(id.0))
        .select(StepRow::as_select())
        .load(&mut conn)
        .await?;
    let targets: Vec<TargetRow> = run_targets::table
        .filter(run_targets::run_id.eq(id.0))
        .order((run_targets::step, run_targets::ordinal))
        .select(TargetRow::as_select())
        .load(&mut conn)
        .await?;
    let summary = row.summary();
    let mut targets_of: HashMap<i32, Vec<RunTarget>> = HashMap::new();
    for target in targets {
        targets_of.entry(target.step).or_default().push(target.view());
    }
    let mut begun: HashMap<i32, RunStep> = HashMap::new();
    for step in steps {
        let targets = targets_of.remove(&step.step).unwrap_or_default();
        if let Some(view) = step.view(targets) {
            begun.insert(view.0, view.1);
        }
    }
    let plan: Option<RunPlan> = serde_json::from_value(plan).ok();
    let hosts = crate::schedules::host_names(&mut conn, actor.org_id).await?;
    let overall = plan
        .as_ref()
        .and_then(|plan| plan.guards.retry.as_ref())
        .filter(|retry| retry.of == RetryOf::Targets)
        .map_or(1, |retry| retry.attempts);
    let planned = plan.map(|plan| plan.steps).unwrap_or_default();
    // What never began stays as it was planned; in a run that has ended it was skipped.
    let (idle, why) = match summary.status {
        RunState::Cancelled => (TargetState::Cancelled, Some("Not begun: the run was cancelled.")),
        RunState::Missed => (TargetState::Skipped, Some("Not begun: the run was missed.")),
        RunState::Skipped => (TargetState::Skipped, Some("Not begun: the run was skipped.")),
        state if state.is_final() => (
            TargetState::Skipped,
            Some("Not begun, because a step before it did not succeed."),
        ),
        _ => (TargetState::Pending, None),
    };
    let steps = planned
        .into_iter()
        .enumerate()
        .map(|(index, step)| {
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            let attempts = step.retry.as_ref().map_or(overall, |retry| retry.attempts);
            if let Some(mut begun) = begun.remove(&index) {
                for target in &mut begun.targets {
                    target.attempts = attempts.max(target.attempt);
                }
                return begun;
            }
            RunStep {
                name: step.title(),
                target: shown(&step.target, &hosts),
                action: step.action,
                status: idle,
                started_at: None,
                finished_at: None,
                message: why.map(str::to_owned),
                targets: Vec::new(),
            }
        })
        .collect();
    Ok(Run { summary, steps })
}

/// A stored selector with the hosts' names in place of their ids.
pub(crate) fn shown(target: &str, hosts: &HashMap<HostId, String>) -> String {
    match Selector::parse_target(target) {
        Ok(selector) => selector.unbind_hosts(|id| hosts.get(&id).cloned()).to_string(),
        Err(_) => target.to_owned(),
    }
}

/// One run without its steps.
pub(crate) async fn summary(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: RunId,
) -> Result<Option<RunSummary>> {
    let row: Option<Row> = runs::table
        .filter(runs::org_id.eq(org.0))
        .filter(runs::id.eq(id.0))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(Row::summary))
}

/// Runs by id, for events.
pub(crate) async fn summaries(control: &Control, ids: &[Uuid]) -> Result<HashMap<RunId, RunSummary>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut conn = control.db().conn().await?;
    let rows: Vec<Row> = runs::table
        .filter(runs::id.eq_any(ids))
        .select(Row::as_select())
        .load(&mut conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(Row::summary)
        .map(|run| (run.id, run))
        .collect())
}

#[derive(QueryableByName)]
struct BusyRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    run_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    container_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Text)]
    action: String,
}

/// The containers that open runs work on now.
pub(crate) async fn busy(control: &Control) -> Result<HashMap<ContainerId, BusyWith>> {
    let mut conn = control.db().conn().await?;
    let rows: Vec<BusyRow> = diesel::sql_query(
        "select t.run_id, t.container_id, s.action ->> 'type' as action from runs r \
         join run_targets t on t.run_id = r.id and t.state in ('pending', 'running') \
         join run_steps s on s.run_id = t.run_id and s.step = t.step \
         where r.state in ('running', 'cancelling') order by r.id desc",
    )
    .load(&mut conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let busy = BusyWith {
                run_id: RunId(row.run_id),
                action: row.action,
            };
            (ContainerId(row.container_id), busy)
        })
        .collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many runs are open in the whole installation.
pub(super) async fn open(conn: &mut AsyncPgConnection) -> Result<i64> {
    let row: Count = diesel::sql_query(
        "select count(*) as count from runs where state in ('waiting', 'queued', 'running', 'cancelling')",
    )
    .get_result(conn)
    .await?;
    Ok(row.count)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = run_steps)]
struct StepRow {
    step: i32,
    name: String,
    action: Value,
    target: String,
    state: String,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    message: Option<String>,
}

impl StepRow {
    fn view(self, targets: Vec<RunTarget>) -> Option<(i32, RunStep)> {
        // An action that a newer release knows cannot be shown here; its plan cannot be read either.
        let action: Action = serde_json::from_value(self.action).ok()?;
        let step = RunStep {
            name: self.name,
            action,
            target: self.target,
            status: TargetState::from_word(&self.state).unwrap_or(TargetState::Unknown),
            started_at: self.started_at,
            finished_at: self.finished_at,
            message: self.message,
            targets,
        };
        Some((self.step, step))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = run_targets)]
struct TargetRow {
    step: i32,
    host_id: Uuid,
    host_name: String,
    container_id: Uuid,
    container_name: String,
    state: String,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    message: Option<String>,
    attempt: i32,
    next_attempt_at: Option<Timestamp>,
    exit_code: Option<i64>,
}

impl TargetRow {
    fn view(self) -> RunTarget {
        RunTarget {
            host: self.host_name,
            host_id: (!self.host_id.is_nil()).then_some(HostId(self.host_id)),
            container: self.container_name,
            container_id: (!self.container_id.is_nil()).then_some(ContainerId(self.container_id)),
            attempt: self.attempt.try_into().unwrap_or(1),
            attempts: 1,
            next_attempt_at: self.next_attempt_at,
            exit_code: self.exit_code,
            status: TargetState::from_word(&self.state).unwrap_or(TargetState::Unknown),
            started_at: self.started_at,
            finished_at: self.finished_at,
            message: self.message,
        }
    }
}

#[derive(QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    schedule_id: Option<Uuid>,
}

/// What a run does, and the schedule that it is of.
///
/// # Errors
/// 404 `run_not_found`.
pub(super) async fn planned(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: RunId,
) -> Result<(Option<ScheduleId>, RunPlan)> {
    let row: Option<PlanRow> =
        diesel::sql_query("select plan, schedule_id from runs where org_id = $1 and id = $2")
            .bind::<SqlUuid, _>(org.0)
            .bind::<SqlUuid, _>(id.0)
            .get_result(conn)
            .await
            .optional()?;
    let row = row.ok_or_else(|| Problem::not_found("run"))?;
    let plan = serde_json::from_value(row.plan).map_err(|source| Error::Stored {
        what: "a run's plan",
        source,
    })?;
    Ok((row.schedule_id.map(ScheduleId), plan))
}

/// The state that a stored word means.
///
/// # Errors
/// When a newer release wrote a word that this one does not know.
pub(super) fn target_state(word: &str) -> Result<TargetState> {
    TargetState::from_word(word)
        .ok_or_else(|| Error::Internal(format!("the state {word} of a target is from a newer release")))
}
