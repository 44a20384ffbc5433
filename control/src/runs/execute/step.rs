//! One step: find its targets, go through them, end it.

use super::{
    Executor, StepEnd, Stop,
    actions::Done,
    arrange::Arranged,
    chain::Chain,
    find::Unbegun,
    line,
    target::{Ended, Target},
};
use domain::{
    actions::{Action, WorksOn},
    guards::OnNoTargets,
    runs::{RunPlan, TargetState},
    schedules::Step,
};
use futures::{StreamExt, stream};

/// Where an executor is.
pub(super) struct At<'a> {
    pub plan: &'a RunPlan,
    pub index: i32,
    pub step: &'a Step,
    pub chain: &'a Chain,
}

impl Executor {
    /// Does a step, or what is left of it, or says why it is not done.
    pub(super) async fn step(&self, at: &At<'_>, stored: Option<Vec<Target>>) -> Result<StepEnd, Stop> {
        if stored.is_none() {
            let before = u32::try_from(at.index).is_ok_and(|index| at.plan.done.contains(&index));
            let why = if before {
                Some("Not done again: it succeeded in the run before.")
            } else {
                at.chain.objection(at.step)
            };
            if let Some(why) = why {
                return self.not_begun(at, TargetState::Skipped, why.to_owned()).await;
            }
        }
        if at.step.action == Action::Noop {
            return self.noop(at).await;
        }
        let arranged = match stored {
            Some(targets) => {
                let hosts = targets.iter().filter_map(|target| target.host_id).collect();
                self.settled(Some(hosts)).await?;
                let targets = self.mark_refused(&at.step.action, targets);
                // A circle that came up meanwhile must not undo what was begun.
                match self.arrange(at.step, targets.clone()).await {
                    Ok(arranged) => arranged,
                    Err(_) => Arranged::together(targets),
                }
            }
            None => match self.begin(at).await? {
                Ok(arranged) => arranged,
                Err(end) => return Ok(end),
            },
        };
        super::faults::point("resolved");
        let ended = self.go_through(at, arranged).await?;
        let targets: Vec<TargetState> = ended.iter().map(|end| end.state).collect();
        let state = step_state(&targets);
        let message = summary(&ended, state);
        let text = message.clone().unwrap_or_else(|| match targets.len() {
            1 => "Done.".to_owned(),
            count => format!("Done on all {count} {}.", nouns(at.step.action.works_on()).1),
        });
        self.end_step(at.index, state, message.clone(), text).await?;
        Ok(StepEnd {
            state,
            targets,
            message,
            outputs: ended
                .into_iter()
                .map(|end| (end.container_id, end.output))
                .collect(),
        })
    }

    /// Finds the targets and stores them with the step; or the step's end, when nothing is done.
    async fn begin(&self, at: &At<'_>) -> Result<Result<Arranged, StepEnd>, Stop> {
        let found = match self.find(at).await? {
            Ok(found) => found,
            Err(Unbegun::NoTargets(why)) if at.plan.guards.on_no_targets == OnNoTargets::Skip => {
                return Ok(Err(self.not_begun(at, TargetState::Skipped, why).await?));
            }
            Err(Unbegun::NoTargets(why) | Unbegun::Failed(why)) => {
                return Ok(Err(self.not_begun(at, TargetState::Failed, why).await?));
            }
        };
        let arranged = match self.arrange(at.step, found.targets.clone()).await {
            Ok(arranged) => arranged,
            Err(circle) => {
                let why = circle.to_string();
                return Ok(Err(self.not_begun(at, TargetState::Failed, why).await?));
            }
        };
        let mut lines = Vec::new();
        let works_on = at.step.action.works_on();
        if works_on != WorksOn::Nothing {
            let (one, many) = nouns(works_on);
            let names: Vec<String> = found
                .targets
                .iter()
                .map(|target| match works_on {
                    WorksOn::Hosts => target.host_name.clone(),
                    _ => target.place(),
                })
                .collect();
            let count = names.len();
            let few = names.into_iter().take(20).collect::<Vec<_>>().join(", ");
            let text = format!(
                "{}: {count} {} found: {few}{}",
                at.step.title(),
                if count == 1 { one } else { many },
                if count > 20 { ", …" } else { "." }
            );
            lines.push(line(at.index, None, "info", text));
        }
        if found.left_out > 0 {
            let text = format!(
                "Left out are {} more: the person this acts for, or the key it was asked with, may not act on them.",
                found.left_out
            );
            lines.push(line(at.index, None, "warn", text));
        }
        for target in &found.targets {
            if let Some(why) = &target.message {
                lines.push(line(at.index, Some(&target.name), "info", why.clone()));
            }
        }
        self.begin_step(at, found.shown, &found.targets, &lines).await?;
        Ok(Ok(arranged))
    }

    /// Works on all targets, group after group. Our own restart takes this process away, so it comes last.
    async fn go_through(&self, at: &At<'_>, mut arranged: Arranged) -> Result<Vec<Ended>, Stop> {
        let mut last = Vec::new();
        if matches!(at.step.action, Action::Restart { .. }) {
            for group in &mut arranged.groups {
                last.extend(group.extract_if(.., |target| self.is_itself(target)));
            }
        }
        let mut ended: Vec<Ended> = Vec::new();
        for group in std::mem::take(&mut arranged.groups) {
            self.group(at, &arranged, group, &mut ended).await?;
        }
        for target in last {
            self.control.runs().leases.will_end_us(self.claimed.run);
            self.group(at, &arranged, vec![target], &mut ended).await?;
        }
        ended.sort_unstable_by_key(|end| end.ordinal);
        Ok(ended)
    }

    async fn group(
        &self,
        at: &At<'_>,
        arranged: &Arranged,
        group: Vec<Target>,
        ended: &mut Vec<Ended>,
    ) -> Result<(), Stop> {
        let mut wanted = Vec::new();
        for target in group {
            let objection = match target.state.is_final() || target.intent.is_some() {
                true => None,
                false => arranged.objection(&target, ended),
            };
            match objection {
                Some(why) => {
                    let mut end = self
                        .end(at.index, &target, Done::of(TargetState::Skipped, why))
                        .await?;
                    end.was_held_back = true;
                    ended.push(end);
                }
                None => wanted.push(target),
            }
        }
        let each: Vec<_> = wanted.into_iter().map(|target| self.target(at, target)).collect();
        let results: Vec<_> = stream::iter(each)
            .buffer_unordered(self.parallel(at))
            .collect()
            .await;
        for result in results {
            ended.push(result?);
        }
        Ok(())
    }

    /// How many targets at once: the step's own limit, and the schedule's.
    fn parallel(&self, at: &At<'_>) -> usize {
        let total = at
            .plan
            .guards
            .max_parallel
            .total
            .map_or(usize::MAX, |total| total as usize);
        at.step.parallel().min(total).max(1)
    }

    fn mark_refused(&self, action: &Action, mut targets: Vec<Target>) -> Vec<Target> {
        for target in &mut targets {
            if action.refused_on_itself() && self.is_itself(target) {
                target.refused = Some(Target::refusal(action));
            }
        }
        targets
    }
}

fn nouns(works_on: WorksOn) -> (&'static str, &'static str) {
    match works_on {
        WorksOn::Hosts => ("host", "hosts"),
        _ => ("container", "containers"),
    }
}

/// A step's state from those of its targets; the worst decides.
fn step_state(targets: &[TargetState]) -> TargetState {
    use TargetState::{Cancelled, Failed, Skipped, Succeeded, TimedOut, Unknown};
    for state in [Unknown, Failed, TimedOut, Cancelled] {
        if targets.contains(&state) {
            return state;
        }
    }
    if targets.contains(&Succeeded) {
        Succeeded
    } else {
        Skipped
    }
}

/// What to say of a step: nothing when all went well.
fn summary(ended: &[Ended], state: TargetState) -> Option<String> {
    if state == TargetState::Succeeded {
        return None;
    }
    let (mut bad, mut first) = (0, None);
    for end in ended {
        let is_bad =
            end.state != TargetState::Succeeded && (end.state != TargetState::Skipped || state == end.state);
        if is_bad {
            bad += 1;
            if first.is_none() && end.state == state {
                let message = end.message.as_deref().unwrap_or(end.state.as_str());
                first = Some(format!("{}: {message}", end.name));
            }
        }
    }
    let first = first?;
    Some(match (ended.len(), state) {
        (1, _) => first,
        (count, TargetState::Skipped) => format!("All {count} were left alone. {first}"),
        (count, _) => format!("{bad} of {count} containers did not succeed. {first}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_target_decides_and_is_named() {
        use TargetState::{Failed, Skipped, Succeeded, Unknown};
        let ended = |states: &[TargetState]| -> Vec<Ended> {
            (0..)
                .zip(states)
                .map(|(n, state)| Ended {
                    ordinal: n,
                    name: format!("c{n}"),
                    container_id: None,
                    state: *state,
                    message: Some(format!("word {n}")),
                    output: String::new(),
                    was_held_back: false,
                })
                .collect()
        };
        assert_eq!(step_state(&[Succeeded, Succeeded]), Succeeded);
        assert_eq!(step_state(&[Succeeded, Failed, Unknown]), Unknown);
        assert_eq!(step_state(&[Skipped, Succeeded]), Succeeded);
        assert_eq!(summary(&ended(&[Succeeded]), Succeeded), None);
        assert_eq!(summary(&ended(&[Failed]), Failed).unwrap(), "c0: word 0");
        assert_eq!(
            summary(&ended(&[Succeeded, Failed, Unknown, Skipped]), Unknown).unwrap(),
            "2 of 4 containers did not succeed. c2: word 2"
        );
        assert_eq!(
            summary(&ended(&[Skipped, Skipped]), Skipped).unwrap(),
            "All 2 were left alone. c0: word 0"
        );
    }
}
