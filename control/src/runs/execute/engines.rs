//! Asking engines.

use super::super::recover::{Sight, Verdict, decide};
use domain::{actions::Action, containers::ContainerFacts};
use engine::{Engine, EngineError, Outcome};
use std::time::Duration;
use tokio::time::Instant;

/// An engine's own default, when neither the step nor the container says how long to wait before it kills.
const USUAL_GRACE: Duration = Duration::from_secs(10);
/// Beyond the grace time: how long an engine takes to do what it was asked, usually much less.
const SLACK: Duration = Duration::from_secs(5);
/// How long an engine that does not answer is waited for before an outcome is called unknown.
const UNREACHABLE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(300);

/// Asks the engine to do it. Only what acts on a container itself comes here.
pub(super) async fn act(engine: &Engine, action: &Action, id: &str) -> Result<Outcome, EngineError> {
    match action {
        Action::Start => engine.start(id).await,
        Action::Stop { grace } => engine.stop(id, grace.map(|grace| grace.get())).await,
        Action::Restart { grace } => engine.restart(id, grace.map(|grace| grace.get())).await,
        Action::Pause => engine.pause(id).await,
        Action::Unpause => engine.unpause(id).await,
        Action::Kill(kill) => engine.kill(id, &kill.signal()).await,
        Action::Remove(remove) => engine.remove(id, remove.force, remove.volumes).await,
        _ => Ok(Outcome::AlreadySo),
    }
}

/// The container as the engine shows it now, by its id, or by its name when it was recreated meanwhile.
pub(super) async fn look(
    engine: &Engine,
    id: Option<&str>,
    name: &str,
) -> Result<ContainerFacts, EngineError> {
    match id {
        Some(id) => match engine.inspect(id).await {
            Err(EngineError::NotFound { .. }) => engine.inspect(name).await,
            other => other,
        },
        None => engine.inspect(name).await,
    }
}

pub(super) fn sight(facts: ContainerFacts) -> Sight {
    Sight {
        engine_id: facts.engine_id,
        started_at: facts.started_at_raw,
        state: facts.state,
    }
}

/// Finds out what became of an action that was begun `since` ago. An engine goes on with what it was asked although
/// nobody listens any more, so "not done" is only believed after the time that it may take. What is not known after
/// `within` is called unknown.
pub(super) async fn look_back(
    engine: &Engine,
    action: &Action,
    before: &Sight,
    since: Duration,
    within: Duration,
) -> (Verdict, Option<String>) {
    let grace = match action {
        Action::Stop { grace } | Action::Restart { grace } => grace.map_or(USUAL_GRACE, |grace| grace.get()),
        _ => Duration::ZERO,
    };
    let begun = Instant::now();
    let patience = (grace + SLACK).saturating_sub(since);
    loop {
        let waited = begun.elapsed();
        match engine.inspect(&before.engine_id).await {
            Ok(facts) => match decide(action, before, &sight(facts)) {
                Verdict::NotDone if waited < patience.min(within) => {}
                Verdict::NotDone if waited < patience => {
                    let left = (patience - waited).as_secs() + 1;
                    return (
                        Verdict::Undecidable,
                        Some(format!(
                            "The engine may still be waiting for the container to stop, for up to {left} s more; it will then do it."
                        )),
                    );
                }
                Verdict::Undecidable => {
                    return (
                        Verdict::Undecidable,
                        Some("Somebody else changed the container in the meantime.".to_owned()),
                    );
                }
                verdict => return (verdict, None),
            },
            Err(EngineError::NotFound { .. }) if matches!(action, Action::Remove(_)) => {
                return (Verdict::Done, None);
            }
            Err(EngineError::NotFound { .. }) => {
                return (
                    Verdict::Undecidable,
                    Some("The container was removed or recreated in the meantime.".to_owned()),
                );
            }
            Err(error) if waited >= patience.min(within).max(UNREACHABLE) => {
                return (Verdict::Undecidable, Some(error.to_string()));
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What an action is called once it is done, and when there was nothing to do.
pub(super) fn words(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::Start => ("Started", "It was running already."),
        Action::Stop { .. } => ("Stopped", "It was stopped already."),
        Action::Restart { .. } => ("Restarted", "It was restarted already."),
        Action::Pause => ("Paused", "It was paused already."),
        Action::Unpause => ("Unpaused", "It was running already."),
        Action::Kill(_) => ("Signalled", "It was stopped already."),
        Action::Remove(_) => ("Removed", "It was removed already."),
        _ => ("Done", "Nothing to do."),
    }
}
