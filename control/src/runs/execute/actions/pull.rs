//! Pulling an image. Pulling twice is no more than pulling once, so that an interrupted one is simply done again.

use super::{
    super::{engines, faults},
    Cut, Done, Job, Stop,
};
use domain::{actions::Pull, runs::TargetState};
use tokio::time::Instant;

pub(super) async fn run(job: &Job<'_>, pull: &Pull) -> Result<Done, Stop> {
    let engine = job.engine()?;
    let target = job.target;
    let image = match &pull.image {
        Some(image) => image.trim().to_owned(),
        None => match engines::look(engine, target.engine_id.as_deref(), &target.name).await {
            Ok(facts) if facts.image.starts_with("sha256:") || facts.image.is_empty() => {
                return Ok(Done::failed(
                    "This container was made from an image without a name, so there is nothing to pull.",
                )
                .for_good());
            }
            Ok(facts) => facts.image,
            Err(error) => return Ok(Done::error(&error)),
        },
    };
    let text = format!("Pull {image} on {}.", target.host_name);
    let intended = job.intend(None, None, text).await?;
    faults::point("pull_intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    let begun = Instant::now();
    let pulled = tokio::select! {
        biased;
        cut = job.cut() => return match cut {
            Cut::Lost => Err(Stop::Lost),
            Cut::Cancelled => Ok(Done::of(TargetState::Cancelled, "The run was cancelled, and the pull with it.")),
            Cut::Late => Ok(Done::of(TargetState::TimedOut, job.late("The pull was ended."))),
        },
        pulled = engine.pull(&image) => pulled,
    };
    Ok(match pulled {
        Ok(pulled) if pulled.up_to_date => {
            Done::of(TargetState::Succeeded, format!("{image} was up to date."))
        }
        Ok(_) => Done::well(format!(
            "Pulled {image} in {:.1} s.",
            begun.elapsed().as_secs_f64()
        )),
        Err(error) => Done::error(&error),
    })
}
