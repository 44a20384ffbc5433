//! The guards as they are typed, and their way to and from a schedule's.

use crate::schedules::editor::{
    form::Fault,
    steps::{Reading, RetryForm},
};
use domain::{
    durations::HumanDuration,
    guards::{
        CatchUp, CatchUpPolicy, Condition, ContainerIs, Expect, Guards, MaxParallel, OnNoTargets, Overlap,
    },
};

#[derive(Clone, Debug, PartialEq)]
pub struct GuardsForm {
    pub overlap: Overlap,
    pub queue_depth: String,
    pub policy: CatchUpPolicy,
    pub most: String,
    pub window: String,
    pub retry: RetryForm,
    pub timeout: String,
    pub jitter: String,
    pub conditions: Vec<ConditionForm>,
    pub expect: String,
    pub on_no_targets: OnNoTargets,
    pub priority: String,
    pub per_host: String,
    pub total: String,
    /// What it was read from: while nothing is changed, this is what is saved.
    pub(super) origin: Box<Guards>,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    #[default]
    Running,
    Stopped,
    Healthy,
    Unhealthy,
    Uptime,
    Label,
    Selector,
}

impl About {
    pub const ALL: [About; 7] = [
        About::Running,
        About::Stopped,
        About::Healthy,
        About::Unhealthy,
        About::Uptime,
        About::Label,
        About::Selector,
    ];

    /// Whether it needs a text, and what that looks like.
    pub fn like(self) -> Option<&'static str> {
        match self {
            Self::Uptime => Some("1h"),
            Self::Label => Some("backup=yes"),
            Self::Selector => Some("name:web -state:paused"),
            _ => None,
        }
    }
}

/// A condition as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionForm {
    pub about: About,
    pub text: String,
}

impl ConditionForm {
    fn of(condition: &Condition) -> Self {
        let (about, text) = match condition {
            Condition::If(ContainerIs::Running) => (About::Running, String::new()),
            Condition::If(ContainerIs::Stopped) => (About::Stopped, String::new()),
            Condition::If(ContainerIs::Healthy) => (About::Healthy, String::new()),
            Condition::If(ContainerIs::Unhealthy) => (About::Unhealthy, String::new()),
            Condition::UptimeAbove(than) => (About::Uptime, than.to_string()),
            Condition::Label(text) => (About::Label, text.clone()),
            Condition::Selector(text) => (About::Selector, text.clone()),
        };
        Self { about, text }
    }

    fn condition(&self, reading: &mut Reading<'_>) -> Condition {
        let text = || self.text.trim().to_owned();
        match self.about {
            About::Running => Condition::If(ContainerIs::Running),
            About::Stopped => Condition::If(ContainerIs::Stopped),
            About::Healthy => Condition::If(ContainerIs::Healthy),
            About::Unhealthy => Condition::If(ContainerIs::Unhealthy),
            About::Uptime => {
                if self.text.trim().is_empty() {
                    reading.fault("uptime_above", "Say for how long, such as 1h.", None);
                }
                Condition::UptimeAbove(reading.duration("uptime_above", &self.text).unwrap_or_default())
            }
            About::Label => Condition::Label(text()),
            About::Selector => Condition::Selector(text()),
        }
    }
}

impl Default for GuardsForm {
    fn default() -> Self {
        Self::of(&Guards::default())
    }
}

fn text(duration: Option<HumanDuration>) -> String {
    duration.map(|duration| duration.to_string()).unwrap_or_default()
}

fn number(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

impl GuardsForm {
    pub fn of(guards: &Guards) -> Self {
        Self {
            overlap: guards.overlap,
            queue_depth: guards.queue_depth.to_string(),
            policy: guards.catch_up.policy,
            most: guards.catch_up.max.to_string(),
            window: text(guards.catch_up.window),
            retry: RetryForm::of(guards.retry.as_ref()),
            timeout: text(guards.timeout),
            jitter: text(guards.jitter),
            conditions: guards.conditions.iter().map(ConditionForm::of).collect(),
            expect: text(guards.expect.as_ref().map(|expect| expect.within)),
            on_no_targets: guards.on_no_targets,
            priority: guards.priority.to_string(),
            per_host: number(guards.max_parallel.per_host),
            total: number(guards.max_parallel.total),
            origin: Box::new(guards.clone()),
        }
    }

    /// The guards, as far as they can be read; what is wrong with them is added to the faults.
    pub fn guards(&self, faults: &mut Vec<Fault>) -> Guards {
        if *self == Self::of(&self.origin) {
            return (*self.origin).clone();
        }
        let default = Guards::default();
        let mut reading = Reading::new("", faults);
        let conditions = self
            .conditions
            .iter()
            .enumerate()
            .map(|(index, condition)| {
                condition.condition(&mut reading.inside(&format!("conditions.{index}")))
            })
            .collect();
        let priority = match self.priority.trim() {
            "" => 0,
            text => text.parse().unwrap_or_else(|_| {
                reading.fault("priority", "Write a whole number from -100 to 100.", None);
                0
            }),
        };
        Guards {
            overlap: self.overlap,
            queue_depth: reading
                .number("queue_depth", &self.queue_depth)
                .unwrap_or(default.queue_depth),
            catch_up: CatchUp {
                policy: self.policy,
                max: reading
                    .number("catch_up.max", &self.most)
                    .unwrap_or(default.catch_up.max),
                window: reading.duration("catch_up.window", &self.window),
            },
            retry: self.retry.retry(&mut reading.inside("retry")),
            timeout: reading.duration("timeout", &self.timeout),
            jitter: reading.duration("jitter", &self.jitter),
            conditions,
            expect: reading
                .duration("expect.within", &self.expect)
                .map(|within| Expect { within }),
            on_no_targets: self.on_no_targets,
            priority,
            max_parallel: MaxParallel {
                per_host: reading.number("max_parallel.per_host", &self.per_host),
                total: reading.number("max_parallel.total", &self.total),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn any_guards() -> impl Strategy<Value = Value> {
        let duration = || prop::sample::select(vec!["500ms", "10s", "1m30s", "2h", "1d2h"]);
        let condition = prop_oneof![
            prop::sample::select(vec!["running", "stopped", "healthy", "unhealthy"])
                .prop_map(|is| json!({ "if": is })),
            duration().prop_map(|than| json!({ "uptime_above": than })),
            "[a-z]{1,5}(=[a-z]{0,4})?".prop_map(|label| json!({ "label": label })),
            "name:[a-z]{1,5}".prop_map(|selector| json!({ "selector": selector })),
        ];
        let retry = (
            1_u32..20,
            prop::sample::select(vec!["fixed", "exponential"]),
            prop::sample::select(vec!["500ms", "10s"]),
            prop::sample::select(vec!["10s", "1m30s", "2h"]),
            prop::sample::select(vec!["targets", "run"]),
            prop::sample::select(vec![json!(["failed"]), json!(["timed_out"]), json!(["failed", "timed_out"])]),
        )
            .prop_map(|(attempts, backoff, initial, max, of, on)| {
                json!({ "attempts": attempts, "backoff": backoff, "initial": initial, "max": max, "jitter": max,
                    "of": of, "on": on })
            });
        (
            (
                prop::sample::select(vec!["skip", "queue", "replace", "allow"]),
                1_u32..1000,
                prop::sample::select(vec!["none", "latest", "all"]),
                1_u32..100,
                prop::option::of(duration()),
            ),
            (
                prop::option::of(retry),
                prop::option::of(duration()),
                prop::option::of(duration()),
                prop::option::of(duration()),
            ),
            prop::collection::vec(condition, 0..5),
            prop::sample::select(vec!["fail", "skip"]),
            -100..100_i32,
            (prop::option::of(1_u32..50), prop::option::of(1_u32..50)),
        )
            .prop_map(
                |(
                    (overlap, depth, policy, max, window),
                    (retry, timeout, jitter, expect),
                    conditions,
                    on_no_targets,
                    priority,
                    (per_host, total),
                )| {
                    let mut guards = json!({ "overlap": overlap, "queue_depth": depth,
                        "catch_up": { "policy": policy, "max": max }, "conditions": conditions,
                        "on_no_targets": on_no_targets, "priority": priority,
                        "max_parallel": { "per_host": per_host, "total": total } });
                    if let Some(window) = window {
                        guards["catch_up"]["window"] = json!(window);
                    }
                    let expect = expect.map(|within| json!({ "within": within }));
                    for (field, value) in [
                        ("retry", json!(retry)),
                        ("timeout", json!(timeout)),
                        ("jitter", json!(jitter)),
                        ("expect", json!(expect)),
                    ] {
                        if !value.is_null() {
                            guards[field] = value;
                        }
                    }
                    guards
                },
            )
    }

    proptest! {
        #[test]
        fn whatever_the_api_made_is_saved_as_it_was(value in any_guards()) {
            let guards: Guards = serde_json::from_value(value).unwrap();
            let mut faults = Vec::new();
            let typed = GuardsForm::of(&guards);
            prop_assert_eq!(typed.guards(&mut faults), guards.clone());
            // And read anew, as after a change of something else.
            let mut changed = typed.clone();
            changed.priority = (guards.priority + 1).to_string();
            let mut expected = guards;
            expected.priority += 1;
            prop_assert_eq!(changed.guards(&mut faults), expected);
            prop_assert_eq!(faults, []);
        }
    }

    #[test]
    fn faults_stand_at_their_field() {
        let mut form = GuardsForm {
            timeout: "soon".into(),
            priority: "high".into(),
            expect: "1 x".into(),
            ..GuardsForm::default()
        };
        form.conditions.push(ConditionForm {
            about: About::Uptime,
            text: String::new(),
        });
        let mut faults = Vec::new();
        form.guards(&mut faults);
        let mut fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "conditions.0.uptime_above",
                "expect.within",
                "priority",
                "timeout"
            ]
        );
    }
}
