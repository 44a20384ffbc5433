//! Actions: what a step does.
//!
//! Each kind has a file of its own here, with its fields, its checks and the texts in it that may hold variables
//! ([`Kind`]); what it does to an engine is in the file of the same name in `control/src/runs/execute/actions`. A new
//! kind is one file in both places, a variant of [`Action`] and a line in `each!`.

mod exec;
mod http;
mod kill;
mod lifecycle;
mod prune;
mod pull;
mod remove;
mod run;
mod run_schedule;
mod texts;
mod wait;

pub use exec::Exec;
pub use http::{Http, Method};
pub use kill::Kill;
pub use prune::{Prune, What};
pub use pull::Pull;
pub use remove::Remove;
pub use run::{Limits, Mount, Run};
pub use run_schedule::{DEEPEST, RunSchedule};
pub use wait::{Until, Wait};

use crate::{durations::HumanDuration, errors::Problem};
use serde::{Deserialize, Serialize};

/// What a step does. Stop and restart take a grace time: how long the engine waits before it kills
/// (Docker API, parameter `t`; the container's own setting, else 10 s, when absent).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Sends a signal.
    Kill(Kill),
    Remove(Remove),
    /// Runs a command in the container.
    Exec(Exec),
    /// Runs a container of its own once, and removes it afterwards.
    Run(Run),
    /// Pulls an image.
    Pull(Pull),
    /// Removes what is not used any more.
    Prune(Prune),
    /// Makes a request.
    Http(Http),
    Wait(Wait),
    /// Runs another schedule.
    RunSchedule(RunSchedule),
    /// Touches nothing and needs no target: to try a schedule, and to measure the scheduler.
    #[default]
    Noop,
}

/// What an action works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorksOn {
    /// Each container that the target finds.
    Containers,
    /// Each host that the target names, or on which it finds a container.
    Hosts,
    /// Nothing: there is no target.
    Nothing,
}

/// What a kind of action says of itself.
pub(crate) trait Kind {
    /// As the API spells it.
    const VERB: &'static str;
    /// "Restart", "Stop", … for sentences and buttons.
    const LABEL: &'static str;

    fn works_on(&self) -> WorksOn {
        WorksOn::Containers
    }

    /// Whether it would take Chrontainer itself away, so that it is refused there.
    fn refused_on_itself(&self) -> bool {
        false
    }

    /// Whether dependencies are gone through the other way round: what needs others is stopped before them.
    fn goes_backwards(&self) -> bool {
        false
    }

    /// Refuses what could never work. `field` is the action's own path.
    fn check(&self, _field: &str) -> Result<(), Problem> {
        Ok(())
    }

    /// Every text that may hold variables, with its path.
    fn texts(&mut self, _field: &str, _visit: Visit<'_>) -> Result<(), Problem> {
        Ok(())
    }

    /// A few words on what exactly it does: "sh -c …", "nginx:1.27".
    fn detail(&self) -> Option<String> {
        None
    }
}

/// Sees a text with its path, and may replace it.
pub type Visit<'a> = &'a mut dyn FnMut(&str, &mut String) -> Result<(), Problem>;

/// Calls a method of [`Kind`] on whichever kind an action is.
macro_rules! each {
    ($action:expr, $kind:ident => $call:expr) => {
        match $action {
            Action::Start => {
                let $kind = &mut lifecycle::Start;
                $call
            }
            Action::Stop { grace } => {
                let $kind = &mut lifecycle::Stop(*grace);
                $call
            }
            Action::Restart { grace } => {
                let $kind = &mut lifecycle::Restart(*grace);
                $call
            }
            Action::Pause => {
                let $kind = &mut lifecycle::Pause;
                $call
            }
            Action::Unpause => {
                let $kind = &mut lifecycle::Unpause;
                $call
            }
            Action::Kill($kind) => $call,
            Action::Remove($kind) => $call,
            Action::Exec($kind) => $call,
            Action::Run($kind) => $call,
            Action::Pull($kind) => $call,
            Action::Prune($kind) => $call,
            Action::Http($kind) => $call,
            Action::Wait($kind) => $call,
            Action::RunSchedule($kind) => $call,
            Action::Noop => {
                let $kind = &mut lifecycle::Noop;
                $call
            }
        }
    };
}

fn verb<K: Kind>(_: &K) -> &'static str {
    K::VERB
}

fn label<K: Kind>(_: &K) -> &'static str {
    K::LABEL
}

impl Action {
    /// The verb, as the API spells it.
    pub fn verb(&self) -> &'static str {
        each!(self, kind => verb(kind))
    }

    /// "Restart", "Stop", … for sentences and buttons.
    pub fn label(&self) -> &'static str {
        each!(self, kind => label(kind))
    }

    /// The action of a verb without options, for those that need none.
    pub fn from_verb(verb: &str) -> Option<Self> {
        Some(match verb {
            "start" => Self::Start,
            "stop" => Self::Stop { grace: None },
            "restart" => Self::Restart { grace: None },
            "pause" => Self::Pause,
            "unpause" => Self::Unpause,
            "kill" => Self::Kill(Kill::default()),
            "remove" => Self::Remove(Remove::default()),
            "pull" => Self::Pull(Pull::default()),
            "noop" => Self::Noop,
            _ => return None,
        })
    }

    pub fn works_on(&self) -> WorksOn {
        each!(self, kind => kind.works_on())
    }

    /// Whether it needs a target at all.
    pub fn needs_target(&self) -> bool {
        self.works_on() != WorksOn::Nothing
    }

    /// Whether it would take Chrontainer itself away, so that it is refused there.
    pub fn refused_on_itself(&self) -> bool {
        each!(self, kind => kind.refused_on_itself())
    }

    /// Whether what needs others comes before them: when stopping.
    pub fn goes_backwards(&self) -> bool {
        each!(self, kind => kind.goes_backwards())
    }

    /// Refuses what could never work, with the path of the wrong field.
    ///
    /// # Errors
    /// 422.
    pub fn check(&self, field: &str) -> Result<(), Problem> {
        each!(self, kind => kind.check(field))
    }

    /// Shows every text that may hold variables, with its path; it may be replaced.
    ///
    /// # Errors
    /// The first that `visit` gives.
    pub fn texts(&mut self, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
        each!(self, kind => kind.texts(field, visit))
    }

    /// A few words on what exactly it does, for actions whose verb says too little.
    pub fn detail(&self) -> Option<String> {
        each!(self, kind => kind.detail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn every() -> Vec<serde_json::Value> {
        vec![
            json!({"type":"start"}),
            json!({"type":"stop","grace":"10s"}),
            json!({"type":"restart"}),
            json!({"type":"pause"}),
            json!({"type":"unpause"}),
            json!({"type":"kill","signal":"SIGHUP"}),
            json!({"type":"remove","force":true,"volumes":false}),
            json!({"type":"exec","command":["sh","-c","date"],"user":"root","workdir":"/","env":{"A":"b"}}),
            json!({"type":"run","image":"alpine:3","command":["true"],"mounts":[{"source":"data","target":"/data"}],
                   "network":"none","limits":{"memory":"64m","cpus":"0.5"}}),
            json!({"type":"pull","image":"alpine:3"}),
            json!({"type":"prune","what":"images","older_than":"7d","dry":true}),
            json!({"type":"http","method":"POST","url":"https://example.com/","headers":{"A":"b"},"body":"x","expect":[204]}),
            json!({"type":"wait","time":"30s"}),
            json!({"type":"wait","until":"healthy","timeout":"5m"}),
            json!({"type":"run_schedule","schedule":"nightly"}),
            json!({"type":"noop"}),
        ]
    }

    #[test]
    fn every_action_reads_back_and_passes_its_own_checks() {
        for value in every() {
            let action: Action = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(action.verb(), value["type"], "{value}");
            action.check("steps[0].action").unwrap();
            let again: Action = serde_json::from_value(serde_json::to_value(&action).unwrap()).unwrap();
            assert_eq!(again, action);
        }
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        for mut value in every() {
            value["sudo"] = json!(true);
            // A variant without fields takes none either way; the others must say no.
            let read = serde_json::from_value::<Action>(value.clone());
            let bare = matches!(
                value["type"].as_str(),
                Some("start" | "pause" | "unpause" | "noop")
            );
            assert!(bare || read.is_err(), "{value}");
        }
    }

    #[test]
    fn refusals_name_the_field() {
        for (value, field) in [
            (json!({"type":"exec","command":[]}), "a.command"),
            (json!({"type":"exec","command":["x"],"env":{"A=B":"c"}}), "a.env"),
            (json!({"type":"run","image":" "}), "a.image"),
            (
                json!({"type":"run","image":"x","mounts":[{"source":"/a","target":"b"}]}),
                "a.mounts[0].target",
            ),
            (
                json!({"type":"run","image":"x","limits":{"memory":"lots"}}),
                "a.limits.memory",
            ),
            (json!({"type":"kill","signal":"rm -rf"}), "a.signal"),
            (json!({"type":"http","url":"ftp://x"}), "a.url"),
            (
                json!({"type":"http","url":"https://x/","headers":{"a b":"c"}}),
                "a.headers",
            ),
            (json!({"type":"wait"}), "a.time"),
            (json!({"type":"wait","time":"1s","until":"healthy"}), "a.until"),
            (json!({"type":"run_schedule","schedule":" "}), "a.schedule"),
            (json!({"type":"stop","grace":"2h"}), "a.grace"),
        ] {
            let action: Action = serde_json::from_value(value.clone()).unwrap();
            let problem = action.check("a").expect_err(&value.to_string());
            assert_eq!(problem.details["field"], field, "{problem}");
        }
    }

    #[test]
    fn texts_are_seen_and_replaced() {
        let mut action: Action =
            serde_json::from_value(json!({"type":"http","url":"u","headers":{"h":"v"},"body":"b"})).unwrap();
        let mut seen = Vec::new();
        action
            .texts("a", &mut |field, text| {
                seen.push(format!("{field}={text}"));
                text.push('!');
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, ["a.url=u", "a.headers.h=v", "a.body=b"]);
        let mut fields = Vec::new();
        for (value, expected) in [
            (
                json!({"type":"exec","command":["c"],"user":"u","workdir":"/w","env":{"E":"e"}}),
                vec!["command[0]", "env.E", "user", "workdir"],
            ),
            (
                json!({"type":"run","image":"i","command":["c"],"env":{"E":"e"},"network":"n",
                       "mounts":[{"source":"s","target":"/t"}]}),
                vec![
                    "image",
                    "command[0]",
                    "env.E",
                    "mounts[0].source",
                    "mounts[0].target",
                    "network",
                ],
            ),
        ] {
            let mut action: Action = serde_json::from_value(value).unwrap();
            action
                .texts("a", &mut |field, _| {
                    fields.push(field.strip_prefix("a.").unwrap().to_owned());
                    Ok(())
                })
                .unwrap();
            assert_eq!(std::mem::take(&mut fields), expected);
        }
        assert_eq!(
            serde_json::to_value(&action).unwrap()["headers"]["h"],
            json!("v!")
        );
    }
}
