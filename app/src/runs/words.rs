//! Runs in words.

use chrono::{DateTime, Utc};
use domain::runs::{Run, RunState, RunSummary, RunTrigger, TargetState};

/// When it counts as having happened: what the list is ordered by.
pub fn happened(run: &RunSummary) -> DateTime<Utc> {
    run.queued_at
}

/// How long it took, or has taken by `now` (milliseconds since 1970).
pub fn took(run: &RunSummary, now: i64) -> Option<i64> {
    let from = run.started_at?.timestamp_millis();
    let to = match run.finished_at {
        Some(at) => at.timestamp_millis(),
        None if run.status.is_final() => return None,
        None => now,
    };
    Some((to - from).max(0))
}

/// How much later than planned it began, in milliseconds.
pub fn late(run: &RunSummary) -> Option<i64> {
    let from = run.scheduled_for?;
    Some((run.started_at? - from).num_milliseconds().max(0))
}

/// "Schedule", "anna, by hand"
pub fn started_by(trigger: &RunTrigger) -> String {
    match trigger {
        RunTrigger::Schedule => "Its schedule".to_owned(),
        RunTrigger::Manual { by } => format!("{by}, run now"),
        RunTrigger::Direct { by } => by.clone(),
        RunTrigger::Retry { by, .. } => format!("{by}, failed targets again"),
        RunTrigger::Again { by, .. } => format!("{by}, again"),
        RunTrigger::Chain { by, .. } => format!("A step of {by}"),
        RunTrigger::Webhook => "Its webhook".to_owned(),
        RunTrigger::Event { by } => by.clone(),
        RunTrigger::Outcome { by, .. } => format!("The end of {by}"),
        RunTrigger::Attempt { by, .. } => format!("Its schedule, {by}"),
    }
}

/// How a run's state looks on a bar: (`--c` of its part).
pub fn is_bad(state: RunState) -> bool {
    matches!(
        state,
        RunState::Failed | RunState::Partial | RunState::Missed | RunState::Unknown
    )
}

/// The containers of a run by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub done: u32,
    pub failed: u32,
    pub unknown: u32,
    pub working: u32,
    pub waiting: u32,
    pub left_out: u32,
}

impl Tally {
    pub fn total(self) -> u32 {
        self.done + self.failed + self.unknown + self.working + self.waiting + self.left_out
    }

    /// "8 done, 1 failed, 2 working"
    pub fn words(self) -> String {
        let parts = [
            (self.done, "done"),
            (self.failed, "failed"),
            (self.unknown, "unknown"),
            (self.working, "working"),
            (self.waiting, "waiting"),
            (self.left_out, "left out"),
        ];
        let words: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if words.is_empty() {
            "None".to_owned()
        } else {
            words.join(", ")
        }
    }
}

/// One row per container: its worst state over all steps, counted.
pub fn tally(run: &Run) -> Tally {
    let mut tally = Tally::default();
    for (_, states) in by_container(run) {
        let any = |wanted: &[TargetState]| states.iter().flatten().any(|state| wanted.contains(state));
        use TargetState as T;
        let slot = if any(&[T::Failed, T::TimedOut]) {
            &mut tally.failed
        } else if any(&[T::Unknown]) {
            &mut tally.unknown
        } else if any(&[T::Running]) {
            &mut tally.working
        } else if any(&[T::Pending]) {
            &mut tally.waiting
        } else if any(&[T::Succeeded]) {
            &mut tally.done
        } else {
            &mut tally.left_out
        };
        *slot += 1;
    }
    tally
}

/// Which container, on which host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Nothing for what is no container: a host, a request.
    pub id: Option<domain::ids::ContainerId>,
    pub container: String,
    pub host: String,
}

/// Every container in the order it was first met, with its state in each step (none where it was no target).
pub fn by_container(run: &Run) -> Vec<(Who, Vec<Option<TargetState>>)> {
    let steps = run.steps.len();
    let mut rows: Vec<(Who, Vec<Option<TargetState>>)> = Vec::new();
    for (index, step) in run.steps.iter().enumerate() {
        for target in &step.targets {
            let at = match rows.iter().position(|(who, _)| {
                who.id == target.container_id
                    && (who.id.is_some() || (who.container == target.container && who.host == target.host))
            }) {
                Some(at) => at,
                None => {
                    let who = Who {
                        id: target.container_id,
                        container: target.container.clone(),
                        host: target.host.clone(),
                    };
                    rows.push((who, vec![None; steps]));
                    rows.len() - 1
                }
            };
            rows[at].1[index] = Some(target.status);
        }
    }
    rows
}

/// Why it ended as it did, for the top of the page: a headline, and the sentence after it.
pub fn cause(run: &Run) -> Option<(String, String)> {
    let summary = &run.summary;
    let headline = match summary.status {
        RunState::Failed => "It failed.",
        RunState::Partial => "It worked in part only.",
        RunState::Unknown => "It was interrupted, and it cannot be known how far it got.",
        RunState::Missed => "It did not run.",
        RunState::Skipped => "It was left out.",
        RunState::Cancelled => "It was cancelled.",
        _ => return None,
    };
    let culprits: Vec<_> = run
        .steps
        .iter()
        .flat_map(|step| &step.targets)
        .filter(|target| {
            matches!(
                target.status,
                TargetState::Failed | TargetState::TimedOut | TargetState::Unknown
            )
        })
        .collect();
    let said = culprits.first().and_then(|target| target.message.as_deref());
    let first = culprits
        .first()
        .zip(said)
        .map(|(target, said)| format!("{} on {}: {said}", target.container, target.host));
    let more = match culprits.len() {
        0 | 1 => String::new(),
        many => format!(" {} more below.", many - 1),
    };
    let sentence = match (summary.message.clone(), first) {
        (Some(message), None) => message,
        // The run's own sentence often quotes the first of them already, or is what that one said.
        (Some(message), Some(_))
            if said.is_some_and(|said| message.len() > said.len() && message.contains(said)) =>
        {
            message
        }
        (Some(message), Some(first)) if !first.ends_with(&message) => format!("{message} {first}{more}"),
        (_, Some(first)) => format!("{first}{more}"),
        (None, None) => String::new(),
    };
    Some((headline.to_owned(), sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_says_only_what_there_is() {
        assert_eq!(
            Tally {
                done: 8,
                failed: 1,
                working: 2,
                ..Tally::default()
            }
            .words(),
            "8 done, 1 failed, 2 working"
        );
        assert_eq!(Tally::default().words(), "None");
    }
}
