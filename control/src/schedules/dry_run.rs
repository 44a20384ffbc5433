//! A dry run: every step's targets, what would become of them, and how long it would take. No engine is asked.

use super::{due, overlap, queries, service, validate};
use crate::{
    Control,
    blackouts::{Blackouts, Closed},
    containers::FleetTarget,
    error::Result,
    runs::{Rights, narrow, node_of, rights_now, shown},
    schema::schedules,
};
use diesel::{
    QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    actions::{Action, WorksOn},
    auth::{Actor, Permission},
    containers::{ContainerState, HostRef},
    dry_run::{
        DryCondition, DryHold, DryHoldKind, DryOutcome, DryRun, DryStep, DryTarget, makespan, outcome,
    },
    errors::{ErrorClass, Problem},
    guards::{Condition, Guards, OnNoTargets},
    ids::{ContainerId, HostId, OrgId, ScheduleId, UserId},
    order::{self, Node},
    schedules::{Order, ScheduleDraft, Step, When},
    selectors::Selector,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Targets of a step that are told one by one.
const MOST_TARGETS: usize = 500;
/// As many targets of a step are worked on at once, unless it says otherwise.
const PARALLEL: u32 = 8;

/// What is tried.
struct Trial {
    /// The schedule that it is, or would be a change of.
    schedule: Option<ScheduleId>,
    enabled: bool,
    paused_until: Option<Timestamp>,
    steps: Vec<Step>,
    guards: Guards,
    acts_for: Option<UserId>,
    missing_rights: Vec<String>,
    now: Timestamp,
}

/// What a draft would do if it were saved, as a change of `of` where that is given, and ran now.
///
/// # Errors
/// 403; 404 for `of`; 422 as for saving.
pub async fn dry_run_draft(
    control: &Control,
    actor: &Actor,
    draft: ScheduleDraft,
    of: Option<ScheduleId>,
) -> Result<DryRun> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let paused_until = match of {
        Some(id) => queries::row(&mut conn, actor.org_id, id).await?.paused_until,
        None => None,
    };
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
    let mut missing_rights = Vec::new();
    if let Err(refusal) = actor.require(Permission::SchedulesManage) {
        missing_rights.push(format!("You cannot save it. {}", refusal.message));
    }
    let trial = Trial {
        schedule: of,
        enabled: draft.enabled,
        paused_until,
        steps: checked.steps,
        guards: checked.guards,
        acts_for: actor.user_id.filter(|_| missing_rights.is_empty()),
        missing_rights,
        now,
    };
    build(control, conn, actor, trial).await
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
    let guards = service::guards(&row)?;
    let steps: Vec<Step> = serde_json::from_value(row.steps).map_err(|_| {
        Problem::new(
            ErrorClass::Conflict,
            "schedule_unreadable",
            "A newer release of Chrontainer wrote this schedule. Edit it, or update the server.",
        )
    })?;
    let trial = Trial {
        schedule: Some(id),
        enabled: row.enabled,
        paused_until: row.paused_until,
        steps,
        guards,
        acts_for: Some(UserId(acts_for)),
        missing_rights: Vec::new(),
        now: row.now,
    };
    build(control, conn, actor, trial).await
}

async fn build(control: &Control, mut conn: crate::db::Conn, actor: &Actor, trial: Trial) -> Result<DryRun> {
    let org = actor.org_id;
    let held = held(control, &mut conn, org, &trial).await?;
    let mut missing_rights = trial.missing_rights;
    let rights = match trial.acts_for {
        Some(user) => rights_now(control, org, Some(user)).await?,
        None => Rights::Whole,
    };
    if let Rights::None(why) = &rights {
        missing_rights.push(why.clone());
    }
    let hosts = queries::host_names(&mut conn, org).await?;
    let usual_ms = match trial.schedule {
        Some(id) => usual(&mut conn, id).await?,
        None => None,
    };
    let mut dry = DryRun {
        missing_rights,
        held,
        steps: Vec::new(),
        estimated_ms: Some(0),
        unknown_durations: 0,
        usual_ms,
    };
    let mut looking = Looking {
        control,
        org,
        now: trial.now,
        conditions: &trial.guards.conditions,
        hosts: &hosts,
        states: HashMap::new(),
        judged: HashMap::new(),
    };
    for step in trial.steps {
        let mut shown_step = DryStep {
            name: step.title(),
            target: shown(&step.target, &hosts),
            order: step.order,
            max_parallel: match step.order {
                Order::Serial => 1,
                _ => step.max_parallel.unwrap_or(PARALLEL),
            },
            when: step.when,
            not_begun: (step.when == When::Failure)
                .then(|| "It is for failures only: it is done when a step before it fails.".to_owned()),
            problem: None,
            total: 0,
            targets: Vec::new(),
            estimated_ms: None,
            action: step.action.clone(),
        };
        if !step.action.needs_target() || step.action.works_on() != WorksOn::Containers {
            shown_step.estimated_ms = alone(&step.action);
            shown_step.problem = looking.missing_hosts(&step, &shown_step.target);
            if shown_step.not_begun.is_none() {
                dry.estimated_ms = dry
                    .estimated_ms
                    .zip(shown_step.estimated_ms)
                    .map(|(sum, ms)| sum + ms);
            }
            dry.steps.push(shown_step);
            continue;
        }
        match find(control, org, &rights, &step.target, &shown_step.target) {
            Ok((found, left_out)) => {
                let expected = durations(&mut conn, &step.action, &found).await?;
                let closed = Closed::now(control, org).await?;
                let mut targets = looking.targets(&step, found, &closed, &expected);
                targets.extend(left_out.into_iter().map(|target| DryTarget {
                    outcome: DryOutcome::Skip,
                    reason: Some("The person this acts for may not act on it.".to_owned()),
                    ..plain(target)
                }));
                if let Err(why) = looking.arrange(&step, &mut targets) {
                    shown_step.problem = Some(why);
                }
                estimate(&mut dry, &mut shown_step, &targets);
                shown_step.total = u32::try_from(targets.len()).unwrap_or(u32::MAX);
                shown_step.targets = targets;
                shown_step.targets.truncate(MOST_TARGETS);
            }
            Err(why) => {
                let then = match trial.guards.on_no_targets {
                    OnNoTargets::Skip => " The step is skipped then.",
                    OnNoTargets::Fail => " The step fails then.",
                };
                shown_step.problem = Some(why + then);
            }
        }
        dry.steps.push(shown_step);
    }
    Ok(dry)
}

/// What would keep the schedule from starting the run by itself.
async fn held(
    control: &Control,
    conn: &mut AsyncPgConnection,
    org: OrgId,
    trial: &Trial,
) -> Result<Vec<DryHold>> {
    let mut held = Vec::new();
    let mut add = |kind, message: String| held.push(DryHold { kind, message });
    if !trial.enabled {
        add(
            DryHoldKind::Off,
            "It is switched off, so nothing starts it by itself.".to_owned(),
        );
    }
    if let Some(until) = trial.paused_until.filter(|until| *until > trial.now) {
        let until = until.format("%Y-%m-%d %H:%M UTC");
        add(
            DryHoldKind::Paused,
            format!("It is paused until {until}, so nothing starts it by itself before."),
        );
    }
    let blackouts = Blackouts::load(conn, vec![org.0]).await?;
    let id = trial.schedule.map_or(Uuid::nil(), |id| id.0);
    if let Some(hold) = blackouts.hold(control, org.0, id, trial.now, &trial.steps) {
        add(DryHoldKind::Blackout, hold.describe());
    }
    if let Some(id) = trial.schedule {
        let standing = due::standing_of(conn, vec![id.0]).await?;
        let standing = standing.get(&id.0).copied().unwrap_or_default();
        match overlap::place(&trial.guards, standing, false) {
            overlap::Place::Start => {}
            overlap::Place::Wait => add(DryHoldKind::Overlap, overlap::WAITS.to_owned()),
            overlap::Place::Replace => add(
                DryHoldKind::Overlap,
                "The run that is open would be cancelled, and this one begins at its end.".to_owned(),
            ),
            overlap::Place::Skip(why) => add(DryHoldKind::Overlap, why),
        }
    }
    Ok(held)
}

/// What a step takes that has no containers, as far as that can be known.
fn alone(action: &Action) -> Option<i64> {
    match action {
        Action::Noop => Some(0),
        Action::Wait(wait) => wait
            .time
            .and_then(|time| i64::try_from(time.get().as_millis()).ok()),
        _ => None,
    }
}

/// The targets that a step would find and may act on, and those that it may not; or why there are none.
fn find(
    control: &Control,
    org: OrgId,
    rights: &Rights,
    target: &str,
    shown: &str,
) -> Result<(Vec<FleetTarget>, Vec<FleetTarget>), String> {
    let selector =
        Selector::parse_target(target).map_err(|error| format!("The target cannot be read: {error}"))?;
    let all = control.fleet().resolve(org, &selector);
    if all.is_empty() {
        return Err(format!("No container matches {shown} now."));
    }
    let found = narrow(control, org, rights, all.clone());
    if found.is_empty() {
        return Err(format!(
            "The person this acts for may act on none of the {} containers that {shown} matches.",
            all.len()
        ));
    }
    let kept: HashSet<ContainerId> = found.iter().map(|target| target.container_id).collect();
    let left_out = all
        .into_iter()
        .filter(|target| !kept.contains(&target.container_id))
        .collect();
    Ok((found, left_out))
}

/// A target of which nothing is said yet.
fn plain(target: FleetTarget) -> DryTarget {
    DryTarget {
        host: HostRef {
            id: target.host_id,
            name: target.host_name,
        },
        container: target.name,
        container_id: target.container_id,
        turn: 1,
        conditions: Vec::new(),
        state: target.state,
        outcome: DryOutcome::Act,
        reason: None,
        expected_ms: None,
    }
}

/// Going through the steps.
struct Looking<'a> {
    control: &'a Control,
    org: OrgId,
    now: Timestamp,
    conditions: &'a [Condition],
    hosts: &'a HashMap<HostId, String>,
    /// What earlier steps have made of a container.
    states: HashMap<ContainerId, ContainerState>,
    /// A container is asked once in a run.
    judged: HashMap<ContainerId, Vec<DryCondition>>,
}

impl Looking<'_> {
    fn targets(
        &mut self,
        step: &Step,
        found: Vec<FleetTarget>,
        closed: &Closed,
        expected: &HashMap<ContainerId, i64>,
    ) -> Vec<DryTarget> {
        found
            .into_iter()
            .map(|target| {
                let conditions = self.judge(&target);
                let objection = conditions.iter().find_map(|condition| condition.why.as_ref());
                let why = objection
                    .map(|why| format!("Skipped: {why}."))
                    .or_else(|| closed.container(target.container_id, target.host_id));
                let expected_ms = expected.get(&target.container_id).copied();
                let one = match why {
                    Some(why) => DryTarget {
                        state: *self.states.entry(target.container_id).or_insert(target.state),
                        outcome: DryOutcome::Skip,
                        reason: Some(why),
                        ..plain(target)
                    },
                    None => self.one(&step.action, target),
                };
                DryTarget {
                    conditions,
                    expected_ms,
                    ..one
                }
            })
            .collect()
    }

    /// What the conditions say of a container, by what is known of it now.
    fn judge(&mut self, target: &FleetTarget) -> Vec<DryCondition> {
        if let Some(judged) = self.judged.get(&target.container_id) {
            return judged.clone();
        }
        let fleet = self.control.fleet();
        let line = fleet.line(self.org, target.container_id);
        let judged: Vec<DryCondition> = self
            .conditions
            .iter()
            .map(|condition| {
                // Hosts go by their names in what people read.
                let named = match condition {
                    Condition::Selector(selector) => Condition::Selector(shown(selector, self.hosts)),
                    other => other.clone(),
                };
                let facts = line.as_ref().map(|line| &line.facts);
                // The engine is asked for the start of a container by the run only.
                let is_known = |facts: &domain::containers::ContainerFacts| {
                    !matches!(condition, Condition::UptimeAbove(_))
                        || facts.started_at.is_some()
                        || facts.state != ContainerState::Running
                };
                let (holds, why) = match facts.filter(|facts| is_known(facts)) {
                    None => (None, None),
                    Some(facts) => {
                        let picks = line
                            .as_ref()
                            .zip(selector(condition))
                            .is_none_or(|(line, selector)| fleet.picks(&selector, line));
                        let why = named.objection(facts, self.now, |_| picks);
                        (Some(why.is_none()), why)
                    }
                };
                DryCondition {
                    condition: named.describe(),
                    holds,
                    why,
                }
            })
            .collect();
        self.judged.insert(target.container_id, judged.clone());
        judged
    }

    fn one(&mut self, action: &Action, target: FleetTarget) -> DryTarget {
        let state = *self.states.entry(target.container_id).or_insert(target.state);
        let (outcome, reason, after) = if target.protected && action.refused_on_itself() {
            let why = format!(
                "Chrontainer or its database runs in this container, so it does not {} it.",
                action.verb()
            );
            (DryOutcome::Fail, Some(why), state)
        } else if target.stale {
            let why = self
                .control
                .fleet()
                .host_error(target.host_id)
                .unwrap_or_else(|| format!("{} does not answer now.", target.host_name));
            (DryOutcome::Fail, Some(why), state)
        } else {
            let (outcome, why, after) = outcome(action, state);
            (outcome, why.map(str::to_owned), after)
        };
        self.states.insert(target.container_id, after);
        DryTarget {
            state,
            outcome,
            reason,
            ..plain(target)
        }
    }

    /// Puts targets into the order in which the step takes them. Of what containers need of each other the labels of
    /// Compose are known here; shared networks and volumes are looked at by the run.
    fn arrange(&self, step: &Step, targets: &mut [DryTarget]) -> Result<(), String> {
        match step.order {
            Order::Parallel => {}
            Order::Serial => {
                for (turn, target) in (1..).zip(targets.iter_mut()) {
                    target.turn = turn;
                }
            }
            Order::Dependency => {
                let nodes: Vec<Node> = targets
                    .iter()
                    .map(|target| {
                        let line = self.control.fleet().line(self.org, target.container_id);
                        let engine_id = line.as_ref().map(|line| line.facts.engine_id.clone());
                        let names = (target.container.as_str(), engine_id.as_deref());
                        node_of(line.as_deref(), names, &target.host.name)
                    })
                    .collect();
                let levels = order::levels(&nodes, step.action.goes_backwards())
                    .map_err(|circle| circle.to_string())?;
                for (turn, level) in (1..).zip(levels) {
                    for at in level {
                        targets[at].turn = turn;
                    }
                }
                targets.sort_by_key(|target| target.turn);
            }
        }
        Ok(())
    }

    /// Why a step that works on hosts finds none.
    fn missing_hosts(&self, step: &Step, shown: &str) -> Option<String> {
        if step.action.works_on() != WorksOn::Hosts {
            return None;
        }
        let selector = Selector::parse_target(&step.target).ok()?;
        let found = self.control.fleet().resolve_hosts(self.org, &selector);
        found.is_empty().then(|| format!("No host matches {shown} now."))
    }
}

fn selector(condition: &Condition) -> Option<Selector> {
    match condition {
        Condition::Selector(selector) => Selector::parse_target(selector).ok(),
        _ => None,
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
    known.sort_unstable();
    let median = known.get(known.len() / 2).copied();
    step.estimated_ms = match median {
        _ if acting.is_empty() => Some(0),
        None => None,
        Some(median) => {
            // Turn by turn.
            let turns = acting.chunk_by(|one, other| step.order == Order::Parallel || one.turn == other.turn);
            Some(
                turns
                    .map(|turn| {
                        let all: Vec<i64> = turn
                            .iter()
                            .map(|target| target.expected_ms.unwrap_or(median))
                            .collect();
                        makespan(&all, step.max_parallel as usize)
                    })
                    .sum(),
            )
        }
    };
    // What is for failures only is no part of the whole.
    if step.not_begun.is_some() {
        return;
    }
    dry.unknown_durations += u32::try_from(unknown).unwrap_or(u32::MAX);
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

/// The median time of the last runs of a schedule that succeeded.
async fn usual(conn: &mut AsyncPgConnection, id: ScheduleId) -> Result<Option<i64>> {
    let took: Took = diesel::sql_query(
        "select $1 as id, (percentile_cont(0.5) within group (order by extract(epoch from r.finished_at - r.started_at)) \
            * 1000)::bigint as ms \
         from (select state, started_at, finished_at from runs where schedule_id = $1 order by id desc limit 20) r \
         where r.state = 'succeeded'",
    )
    .bind::<SqlUuid, _>(id.0)
    .get_result(conn)
    .await?;
    Ok(took.ms)
}
