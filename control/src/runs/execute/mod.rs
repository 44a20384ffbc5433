//! Executing a run: claim it, do its steps, write each as it happens, end it.
//!
//! What a step is about to do to a container is stored before the engine is asked, with what the engine shows of the
//! container at that moment. When this process dies in between, the next executor looks at the engine again and compares
//! ([`super::recover`]); it never does a finished target again.

mod actions;
mod arrange;
mod chain;
mod earlier;
mod engines;
mod find;
mod output;
mod quick;
mod rights;
mod step;
mod target;
mod told;
mod write;

pub(crate) use arrange::node_of;
pub(super) use quick::QuickEnd;
pub(crate) use rights::{Rights, narrow, now as rights_now};

use super::{
    faults, held, jobs,
    lease::{Claimed, END, Halt, Lease, Note, claim},
    metrics,
    start::to_json,
};
use crate::{
    Control,
    error::{Error, Result},
    events::Topic,
    schedules::called_by_end,
};
use chain::{Chain, went_well};
use diesel::sql_types::{Array, Double, Jsonb, Nullable, Text, Uuid as SqlUuid};
use domain::{
    actions::Action,
    guards::RetryOf,
    ids::{ContainerId, HostId, RunId},
    runs::{LogLine, RunPlan, RunState, RunTrigger, TargetState},
};
use earlier::Earlier;
use engine::{Engine, EngineError};
use parking_lot::Mutex;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, time::Instant};

/// Why an executor stopped before the run's end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Another executor has the run; nothing more is written.
    Lost,
    /// This server goes: the run is given back.
    Draining,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::LeaseLost(_) => Self::Lost,
            other => Self::Failed(other),
        }
    }
}

/// One executor of one run.
pub(super) struct Executor {
    control: Control,
    claimed: Arc<Claimed>,
    lease: Lease,
    /// When the run's own time is up.
    deadline: Option<Instant>,
    /// What the schedule's conditions said of each container: why it is left alone, or nothing.
    judged: Mutex<HashMap<ContainerId, Option<String>>>,
    /// How many targets this run works on at once on each host, where its schedule limits that.
    per_host: Mutex<HashMap<HostId, Arc<Semaphore>>>,
    /// The secrets that the audit log has heard of, by step.
    told: Mutex<HashSet<(i32, String)>>,
}

/// A run that tries again what a run before it failed to do, as it is made.
struct NextAttempt {
    id: RunId,
    pause: Duration,
    says: String,
    plan: Value,
    trigger: Value,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) struct StepEnd {
    state: TargetState,
    targets: Vec<TargetState>,
    message: Option<String>,
    /// What was written on which container.
    outputs: Vec<(Option<ContainerId>, String)>,
}

/// Executes a run to its end, if it is this process' to execute: the worker calls this for every job. A run that ended,
/// or that another executor has, is no error.
///
/// # Errors
/// When the database does not answer for longer than the lease lasts; the sweep brings the run back.
pub async fn execute(control: &Control, run: RunId) -> Result<()> {
    if control.runs().draining.is_cancelled() {
        let mut conn = control.db().conn().await?;
        jobs::enqueue_again(&mut conn, &[run], Duration::ZERO).await?;
        return Ok(());
    }
    let Some(claimed) = claim(control, run).await? else {
        // One that another run replaced, or that was cancelled after a worker had taken it, leaves its job behind.
        return jobs::forget_ended(&mut *control.db().conn().await?, run).await;
    };
    faults::point("claimed");
    if quick::fits(&claimed) {
        quick::end(control, &claimed).await?;
        return Ok(());
    }
    let lease = control.runs().leases.hold(control, &claimed);
    let limit = claimed.plan.as_ref().and_then(|plan| plan.guards.timeout);
    let left = limit.map(|limit| limit.get().saturating_sub(claimed.running_for));
    let executor = Executor {
        control: control.clone(),
        deadline: left.and_then(|left| Instant::now().checked_add(left)),
        claimed,
        lease,
        judged: Mutex::default(),
        per_host: Mutex::default(),
        told: Mutex::default(),
    };
    match executor.run().await {
        Ok(()) => Ok(()),
        Err(Stop::Lost) => {
            tracing::warn!(run.id = %run, "another executor has this run now");
            Ok(())
        }
        Err(Stop::Draining) => executor.lease.give_back().await,
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl Executor {
    async fn run(&self) -> Result<(), Stop> {
        let Some(plan) = &self.claimed.plan else {
            let why = "This run was planned by a newer release of Chrontainer, and this server cannot read it. Update \
                       this server, or start the run again.";
            return self
                .finish(RunState::Failed, Some(why.to_owned()), Vec::new())
                .await;
        };
        let earlier = if self.claimed.is_continued() {
            Earlier::load(&self.control, self.claimed.run).await?
        } else {
            Earlier::default()
        };
        self.judged.lock().extend(earlier.judged());
        let mut chain = Chain::default();
        let mut late = false;
        for (index, step) in (0..).zip(&plan.steps) {
            let end = match earlier.end(index) {
                Some(end) => {
                    self.tidy(index, &step.action, earlier.targets(index)).await;
                    end
                }
                None => match self.lease.halt() {
                    Some(Halt::Lost) => return Err(Stop::Lost),
                    Some(Halt::Draining) => return Err(Stop::Draining),
                    Some(Halt::Cancelled) if !earlier.has(index) => break,
                    _ if !earlier.has(index) && self.is_late() => {
                        late = true;
                        break;
                    }
                    _ => {
                        let at = step::At {
                            plan,
                            index,
                            step,
                            chain: &chain,
                        };
                        self.step(&at, earlier.targets(index)).await?
                    }
                },
            };
            chain.add(step, end);
        }
        let (state, message) = self.outcome(plan, &chain.ends, late);
        let lines = Vec::new();
        match self.attempt_after(plan, &chain.ends, state, late)? {
            Some(next) => self.finish_and(state, message, lines, Some(next)).await,
            None => self.finish(state, message, lines).await,
        }
    }

    /// The run that tries the whole again, where its schedule asks for that and this one gives a reason.
    fn attempt_after(
        &self,
        plan: &RunPlan,
        ends: &[StepEnd],
        state: RunState,
        late: bool,
    ) -> Result<Option<NextAttempt>, Stop> {
        let wanted = plan
            .guards
            .retry
            .as_ref()
            .filter(|retry| retry.of == RetryOf::Run);
        let Some(retry) = wanted.filter(|_| matches!(state, RunState::Failed | RunState::Partial)) else {
            return Ok(None);
        };
        let is_after = |state: &TargetState| retry.is_after(*state);
        let has_reason = late && retry.is_after(TargetState::TimedOut)
            || ends
                .iter()
                .any(|end| is_after(&end.state) || end.targets.iter().any(is_after));
        let number = plan.attempt.max(1) + 1;
        let seed = self.claimed.run.0.as_u128() as u64;
        let Some(pause) = retry.jittered_pause_before(number, seed).filter(|_| has_reason) else {
            return Ok(None);
        };
        let plan = RunPlan {
            attempt: number,
            ..plan.clone()
        };
        let by = format!("attempt {number} of {}", retry.attempts);
        Ok(Some(NextAttempt {
            id: RunId::new(),
            pause,
            says: format!(
                "The whole is tried again: {by} begins in {:.1} s.",
                pause.as_secs_f64()
            ),
            plan: to_json("a run's plan", &plan)?,
            trigger: to_json(
                "a run's trigger",
                &RunTrigger::Attempt {
                    by,
                    of: self.claimed.run,
                },
            )?,
        }))
    }

    /// Why a host that was found not to answer still does not.
    async fn unreachable(&self, host: HostId, engine: &Engine) -> Option<EngineError> {
        self.control.fleet().host_error(host)?;
        self.control.runs().circuits.ask(host, engine).await.err()
    }

    /// Whether the run's own time is up.
    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Removes what a run of a container left behind when its executor died between recording its end and removing it.
    async fn tidy(&self, index: i32, action: &Action, targets: Option<Vec<target::Target>>) {
        if matches!(action, Action::Run(_)) && self.claimed.is_continued() {
            for target in targets.unwrap_or_default() {
                actions::tidy(self, index, &target).await;
            }
        }
    }

    /// The run's end from those of its steps.
    fn outcome(&self, plan: &RunPlan, ends: &[StepEnd], late: bool) -> (RunState, Option<String>) {
        let mut states: Vec<TargetState> = ends
            .iter()
            .flat_map(|end| {
                if end.targets.is_empty() {
                    vec![end.state]
                } else {
                    end.targets.clone()
                }
            })
            .collect();
        if late {
            states.push(TargetState::TimedOut);
        }
        let cut = states.contains(&TargetState::Cancelled)
            || (ends.len() < plan.steps.len() && ends.iter().all(|end| went_well(end.state)));
        let cancelled = self.lease.is_cancelled() && cut;
        let state = RunState::from_targets(&states, cancelled);
        let message = match state {
            RunState::Cancelled => {
                let by = self.claimed.cancelled_by.as_deref();
                Some(by.map_or_else(|| "Cancelled.".to_owned(), |by| format!("Cancelled by {by}.")))
            }
            _ if late => plan.guards.timeout.map(|limit| {
                format!("It took longer than the {limit} that it may take, so the rest was not done.")
            }),
            RunState::Skipped => ends.iter().find_map(|end| end.message.clone()),
            _ => {
                let bad = ends.iter().rev().filter(|end| !went_well(end.state));
                bad.filter_map(|end| end.message.clone()).next()
            }
        };
        (state, message)
    }

    async fn finish(
        &self,
        state: RunState,
        message: Option<String>,
        lines: Vec<LogLine>,
    ) -> Result<(), Stop> {
        self.finish_and(state, message, lines, None).await
    }

    /// Ends the run, and in the same statement makes the one that tries again.
    async fn finish_and(
        &self,
        state: RunState,
        message: Option<String>,
        mut lines: Vec<LogLine>,
        next: Option<NextAttempt>,
    ) -> Result<(), Stop> {
        faults::point("finish");
        lines.extend(
            next.as_ref()
                .map(|next| line(-1, None, "info", next.says.clone())),
        );
        let next = &next;
        let job = vec![jobs::job_id(self.claimed.run)];
        let note = Note {
            place: (-1, -1),
            lines: &lines,
            is_news: true,
            ..Note::default()
        };
        self.lease
            .fenced(
                note,
                END,
                concat!(
                    called_by_end!(),
                    ", job as (delete from apalis.jobs j using fence f where j.id = any($16)), \
                     next as (insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, queued_at, \
                         priority, held_for, held_until, message) \
                       select $17, r.org_id, r.schedule_id, r.title, $18, $19, r.acts_for, 'waiting', clock_timestamp(), \
                         r.priority, 'retry', clock_timestamp() + $20 * interval '1 second', $21 \
                       from runs r join fence f on f.id = r.id where $17 is not null returning id, org_id), \
                     told as (insert into events (org_id, kind, object_id) select org_id, 'run', id from next)"
                ),
                |query| {
                    query
                        .bind::<Text, _>(state.as_str())
                        .bind::<Nullable<Text>, _>(message.clone())
                        .bind::<Array<Text>, _>(job.clone())
                        .bind::<Nullable<SqlUuid>, _>(next.as_ref().map(|next| next.id.0))
                        .bind::<Nullable<Jsonb>, _>(next.as_ref().map(|next| next.trigger.clone()))
                        .bind::<Nullable<Jsonb>, _>(next.as_ref().map(|next| next.plan.clone()))
                        .bind::<Double, _>(next.as_ref().map_or(0.0, |next| next.pause.as_secs_f64()))
                        .bind::<Nullable<Text>, _>(next.as_ref().map(|next| next.says.clone()))
                },
            )
            .await?;
        metrics::ended(state);
        if next.is_some() {
            // Whoever sleeps until the next due time looks again.
            self.control.wake(Topic::Schedules);
        }
        faults::point("finished");
        held::after_end(&self.control, &[self.claimed.run]).await;
        Ok(())
    }
}

/// A line of the log, now.
pub(super) fn line(step: i32, target: Option<&str>, level: &str, text: impl Into<String>) -> LogLine {
    LogLine {
        at: chrono::Utc::now(),
        step: u32::try_from(step).ok(),
        target: target.map(str::to_owned),
        level: level.to_owned(),
        text: text.into(),
    }
}
