//! One target of a step: its attempts, one after the other, until one succeeds or none is left.

use super::{
    super::{lease::Halt, recover::Sight},
    Executor, Stop,
    actions::{self, Done, Job},
    faults,
    step::At,
};
use crate::{containers::FleetTarget, runs::variables};
use domain::{
    actions::Action,
    containers::HostRef,
    guards::{Retry, RetryOf},
    ids::{ContainerId, HostId},
    runs::TargetState,
};
use engine::EngineError;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// What a step works on: a container, a host, or nothing but the action itself.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub ordinal: i32,
    pub host_id: Option<HostId>,
    pub host_name: String,
    pub container_id: Option<ContainerId>,
    /// The container's, or what else it is about.
    pub name: String,
    pub state: TargetState,
    pub message: Option<String>,
    /// Why it is not even tried.
    pub refused: Option<String>,
    /// The engine's id when the target was found.
    pub engine_id: Option<String>,
    /// What an executor before this one was about to do.
    pub intent: Option<Intent>,
    pub attempt: u32,
    /// How long to pause before this attempt.
    pub pause: Option<Duration>,
    /// What it wrote.
    pub output: Option<String>,
}

/// What was stored just before something was begun.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// The container as it was then.
    pub sight: Option<Sight>,
    /// What the engine calls it that was begun.
    pub reference: Option<String>,
    /// How long ago, on the database's clock.
    pub since: Duration,
}

/// How a target ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub ordinal: i32,
    pub name: String,
    pub container_id: Option<ContainerId>,
    pub state: TargetState,
    pub message: Option<String>,
    pub output: String,
    /// It was not done because of another one.
    pub was_held_back: bool,
}

impl Target {
    fn new(ordinal: i32, name: String) -> Self {
        Self {
            ordinal,
            host_id: None,
            host_name: String::new(),
            container_id: None,
            name,
            state: TargetState::Pending,
            message: None,
            refused: None,
            engine_id: None,
            intent: None,
            attempt: 1,
            pause: None,
            output: None,
        }
    }

    pub fn found(ordinal: i32, found: FleetTarget, action: &Action) -> Self {
        let refused = (found.protected && action.refused_on_itself()).then(|| Self::refusal(action));
        Self {
            host_id: Some(found.host_id),
            host_name: found.host_name,
            container_id: Some(found.container_id),
            refused,
            engine_id: Some(found.engine_id),
            ..Self::new(ordinal, found.name)
        }
    }

    pub fn host(ordinal: i32, host: HostRef, action: &Action) -> Self {
        Self {
            host_id: Some(host.id),
            host_name: host.name,
            ..Self::new(ordinal, about(action))
        }
    }

    pub fn nothing(action: &Action) -> Self {
        Self::new(0, about(action))
    }

    /// Left alone where there is a reason.
    pub fn unless(mut self, why: Option<String>) -> Self {
        if why.is_some() {
            self.state = TargetState::Skipped;
            self.message = why;
        }
        self
    }

    pub fn refusal(action: &Action) -> String {
        format!(
            "Chrontainer or its database runs in this container, so it does not {} it: nothing would be left to start it \
             again.",
            action.verb()
        )
    }

    /// "web on local", "alpine:3 on local", "GET https://…".
    pub fn place(&self) -> String {
        if self.host_name.is_empty() {
            self.name.clone()
        } else {
            format!("{} on {}", self.name, self.host_name)
        }
    }

    pub fn ended(&self, state: TargetState, message: Option<String>, output: String) -> Ended {
        Ended {
            ordinal: self.ordinal,
            name: self.name.clone(),
            container_id: self.container_id,
            state,
            message,
            output,
            was_held_back: false,
        }
    }
}

fn about(action: &Action) -> String {
    action.detail().unwrap_or_else(|| action.label().to_owned())
}

impl Executor {
    /// Works on a target until it has ended, or finds out what an executor before this one did to it.
    pub(super) async fn target(&self, at: &At<'_>, mut target: Target) -> Result<Ended, Stop> {
        if target.state.is_final() {
            let output = target.output.clone().unwrap_or_default();
            return Ok(target.ended(target.state, target.message.clone(), output));
        }
        if let Some(why) = target.refused.clone() {
            return self.end(at.index, &target, Done::failed(why)).await;
        }
        let turn = match self.turn(at, &target) {
            Some(turn) => tokio::select! {
                biased;
                halt = self.lease.halted(), if target.intent.is_none() => return self.halted(at.index, &target, halt).await,
                turn = turn.acquire_owned() => Some(turn.map_err(|_| Stop::Draining)?),
            },
            None => None,
        };
        let whole = at.plan.guards.retry.as_ref();
        let retry = at
            .step
            .retry
            .as_ref()
            .or(whole.filter(|retry| retry.of == RetryOf::Targets));
        loop {
            if let Some(pause) = target.pause.take() {
                tokio::select! {
                    biased;
                    halt = self.lease.halted() => return self.halted(at.index, &target, halt).await,
                    () = tokio::time::sleep(pause) => {}
                }
            }
            let mut done = self.attempt(at, &target).await?;
            let cleanup = done.cleanup.take();
            let pause = retry.and_then(|retry| self.pause(retry, &target, &done));
            let ended = match pause {
                Some(pause) => {
                    self.again(
                        at.index,
                        &target,
                        &done,
                        pause,
                        retry.map_or(1, |retry| retry.attempts),
                    )
                    .await?;
                    None
                }
                None => Some(self.end(at.index, &target, done).await?),
            };
            if let Some(cleanup) = cleanup {
                actions::clean(&target, cleanup).await;
            }
            if let Some(ended) = ended {
                drop(turn);
                return Ok(ended);
            }
            faults::point("retry");
            target.attempt += 1;
            target.intent = None;
            target.pause = pause;
        }
    }

    /// The turns of a target's host, where the schedule limits how many of it are worked on at once.
    fn turn(&self, at: &At<'_>, target: &Target) -> Option<Arc<Semaphore>> {
        let (host, most) = (target.host_id?, at.plan.guards.max_parallel.per_host?);
        let mut hosts = self.per_host.lock();
        let turns = hosts
            .entry(host)
            .or_insert_with(|| Arc::new(Semaphore::new(most.max(1) as usize)));
        Some(turns.clone())
    }

    /// How long to pause before trying again; nothing when it is not tried again.
    fn pause(&self, retry: &Retry, target: &Target, done: &Done) -> Option<Duration> {
        let worth_it = retry.is_after(done.state) && !done.is_final;
        if !worth_it || self.lease.is_cancelled() || self.is_late() {
            return None;
        }
        // Each target of each run has a pause of its own.
        let seed = self.claimed.run.0.as_u128() as u64 ^ u64::from(target.ordinal.unsigned_abs());
        let pause = retry.jittered_pause_before(target.attempt + 1, seed)?;
        let in_time = self
            .deadline
            .is_none_or(|deadline| Instant::now() + pause < deadline);
        in_time.then_some(pause)
    }

    /// One attempt, bounded by the step's time and by the run's.
    async fn attempt(&self, at: &At<'_>, target: &Target) -> Result<Done, Stop> {
        let engine = match target.host_id {
            None => None,
            Some(host) => match self.control.fleet().engine(host) {
                Some(engine) => Some(engine),
                None => {
                    let why = format!("The host {} is not managed here any more.", target.host_name);
                    let state = match target.intent {
                        Some(_) => TargetState::Unknown,
                        None => TargetState::Failed,
                    };
                    return Ok(Done::of(state, why));
                }
            },
        };
        // A step that waits for a container may wait for its host too.
        if let (Some(host), Some(engine), None) = (target.host_id, &engine, &target.intent)
            && !matches!(at.step.action, Action::Wait(_))
            && let Some(error) = self.unreachable(host, engine).await
        {
            return Ok(Done::error(&error));
        }
        let claimed = &self.claimed;
        let status = at.chain.previous_state().map_or("", TargetState::as_str);
        let output = at.chain.previous_output(target.container_id);
        let mut trigger = claimed.trigger.clone();
        if let Some(trigger) = trigger.as_object_mut().filter(|_| !at.plan.payload.is_null()) {
            trigger.insert("payload".to_owned(), at.plan.payload.clone());
        }
        let scope = variables::Scope::new(
            &claimed.run,
            &claimed.title,
            &trigger,
            &target.host_name,
            &target.name,
            (status, &output),
        );
        let filled = variables::fill(&self.control, self.claimed.org, &at.step.action, &scope).await?;
        let (action, mask, secrets) = match filled {
            Ok(filled) => filled,
            Err(why) => return Ok(Done::failed(why).for_good()),
        };
        self.tell_secrets(at.index, secrets).await?;
        let limit = at.step.timeout.map(|limit| limit.get());
        let spent = target
            .intent
            .as_ref()
            .map_or(Duration::ZERO, |intent| intent.since);
        let own = limit.and_then(|limit| Instant::now().checked_add(limit.saturating_sub(spent)));
        let until = match (own, self.deadline) {
            (Some(own), Some(run)) => Some(own.min(run)),
            (own, run) => own.or(run),
        };
        let job = Job {
            executor: self,
            index: at.index,
            plan: at.plan,
            target,
            action: &action,
            mask: &mask,
            engine,
            until,
        };
        let mut done = match until {
            // What reads output ends by itself at that time, so that nothing of it is lost.
            Some(until) if !actions::ends_by_itself(&action) => {
                match tokio::time::timeout_at(until, actions::run(&job)).await {
                    Ok(done) => done?,
                    Err(_) => job.abandoned().await,
                }
            }
            _ => actions::run(&job).await?,
        };
        // An engine may repeat what it was asked, with the secrets in it.
        done.message = done.message.map(|text| mask.hide(&text));
        done.line = done.line.map(|text| mask.hide(&text));
        if done.state == TargetState::TimedOut && self.is_late() {
            done.is_final = true;
        }
        Ok(done)
    }

    pub(super) async fn halted(&self, step: i32, target: &Target, halt: Halt) -> Result<Ended, Stop> {
        match halt {
            Halt::Lost => Err(Stop::Lost),
            Halt::Draining => Err(Stop::Draining),
            Halt::Cancelled => {
                let why = "Not done: the run was cancelled before.".to_owned();
                self.end(step, target, Done::of(TargetState::Cancelled, why))
                    .await
            }
        }
    }
}

pub(super) fn failed(error: &EngineError) -> TargetState {
    match error {
        EngineError::Timeout { .. } => TargetState::TimedOut,
        _ => TargetState::Failed,
    }
}
