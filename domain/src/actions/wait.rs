//! Waiting.

use super::{Kind, WorksOn};
use crate::{durations::HumanDuration, errors::Problem};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Waits for some time, or until each container of the target is as wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// This long; needs no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "30s"))]
    pub time: Option<HumanDuration>,
    /// Or until this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// How long `until` is waited for at most; five minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "5m"))]
    pub timeout: Option<HumanDuration>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Its health check says so; a container without one counts once it runs.
    #[default]
    Healthy,
    /// It runs no more.
    Exited,
}

impl Until {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Exited => "exited",
        }
    }
}

/// A run that waits holds one of the places for runs; longer pauses are what triggers are for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Wait {
    /// How long `until` is waited for.
    pub fn patience(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(300), HumanDuration::get)
    }
}

impl Kind for Wait {
    const VERB: &'static str = "wait";
    const LABEL: &'static str = "Wait";

    fn works_on(&self) -> WorksOn {
        match self.until {
            Some(_) => WorksOn::Containers,
            None => WorksOn::Nothing,
        }
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        match (self.time, self.until) {
            (None, None) => Err(Problem::invalid(
                "wait_for_nothing",
                &format!("{field}.time"),
                "There is nothing to wait for. Give a time, or what is waited for with until.",
            )),
            (Some(_), Some(_)) => Err(Problem::invalid(
                "wait_for_two",
                &format!("{field}.until"),
                "It waits for a time or until something, not for both. Leave one out.",
            )),
            (time, _) if time.or(self.timeout).is_some_and(|time| time.get() > LONGEST) => {
                Err(Problem::invalid(
                    "wait_too_long",
                    &format!("{field}.{}", if time.is_some() { "time" } else { "timeout" }),
                    "At most one day can be waited. Use a schedule of its own for what comes later.",
                ))
            }
            _ => Ok(()),
        }
    }

    fn detail(&self) -> Option<String> {
        match (self.time, self.until) {
            (Some(time), _) => Some(time.to_string()),
            (None, Some(until)) => Some(format!("until {}", until.as_str())),
            (None, None) => None,
        }
    }
}
