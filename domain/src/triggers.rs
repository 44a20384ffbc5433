//! What makes a schedule run: times, a call from outside, something that happens to a container, another schedule's end.

use crate::{containers::Health, cron::CronExpression, durations::HumanDuration};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// When a schedule fires. A schedule has a list of them; of those that are times, the earliest decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// A cron expression in the schedule's time zone (crontab(5), with optional seconds first).
    Cron { expression: String },
    /// Every so often in elapsed time, counted from the anchor (the time of saving when absent).
    Interval {
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "5m"))]
        every: HumanDuration,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor: Option<DateTime<Utc>>,
    },
    /// One time, then done.
    Once { at: DateTime<Utc> },
    /// Several times, from 1 to 366, then done.
    Dates { at: Vec<DateTime<Utc>> },
    /// A call of its own secret address, `POST /api/v1/hooks/{token}`. What is sent is `trigger.payload` in the steps.
    Webhook {
        /// Calls must be signed: `X-Hub-Signature-256`, HMAC-SHA-256 of the body with the hook's own secret.
        #[serde(default, skip_serializing_if = "is_false")]
        signed: bool,
    },
    /// Something happens to a container. What and where is `trigger.payload` in the steps.
    Event {
        /// Any of these.
        on: Vec<Happening>,
        /// Only with these exit codes, for `die`; any when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_codes: Option<ExitCodes>,
        /// Only when it becomes this, for `health_status`; any when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        health: Option<Health>,
        /// A selector: on which containers.
        target: String,
        /// What happens within this time of the first is one run; `0s` makes each a run of its own.
        #[serde(default = "five_seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "5s"))]
        debounce: HumanDuration,
    },
    /// A run of another schedule ends.
    Outcome {
        /// Its id or name; stored as its id.
        schedule: String,
        of: Outcome,
    },
}

/// What can happen to a container, in Docker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Its main process ended, for whatever reason.
    Die,
    /// It ran out of memory.
    Oom,
    /// Its own health check changed its mind.
    HealthStatus,
    Start,
    /// It was stopped by a person or a program.
    Stop,
}

impl Happening {
    pub const ALL: [Self; 5] = [Self::Die, Self::Oom, Self::HealthStatus, Self::Start, Self::Stop];

    /// Docker's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Die => "die",
            Self::Oom => "oom",
            Self::HealthStatus => "health_status",
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
}

/// Which exit codes count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ExitCodes {
    /// `"nonzero"`: any but 0.
    Word(ExitWord),
    /// Any of these.
    List(Vec<i64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExitWord {
    Nonzero,
}

impl ExitCodes {
    pub const NONZERO: Self = Self::Word(ExitWord::Nonzero);

    /// Whether a container that ended with this code counts; an engine that tells none is taken to mean none of them.
    pub fn hold(&self, code: Option<i64>) -> bool {
        match (self, code) {
            (_, None) => false,
            (Self::Word(ExitWord::Nonzero), Some(code)) => code != 0,
            (Self::List(list), Some(code)) => list.contains(&code),
        }
    }
}

/// Which ends of the other schedule's runs count. A run that never began (skipped, missed, cancelled before) is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it succeeded.
    #[default]
    Success,
    /// Any of it failed, or nobody knows.
    Failure,
    /// However it ended.
    Any,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Any];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Any => "any",
        }
    }
}

/// The secrets of a schedule's webhook. They are shown when they are made, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookSecrets {
    /// The secret address, from the root of the server; absent when it stays as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What calls are signed with, where that is asked for; absent when it stays as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// The most dates of one trigger.
pub const MAX_DATES: usize = 366;
/// The most exit codes that one trigger names.
pub const MAX_EXIT_CODES: usize = 32;
/// The longest time that events gather, in seconds.
pub const MAX_DEBOUNCE: u64 = 3600;

fn is_false(value: &bool) -> bool {
    !*value
}

fn five_seconds() -> HumanDuration {
    HumanDuration::from_secs(5).unwrap_or_default()
}

impl Trigger {
    /// Whether it fires at times that are known ahead.
    pub fn is_timed(&self) -> bool {
        matches!(
            self,
            Self::Cron { .. } | Self::Interval { .. } | Self::Once { .. } | Self::Dates { .. }
        )
    }

    /// In plain English. `name` gives the name of the schedule that an outcome is of.
    pub fn describe(&self, name: impl Fn(&str) -> Option<String>) -> String {
        match self {
            Self::Cron { expression } => match expression.parse::<CronExpression>() {
                Ok(expression) => expression.describe(),
                Err(_) => expression.clone(),
            },
            Self::Interval { every, .. } => format!("Every {}", singular(&every.describe())),
            Self::Once { at } => once(at),
            Self::Dates { at } => match (at.iter().min(), at.iter().max()) {
                (Some(first), Some(last)) if first != last => format!(
                    "On {} dates from {} to {}",
                    at.len(),
                    first.format("%Y-%m-%d"),
                    last.format("%Y-%m-%d")
                ),
                (Some(only), _) => once(only),
                _ => "On no date".to_owned(),
            },
            Self::Webhook { signed: false } => "When its webhook is called".to_owned(),
            Self::Webhook { signed: true } => "When its webhook is called with a signature".to_owned(),
            Self::Event {
                on,
                exit_codes,
                health,
                target,
                ..
            } => {
                let mut verbs: Vec<String> = Vec::new();
                for happening in on {
                    let verb = happening.verb(exit_codes.as_ref(), *health);
                    if !verbs.contains(&verb) {
                        verbs.push(verb);
                    }
                }
                let whom = if target.trim() == "*" {
                    "any container"
                } else {
                    target.trim()
                };
                format!("When {whom} {}", one_of(&verbs))
            }
            Self::Outcome { schedule, of } => {
                let name = name(schedule).unwrap_or_else(|| schedule.clone());
                let verb = match of {
                    Outcome::Success => "succeeded",
                    Outcome::Failure => "failed",
                    Outcome::Any => "ended",
                };
                format!("After {name} {verb}")
            }
        }
    }
}

impl Happening {
    fn verb(self, codes: Option<&ExitCodes>, health: Option<Health>) -> String {
        match (self, codes, health) {
            (Self::Die, None, _) => "exits".to_owned(),
            (Self::Die, Some(ExitCodes::Word(ExitWord::Nonzero)), _) => "exits with an error".to_owned(),
            (Self::Die, Some(ExitCodes::List(list)), _) => {
                let codes: Vec<String> = list.iter().map(i64::to_string).collect();
                format!("exits with {}", one_of(&codes))
            }
            (Self::Oom, ..) => "runs out of memory".to_owned(),
            (Self::HealthStatus, _, None) => "changes its health".to_owned(),
            (Self::HealthStatus, _, Some(Health::Starting)) => "begins its health checks".to_owned(),
            (Self::HealthStatus, _, Some(health)) => format!("becomes {}", health.as_str()),
            (Self::Start, ..) => "starts".to_owned(),
            (Self::Stop, ..) => "is stopped".to_owned(),
        }
    }
}

/// Several triggers as one sentence; see [`Trigger::describe`].
pub fn sentence(triggers: &[Trigger], name: impl Fn(&str) -> Option<String>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for trigger in triggers {
        let part = trigger.describe(&name);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    match parts.as_slice() {
        [] => "Only by hand".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|part| lowered(part)).collect();
            format!("{first}; {}", rest.join("; "))
        }
    }
}

fn once(at: &DateTime<Utc>) -> String {
    format!("Once, on {}", at.format("%Y-%m-%d at %H:%M:%S UTC"))
}

/// "1 hour" is "hour" after "Every".
fn singular(words: &str) -> &str {
    match words.strip_prefix("1 ") {
        Some(rest) if !rest.contains(' ') => rest,
        _ => words,
    }
}

/// "a", "a or b", "a, b or c"
fn one_of(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

fn lowered(text: &str) -> String {
    // Only what begins a sentence; names of days and months stay as they are.
    ["Every", "Once", "At", "On", "Only", "When", "After"]
        .iter()
        .find_map(|word| {
            text.strip_prefix(word)
                .map(|rest| format!("{}{rest}", word.to_lowercase()))
        })
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Trigger {
        serde_json::from_value(value).unwrap()
    }

    fn words(value: serde_json::Value) -> String {
        read(value).describe(|id| (id == "7").then(|| "Nightly backup".to_owned()))
    }

    #[test]
    fn the_shapes_of_the_api_read_and_write_back() {
        for written in [
            json!({ "type": "cron", "expression": "0 3 * * *" }),
            json!({ "type": "interval", "every": "5m" }),
            json!({ "type": "once", "at": "2026-12-01T03:00:00Z" }),
            json!({ "type": "dates", "at": ["2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z"] }),
            json!({ "type": "webhook" }),
            json!({ "type": "webhook", "signed": true }),
            json!({ "type": "event", "on": ["die", "oom"], "exit_codes": "nonzero", "target": "name:web", "debounce": "10s" }),
            json!({ "type": "event", "on": ["die"], "exit_codes": [1, 137], "target": "*", "debounce": "0s" }),
            json!({ "type": "event", "on": ["health_status"], "health": "unhealthy", "target": "*", "debounce": "1m" }),
            json!({ "type": "outcome", "schedule": "7", "of": "failure" }),
        ] {
            assert_eq!(serde_json::to_value(read(written.clone())).unwrap(), written);
        }
        let short = read(json!({ "type": "event", "on": ["die"], "target": "*" }));
        assert!(matches!(short, Trigger::Event { debounce, .. } if debounce.to_string() == "5s"));
        for wrong in [
            json!({ "type": "event", "on": ["explode"], "target": "*" }),
            json!({ "type": "event", "on": ["die"], "exit_codes": "zero", "target": "*" }),
            json!({ "type": "webhook", "token": "mine" }),
            json!({ "type": "outcome", "schedule": "7" }),
            json!({ "type": "dates" }),
        ] {
            assert!(
                serde_json::from_value::<Trigger>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn each_is_told_in_words() {
        for (trigger, expected) in [
            (
                json!({ "type": "cron", "expression": "0 3 * * *" }),
                "Every day at 03:00",
            ),
            (json!({ "type": "interval", "every": "1h" }), "Every hour"),
            (
                json!({ "type": "interval", "every": "1h30m" }),
                "Every 1 hour 30 minutes",
            ),
            (
                json!({ "type": "dates", "at": ["2027-01-01T03:00:00Z", "2026-12-01T03:00:00Z"] }),
                "On 2 dates from 2026-12-01 to 2027-01-01",
            ),
            (
                json!({ "type": "dates", "at": ["2026-12-01T03:00:00Z"] }),
                "Once, on 2026-12-01 at 03:00:00 UTC",
            ),
            (json!({ "type": "webhook" }), "When its webhook is called"),
            (
                json!({ "type": "event", "on": ["die", "oom"], "exit_codes": "nonzero", "target": "name:web" }),
                "When name:web exits with an error or runs out of memory",
            ),
            (
                json!({ "type": "event", "on": ["die"], "exit_codes": [1, 2, 137], "target": "*" }),
                "When any container exits with 1, 2 or 137",
            ),
            (
                json!({ "type": "event", "on": ["health_status"], "health": "unhealthy", "target": "tag:db" }),
                "When tag:db becomes unhealthy",
            ),
            (
                json!({ "type": "outcome", "schedule": "7", "of": "success" }),
                "After Nightly backup succeeded",
            ),
            (
                json!({ "type": "outcome", "schedule": "8", "of": "any" }),
                "After 8 ended",
            ),
        ] {
            assert_eq!(words(trigger), expected);
        }
    }

    #[test]
    fn triggers_are_told_in_one_sentence() {
        let cron = read(json!({ "type": "cron", "expression": "0 3 * * *" }));
        let every = read(json!({ "type": "interval", "every": "5m" }));
        let hook = read(json!({ "type": "webhook" }));
        let nobody = |_: &str| None;
        assert_eq!(
            sentence(std::slice::from_ref(&cron), nobody),
            "Every day at 03:00"
        );
        assert_eq!(
            sentence(&[cron, every.clone(), every, hook], nobody),
            "Every day at 03:00; every 5 minutes; when its webhook is called"
        );
        assert_eq!(sentence(&[], nobody), "Only by hand");
    }

    proptest! {
        /// Nonzero and the list of all others say the same, and no code that is told means none of them.
        #[test]
        fn exit_codes_hold_what_they_name(code in -1_i64..300, list in prop::collection::vec(-1_i64..300, 0..8)) {
            prop_assert_eq!(ExitCodes::NONZERO.hold(Some(code)), code != 0);
            prop_assert_eq!(ExitCodes::List(list.clone()).hold(Some(code)), list.contains(&code));
            prop_assert!(!ExitCodes::NONZERO.hold(None) && !ExitCodes::List(list).hold(None));
        }

        /// Whatever was written reads back as it was.
        #[test]
        fn an_event_reads_back(
            on in prop::sample::subsequence(Happening::ALL.to_vec(), 1..=5),
            codes in prop::option::of(prop_oneof![Just(ExitCodes::NONZERO),
                prop::collection::vec(0_i64..256, 1..5).prop_map(ExitCodes::List)]),
            target in "[ -~]{0,20}", seconds in 0_u64..MAX_DEBOUNCE,
        ) {
            let trigger = Trigger::Event {
                on, exit_codes: codes, health: None, target,
                debounce: HumanDuration::from_secs(seconds).unwrap(),
            };
            let text = serde_json::to_string(&trigger).unwrap();
            prop_assert_eq!(serde_json::from_str::<Trigger>(&text).unwrap(), trigger);
        }
    }
}
