//! A dry run: every step's targets, what would become of them, and how long it would take. No engine is asked.

use super::{queries, service, validate};
use crate::{
    Control,
    containers::FleetTarget,
    error::Result,
    runs::{Rights, narrow, rights_now, shown},
    schema::schedules,
};
use diesel::{
    QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    actions::Action,
    auth::{Actor, Permission},
    containers::{ContainerState, HostRef},
    dry_run::{DryOutcome, DryRun, DryStep, DryTarget, makespan, outcome},
    errors::{ErrorClass, Problem},
    ids::{ContainerId, ScheduleId, UserId},
    schedules::{ScheduleDraft, Step},
    selectors::Selector,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Targets of a step that are told one by one.
const MOST_TARGETS: usize = 500;
/// As many targets of a step are worked on at once.
const PARALLEL: usize = 8;

/// What a draft would do if it were saved and ran now.
///
/// # Errors
/// 403; 422 as for saving.
pub async fn dry_run_draft(control: &Control, actor: &Actor, draft: ScheduleDraft) -> Result<DryRun> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let now = service::clock(&mut conn).await?;
    // Times that have passed do not matter here.
    let checked = validate::check(
        &mut conn,
        actor.org_id,
        &draft,
        &draft.triggers,
        service::anchor(now),
        now,
    )
    .await?;
    let mut missing = Vec::new();
    if let Err(refusal) = actor.require(Permission::SchedulesManage) {
        missing.push(format!("You cannot save it. {}", refusal.message));
    }
    let acts_for = actor.user_id.filter(|_| missing.is_empty());
    build(control, conn, actor, checked.steps, acts_for, missing).await
}

/// What a saved schedule would do if it ran now, for the person it acts for.
///
/// # Errors
/// 403; 404; 409 `schedule_unreadable`.
pub async fn dry_run(control: &Control, actor: &Actor, id: ScheduleId) -> Result<DryRun> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let row = queries::row(&mut conn, actor.org_id, id).await?;
    let acts_for: Uuid = schedules::table
        .find(id.0)
        .select(schedules::acts_for)
        .first(&mut conn)
        .await?;
    let steps: Vec<Step> = serde_json::from_value(row.steps).map_err(|_| {
        Problem::new(
            ErrorClass::Conflict,
            "schedule_unreadable",
            "A newer release of Chrontainer wrote this schedule. Edit it, or update the server.",
        )
    })?;
    build(control, conn, actor, steps, Some(UserId(acts_for)), Vec::new()).await
}

async fn build(
    control: &Control,
    mut conn: crate::db::Conn,
    actor: &Actor,
    steps: Vec<Step>,
    acts_for: Option<UserId>,
    mut missing_rights: Vec<String>,
) -> Result<DryRun> {
    let org = actor.org_id;
    let rights = match acts_for {
        Some(user) => rights_now(control, org, Some(user)).await?,
        None => Rights::Whole,
    };
    if let Rights::None(why) = &rights {
        missing_rights.push(why.clone());
    }
    let hosts = queries::host_names(&mut conn, org).await?;
    // What earlier steps have made of a container.
    let mut states: HashMap<ContainerId, ContainerState> = HashMap::new();
    let mut dry = DryRun {
        missing_rights,
        steps: Vec::new(),
        estimated_ms: Some(0),
        unknown_durations: 0,
    };
    for step in steps {
        let mut shown_step = DryStep {
            name: step.title(),
            target: shown(&step.target, &hosts),
            problem: None,
            total: 0,
            targets: Vec::new(),
            estimated_ms: None,
            action: step.action,
        };
        if !shown_step.action.needs_target() {
            shown_step.estimated_ms = Some(0);
            dry.steps.push(shown_step);
            continue;
        }
        match find(control, actor, &rights, &step.target, &shown_step.target) {
            Ok(found) => {
                let expected = durations(&mut conn, &shown_step.action, &found).await?;
                let targets: Vec<DryTarget> = found
                    .into_iter()
                    .map(|target| {
                        let takes = expected.get(&target.container_id).copied();
                        one(control, &shown_step.action, target, takes, &mut states)
                    })
                    .collect();
                estimate(&mut dry, &mut shown_step, &targets);
                shown_step.total = u32::try_from(targets.len()).unwrap_or(u32::MAX);
                shown_step.targets = targets;
                shown_step.targets.truncate(MOST_TARGETS);
            }
            Err(why) => shown_step.problem = Some(why),
        }
        dry.steps.push(shown_step);
    }
    Ok(dry)
}

/// The targets that a step would find and may act on, or why there are none.
fn find(
    control: &Control,
    actor: &Actor,
    rights: &Rights,
    target: &str,
    shown: &str,
) -> Result<Vec<FleetTarget>, String> {
    let selector =
        Selector::parse_target(target).map_err(|error| format!("The target cannot be read: {error}"))?;
    let found = control.fleet().resolve(actor.org_id, &selector);
    if found.is_empty() {
        return Err(format!("No container matches {shown} now."));
    }
    let all = found.len();
    let found = narrow(control, actor.org_id, rights, found);
    if found.is_empty() {
        return Err(format!(
            "The person this acts for may act on none of the {all} containers that {shown} matches."
        ));
    }
    Ok(found)
}

fn one(
    control: &Control,
    action: &Action,
    target: FleetTarget,
    expected_ms: Option<i64>,
    states: &mut HashMap<ContainerId, ContainerState>,
) -> DryTarget {
    let state = *states.entry(target.container_id).or_insert(target.state);
    let (outcome, reason, after) = if target.protected && action.refused_on_itself() {
        let why = format!(
            "Chrontainer or its database runs in this container, so it does not {} it.",
            action.verb()
        );
        (DryOutcome::Fail, Some(why), state)
    } else if target.stale {
        let why = control
            .fleet()
            .host_error(target.host_id)
            .unwrap_or_else(|| format!("{} does not answer now.", target.host_name));
        (DryOutcome::Fail, Some(why), state)
    } else {
        let (outcome, why, after) = outcome(action, state);
        (outcome, why.map(str::to_owned), after)
    };
    states.insert(target.container_id, after);
    DryTarget {
        host: HostRef {
            id: target.host_id,
            name: target.host_name,
        },
        container: target.name,
        container_id: target.container_id,
        state,
        outcome,
        reason,
        expected_ms,
    }
}

/// Adds what a step takes. What no history tells is counted, and taken for the median of the others.
fn estimate(dry: &mut DryRun, step: &mut DryStep, targets: &[DryTarget]) {
    let acting: Vec<&DryTarget> = targets
        .iter()
        .filter(|target| target.outcome == DryOutcome::Act)
        .collect();
    let mut known: Vec<i64> = acting.iter().filter_map(|target| target.expected_ms).collect();
    let unknown = acting.len() - known.len();
    dry.unknown_durations += u32::try_from(unknown).unwrap_or(u32::MAX);
    known.sort_unstable();
    let median = known.get(known.len() / 2).copied();
    step.estimated_ms = match median {
        _ if acting.is_empty() => Some(0),
        None => None,
        Some(median) => {
            let all: Vec<i64> = acting
                .iter()
                .map(|target| target.expected_ms.unwrap_or(median))
                .collect();
            Some(makespan(&all, PARALLEL))
        }
    };
    dry.estimated_ms = dry
        .estimated_ms
        .zip(step.estimated_ms)
        .map(|(sum, step)| sum + step);
}

#[derive(QueryableByName)]
struct Took {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    ms: Option<i64>,
}

/// The median time of this action on each container, over its last runs.
async fn durations(
    conn: &mut AsyncPgConnection,
    action: &Action,
    targets: &[FleetTarget],
) -> Result<HashMap<ContainerId, i64>> {
    let ids: Vec<Uuid> = targets.iter().map(|target| target.container_id.0).collect();
    let rows: Vec<Took> = diesel::sql_query(
        "select w.id, (select (percentile_cont(0.5) within group (order by extract(epoch from t.finished_at - t.started_at)) \
            * 1000)::bigint \
          from (select run_id, step, state, started_at, finished_at from run_targets where container_id = w.id \
            order by run_id desc limit 20) t \
          join run_steps s on s.run_id = t.run_id and s.step = t.step \
          where t.state = 'succeeded' and s.action->>'type' = $2) as ms \
         from unnest($1::uuid[]) as w (id)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Text, _>(action.verb())
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((ContainerId(row.id), row.ms?)))
        .collect())
}
