//! A command in a running container. The engine keeps a command's exit code for some minutes under an id of its own,
//! which is the intent's reference: an executor that continues the run asks for it.

use super::{
    super::{
        engines, faults,
        output::{self, End},
    },
    Cut, Done, Job, Stop, unknown,
};
use domain::{actions::Exec, containers::ContainerState, runs::TargetState};
use engine::{Engine, EngineError, ExecSpec};
use std::time::Duration;
use tokio::time::Instant;

const LOOK: Duration = Duration::from_millis(300);
/// How long an engine that does not answer is waited for before an outcome is called unknown.
const UNREACHABLE: Duration = Duration::from_secs(10);
/// After the output's end the command is over but for a moment.
const LAST: Duration = Duration::from_secs(10);

pub(super) async fn run(job: &Job<'_>, exec: &Exec) -> Result<Done, Stop> {
    let engine = job.engine()?;
    if let Some(intent) = &job.target.intent {
        match &intent.reference {
            Some(command) => {
                if let Some(done) = look_back(job, engine, command).await? {
                    return Ok(done);
                }
            }
            None => return Ok(unknown("")),
        }
    }
    let target = job.target;
    let facts = match engines::look(engine, target.engine_id.as_deref(), &target.name).await {
        Ok(facts) => facts,
        Err(error) => return Ok(Done::error(&error)),
    };
    if facts.state != ContainerState::Running {
        return Ok(Done::failed(format!(
            "A command needs a running container, and this one is {}. Start it first.",
            facts.state.as_str()
        )));
    }
    let spec = ExecSpec {
        command: exec.command.clone(),
        user: exec.user.clone(),
        workdir: exec.workdir.clone(),
        env: exec
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
    };
    let before = engines::sight(facts);
    // Preparing it does nothing yet, so that its id can be a part of the intent.
    let command = match engine.exec_create(&before.engine_id, &spec).await {
        Ok(command) => command,
        Err(error) => return Ok(Done::error(&error)),
    };
    let text = format!("Run {} in {}.", shown(exec), target.place());
    let intended = job.intend(Some(&before), Some(&command), text).await?;
    faults::point("exec_intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    job.executor
        .tell_command(job.index, target, job.mask.hide(&shown(exec)))
        .await?;
    let begun = Instant::now();
    let mut output = match engine.exec_start(&command).await {
        Ok(output) => output,
        Err(error) if error.outcome_unknown() => {
            return Ok(match ended(job, engine, &command, UNREACHABLE).await? {
                Some(Ok(code)) => exited(code, begun, None),
                Some(Err(cut)) => stopped(job, cut)?,
                None => Done::of(TargetState::Unknown, error.to_string()),
            });
        }
        Err(error) => return Ok(Done::error(&error)),
    };
    faults::point("exec_started");
    let (end, written) = output::read(job, &mut output).await?;
    faults::point("exec_read");
    let written = Some(written);
    Ok(match end {
        End::Cut(cut) => Done {
            output: written,
            ..stopped(job, cut)?
        },
        End::Whole | End::Broken => match ended(job, engine, &command, LAST).await? {
            Some(Ok(code)) => exited(code, begun, written),
            Some(Err(cut)) => Done {
                output: written,
                ..stopped(job, cut)?
            },
            None => Done {
                output: written,
                ..Done::of(
                    TargetState::Unknown,
                    "The connection to the engine broke while the command ran, and how it ended cannot be known.",
                )
            },
        },
    })
}

/// What became of a command that an executor before this one has started or was about to. Nothing when it never was.
async fn look_back(job: &Job<'_>, engine: &Engine, command: &str) -> Result<Option<Done>, Stop> {
    let begun = Instant::now();
    loop {
        match engine.exec_state(command).await {
            Ok(state) if state.running => {
                let note = job.line(
                    "warn",
                    "The run was interrupted; the command still runs. What it writes is not seen.",
                );
                job.log(&[note]).await?;
                return Ok(Some(match ended(job, engine, command, UNREACHABLE).await? {
                    Some(Ok(code)) => found(code),
                    Some(Err(cut)) => stopped(job, cut)?,
                    None => unknown("The engine does not answer."),
                }));
            }
            Ok(state) => match state.exit_code {
                Some(code) => return Ok(Some(found(code))),
                // The request may still be on its way.
                None if !job.has_settled() && begun.elapsed() < Duration::from_secs(5) => {}
                None => return Ok(None),
            },
            Err(EngineError::NotFound { .. }) => {
                return Ok(Some(unknown("The engine does not know the command any more.")));
            }
            Err(error) if begun.elapsed() >= UNREACHABLE => return Ok(Some(unknown(&error.to_string()))),
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for a command's end and gives its exit code; nothing when the engine does not tell for so long, or does not know.
async fn ended(
    job: &Job<'_>,
    engine: &Engine,
    command: &str,
    patience: Duration,
) -> Result<Option<Result<i64, Cut>>, Stop> {
    let mut answered = Instant::now();
    loop {
        match engine.exec_state(command).await {
            Ok(state) if state.running => answered = Instant::now(),
            Ok(state) if state.exit_code.is_some() => return Ok(state.exit_code.map(Ok)),
            Err(EngineError::NotFound { .. }) => return Ok(None),
            _ if answered.elapsed() >= patience => return Ok(None),
            _ => {}
        }
        tokio::select! {
            biased;
            cut = job.cut() => return Ok(Some(Err(cut))),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn stopped(job: &Job<'_>, cut: Cut) -> Result<Done, Stop> {
    let goes_on = "No engine can end a command from outside, so it may still run in the container.";
    match cut {
        Cut::Lost => Err(Stop::Lost),
        Cut::Cancelled => Ok(Done::of(
            TargetState::Cancelled,
            format!("The run was cancelled while the command ran. {goes_on}"),
        )),
        Cut::Late => Ok(Done::of(TargetState::TimedOut, job.late(goes_on))),
    }
}

fn exited(code: i64, begun: Instant, output: Option<String>) -> Done {
    let done = match code {
        0 => Done::well(format!("Done in {:.1} s.", begun.elapsed().as_secs_f64())),
        code => Done::failed(says(code)),
    };
    Done {
        exit_code: Some(code),
        output,
        ..done
    }
}

/// "The command ended with the exit code 3."
pub(super) fn says(code: i64) -> String {
    let why = match code {
        126 => " It could not be run: it is no program, or may not be run.",
        127 => " There is no such program in the container.",
        137 => " It was killed (SIGKILL), by a person or for want of memory.",
        143 => " It was ended from outside (SIGTERM).",
        _ => "",
    };
    format!("The command ended with the exit code {code}.{why}")
}

fn found(code: i64) -> Done {
    let text = "It ended while the run was interrupted; what it wrote then is lost.";
    let (state, message) = match code {
        0 => (TargetState::Succeeded, text.to_owned()),
        code => (TargetState::Failed, format!("{} {text}", says(code))),
    };
    Done {
        exit_code: Some(code),
        ..Done::of(state, message)
    }
}

fn shown(exec: &Exec) -> String {
    let command: String = exec.command.join(" ").chars().take(200).collect();
    format!("`{command}`")
}
