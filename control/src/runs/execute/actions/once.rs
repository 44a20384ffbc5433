//! A container of its own: made, followed to its end, and removed after its end was stored. Its name is made from the
//! run, the step, the target and the attempt, so that it is found again and never made twice.

use super::{
    super::{
        faults,
        output::{self, End},
        target::Target,
    },
    Cleanup, Cut, Done, Job, Stop, exec, unknown,
};
use domain::{actions::Run, auth::Role, containers::ContainerState, ids::RunId, runs::TargetState};
use engine::{Engine, EngineError, OnceSpec};
use std::time::Duration;
use tokio::time::Instant;

const LOOK: Duration = Duration::from_millis(300);
const UNREACHABLE: Duration = Duration::from_secs(10);

/// The name of the container of one attempt.
pub(super) fn name(run: RunId, step: i32, target: &Target) -> String {
    format!("chrontainer-{run}-{step}-{}-{}", target.ordinal, target.attempt)
}

pub(super) async fn run(job: &Job<'_>, run: &Run) -> Result<Done, Stop> {
    let engine = job.engine()?;
    let name = name(job.executor.claimed.run, job.index, job.target);
    if let Some(intent) = &job.target.intent
        && let Some(done) = look_back(job, engine, &name, intent.reference.as_deref()).await?
    {
        return Ok(done);
    }
    if let Some(why) = refusal(job, run) {
        return Ok(Done::failed(why).for_good());
    }
    let text = format!("Run {} on {}.", run.image, job.target.host_name);
    let intended = job.intend(None, None, text).await?;
    faults::point("run_intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    let spec = spec(job, run);
    let made = match engine.create(&name, &spec).await {
        Err(EngineError::NotFound { .. }) => {
            job.log(&[job.line(
                "info",
                format!("The host does not have {} yet: pulling it.", run.image),
            )])
            .await?;
            let pulled = tokio::select! {
                biased;
                cut = job.cut() => return stopped(job, cut, "It was pulling the image."),
                pulled = engine.pull(&run.image) => pulled,
            };
            match pulled {
                Ok(_) => engine.create(&name, &spec).await,
                Err(error) => Err(error),
            }
        }
        other => other,
    };
    let id = match made {
        Ok(id) => id,
        Err(error) if error.outcome_unknown() => {
            // It may have been made although the answer was lost, and is not started then.
            let _gone = engine.remove(&name, true, true).await;
            return Ok(Done::error(&error));
        }
        Err(error) => return Ok(Done::error(&error)),
    };
    job.refer(&id).await?;
    faults::point("run_created");
    start(job, engine, &id).await
}

/// Starts what was made, and follows it.
async fn start(job: &Job<'_>, engine: &Engine, id: &str) -> Result<Done, Stop> {
    match engine.start(id).await {
        Ok(_) => {}
        Err(error) if error.outcome_unknown() => {}
        Err(error) => {
            return Ok(Done {
                cleanup: cleanup(engine, id),
                ..Done::error(&error)
            });
        }
    }
    faults::point("run_started");
    follow(job, engine, id).await
}

async fn follow(job: &Job<'_>, engine: &Engine, id: &str) -> Result<Done, Stop> {
    let begun = Instant::now();
    let mut output = match engine.follow(id).await {
        Ok(output) => Some(output),
        Err(EngineError::NotFound { .. }) => return Ok(unknown("Somebody removed the container.")),
        Err(_) => None,
    };
    let mut written = String::new();
    if let Some(output) = &mut output {
        let end;
        (end, written) = output::read(job, output).await?;
        if let End::Cut(cut) = end {
            return Ok(Done {
                output: Some(written),
                cleanup: cleanup(engine, id),
                ..stopped(job, cut, "Its container was removed.")?
            });
        }
    }
    faults::point("run_read");
    let mut answered = Instant::now();
    loop {
        match engine.inspect(id).await {
            Ok(facts) => {
                answered = Instant::now();
                if let (ContainerState::Exited | ContainerState::Dead, Some(code)) =
                    (facts.state, facts.exit_code)
                {
                    let done = match code {
                        0 => Done::well(format!("Done in {:.1} s.", begun.elapsed().as_secs_f64())),
                        code => Done::failed(exec::says(code)),
                    };
                    return Ok(Done {
                        exit_code: Some(code),
                        output: Some(written),
                        cleanup: cleanup(engine, id),
                        ..done
                    });
                }
            }
            Err(EngineError::NotFound { .. }) => return Ok(unknown("Somebody removed the container.")),
            Err(error) if answered.elapsed() >= UNREACHABLE => {
                return Ok(Done {
                    output: Some(written),
                    ..Done::of(TargetState::Unknown, error.to_string())
                });
            }
            Err(_) => {}
        }
        tokio::select! {
            biased;
            cut = job.cut() => {
                return Ok(Done {
                    output: Some(written),
                    cleanup: cleanup(engine, id),
                    ..stopped(job, cut, "Its container was removed.")?
                });
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Finds the container of an executor before this one. Nothing when there never was one.
async fn look_back(
    job: &Job<'_>,
    engine: &Engine,
    name: &str,
    reference: Option<&str>,
) -> Result<Option<Done>, Stop> {
    let begun = Instant::now();
    loop {
        match engine.inspect(name).await {
            Ok(facts) => {
                let id = facts.engine_id;
                if reference.is_none() {
                    job.refer(&id).await?;
                }
                if facts.state == ContainerState::Created {
                    return start(job, engine, &id).await.map(Some);
                }
                let note = job.line(
                    "warn",
                    "The run was interrupted. What the container wrote follows, from its beginning.",
                );
                job.log(&[note]).await?;
                return follow(job, engine, &id).await.map(Some);
            }
            Err(EngineError::NotFound { .. }) if reference.is_some() => {
                return Ok(Some(unknown("Its container is gone.")));
            }
            // The request may still be on its way.
            Err(EngineError::NotFound { .. })
                if !job.has_settled() && begun.elapsed() < Duration::from_secs(5) => {}
            Err(EngineError::NotFound { .. }) => return Ok(None),
            Err(error) if begun.elapsed() >= UNREACHABLE => return Ok(Some(unknown(&error.to_string()))),
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn stopped(job: &Job<'_>, cut: Cut, rest: &str) -> Result<Done, Stop> {
    match cut {
        Cut::Lost => Err(Stop::Lost),
        Cut::Cancelled => Ok(Done::of(
            TargetState::Cancelled,
            format!("The run was cancelled while this was done. {rest}"),
        )),
        Cut::Late => Ok(Done::of(TargetState::TimedOut, job.late(rest))),
    }
}

fn cleanup(engine: &Engine, id: &str) -> Option<Cleanup> {
    Some(Cleanup {
        engine: engine.clone(),
        container: id.to_owned(),
    })
}

/// Whoever may mount a path of the host, or enter its network, has the host itself.
fn refusal(job: &Job<'_>, run: &Run) -> Option<String> {
    let path = run.mounts.iter().find(|mount| mount.source.starts_with('/'));
    let network = run
        .network
        .as_deref()
        .filter(|network| *network == "host" || network.starts_with("container:"));
    let what = match (path, network) {
        (Some(path), _) => format!("Mounting {} of the host", path.source),
        (None, Some(network)) => format!("The network {network}"),
        (None, None) => return None,
    };
    let claimed = &job.executor.claimed;
    let may = claimed.acts_for.is_none() || claimed.role.is_some_and(|role| role >= Role::Admin);
    (!may).then(|| {
        format!("{what} needs the role admin, and the person this acts for does not have it. An admin must save the schedule.")
    })
}

fn spec(job: &Job<'_>, run: &Run) -> OnceSpec {
    let limits = run.limits.clone().unwrap_or_default();
    let claimed = &job.executor.claimed;
    OnceSpec {
        image: run.image.trim().to_owned(),
        command: run.command.clone(),
        env: run
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        labels: [
            ("chrontainer.run".to_owned(), claimed.run.to_string()),
            ("chrontainer.step".to_owned(), job.index.to_string()),
            ("chrontainer.target".to_owned(), job.target.ordinal.to_string()),
        ]
        .into(),
        mounts: run
            .mounts
            .iter()
            .map(|mount| (mount.source.clone(), mount.target.clone(), mount.read_only))
            .collect(),
        network: run.network.clone(),
        memory: limits.memory_bytes(),
        nano_cpus: limits.nano_cpus(),
        pids: limits.pids,
    }
}
