//! Start, stop, restart, pause, unpause, kill and remove: one short call each, whose outcome shows on the container.

use super::{
    super::{engines, faults, target::failed},
    Done, Job, Stop, unknown,
};
use crate::runs::{
    lease::Halt,
    recover::{Sight, Verdict},
};
use domain::{actions::Action, runs::TargetState};
use engine::{Engine, EngineError, Outcome};
use std::time::{Duration, Instant};

/// How long an executor that took a run over waits to learn what the one before did: every run that a crash left open is at
/// its end within half a minute of the next start. Where a lease had to end first, much of that time has passed.
const TAKEN_OVER: Duration = Duration::from_secs(10);
const HANDED_OVER: Duration = Duration::from_secs(22);
/// How often a target that waits for its turn looks whether its host still answers.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn run(job: &Job<'_>) -> Result<Done, Stop> {
    let engine = job.engine()?;
    let target = job.target;
    let lease = &job.executor.lease;
    let Some(host) = target.host_id else {
        return Err(Stop::Failed(crate::Error::Internal(
            "a container without a host".to_owned(),
        )));
    };
    let slots = job.executor.control.runs().slots(host);
    let mut turn = std::pin::pin!(slots.acquire_owned());
    let permit = loop {
        tokio::select! {
            // A queue of targets on a slow host ends at once when the run does, or when the host is found not to answer.
            biased;
            halt = lease.halted(), if target.intent.is_none() => return job.halted(halt),
            permit = &mut turn => break permit,
            () = tokio::time::sleep(LOOK), if target.intent.is_none() => {
                if let Some(error) = job.executor.unreachable(host, engine).await {
                    return Ok(Done::error(&error));
                }
            }
        }
    };
    let _slot = permit.map_err(|_| Stop::Draining)?;

    if let Some(intent) = &target.intent
        && let Some(before) = &intent.sight
        && let Some(done) = look_back(job, before, intent.since, engine).await?
    {
        return Ok(done);
    }
    let looked = tokio::select! {
        biased;
        halt = lease.halted() => return job.halted(halt),
        looked = engines::look(engine, target.engine_id.as_deref(), &target.name) => looked,
    };
    match looked {
        Ok(facts) => act(job, &engines::sight(facts), engine).await,
        Err(EngineError::NotFound { .. }) if matches!(job.action, Action::Remove(_)) => {
            let (_, already) = engines::words(job.action);
            Ok(Done::of(TargetState::Succeeded, already))
        }
        Err(error) => Ok(Done::error(&error)),
    }
}

async fn act(job: &Job<'_>, before: &Sight, engine: &Engine) -> Result<Done, Stop> {
    let action = job.action;
    let text = format!("{} {}.", action.label(), job.target.place());
    let intended = job.intend(Some(before), None, text).await?;
    faults::point("intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    let begun = Instant::now();
    let result = engines::act(engine, action, &before.engine_id).await;
    faults::point("acted");
    let (done, already) = engines::words(action);
    Ok(match result {
        Ok(Outcome::Done) => Done::well(format!("{done} in {:.1} s.", begun.elapsed().as_secs_f64())),
        Ok(Outcome::AlreadySo) => Done::of(TargetState::Succeeded, already),
        Err(error) if error.outcome_unknown() => {
            // A call that timed out has had its grace time already.
            let since = begun.elapsed();
            match engines::look_back(engine, action, before, since, Duration::MAX).await {
                (Verdict::Done, _) => Done::of(
                    TargetState::Succeeded,
                    format!("{done}, although the engine's answer was lost."),
                ),
                (Verdict::NotDone, _) => Done::of(failed(&error), error.to_string()),
                (Verdict::Undecidable, why) => {
                    let why = why.filter(|why| *why != error.to_string());
                    let text = format!("{error} {}", why.unwrap_or_default());
                    let state = match error {
                        EngineError::Timeout { .. } => TargetState::TimedOut,
                        _ => TargetState::Unknown,
                    };
                    Done::of(state, text.trim_end())
                }
            }
        }
        Err(error) => Done::failed(error.to_string()),
    })
}

/// Decides what an executor before this one left open. Nothing when it was not done, so that it may be done now.
async fn look_back(
    job: &Job<'_>,
    before: &Sight,
    since: Duration,
    engine: &Engine,
) -> Result<Option<Done>, Stop> {
    let (done, _) = engines::words(job.action);
    let within = match job.executor.claimed.was_handed_over {
        true => HANDED_OVER,
        false => TAKEN_OVER,
    };
    let looked = tokio::select! {
        biased;
        () = lost(job) => return Err(Stop::Lost),
        looked = engines::look_back(engine, job.action, before, since, within) => looked,
    };
    Ok(match looked {
        (Verdict::NotDone, _) => {
            tracing::info!(run.id = %job.executor.claimed.run, container = %job.target.name, "not done yet, so done now");
            None
        }
        (Verdict::Done, _) => Some(Done::of(
            TargetState::Succeeded,
            format!("{done}: found so after the run was interrupted."),
        )),
        (Verdict::Undecidable, why) => Some(unknown(&why.unwrap_or_default())),
    })
}

async fn lost(job: &Job<'_>) {
    while job.executor.lease.halt() != Some(Halt::Lost) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
