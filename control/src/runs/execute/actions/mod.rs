//! What each kind of action does, a file each. A new kind is a file here, and a line in [`run`].
//!
//! An action stores its intent before it asks anybody for anything ([`Job::intend`]), and begins with what an executor
//! before it has left: whether that was done, is still being done, can be done now, or cannot be known.

mod exec;
mod http;
mod lifecycle;
mod once;
mod prune;
mod pull;
mod run_schedule;
mod wait;

use super::{
    super::lease::{Halt, Moment},
    Executor, Stop, line,
    target::{Target, failed},
};
use crate::runs::{recover::Sight, variables::Mask};
use domain::{
    actions::Action,
    runs::{LogLine, RunPlan, TargetState},
};
use engine::{Engine, EngineError};
use std::time::Duration;
use tokio::time::Instant;

/// One attempt on one target.
pub(super) struct Job<'a> {
    pub executor: &'a Executor,
    pub index: i32,
    pub plan: &'a RunPlan,
    pub target: &'a Target,
    /// With its variables filled in.
    pub action: &'a Action,
    /// Hides secrets.
    pub mask: &'a Mask,
    /// Of the target's host, where there is one.
    pub engine: Option<Engine>,
    /// When its time is up.
    pub until: Option<Instant>,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Done {
    pub state: TargetState,
    /// Kept with the target: nothing when all went as expected.
    pub message: Option<String>,
    /// For the log, in place of the message.
    pub line: Option<String>,
    pub exit_code: Option<i64>,
    pub output: Option<String>,
    /// Trying again would not help.
    pub is_final: bool,
    /// What is removed once the end is stored.
    pub cleanup: Option<Cleanup>,
}

/// A container that was made for this attempt.
#[derive(Debug)]
pub(super) struct Cleanup {
    pub engine: Engine,
    pub container: String,
}

impl Done {
    pub fn of(state: TargetState, message: impl Into<String>) -> Self {
        Self {
            state,
            message: Some(message.into()),
            line: None,
            exit_code: None,
            output: None,
            is_final: false,
            cleanup: None,
        }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::of(TargetState::Failed, message)
    }

    /// All went as expected; the line is for the log.
    pub fn well(line: impl Into<String>) -> Self {
        Self {
            line: Some(line.into()),
            message: None,
            ..Self::of(TargetState::Succeeded, "")
        }
    }

    pub fn error(error: &EngineError) -> Self {
        Self::of(failed(error), error.to_string())
    }

    /// It is not tried again.
    pub fn for_good(mut self) -> Self {
        self.is_final = true;
        self
    }
}

/// Does the action, or finds out what became of it.
pub(super) async fn run(job: &Job<'_>) -> Result<Done, Stop> {
    match job.action {
        Action::Start
        | Action::Stop { .. }
        | Action::Restart { .. }
        | Action::Pause
        | Action::Unpause
        | Action::Kill(_)
        | Action::Remove(_) => lifecycle::run(job).await,
        Action::Exec(exec) => exec::run(job, exec).await,
        Action::Run(once) => once::run(job, once).await,
        Action::Pull(pull) => pull::run(job, pull).await,
        Action::Prune(prune) => prune::run(job, prune).await,
        Action::Http(http) => http::run(job, http).await,
        Action::Wait(wait) => wait::run(job, wait).await,
        Action::RunSchedule(schedule) => run_schedule::run(job, schedule).await,
        Action::Noop => Ok(Done::well("Nothing to do, as the step says.")),
    }
}

/// Whether the action minds its own time: what reads output keeps what came until then.
pub(super) fn ends_by_itself(action: &Action) -> bool {
    matches!(
        action,
        Action::Exec(_) | Action::Run(_) | Action::Wait(_) | Action::RunSchedule(_)
    )
}

/// Removes what an attempt made, after its end was stored. What stays is removed by whoever continues the run.
pub(super) async fn clean(target: &Target, cleanup: Cleanup) {
    let removed = cleanup.engine.remove(&cleanup.container, true, true).await;
    if let Err(error) = removed {
        tracing::warn!(%error, container = cleanup.container, host = target.host_name, "a container of a run could not be removed");
    }
}

/// Removes what an executor before this one left of a step that has ended.
pub(super) async fn tidy(executor: &Executor, index: i32, target: &Target) {
    let engine = target
        .host_id
        .and_then(|host| executor.control.fleet().engine(host));
    let Some(engine) = engine.filter(|_| target.state.is_final()) else {
        return;
    };
    let container = once::name(executor.claimed.run, index, target);
    // One that is gone is what is wanted; one that cannot be asked for now is not worth waiting for.
    let _gone = engine.remove(&container, true, true).await;
}

impl Job<'_> {
    pub fn engine(&self) -> Result<&Engine, Stop> {
        self.engine.as_ref().ok_or_else(|| {
            Stop::Failed(crate::Error::Internal(
                "a target without a host has no engine".to_owned(),
            ))
        })
    }

    /// Stores what is about to be done. Nothing must be asked of anybody before, and nothing after unless [`Job::go`].
    pub async fn intend(
        &self,
        sight: Option<&Sight>,
        reference: Option<&str>,
        text: String,
    ) -> Result<Intended, Stop> {
        let stored = Moment::now();
        self.executor
            .intend(self.index, self.target, sight, reference, self.mask.hide(&text))
            .await?;
        Ok(Intended(stored))
    }

    /// Adds what the engine calls it that was begun.
    pub async fn refer(&self, reference: &str) -> Result<(), Stop> {
        self.executor.refer(self.index, self.target, reference).await
    }

    /// Whether to go on after an intent: the lease is sure, and nobody wants the run's end. The end of the attempt if not.
    pub async fn go(&self, intended: Intended) -> Result<Option<Done>, Stop> {
        self.executor.lease.still_sure(intended.0).await?;
        match self.executor.lease.halt() {
            None => Ok(None),
            Some(halt) => self.halted(halt).map(Some),
        }
    }

    /// What a reason to stop means before anything was done.
    pub fn halted(&self, halt: Halt) -> Result<Done, Stop> {
        match halt {
            Halt::Lost => Err(Stop::Lost),
            Halt::Draining => Err(Stop::Draining),
            Halt::Cancelled => Ok(Done::of(
                TargetState::Cancelled,
                "Not done: the run was cancelled before.",
            )),
        }
    }

    /// Waits for a reason to end something that is under way. A server that goes lets it go on for as long as it can.
    pub async fn cut(&self) -> Cut {
        let lease = &self.executor.lease;
        let late = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            halt = lease.lost_or_cancelled() => match halt {
                Halt::Cancelled => Cut::Cancelled,
                _ => Cut::Lost,
            },
            () = late => Cut::Late,
        }
    }

    /// The end of an attempt whose time was up; what was asked for may go on.
    pub async fn abandoned(&self) -> Done {
        Done::of(
            TargetState::TimedOut,
            self.late("What the engine was asked for may still be done."),
        )
    }

    /// "Abandoned after 30 s. …"
    pub fn late(&self, rest: &str) -> String {
        let executor = self.executor;
        let limit = match executor.is_late() {
            true => self.plan.guards.timeout,
            false => usize::try_from(self.index)
                .ok()
                .and_then(|index| self.plan.steps.get(index)?.timeout),
        };
        let of = if executor.is_late() { "the run" } else { "it" };
        match limit {
            Some(limit) => format!("Abandoned: {of} may take {limit}, and that is over. {rest}"),
            None => format!("Abandoned: its time is over. {rest}"),
        }
    }

    pub async fn log(&self, lines: &[LogLine]) -> Result<(), Stop> {
        self.executor.log(self.index, self.target, lines).await
    }

    pub fn line(&self, level: &str, text: impl Into<String>) -> LogLine {
        line(self.index, Some(&self.target.name), level, text)
    }

    /// Whether enough time has passed for what was asked of an engine just before the interruption to have arrived.
    pub fn has_settled(&self) -> bool {
        const SLACK: Duration = Duration::from_secs(5);
        self.target
            .intent
            .as_ref()
            .is_none_or(|intent| intent.since >= SLACK)
    }
}

/// Proof that an intent was stored, and when.
pub(super) struct Intended(Moment);

/// Why something that is under way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Lost,
    Cancelled,
    Late,
}

/// What is said of an action whose outcome an interruption has hidden.
pub(super) fn unknown(why: &str) -> Done {
    let text = format!("The run was interrupted here, and what became of it cannot be known. {why}");
    Done::of(TargetState::Unknown, text.trim_end())
}
