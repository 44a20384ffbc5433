//! Cleaning up. What is gone is gone: an interrupted one is simply done again.

use super::{super::faults, Done, Job, Stop};
use domain::{actions::Prune, runs::TargetState};

/// Names that are written to the log.
const MOST: usize = 500;

pub(super) async fn run(job: &Job<'_>, prune: &Prune) -> Result<Done, Stop> {
    let engine = job.engine()?;
    let kind = prune.what.describe();
    let age = prune.older_than.map(|age| age.get());
    let text = format!(
        "{} {kind} on {}.",
        if prune.dry { "Look for" } else { "Remove" },
        job.target.host_name
    );
    let intended = job.intend(None, None, text).await?;
    faults::point("prune_intent");
    if let Some(done) = job.go(intended).await? {
        return Ok(done);
    }
    let result = match prune.dry {
        true => engine.prunable(prune.what, age).await,
        false => engine.prune(prune.what, age).await,
    };
    let pruned = match result {
        Ok(pruned) => pruned,
        Err(error) => return Ok(Done::error(&error)),
    };
    let count = pruned.what.len();
    let mut lines: Vec<_> = pruned
        .what
        .iter()
        .take(MOST)
        .map(|name| job.line("stdout", name.clone()))
        .collect();
    if count > MOST {
        lines.push(job.line("info", format!("… and {} more.", count - MOST)));
    }
    if !lines.is_empty() {
        job.log(&lines).await?;
    }
    let message = match (count, prune.dry) {
        (0, _) => format!("There were no {kind} to remove."),
        (_, true) => format!(
            "Would remove {count} ({kind}), {}. Nothing was touched.",
            bytes(pruned.freed)
        ),
        (_, false) => format!("Removed {count} ({kind}), {} freed.", bytes(pruned.freed)),
    };
    Ok(Done {
        output: Some(pruned.what.into_iter().take(MOST).collect::<Vec<_>>().join("\n")),
        ..Done::of(TargetState::Succeeded, message)
    })
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} kB", count / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}
