//! One target: intent, engine call, result. Each is written before the next begins.

use super::{
    super::{
        lease::{Halt, Moment, Note, RENEW},
        recover::{Sight, Verdict},
    },
    Executor, Stop, engines, faults, line,
};
use crate::containers::FleetTarget;
use diesel::sql_types::{Integer, Nullable, Text};
use domain::{
    actions::Action,
    ids::{ContainerId, HostId},
    runs::{LogLine, TargetState},
};
use engine::{Engine, EngineError, Outcome};
use std::time::{Duration, Instant};

/// A container that a step works on.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub ordinal: i32,
    pub host_id: HostId,
    pub host_name: String,
    pub container_id: ContainerId,
    pub name: String,
    pub state: TargetState,
    /// Why it is not even tried.
    pub refused: Option<String>,
    /// The engine's id when the target was found.
    pub engine_id: Option<String>,
    /// What an executor before this one saw just before it asked the engine.
    pub intent: Option<Sight>,
    pub since_intent: Duration,
}

/// How long an executor that took a run over waits to learn what the one before did: with the lease that had to end first,
/// every run that a crash left open is at its end within half a minute.
const TAKEN_OVER: Duration = Duration::from_secs(10);

type Ended = (TargetState, Option<String>);

impl Target {
    pub fn found(ordinal: i32, found: FleetTarget, action: &Action) -> Self {
        let refused = (found.protected && action.refused_on_itself()).then(|| Self::refusal(action));
        Self {
            ordinal,
            host_id: found.host_id,
            host_name: found.host_name,
            container_id: found.container_id,
            name: found.name,
            state: TargetState::Pending,
            refused,
            engine_id: Some(found.engine_id),
            intent: None,
            since_intent: Duration::ZERO,
        }
    }

    pub fn refusal(action: &Action) -> String {
        format!(
            "Chrontainer or its database runs in this container, so it does not {} it: nothing would be left to start it \
             again.",
            action.verb()
        )
    }
}

impl Executor {
    /// Acts on a target, or finds out what an executor before this one did to it.
    pub(super) async fn target(&self, step: i32, action: &Action, target: Target) -> Result<Ended, Stop> {
        if target.state.is_final() {
            return Ok((target.state, None));
        }
        if let Some(why) = target.refused.clone() {
            return self.ended(step, &target, TargetState::Failed, Some(why)).await;
        }
        let Some(engine) = self.control.fleet().engine(target.host_id) else {
            let why = format!("The host {} is not managed here any more.", target.host_name);
            let state = match target.intent {
                Some(_) => TargetState::Unknown,
                None => TargetState::Failed,
            };
            return self.ended(step, &target, state, Some(why)).await;
        };
        let slots = self.control.runs().slots(target.host_id);
        let permit = tokio::select! {
            // A queue of targets on a slow host ends at once when the run does.
            biased;
            halt = self.lease.halted(), if target.intent.is_none() => return self.halted(step, &target, halt).await,
            permit = slots.acquire_owned() => permit,
        };
        let _slot = permit.map_err(|_| Stop::Draining)?;

        if let Some(before) = &target.intent
            && let Some(ended) = self.look_back(step, action, &target, before, &engine).await?
        {
            return Ok(ended);
        }
        let looked = tokio::select! {
            biased;
            halt = self.lease.halted() => return self.halted(step, &target, halt).await,
            looked = engines::look(&engine, target.engine_id.as_deref(), &target.name) => looked,
        };
        let before = match looked {
            Ok(facts) => engines::sight(facts),
            Err(error) => {
                return self
                    .ended(step, &target, failed(&error), Some(error.to_string()))
                    .await;
            }
        };
        self.act(step, action, &target, &before, &engine).await
    }

    async fn act(
        &self,
        step: i32,
        action: &Action,
        target: &Target,
        before: &Sight,
        engine: &Engine,
    ) -> Result<Ended, Stop> {
        let stored = Moment::now();
        self.intend(step, action, target, before).await?;
        faults::point("intent");
        self.lease.still_sure(stored).await?;
        if let Some(halt) = self.lease.halt() {
            return self.halted(step, target, halt).await;
        }
        let begun = Instant::now();
        let result = engines::act(engine, action, &before.engine_id).await;
        faults::point("acted");
        let (done, already) = engines::words(action);
        let (state, message) = match result {
            Ok(Outcome::Done) => (TargetState::Succeeded, None),
            Ok(Outcome::AlreadySo) => (TargetState::Succeeded, Some(already.to_owned())),
            Err(error) if error.outcome_unknown() => {
                // A call that timed out has had its grace time already.
                let since = begun.elapsed();
                match engines::look_back(engine, action, before, since, Duration::MAX).await {
                    (Verdict::Done, _) => (
                        TargetState::Succeeded,
                        Some(format!("{done}, although the engine's answer was lost.")),
                    ),
                    (Verdict::NotDone, _) => (failed(&error), Some(error.to_string())),
                    (Verdict::Undecidable, why) => {
                        let why = why.filter(|why| *why != error.to_string());
                        let text = format!("{error} {}", why.unwrap_or_default());
                        let state = match error {
                            EngineError::Timeout { .. } => TargetState::TimedOut,
                            _ => TargetState::Unknown,
                        };
                        (state, Some(text.trim_end().to_owned()))
                    }
                }
            }
            Err(error) => (TargetState::Failed, Some(error.to_string())),
        };
        let text = match (&message, state) {
            (None, _) => format!("{done} in {:.1} s.", begun.elapsed().as_secs_f64()),
            (Some(message), _) => message.clone(),
        };
        let level = if state == TargetState::Succeeded {
            "info"
        } else {
            "error"
        };
        let lines = [line(step, Some(&target.name), level, text)];
        self.write_end(step, target, state, message, &lines).await
    }

    /// Decides what an executor before this one left open. Nothing when it was not done, so that it may be done now.
    async fn look_back(
        &self,
        step: i32,
        action: &Action,
        target: &Target,
        before: &Sight,
        engine: &Engine,
    ) -> Result<Option<Ended>, Stop> {
        let (done, _) = engines::words(action);
        let looked = tokio::select! {
            biased;
            () = self.lost() => return Err(Stop::Lost),
            looked = engines::look_back(engine, action, before, target.since_intent, TAKEN_OVER) => looked,
        };
        let (state, message) = match looked {
            (Verdict::NotDone, _) => {
                tracing::info!(run.id = %self.claimed.run, container = %target.name, "not done yet, so done now");
                return Ok(None);
            }
            (Verdict::Done, _) => (
                TargetState::Succeeded,
                format!("{done}: found so after the run was interrupted."),
            ),
            (Verdict::Undecidable, why) => (
                TargetState::Unknown,
                format!(
                    "The run was interrupted here, and whether the engine acted cannot be known. {}",
                    why.unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
            ),
        };
        self.ended(step, target, state, Some(message)).await.map(Some)
    }

    async fn lost(&self) {
        loop {
            if self.lease.halt() == Some(Halt::Lost) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn halted(&self, step: i32, target: &Target, halt: Halt) -> Result<Ended, Stop> {
        match halt {
            Halt::Lost => Err(Stop::Lost),
            Halt::Draining => Err(Stop::Draining),
            Halt::Cancelled => {
                let why = "Not done: the run was cancelled before.".to_owned();
                self.ended(step, target, TargetState::Cancelled, Some(why)).await
            }
        }
    }

    /// Stores what is about to be done, and on what exactly.
    async fn intend(&self, step: i32, action: &Action, target: &Target, before: &Sight) -> Result<(), Stop> {
        let text = format!("{} {} on {}.", action.label(), target.name, target.host_name);
        let lines = [line(step, Some(&target.name), "info", text)];
        let note = Note {
            place: (step, target.ordinal),
            lines: &lines,
            ..Note::default()
        };
        let (ordinal, before) = (target.ordinal, before.clone());
        self.lease
            .fenced(
                note,
                RENEW,
                ", target as (update run_targets t set state = 'running', started_at = clock_timestamp(), \
                   intent_engine_id = $16, intent_started_at = $17, intent_state = $18 \
                 from fence f where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Text, _>(before.engine_id.clone())
                        .bind::<Nullable<Text>, _>(before.started_at.clone())
                        .bind::<Text, _>(before.state.as_str())
                },
            )
            .await?;
        Ok(())
    }

    /// Writes how a target ended, with its message as a line of the log.
    async fn ended(
        &self,
        step: i32,
        target: &Target,
        state: TargetState,
        message: Option<String>,
    ) -> Result<Ended, Stop> {
        let level = if state == TargetState::Succeeded {
            "info"
        } else {
            "error"
        };
        let text = message.clone().unwrap_or_else(|| state.as_str().to_owned());
        let lines = [line(step, Some(&target.name), level, text)];
        self.write_end(step, target, state, message, &lines).await
    }

    async fn write_end(
        &self,
        step: i32,
        target: &Target,
        state: TargetState,
        message: Option<String>,
        lines: &[LogLine],
    ) -> Result<Ended, Stop> {
        let note = Note {
            succeeded: i32::from(state == TargetState::Succeeded),
            place: (step, target.ordinal),
            lines,
            ..Note::default()
        };
        let ordinal = target.ordinal;
        self.lease
            .fenced(
                note,
                RENEW,
                ", target as (update run_targets t set state = $16, message = $17, finished_at = clock_timestamp() \
                 from fence f where t.run_id = f.id and t.step = $14 and t.ordinal = $15)",
                |query| {
                    query
                        .bind::<Integer, _>(step)
                        .bind::<Integer, _>(ordinal)
                        .bind::<Text, _>(state.as_str())
                        .bind::<Nullable<Text>, _>(message.clone())
                },
            )
            .await?;
        faults::point("recorded");
        Ok((state, message))
    }
}

fn failed(error: &EngineError) -> TargetState {
    match error {
        EngineError::Timeout { .. } => TargetState::TimedOut,
        _ => TargetState::Failed,
    }
}
