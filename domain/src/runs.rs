//! Runs: one execution of a chain, its steps and targets, and the life cycle they go through.

use crate::{
    actions::Action,
    guards::RunGuards,
    ids::{ContainerId, HostId, RunId, ScheduleId},
    schedules::Step,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {$($(#[$doc])* $variant),+}

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word stored in the database and used by the API.
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$variant => $word),+}
            }

            /// Reads the stored word; nothing for one that a newer release wrote.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The state of a run.
    RunState {
        /// Held back by a guard: an earlier run of its schedule, or a blackout.
        Waiting = "waiting",
        /// Recorded; a worker will take it.
        Queued = "queued",
        Running = "running",
        /// A person asked for its end; the executor stops before its next engine call.
        Cancelling = "cancelling",
        Succeeded = "succeeded",
        /// Some targets succeeded, others did not.
        Partial = "partial",
        Failed = "failed",
        Skipped = "skipped",
        /// Its time passed while no server was there.
        Missed = "missed",
        Cancelled = "cancelled",
        /// Interrupted where it cannot be known whether the engine acted.
        Unknown = "unknown",
    }
}

words! {
    /// The state of a step or of one target of a step.
    TargetState {
        Pending = "pending",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Skipped = "skipped",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        Unknown = "unknown",
    }
}

impl RunState {
    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Waiting | Self::Queued | Self::Running | Self::Cancelling
        )
    }

    /// Whether the life cycle allows the change. A final state never changes.
    pub fn may_become(self, next: RunState) -> bool {
        use RunState::*;
        match self {
            Waiting => matches!(next, Queued | Skipped | Cancelled | Missed),
            Queued => matches!(next, Running | Cancelled | Cancelling | Failed | Skipped),
            Running => matches!(
                next,
                Running | Cancelling | Succeeded | Partial | Failed | Skipped | Unknown
            ),
            Cancelling => matches!(next, Cancelled | Succeeded | Partial | Failed | Unknown),
            _ => false,
        }
    }

    /// The end of a run from the ends of its targets.
    pub fn from_targets(targets: &[TargetState], cancelled: bool) -> RunState {
        let count = |state: TargetState| targets.iter().filter(|t| **t == state).count();
        let succeeded = count(TargetState::Succeeded);
        let failed = count(TargetState::Failed) + count(TargetState::TimedOut);
        if cancelled {
            RunState::Cancelled
        } else if count(TargetState::Unknown) > 0 {
            RunState::Unknown
        } else if failed > 0 && succeeded > 0 {
            RunState::Partial
        } else if failed > 0 {
            RunState::Failed
        } else if succeeded > 0 || targets.is_empty() {
            RunState::Succeeded
        } else if count(TargetState::Cancelled) > 0 {
            RunState::Cancelled
        } else {
            RunState::Skipped
        }
    }
}

impl TargetState {
    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// Why a run exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", try_from = "TriggerWire")]
pub enum RunTrigger {
    /// A fire time of its schedule.
    Schedule,
    /// A person pressed "Run now" on the schedule.
    Manual { by: String },
    /// A person or a program acted on containers directly.
    Direct { by: String },
    /// A person asked for what failed in another run to be done again.
    Retry { by: String, of: RunId },
    /// A person asked for another run to be done again from its beginning.
    Again { by: String, of: RunId },
    /// The run before it failed, and its schedule tries the whole again; `by` says which attempt this is: "attempt 2 of 3".
    Attempt { by: String, of: RunId },
    /// A step of another run; `by` is that run's title, `depth` counts runs within runs.
    Chain { by: String, of: RunId, depth: u32 },
    /// Its schedule's webhook was called.
    Webhook,
    /// Something happened to a container; `by` says what and where: "web on nas exited with 137".
    Event { by: String },
    /// A run of another schedule ended; `by` is that run's title.
    Outcome { by: String, of: RunId },
}

impl RunTrigger {
    /// Whether somebody asked for this very run: maintenance of a host keeps away what was only planned.
    pub fn is_asked_for(&self) -> bool {
        matches!(
            self,
            Self::Manual { .. } | Self::Direct { .. } | Self::Retry { .. } | Self::Again { .. }
        )
    }
}

/// What a trigger is read from; see `events::Wire`.
#[derive(Deserialize)]
struct TriggerWire {
    r#type: String,
    by: Option<String>,
    of: Option<RunId>,
    depth: Option<u32>,
}

impl TryFrom<TriggerWire> for RunTrigger {
    type Error = String;

    fn try_from(wire: TriggerWire) -> Result<Self, String> {
        match (wire.r#type.as_str(), wire.by, wire.of) {
            ("schedule", ..) => Ok(Self::Schedule),
            ("manual", Some(by), _) => Ok(Self::Manual { by }),
            ("direct", Some(by), _) => Ok(Self::Direct { by }),
            ("retry", Some(by), Some(of)) => Ok(Self::Retry { by, of }),
            ("again", Some(by), Some(of)) => Ok(Self::Again { by, of }),
            ("attempt", Some(by), Some(of)) => Ok(Self::Attempt { by, of }),
            ("chain", Some(by), Some(of)) => Ok(Self::Chain {
                by,
                of,
                depth: wire.depth.unwrap_or(1),
            }),
            ("webhook", ..) => Ok(Self::Webhook),
            ("event", Some(by), _) => Ok(Self::Event { by }),
            ("outcome", Some(by), Some(of)) => Ok(Self::Outcome { by, of }),
            (other, ..) => Err(format!(
                "there is no trigger of the type {other}, or it lacks who it was"
            )),
        }
    }
}

/// The schedule a run came from. The id is kept when the schedule is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSchedule {
    pub id: ScheduleId,
    pub name: String,
}

/// A run without its steps: a line of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSummary {
    pub id: RunId,
    pub schedule: Option<RunSchedule>,
    pub trigger: RunTrigger,
    /// "Restart web" or the schedule's name.
    pub title: String,
    pub status: RunState,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it ended as it did: a sentence.
    pub message: Option<String>,
    /// How many targets there are, and how many ended well.
    pub targets: u32,
    pub succeeded: u32,
}

/// A run with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    #[serde(flatten)]
    pub summary: RunSummary,
    pub steps: Vec<RunStep>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunStep {
    pub name: String,
    pub action: Action,
    /// The selector as it was resolved, host names instead of ids.
    pub target: String,
    pub status: TargetState,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub message: Option<String>,
    pub targets: Vec<RunTarget>,
}

/// One container that a step worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunTarget {
    /// The host's name when the run started; empty for steps that need no host.
    pub host: String,
    pub host_id: Option<HostId>,
    /// The container's name when the run started; of other steps, what they worked on: an image, an address.
    pub container: String,
    pub container_id: Option<ContainerId>,
    pub status: TargetState,
    /// Which attempt this is; the first is 1.
    #[serde(default = "first")]
    pub attempt: u32,
    /// How many there may be.
    #[serde(default = "first")]
    pub attempts: u32,
    /// When the next attempt begins, while it pauses after a failed one.
    #[serde(default)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Of the command or the container that was run.
    #[serde(default)]
    pub exit_code: Option<i64>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub message: Option<String>,
}

fn first() -> u32 {
    1
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    pub at: DateTime<Utc>,
    /// Which step (from 0), and which of its targets if any.
    pub step: Option<u32>,
    pub target: Option<String>,
    /// `info`, `warn` or `error`; `stdout` or `stderr` for what a command wrote.
    pub level: String,
    pub text: String,
}

/// What a run does: stored with it when it is made, so that edits never touch an open run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    pub steps: Vec<Step>,
    #[serde(default)]
    pub guards: RunGuards,
    /// What its trigger brought along (a webhook's body): `trigger.payload` in templates.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub payload: serde_json::Value,
    /// The selector of the API key that asked for it: what its targets fit later is cut to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Of a run that tries again: steps (from 0) that were done before,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<u32>,
    /// and the targets that are left of those that were not. A step that is in neither list is done as it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Only>,
    /// Which attempt at the whole this is, from 1, where its schedule does failed runs again.
    #[serde(default, skip_serializing_if = "is_first")]
    pub attempt: u32,
}

fn is_first(attempt: &u32) -> bool {
    *attempt <= 1
}

/// A target that a run is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// From 0.
    pub step: u32,
    /// The host and container; neither for a step that needs none, no container for one that works on hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerId>,
}

impl RunPlan {
    /// Steps without any guard.
    pub fn of(steps: Vec<Step>) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    /// Cut to where a key holds; one that was cut before stays so for those who come without a limit.
    #[must_use]
    pub fn cut_to(self, limit: Option<&str>) -> Self {
        Self {
            within: limit.map(str::to_owned).or(self.within),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TargetState::*;

    #[test]
    fn a_final_state_never_changes() {
        for from in RunState::ALL.iter().filter(|state| state.is_final()) {
            for to in RunState::ALL {
                assert!(!from.may_become(*to), "{from} became {to}");
            }
        }
    }

    #[test]
    fn every_open_state_can_end() {
        for from in RunState::ALL.iter().filter(|state| !state.is_final()) {
            assert!(
                RunState::ALL
                    .iter()
                    .any(|to| to.is_final() && from.may_become(*to)),
                "{from} cannot end"
            );
        }
    }

    #[test]
    fn the_end_follows_the_targets() {
        assert_eq!(
            RunState::from_targets(&[Succeeded, Succeeded], false),
            RunState::Succeeded
        );
        assert_eq!(
            RunState::from_targets(&[Succeeded, Failed], false),
            RunState::Partial
        );
        assert_eq!(RunState::from_targets(&[TimedOut], false), RunState::Failed);
        assert_eq!(
            RunState::from_targets(&[Succeeded, Unknown], false),
            RunState::Unknown
        );
        assert_eq!(
            RunState::from_targets(&[Succeeded, Cancelled], true),
            RunState::Cancelled
        );
        assert_eq!(RunState::from_targets(&[Skipped], false), RunState::Skipped);
        assert_eq!(RunState::from_targets(&[], false), RunState::Succeeded);
    }

    #[test]
    fn a_plan_of_an_older_release_reads() {
        let old = r#"{"steps":[{"action":{"type":"restart"},"target":"name:web"}]}"#;
        let plan: RunPlan = serde_json::from_str(old).unwrap();
        assert_eq!(
            plan,
            RunPlan::of(vec![Step::new(Action::Restart { grace: None }, "name:web")])
        );
    }

    #[test]
    fn stored_words_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_word(state.as_str()), Some(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for state in TargetState::ALL {
            assert_eq!(TargetState::from_word(state.as_str()), Some(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
