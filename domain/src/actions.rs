//! Actions: what a step does to its targets.

use crate::durations::HumanDuration;
use serde::{Deserialize, Serialize};

/// What a step does. Stop and restart take a grace time: how long the engine waits before it kills
/// (Docker API, parameter `t`; the container's own setting, else 10 s, when absent).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    Start,
    Stop {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "10s"))]
        grace: Option<HumanDuration>,
    },
    Restart {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "10s"))]
        grace: Option<HumanDuration>,
    },
    Pause,
    Unpause,
    /// Touches nothing and needs no target: to try a schedule, and to measure the scheduler.
    Noop,
}

impl Action {
    /// The verb, as the API spells it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop { .. } => "stop",
            Self::Restart { .. } => "restart",
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Noop => "noop",
        }
    }

    /// The action of a verb, without options.
    pub fn from_verb(verb: &str) -> Option<Self> {
        Some(match verb {
            "start" => Self::Start,
            "stop" => Self::Stop { grace: None },
            "restart" => Self::Restart { grace: None },
            "pause" => Self::Pause,
            "unpause" => Self::Unpause,
            "noop" => Self::Noop,
            _ => return None,
        })
    }

    /// Whether it works on containers at all.
    pub fn needs_target(&self) -> bool {
        !matches!(self, Self::Noop)
    }

    /// Whether it would take Chrontainer itself away, so that it is refused there.
    pub fn refused_on_itself(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Pause)
    }

    /// "Restart", "Stop", … for sentences and buttons.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop { .. } => "Stop",
            Self::Restart { .. } => "Restart",
            Self::Pause => "Pause",
            Self::Unpause => "Unpause",
            Self::Noop => "Do nothing",
        }
    }
}
