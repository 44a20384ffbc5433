//! Another schedule's run, as a step. Its id is chosen before and stored as the intent, so that it is made once.

use super::{super::faults, Cut, Done, Job, Stop};
use crate::{runs, schedules};
use domain::{
    actions::{DEEPEST, RunSchedule},
    ids::{RunId, ScheduleId},
    runs::{RunState, RunTrigger, TargetState},
};
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn run(job: &Job<'_>, step: &RunSchedule) -> Result<Done, Stop> {
    let claimed = &job.executor.claimed;
    let depth = match serde_json::from_value(claimed.trigger.clone()) {
        Ok(RunTrigger::Chain { depth, .. }) => depth + 1,
        _ => 1,
    };
    if depth > DEEPEST {
        return Ok(Done::failed(format!(
            "Schedules run schedules here, {DEEPEST} deep by now, which looks like a circle; it ends here. Take one of \
             them out of the circle."
        ))
        .for_good());
    }
    let Ok(schedule) = step.schedule.trim().parse::<ScheduleId>() else {
        return Ok(
            Done::failed("The schedule is not stored by its id. Save this schedule again.").for_good(),
        );
    };
    let before = job
        .target
        .intent
        .as_ref()
        .and_then(|intent| intent.reference.as_deref())
        .and_then(|id| id.parse::<RunId>().ok());
    let id = match before {
        Some(id) => id,
        None => {
            let id = RunId::new();
            let intended = job
                .intend(None, Some(&id.to_string()), "Run another schedule.".to_owned())
                .await?;
            faults::point("chain_intent");
            if let Some(done) = job.go(intended).await? {
                return Ok(done);
            }
            id
        }
    };
    let control = &job.executor.control;
    let chained = schedules::Chained {
        id,
        org: claimed.org,
        schedule,
        trigger: RunTrigger::Chain {
            by: claimed.title.clone(),
            of: claimed.run,
            depth,
        },
        acts_for: claimed.acts_for,
        within: job.plan.within.clone(),
    };
    let name = match schedules::start_chained(control, &chained).await {
        Ok(name) => name,
        Err(crate::Error::Problem(problem)) => return Ok(Done::failed(problem.message).for_good()),
        Err(error) => return Err(error.into()),
    };
    // Done beside this one unless a worker was faster: nobody waits for a place that those who wait have taken.
    control.runs().execute_beside(id);
    loop {
        let summary = {
            let mut conn = control.db().conn().await?;
            runs::summary(&mut conn, claimed.org, id).await?
        };
        let Some(summary) = summary else {
            return Ok(super::unknown("The other schedule's run is not kept any more."));
        };
        if summary.status.is_final() {
            let words = format!(
                "{name}: {}",
                summary.message.unwrap_or_else(|| summary.status.to_string())
            );
            return Ok(match summary.status {
                RunState::Succeeded => Done::well(format!("{name} succeeded.")),
                RunState::Skipped => Done::of(TargetState::Skipped, words),
                RunState::Unknown => Done::of(TargetState::Unknown, words),
                RunState::Cancelled => Done::of(TargetState::Cancelled, words),
                _ => Done::failed(words),
            });
        }
        tokio::select! {
            biased;
            cut = job.cut() => return match cut {
                Cut::Lost => Err(Stop::Lost),
                Cut::Cancelled => Ok(Done::of(TargetState::Cancelled, format!("The run was cancelled; {name} goes on."))),
                Cut::Late => Ok(Done::of(TargetState::TimedOut, job.late(&format!("{name} goes on.")))),
            },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
