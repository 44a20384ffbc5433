//! Guards: what holds a schedule's runs back, repeats them, ends them, and watches that they happen.
//!
//! Every guard has a default that surprises nobody, so a schedule without any behaves as a person expects: one run at a
//! time, nothing repeated, nothing caught up.

use crate::durations::HumanDuration;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What happens to a fire while an earlier run of the same schedule is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The new one is skipped, and says so.
    #[default]
    Skip,
    /// The new one waits until the earlier ones ended.
    Queue,
    /// The earlier one is cancelled, and the new one starts after its end.
    Replace,
    /// They run side by side.
    Allow,
}

/// What happens to fire times that passed while no server was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CatchUpPolicy {
    /// They are recorded as missed.
    #[default]
    None,
    /// The latest of them runs once.
    Latest,
    /// All of them run in order, up to `max`.
    All,
}

/// Catching up after downtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CatchUp {
    #[serde(default)]
    pub policy: CatchUpPolicy,
    /// The most runs of one downtime, for `all`.
    #[serde(default = "ten")]
    pub max: u32,
    /// Fire times that are older stay missed; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "6h"))]
    pub window: Option<HumanDuration>,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self {
            policy: CatchUpPolicy::None,
            max: ten(),
            window: None,
        }
    }
}

fn ten() -> u32 {
    10
}

/// How the pause before another attempt grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// Always `initial`.
    #[default]
    Fixed,
    /// `initial`, then twice as long each time, up to `max`.
    Exponential,
}

/// Trying again what failed. Targets that succeeded are never done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// All attempts, the first one included: 1 never tries again.
    pub attempts: u32,
    #[serde(default)]
    pub backoff: Backoff,
    #[serde(default = "one_second")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1s"))]
    pub initial: HumanDuration,
    /// The longest pause, for `exponential`; five minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "1m"))]
    pub max: Option<HumanDuration>,
}

fn one_second() -> HumanDuration {
    HumanDuration::from_str("1s").unwrap_or_default()
}

/// What a run does when a step finds no target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnNoTargets {
    /// The step fails: a target that was renamed away must not pass in silence.
    #[default]
    Fail,
    Skip,
}

/// The dead-man's switch: a success is expected this often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The longest time from one successful end to the next.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "26h"))]
    pub within: HumanDuration,
}
