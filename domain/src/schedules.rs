//! Schedules: what should happen when.

use crate::{
    actions::Action,
    durations::HumanDuration,
    guards::{CatchUp, Condition, Expect, Guards, MaxParallel, OnNoTargets, Overlap, Retry},
    ids::{RunId, ScheduleId},
    labels::Origin,
    runs::RunState,
    triggers::WebhookSecrets,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use crate::triggers::Trigger;

/// One link of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A name of one's own; the action's verb when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub action: Action,
    /// A selector, resolved when the step starts. Host terms are stored by id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// In which order its targets are gone through.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// How many targets at once; 8 when absent. One by one never takes more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
    /// Whether it is done at all, by how the steps before it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// What its own failure means for the steps after it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: OnFailure,
    /// The longest time of one attempt on one target; then it is abandoned, and the target says `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "30s"))]
    pub timeout: Option<HumanDuration>,
    /// Trying again on the targets that failed or took too long; the schedule's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// In which order the targets of a step are gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Several at once.
    #[default]
    Parallel,
    /// One by one, by host and name; unless the step goes on after failures, the first that fails is the last.
    Serial,
    /// What others need first (Compose's `depends_on`, shared networks and volumes); the other way round for stopping.
    Dependency,
}

/// When a step is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Unless a step before it failed and ended the chain.
    #[default]
    Success,
    /// Only if a step before it failed.
    Failure,
    Always,
}

/// What a step's failure means for the steps after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Only those for failures, and those that are always done, follow.
    #[default]
    Stop,
    /// They are done as if it had succeeded.
    Continue,
}

/// How many targets a step works on at once, unless it says so itself; and the most that it may say.
pub const PARALLEL: u32 = 8;
pub const MAX_PARALLEL: u32 = 100;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Step {
    /// A step as most are: nothing but what and on what.
    pub fn new(action: Action, target: impl Into<String>) -> Self {
        Self {
            action,
            target: target.into(),
            ..Self::default()
        }
    }

    /// What the step is called in lists and logs.
    pub fn title(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| self.action.label().to_owned())
    }

    /// How many targets at once.
    pub fn parallel(&self) -> usize {
        match self.order {
            Order::Serial => 1,
            _ => self.max_parallel.unwrap_or(PARALLEL).clamp(1, MAX_PARALLEL) as usize,
        }
    }
}

/// What is sent to create or replace a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "DraftWire")]
pub struct ScheduleDraft {
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// An IANA time zone: `Europe/Berlin`, `UTC`.
    #[serde(default = "utc")]
    pub timezone: String,
    pub triggers: Vec<Trigger>,
    pub steps: Vec<Step>,
    #[serde(flatten)]
    pub guards: Guards,
    /// The version that was edited; a stale one is refused (409 `stale_version`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

/// What a draft is read from: a flattened struct could not refuse unknown fields, nor name a wrong one by its path.
#[derive(Deserialize)]
#[serde(rename = "ScheduleDraft", deny_unknown_fields)]
struct DraftWire {
    name: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "utc")]
    timezone: String,
    triggers: Vec<Trigger>,
    steps: Vec<Step>,
    #[serde(default)]
    overlap: Overlap,
    queue_depth: Option<u32>,
    #[serde(default)]
    catch_up: CatchUp,
    retry: Option<Retry>,
    timeout: Option<HumanDuration>,
    jitter: Option<HumanDuration>,
    #[serde(default)]
    conditions: Vec<Condition>,
    expect: Option<Expect>,
    #[serde(default)]
    on_no_targets: OnNoTargets,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    max_parallel: MaxParallel,
    version: Option<i32>,
}

impl From<DraftWire> for ScheduleDraft {
    fn from(wire: DraftWire) -> Self {
        Self {
            name: wire.name,
            enabled: wire.enabled,
            timezone: wire.timezone,
            triggers: wire.triggers,
            steps: wire.steps,
            guards: Guards {
                overlap: wire.overlap,
                queue_depth: wire.queue_depth.unwrap_or(Guards::default().queue_depth),
                catch_up: wire.catch_up,
                retry: wire.retry,
                timeout: wire.timeout,
                jitter: wire.jitter,
                conditions: wire.conditions,
                expect: wire.expect,
                on_no_targets: wire.on_no_targets,
                priority: wire.priority,
                max_parallel: wire.max_parallel,
            },
            version: wire.version,
        }
    }
}

fn yes() -> bool {
    true
}

fn utc() -> String {
    "UTC".to_owned()
}

/// The most triggers and steps that a schedule may have, and the longest name (characters).
pub const MAX_TRIGGERS: usize = 20;
pub const MAX_STEPS: usize = 50;
pub const MAX_NAME: usize = 120;

/// A schedule as lists and the API show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schedule {
    pub id: ScheduleId,
    pub version: i32,
    pub name: String,
    pub enabled: bool,
    pub timezone: String,
    pub triggers: Vec<Trigger>,
    pub steps: Vec<Step>,
    #[serde(flatten)]
    pub guards: Guards,
    /// The triggers in plain English: "Every day at 03:00".
    pub sentence: String,
    /// When it runs next, jitter included: the next fire time that is not skipped, if any.
    pub next_at: Option<DateTime<Utc>>,
    /// Nothing fires before this time.
    pub paused_until: Option<DateTime<Utc>>,
    /// Since when a success is overdue, for schedules that expect one.
    pub overdue_since: Option<DateTime<Utc>>,
    /// All its times have passed, and its last run has ended.
    pub archived: bool,
    /// Runs that wait for others to end, or for a time.
    pub waiting: u32,
    /// Whether the very next fire time was skipped by a person.
    pub skipping: Option<DateTime<Utc>>,
    pub last_run: Option<LastRun>,
    /// What was made for its webhook by the very request that this answers; never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookSecrets>,
    /// What is to be known of what was saved by the very request that this answers, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The person it acts for: its last editor.
    pub edited_by: Option<String>,
    /// The labels that it comes from; it is changed there and not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How the latest run of a schedule went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastRun {
    pub id: RunId,
    pub status: RunState,
    pub at: DateTime<Utc>,
    pub duration_ms: Option<i64>,
}

/// What became of one fire time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FireState {
    /// A run was made for it.
    Claimed,
    /// A person or a guard decided that it does not run.
    Skipped,
    /// It passed while no server was there to run it.
    Missed,
    /// It was moved to another time.
    Postponed,
}

impl FireState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
            Self::Postponed => "postponed",
        }
    }
}

/// A preview of a cron expression or of any triggers: what the form shows under the field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// Plain English.
    pub sentence: String,
    pub timezone: String,
    /// The next fire times.
    pub next: Vec<PreviewTime>,
    /// What a change of the clock does to the fire times of the coming year, as sentences.
    pub clock_changes: Vec<String>,
}

/// One coming fire time, in UTC and as the clock on the schedule's wall shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewTime {
    pub at: DateTime<Utc>,
    /// `Mon 2026-11-23 03:00 CET`: the wall time in the schedule's zone.
    pub local: String,
}
