//! A dry run: what a schedule would do if it ran now. Nothing is touched.

use crate::{
    actions::Action,
    containers::{ContainerState, HostRef},
    ids::ContainerId,
    schedules::{Order, When},
};
use serde::{Deserialize, Serialize};

/// What would happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryRun {
    /// Rights that are missing, as sentences; with any of them nothing would be done.
    pub missing_rights: Vec<String>,
    /// What would keep the schedule from starting it now; a person's "run now" goes past all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<DryHold>,
    pub steps: Vec<DryStep>,
    /// How long all of it would take, as far as history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_ms: Option<i64>,
    /// Targets whose duration no history tells.
    pub unknown_durations: u32,
    /// The median of the schedule's last whole runs, where it is saved and has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<i64>,
}

/// Something that would keep a run from starting by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryHold {
    pub kind: DryHoldKind,
    /// What would become of the run, and why, as a sentence.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DryHoldKind {
    /// It is switched off.
    Off,
    /// It is paused until a date.
    Paused,
    /// A blackout is on.
    Blackout,
    /// An earlier run is open.
    Overlap,
}

/// What one step would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryStep {
    pub name: String,
    pub action: Action,
    /// The selector, host names instead of ids.
    pub target: String,
    /// In which order its targets come, and how many at once.
    pub order: Order,
    pub max_parallel: u32,
    pub when: When,
    /// Why it would not be begun, if every step before it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_begun: Option<String>,
    /// Why it would do nothing at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How many containers it finds; `targets` are the first of them, in their order.
    pub total: u32,
    pub targets: Vec<DryTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_ms: Option<i64>,
}

/// What would become of one container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryTarget {
    pub host: HostRef,
    pub container: String,
    pub container_id: ContainerId,
    /// Its turn: all of one turn may be done at once, each turn after the one before.
    pub turn: u32,
    /// What the schedule's conditions say of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<DryCondition>,
    /// Its state when the step comes to it.
    pub state: ContainerState,
    pub outcome: DryOutcome,
    /// Why it would not simply be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<i64>,
}

/// The answer of one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryCondition {
    /// The condition in words: "is running".
    pub condition: String,
    /// Nothing where only the run itself can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// Why it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How it would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DryOutcome {
    /// It would be done.
    Act,
    /// It is so already, and nothing changes.
    Already,
    /// It is left out: by a condition, a blackout, or because of rights.
    Skip,
    /// It would be refused, or could not work.
    Fail,
}

/// What an action makes of a container in that state: the outcome, why, and the state afterwards.
pub fn outcome(action: &Action, state: ContainerState) -> (DryOutcome, Option<&'static str>, ContainerState) {
    use ContainerState as S;
    let up = matches!(state, S::Running | S::Restarting);
    match action {
        Action::Start if up => (DryOutcome::Already, Some("It is running already."), state),
        Action::Start if state == S::Paused => (
            DryOutcome::Fail,
            Some("It is paused: it cannot be started, only unpaused."),
            state,
        ),
        Action::Start => (DryOutcome::Act, None, S::Running),
        Action::Stop { .. } if up || state == S::Paused => (DryOutcome::Act, None, S::Exited),
        Action::Stop { .. } => (DryOutcome::Already, Some("It is stopped already."), state),
        Action::Restart { .. } => {
            let why = (!up && state != S::Paused).then_some("It is stopped, so this starts it.");
            (DryOutcome::Act, why, S::Running)
        }
        Action::Pause if state == S::Paused => (DryOutcome::Already, Some("It is paused already."), state),
        Action::Pause if state == S::Running => (DryOutcome::Act, None, S::Paused),
        Action::Pause => (
            DryOutcome::Fail,
            Some("It is not running, so it cannot be paused."),
            state,
        ),
        Action::Unpause if state == S::Paused => (DryOutcome::Act, None, S::Running),
        Action::Unpause => (DryOutcome::Already, Some("It is not paused."), state),
        _ => (DryOutcome::Act, None, state),
    }
}

/// How long a step takes whose targets are done `parallel` at once, each as soon as one before it ends.
pub fn makespan(durations: &[i64], parallel: usize) -> i64 {
    let mut lanes = vec![0_i64; parallel.max(1)];
    for duration in durations {
        if let Some(first) = lanes.iter_mut().min() {
            *first += duration;
        }
    }
    lanes.into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_already_changes_nothing() {
        let stop = Action::from_verb("stop").unwrap();
        assert_eq!(outcome(&stop, ContainerState::Running).2, ContainerState::Exited);
        assert_eq!(outcome(&stop, ContainerState::Exited).0, DryOutcome::Already);
        assert_eq!(outcome(&Action::Start, ContainerState::Exited).0, DryOutcome::Act);
        assert_eq!(
            outcome(&Action::Pause, ContainerState::Created).0,
            DryOutcome::Fail
        );
    }

    #[test]
    fn what_runs_side_by_side_takes_less() {
        assert_eq!(makespan(&[10, 10, 10, 10], 2), 20);
        assert_eq!(makespan(&[10, 1, 1, 1], 2), 10);
        assert_eq!(makespan(&[], 8), 0);
        assert_eq!(makespan(&[5, 5], 1), 10);
    }
}
