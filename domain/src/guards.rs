//! Guards: what holds a schedule's runs back, repeats them, ends them, and watches that they happen.
//!
//! Every guard has a default that surprises nobody, so a schedule without any behaves as a person expects: one run at a
//! time, nothing repeated, nothing caught up.

use crate::{Timestamp, durations::HumanDuration, errors::Problem, ids::ScheduleId, runs::TargetState};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};

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

/// After which results it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// The engine or the command said no.
    Failed,
    /// Its time was up.
    TimedOut,
}

impl RetryOn {
    pub const ALL: [Self; 2] = [Self::Failed, Self::TimedOut];
}

/// What is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryOf {
    /// Each target that failed, where the step is. Those that succeeded are never done again.
    #[default]
    Targets,
    /// The whole run from its first step, as a run of its own.
    Run,
}

/// Trying again what failed.
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
    /// Each pause is longer by a part of this, so that what failed together does not come back together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "5s"))]
    pub jitter: Option<HumanDuration>,
    /// After which results.
    #[serde(default = "any_result", skip_serializing_if = "is_any_result")]
    pub on: Vec<RetryOn>,
    /// Only for a schedule's: a step's is always of its targets.
    #[serde(default, skip_serializing_if = "is_of_targets")]
    pub of: RetryOf,
}

impl Default for Retry {
    /// One attempt: never again.
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff: Backoff::Fixed,
            initial: one_second(),
            max: None,
            jitter: None,
            on: any_result(),
            of: RetryOf::Targets,
        }
    }
}

fn any_result() -> Vec<RetryOn> {
    RetryOn::ALL.to_vec()
}

fn is_any_result(on: &[RetryOn]) -> bool {
    RetryOn::ALL.iter().all(|result| on.contains(result))
}

fn is_of_targets(of: &RetryOf) -> bool {
    *of == RetryOf::Targets
}

/// The longest pause of an exponential backoff that names none.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The most attempts that may be asked for.
pub const MAX_ATTEMPTS: u32 = 100;
/// The longest pause that may be asked for.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

impl Retry {
    /// The pause before this attempt; the first one is 1 and has none. Nothing when there is no such attempt.
    pub fn pause_before(&self, attempt: u32) -> Option<Duration> {
        if attempt > self.attempts {
            return None;
        }
        let initial = self.initial.get();
        Some(match (attempt, self.backoff) {
            (0 | 1, _) => Duration::ZERO,
            (_, Backoff::Fixed) => initial,
            (_, Backoff::Exponential) => {
                let longest = self.max.map_or(LONGEST_PAUSE, HumanDuration::get);
                let factor = 1_u32.checked_shl(attempt - 2).unwrap_or(u32::MAX);
                initial.saturating_mul(factor).min(longest)
            }
        })
    }

    /// As [`Self::pause_before`], with its part of the jitter: always the same for the same `seed` and attempt.
    pub fn jittered_pause_before(&self, attempt: u32, seed: u64) -> Option<Duration> {
        let pause = self.pause_before(attempt)?;
        let range = self.jitter.map_or(0, |jitter| jitter.get().as_micros());
        let part = (u128::from(mix(seed ^ mix(u64::from(attempt)))) * range) >> 64;
        Some(pause + Duration::from_micros(u64::try_from(part).unwrap_or_default()))
    }

    /// Whether a target that ended so is tried again.
    pub fn is_after(&self, state: TargetState) -> bool {
        match state {
            TargetState::Failed => self.on.contains(&RetryOn::Failed),
            TargetState::TimedOut => self.on.contains(&RetryOn::TimedOut),
            _ => false,
        }
    }

    /// Refuses what nobody can mean.
    ///
    /// # Errors
    /// 422 with the field.
    pub fn check(&self, field: &str) -> Result<(), Problem> {
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            let message = format!(
                "Attempts are counted with the first one: from 1 to {MAX_ATTEMPTS}, not {}.",
                self.attempts
            );
            return Err(Problem::invalid(
                "attempts_invalid",
                &format!("{field}.attempts"),
                message,
            ));
        }
        let too_long = |name: &str, value: HumanDuration| {
            let message = format!("{value} is too long; write 1d or less.");
            Err(Problem::invalid("too_long", &format!("{field}.{name}"), message))
        };
        if self.initial.get() > LONGEST_ASKED {
            return too_long("initial", self.initial);
        }
        if let Some(max) = self.max {
            if max.get() > LONGEST_ASKED {
                return too_long("max", max);
            }
            if max < self.initial {
                let message = format!(
                    "The longest pause of {max} is shorter than the first one; write {} or more.",
                    self.initial
                );
                return Err(Problem::invalid("too_short", &format!("{field}.max"), message));
            }
        }
        if let Some(jitter) = self.jitter.filter(|jitter| jitter.get() > LONGEST_ASKED) {
            return too_long("jitter", jitter);
        }
        if self.on.is_empty() {
            return Err(Problem::invalid(
                "no_results",
                &format!("{field}.on"),
                "Say after which results it is tried again: failed, timed_out, or both.",
            ));
        }
        Ok(())
    }

    /// As [`Self::check`], for a step's own.
    ///
    /// # Errors
    /// 422 with the field.
    pub fn check_of_step(&self, field: &str) -> Result<(), Problem> {
        if self.of == RetryOf::Run {
            return Err(Problem::invalid(
                "retry_of_run",
                &format!("{field}.of"),
                "A step tries again on its targets. Only the schedule's own retry can do the whole run again.",
            ));
        }
        self.check(field)
    }
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

/// A condition on one container: without it, the container is left alone, and the run says why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// `{"if":"running"}`
    If(ContainerIs),
    /// `{"uptime_above":"1h"}`: running for longer than this.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "1h"))]
    UptimeAbove(HumanDuration),
    /// `{"label":"backup=yes"}`, or `{"label":"backup"}` for any value.
    Label(String),
    /// `{"selector":"name:web -state:paused"}`
    Selector(String),
}

/// What a container must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContainerIs {
    Running,
    Stopped,
    Healthy,
    Unhealthy,
}

/// How many containers one run works on at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MaxParallel {
    /// On each host; only the server's own limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_host: Option<u32>,
    /// Over all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl MaxParallel {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// All guards of a schedule. In the API they are fields of the schedule itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Guards {
    #[serde(default)]
    pub overlap: Overlap,
    /// How many runs may wait, for `"overlap":"queue"`. What comes on top is skipped, and says so.
    #[serde(default = "ten")]
    pub queue_depth: u32,
    #[serde(default)]
    pub catch_up: CatchUp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The longest time from a run's start to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "10m"))]
    pub timeout: Option<HumanDuration>,
    /// Each fire is moved back by a part of this: always the same for the same schedule and fire time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "30s"))]
    pub jitter: Option<HumanDuration>,
    /// All of them must hold for a container to be touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    #[serde(default)]
    pub on_no_targets: OnNoTargets,
    /// Runs of a higher one start first where runs wait for a worker; from -100 to 100.
    #[serde(default)]
    pub priority: i32,
    #[serde(default, skip_serializing_if = "MaxParallel::is_default")]
    pub max_parallel: MaxParallel,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            overlap: Overlap::default(),
            queue_depth: ten(),
            catch_up: CatchUp::default(),
            retry: None,
            timeout: None,
            jitter: None,
            conditions: Vec::new(),
            expect: None,
            on_no_targets: OnNoTargets::default(),
            priority: 0,
            max_parallel: MaxParallel::default(),
        }
    }
}

impl Guards {
    /// What a run carries of them.
    pub fn of_run(&self) -> RunGuards {
        RunGuards {
            retry: self.retry.clone(),
            timeout: self.timeout,
            conditions: self.conditions.clone(),
            on_no_targets: self.on_no_targets,
            max_parallel: self.max_parallel,
        }
    }
}

/// The guards that the executor of a run keeps, stored with the run when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunGuards {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HumanDuration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    #[serde(default)]
    pub on_no_targets: OnNoTargets,
    #[serde(default, skip_serializing_if = "MaxParallel::is_default")]
    pub max_parallel: MaxParallel,
}

/// How far jitter moves a fire back: from nothing up to, but not including, `jitter`. Always the same for the same
/// schedule and fire time, and evenly spread over schedules and times.
pub fn jitter_offset(schedule: ScheduleId, fire_at: Timestamp, jitter: HumanDuration) -> TimeDelta {
    let id = schedule.0.as_u128();
    let mut mixed = 0;
    for part in [id as u64, (id >> 64) as u64, fire_at.timestamp_micros() as u64] {
        mixed = mix(mixed ^ part);
    }
    let range = jitter.get().as_micros();
    let offset = (u128::from(mixed) * range) >> 64;
    TimeDelta::microseconds(i64::try_from(offset).unwrap_or_default())
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn jitter_stays_the_same_over_releases() {
        let schedule = ScheduleId("0198c2b0-0000-7000-8000-000000000001".parse().unwrap());
        let at = "2026-12-01T03:00:00Z".parse().unwrap();
        let offset = jitter_offset(schedule, at, "30s".parse().unwrap());
        assert_eq!(offset, TimeDelta::microseconds(26_034_478));
    }

    #[test]
    fn jitter_spreads_evenly() {
        let at = "2026-12-01T03:00:00Z".parse().unwrap();
        let jitter = "10s".parse().unwrap();
        let mut buckets = [0; 10];
        for _ in 0..2000 {
            let offset = jitter_offset(ScheduleId::new(), at, jitter);
            buckets[usize::try_from(offset.num_seconds()).unwrap()] += 1;
        }
        assert!(
            buckets.iter().all(|count| (120..300).contains(count)),
            "{buckets:?}"
        );
    }

    proptest! {
        #[test]
        fn jitter_is_within_its_range_and_repeats(id in any::<u128>(), at in 0_i64..4_000_000_000, jitter in 1_u64..86_400) {
            let schedule = ScheduleId(uuid::Uuid::from_u128(id));
            let at = Timestamp::from_timestamp(at, 0).unwrap();
            let jitter = HumanDuration::from_secs(jitter).unwrap();
            let offset = jitter_offset(schedule, at, jitter);
            prop_assert!(offset >= TimeDelta::zero() && offset.to_std().unwrap() < jitter.get());
            prop_assert_eq!(offset, jitter_offset(schedule, at, jitter));
        }
    }

    #[test]
    fn nothing_said_is_the_default() {
        let guards: Guards = serde_json::from_value(json!({})).unwrap();
        assert_eq!(guards, Guards::default());
        assert_eq!(
            serde_json::to_value(&guards).unwrap(),
            json!({ "overlap": "skip", "queue_depth": 10, "catch_up": { "policy": "none", "max": 10 },
                "on_no_targets": "fail", "priority": 0 })
        );
    }

    #[test]
    fn the_shapes_of_the_api_read_and_write_back() {
        let written = json!({
            "overlap": "queue", "queue_depth": 3,
            "catch_up": { "policy": "all", "max": 5, "window": "6h" },
            "retry": { "attempts": 3, "backoff": "exponential", "initial": "1s", "max": "1m" },
            "timeout": "10m", "jitter": "30s",
            "conditions": [{ "if": "running" }, { "uptime_above": "1h" }, { "label": "a=b" }, { "selector": "name:web" }],
            "expect": { "within": "1d2h" }, "on_no_targets": "skip", "priority": 5,
            "max_parallel": { "per_host": 2, "total": 8 },
        });
        let guards: Guards = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&guards).unwrap(), written);
        // What a run stores is read from what a schedule stores.
        let of_run: RunGuards = serde_json::from_value(written).unwrap();
        assert_eq!(of_run, guards.of_run());
    }

    #[test]
    fn pauses_grow_up_to_their_limit() {
        let seconds = |secs| HumanDuration::from_secs(secs).unwrap();
        let mut retry = Retry {
            attempts: 6,
            backoff: Backoff::Exponential,
            initial: seconds(1),
            max: Some(seconds(5)),
            ..Retry::default()
        };
        let pauses: Vec<_> = (1..=7)
            .map(|attempt| retry.pause_before(attempt).map(|pause| pause.as_secs()))
            .collect();
        assert_eq!(
            pauses,
            [Some(0), Some(1), Some(2), Some(4), Some(5), Some(5), None]
        );
        retry.backoff = Backoff::Fixed;
        assert_eq!(retry.pause_before(6), Some(Duration::from_secs(1)));
        retry.attempts = MAX_ATTEMPTS;
        retry.backoff = Backoff::Exponential;
        assert_eq!(retry.pause_before(MAX_ATTEMPTS), Some(Duration::from_secs(5)));
        assert!(retry.check("retry").is_ok());
        retry.attempts = 0;
        assert!(retry.check("retry").is_err());
    }

    #[test]
    fn every_refusal_of_a_retry_names_its_field() {
        for (value, code, field) in [
            (json!({ "attempts": 101 }), "attempts_invalid", "retry.attempts"),
            (
                json!({ "attempts": 2, "initial": "2d" }),
                "too_long",
                "retry.initial",
            ),
            (
                json!({ "attempts": 2, "initial": "1m", "max": "1s" }),
                "too_short",
                "retry.max",
            ),
            (json!({ "attempts": 2, "max": "2d" }), "too_long", "retry.max"),
            (
                json!({ "attempts": 2, "jitter": "2d" }),
                "too_long",
                "retry.jitter",
            ),
            (json!({ "attempts": 2, "on": [] }), "no_results", "retry.on"),
            (json!({ "attempts": 2, "of": "run" }), "retry_of_run", "retry.of"),
        ] {
            let retry: Retry = serde_json::from_value(value.clone()).unwrap();
            let problem = retry.check_of_step("retry").unwrap_err();
            assert_eq!(
                (problem.code.as_str(), &problem.details["field"]),
                (code, &field.into()),
                "{value}"
            );
        }
    }

    #[test]
    fn results_decide_whether_it_is_tried_again() {
        let retry = |on: serde_json::Value| -> Retry {
            serde_json::from_value(json!({ "attempts": 2, "on": on })).unwrap()
        };
        let slow = retry(json!(["timed_out"]));
        assert!(slow.is_after(TargetState::TimedOut) && !slow.is_after(TargetState::Failed));
        let any: Retry = serde_json::from_value(json!({ "attempts": 2 })).unwrap();
        assert!(any.is_after(TargetState::Failed) && !any.is_after(TargetState::Unknown));
        assert_eq!(
            serde_json::to_value(&any).unwrap(),
            json!({ "attempts": 2, "backoff": "fixed", "initial": "1s" })
        );
        let written = json!({ "attempts": 3, "backoff": "fixed", "initial": "1s", "jitter": "5s", "on": ["failed"], "of": "run" });
        let whole: Retry = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&whole).unwrap(), written);
    }

    proptest! {
        #[test]
        fn jitter_of_a_pause_is_within_its_range(seed in any::<u64>(), attempt in 2_u32..10, jitter in 0_u64..1000) {
            let retry = Retry {
                attempts: 10,
                jitter: Some(HumanDuration::from_secs(jitter).unwrap()),
                ..Retry::default()
            };
            let pause = retry.jittered_pause_before(attempt, seed).unwrap();
            let plain = retry.pause_before(attempt).unwrap();
            prop_assert!(pause >= plain && pause <= plain + Duration::from_secs(jitter));
            prop_assert_eq!(pause, retry.jittered_pause_before(attempt, seed).unwrap());
        }
    }
}
