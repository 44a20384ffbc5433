//! Waiting. It begins where an executor before this one was: the database's clock tells how long has passed.

use super::{
    super::{engines, target::failed},
    Done, Job, Stop,
};
use crate::runs::lease::Halt;
use domain::{
    actions::{Until, Wait},
    containers::{ContainerState, Health},
    runs::TargetState,
};
use std::time::Duration;
use tokio::time::Instant;

const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(job: &Job<'_>, wait: &Wait) -> Result<Done, Stop> {
    let passed = job.target.intent.as_ref().map(|intent| intent.since);
    if passed.is_none() {
        let text = match (wait.time, wait.until) {
            (Some(time), _) => format!("Wait {time}."),
            (None, Some(until)) => format!("Wait until {} is {}.", job.target.place(), until.as_str()),
            (None, None) => "Wait.".to_owned(),
        };
        let intended = job.intend(None, None, text).await?;
        if let Some(done) = job.go(intended).await? {
            return Ok(done);
        }
    }
    let passed = passed.unwrap_or_default();
    match (wait.time, wait.until) {
        (None, Some(until)) => for_container(job, until, wait.patience().saturating_sub(passed)).await,
        (time, _) => {
            let time = time.map_or(Duration::ZERO, |time| time.get());
            let end = Instant::now() + time.saturating_sub(passed);
            match pause(job, end).await? {
                Some(done) => Ok(done),
                None => Ok(Done::well("Waited.")),
            }
        }
    }
}

async fn for_container(job: &Job<'_>, until: Until, patience: Duration) -> Result<Done, Stop> {
    let engine = job.engine()?;
    let target = job.target;
    let end = Instant::now() + patience;
    loop {
        let last = match engines::look(engine, target.engine_id.as_deref(), &target.name).await {
            Ok(facts) => {
                let runs = facts.state == ContainerState::Running;
                match until {
                    Until::Healthy if facts.health == Some(Health::Healthy) && runs => {
                        return Ok(Done::well("It is healthy."));
                    }
                    Until::Healthy if facts.health.is_none() && runs => {
                        return Ok(Done::of(
                            TargetState::Succeeded,
                            "It runs, and has no health check.",
                        ));
                    }
                    Until::Exited if matches!(facts.state, ContainerState::Exited | ContainerState::Dead) => {
                        return Ok(Done {
                            exit_code: facts.exit_code,
                            ..Done::well("It has exited.")
                        });
                    }
                    _ => {}
                }
                let health = facts.health.map(|health| format!(", {}", health.as_str()));
                (
                    TargetState::TimedOut,
                    format!(
                        "It was waited for until it is {}, and it is still {}{}.",
                        until.as_str(),
                        facts.state.as_str(),
                        health.unwrap_or_default()
                    ),
                )
            }
            Err(error) => (failed(&error), error.to_string()),
        };
        if Instant::now() >= end {
            return Ok(Done::of(last.0, last.1));
        }
        if let Some(done) = pause(job, end.min(Instant::now() + LOOK)).await? {
            return Ok(done);
        }
    }
}

/// Sleeps until then; the attempt's end when there is a reason to stop before. A server that goes need not wait: another
/// one goes on.
async fn pause(job: &Job<'_>, end: Instant) -> Result<Option<Done>, Stop> {
    let until = job.until.filter(|until| *until < end);
    tokio::select! {
        biased;
        halt = job.executor.lease.halted() => match halt {
            Halt::Lost => Err(Stop::Lost),
            Halt::Draining => Err(Stop::Draining),
            Halt::Cancelled => Ok(Some(Done::of(TargetState::Cancelled, "The run was cancelled while it waited."))),
        },
        () = tokio::time::sleep_until(until.unwrap_or(end)) => Ok(until.map(|_| {
            Done::of(TargetState::TimedOut, job.late("It did not wait any longer."))
        })),
    }
}
