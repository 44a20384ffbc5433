//! The chain: which step is done, by how those before it ended.

use super::StepEnd;
use domain::{
    ids::ContainerId,
    runs::TargetState,
    schedules::{OnFailure, Step, When},
};

/// The steps that have ended, in their order.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub ends: Vec<StepEnd>,
    /// A step failed, whatever it means for those after it.
    failed: bool,
    /// A step failed and ended the chain for all that follow a success.
    stopped: bool,
}

/// Whether the steps after it are done as usual.
pub(super) fn went_well(state: TargetState) -> bool {
    matches!(state, TargetState::Succeeded | TargetState::Skipped)
}

impl Chain {
    pub fn add(&mut self, step: &Step, end: StepEnd) {
        if !went_well(end.state) {
            self.failed = true;
            self.stopped |= step.on_failure == OnFailure::Stop;
        }
        self.ends.push(end);
    }

    /// Why a step is not done, as a sentence; nothing when it is.
    pub fn objection(&self, step: &Step) -> Option<&'static str> {
        match step.when {
            When::Success if self.stopped => Some("Not begun, because a step before it did not succeed."),
            When::Failure if !self.failed => Some("Not begun: it is for failures only, and there was none."),
            _ => None,
        }
    }

    /// How the step before ended that was done at all.
    pub fn previous_state(&self) -> Option<TargetState> {
        self.previous().map(|end| end.state)
    }

    /// What the step before wrote: on this very container where it worked on it, else on all its targets.
    pub fn previous_output(&self, container: Option<ContainerId>) -> String {
        let Some(end) = self.previous() else {
            return String::new();
        };
        let own = end
            .outputs
            .iter()
            .find(|(of, _)| of.is_some() && *of == container);
        match own {
            Some((_, output)) => output.clone(),
            None => {
                let all: Vec<&str> = end.outputs.iter().map(|(_, output)| output.as_str()).collect();
                all.join("\n")
            }
        }
    }

    fn previous(&self) -> Option<&StepEnd> {
        self.ends
            .iter()
            .rev()
            .find(|end| end.state != TargetState::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::actions::Action;
    use proptest::prelude::*;

    fn step(when: When, on_failure: OnFailure) -> Step {
        Step {
            when,
            on_failure,
            ..Step::new(Action::Noop, "")
        }
    }

    fn end(state: TargetState, output: &str) -> StepEnd {
        StepEnd {
            state,
            targets: vec![state],
            message: None,
            outputs: vec![(None, output.to_owned())],
        }
    }

    /// Which of the steps are done, when those that fail are these.
    fn done(steps: &[Step], fails: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut chain = Chain::default();
        let mut done = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let is_done = chain.objection(step).is_none();
            let state = match (is_done, fails(at)) {
                (false, _) => TargetState::Skipped,
                (true, true) => TargetState::Failed,
                (true, false) => TargetState::Succeeded,
            };
            chain.add(step, end(state, ""));
            done.push(is_done);
        }
        done
    }

    #[test]
    fn branches_follow_what_happened() {
        use OnFailure::{Continue, Stop};
        use When::{Always, Failure, Success};
        let steps = [
            step(Success, Stop),
            step(Success, Stop),
            step(Failure, Stop),
            step(Always, Stop),
        ];
        assert_eq!(done(&steps, |_| false), [true, true, false, true]);
        assert_eq!(done(&steps, |at| at == 0), [true, false, true, true]);
        let mut steps = steps.to_vec();
        steps[0] = step(Success, Continue);
        assert_eq!(done(&steps, |at| at == 0), [true, true, true, true]);
    }

    #[test]
    fn the_step_before_is_the_last_that_was_done() {
        let mut chain = Chain::default();
        assert_eq!(
            (chain.previous_state(), chain.previous_output(None)),
            (None, String::new())
        );
        let plain = step(When::Success, OnFailure::Stop);
        chain.add(&plain, end(TargetState::Succeeded, "42"));
        chain.add(&plain, end(TargetState::Skipped, ""));
        assert_eq!(chain.previous_state(), Some(TargetState::Succeeded));
        assert_eq!(chain.previous_output(None), "42");
        let web = ContainerId::new();
        let mut two = end(TargetState::Succeeded, "a");
        two.outputs.push((Some(web), "b".to_owned()));
        chain.add(&plain, two);
        assert_eq!(chain.previous_output(Some(web)), "b");
        assert_eq!(chain.previous_output(Some(ContainerId::new())), "a\nb");
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let when = prop::sample::select(vec![When::Success, When::Failure, When::Always]);
        let on_failure = prop::sample::select(vec![OnFailure::Stop, OnFailure::Continue]);
        (when, on_failure).prop_map(|(when, on_failure)| step(when, on_failure))
    }

    proptest! {
        #[test]
        fn what_is_always_done_always_is_and_nothing_follows_a_stop(
            steps in prop::collection::vec(any_step(), 1..10), fails in prop::collection::vec(any::<bool>(), 10),
        ) {
            let done = done(&steps, |at| fails[at]);
            let mut failed = false;
            let mut stopped = false;
            for (at, step) in steps.iter().enumerate() {
                let expected = match step.when {
                    When::Always => true,
                    When::Failure => failed,
                    When::Success => !stopped,
                };
                prop_assert_eq!(done[at], expected);
                if done[at] && fails[at] {
                    failed = true;
                    stopped |= step.on_failure == OnFailure::Stop;
                }
            }
        }
    }
}
