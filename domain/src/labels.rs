//! Schedules that a container's labels ask for: `chrontainer.<name>.cron`, `chrontainer.<name>.action`, and others.
//!
//! Whoever may make containers on a host writes labels, so they can ask for little: what a container's own life is made of
//! ([`ACTIONS`]), on this container alone, and not more often than once a minute. Commands, requests, secrets and other
//! schedules would be rights beyond the container, and are none of theirs.

use crate::{
    actions::{Action, Kill},
    containers::HostRef,
    cron::CronExpression,
    durations::HumanDuration,
    guards::{Backoff, CatchUp, CatchUpPolicy, Condition, ContainerIs, Guards, OnNoTargets, Retry},
    ids::{ContainerId, ScheduleId},
    schedules::{ScheduleDraft, Step, Trigger},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// What all these labels begin with.
pub const PREFIX: &str = "chrontainer.";
/// What may be asked for.
pub const ACTIONS: [&str; 6] = ["start", "stop", "restart", "pause", "unpause", "kill"];
/// The parts of a schedule, as they stand after its name.
pub const OPTIONS: [&str; 11] = [
    "cron", "every", "action", "timezone", "grace", "signal", "if", "attempts", "jitter", "timeout",
    "catch_up",
];
/// The most schedules of one container, and the longest name of one (characters).
pub const MAX_SCHEDULES: usize = 10;
pub const MAX_NAME: usize = 40;
/// More often would be somebody else's load on this server.
const SHORTEST: Duration = Duration::from_secs(60);
/// What a run's own container is marked with, which asks for nothing.
const OWN: [&str; 3] = ["run", "step", "target"];

/// What is wrong with a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelProblem {
    /// The whole key: `chrontainer.nightly.cron`.
    pub label: String,
    /// A sentence: what is wrong, and what to write.
    pub message: String,
}

/// One schedule of a container's labels, or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// What stands between the prefix and the option; the rest of the key where it cannot be told.
    pub name: String,
    /// Without a target: that is the container. Its name is the label's.
    pub draft: Result<ScheduleDraft, LabelProblem>,
}

/// Where a schedule comes from that nobody wrote here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Origin {
    pub container_id: ContainerId,
    /// The host's and the container's name: `nas/web`.
    pub place: String,
    /// What its labels begin with: `chrontainer.nightly`.
    pub label: String,
}

/// What became of a schedule that labels ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LabelState {
    /// It is a schedule, or will be one within seconds.
    Accepted,
    /// Labels do not count on this host.
    NotAllowed,
    /// It cannot be read.
    Wrong,
}

/// A schedule that labels ask for, as pages and the API show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LabelFinding {
    pub container_id: ContainerId,
    pub container: String,
    pub host: HostRef,
    /// What its labels begin with, `chrontainer.nightly`; the very label that is wrong, where one is.
    pub label: String,
    pub state: LabelState,
    /// What it does and when, in plain English; nothing where it cannot be read.
    pub sentence: Option<String>,
    /// Why it is no schedule, and what to do: a sentence.
    pub problem: Option<String>,
    pub schedule_id: Option<ScheduleId>,
}

/// The key of one of its labels.
pub fn key(name: &str, option: &str) -> String {
    format!("{PREFIX}{name}.{option}")
}

/// Whether there is anything of ours among these labels.
pub fn has_any(labels: &BTreeMap<String, String>) -> bool {
    ours(labels).next().is_some()
}

/// Our labels without the prefix.
fn ours(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    labels
        .range(PREFIX.to_owned()..)
        .map_while(|(key, value)| Some((key.strip_prefix(PREFIX)?, value.as_str())))
        .filter(|(rest, _)| !OWN.contains(rest))
}

/// Reads every schedule of a container's labels, by name.
pub fn read(labels: &BTreeMap<String, String>) -> Vec<Labelled> {
    let mut found: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (rest, value) in ours(labels) {
        match place(rest) {
            Ok((name, option)) => {
                found.entry(name).or_default().insert(option, value.trim());
            }
            Err(message) => wrong.push(Labelled {
                name: rest.to_owned(),
                draft: Err(LabelProblem {
                    label: format!("{PREFIX}{rest}"),
                    message,
                }),
            }),
        }
    }
    let read = found.into_iter().enumerate().map(|(index, (name, options))| Labelled {
        name: name.to_owned(),
        draft: if index < MAX_SCHEDULES {
            draft(name, &options)
        } else {
            Err(LabelProblem {
                label: format!("{PREFIX}{name}"),
                message: format!(
                    "A container's labels make at most {MAX_SCHEDULES} schedules, and this is one more. Write it here instead."
                ),
            })
        },
    });
    let mut all: Vec<Labelled> = read.collect();
    all.extend(wrong);
    all
}

/// The name and the option of a label.
fn place(rest: &str) -> Result<(&str, &str), String> {
    let Some((name, option)) = rest.rsplit_once('.') else {
        return Err(format!(
            "This label has no option. Labels of a schedule read {PREFIX}nightly.cron, {PREFIX}nightly.action and so on."
        ));
    };
    if !OPTIONS.contains(&option) {
        return Err(format!(
            "There is no option {option}. There are {}.",
            OPTIONS.join(", ")
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.chars().count() > MAX_NAME || !name.chars().all(plain) {
        return Err(format!(
            "A name of a schedule in labels has letters, digits, - and _, and at most {MAX_NAME} of them."
        ));
    }
    Ok((name, option))
}

/// The options of one schedule.
struct Options<'a> {
    name: &'a str,
    all: &'a BTreeMap<&'a str, &'a str>,
}

impl Options<'_> {
    fn get(&self, option: &str) -> Option<&str> {
        self.all.get(option).copied()
    }

    fn wrong<T>(&self, option: &str, message: impl Into<String>) -> Result<T, LabelProblem> {
        Err(LabelProblem {
            label: key(self.name, option),
            message: message.into(),
        })
    }

    fn duration(&self, option: &str) -> Result<Option<HumanDuration>, LabelProblem> {
        match self.get(option).map(str::parse) {
            None => Ok(None),
            Some(Ok(duration)) => Ok(Some(duration)),
            Some(Err(error)) => {
                let error: crate::durations::DurationError = error;
                self.wrong(option, error.message)
            }
        }
    }

    fn triggers(&self) -> Result<Vec<Trigger>, LabelProblem> {
        let mut triggers = Vec::new();
        if let Some(expression) = self.get("cron") {
            let read: CronExpression = match expression.parse() {
                Ok(read) => read,
                Err(error) => {
                    let error: crate::cron::CronError = error;
                    return self.wrong("cron", error.message);
                }
            };
            if read.never_fires() {
                return self.wrong(
                    "cron",
                    format!("{read} never fires: there is no such date in any year."),
                );
            }
            if expression.split_whitespace().count() > 5 {
                return self.wrong(
                    "cron",
                    "This has a field for seconds. Labels fire once a minute at most: write five fields.",
                );
            }
            triggers.push(Trigger::Cron {
                expression: read.to_string(),
            });
        }
        if let Some(every) = self.duration("every")? {
            if every.get() < SHORTEST {
                return self.wrong(
                    "every",
                    format!("Every {every} is too often: the shortest interval of a label is 1m."),
                );
            }
            triggers.push(Trigger::Interval { every, anchor: None });
        }
        if triggers.is_empty() {
            return self.wrong(
                "cron",
                "There is no time. Write a cron expression, such as 0 3 * * *, or an interval into the label that ends in \
                 .every.",
            );
        }
        Ok(triggers)
    }

    fn action(&self) -> Result<Action, LabelProblem> {
        let Some(verb) = self.get("action") else {
            return self.wrong(
                "action",
                format!("There is no action. Write one of {}.", ACTIONS.join(", ")),
            );
        };
        if !ACTIONS.contains(&verb) {
            let what =
                if Action::from_verb(verb).is_some() || matches!(verb, "exec" | "run" | "http" | "prune") {
                    format!("Labels cannot ask for {verb}")
                } else {
                    format!("There is no action {verb}")
                };
            return self.wrong(
                "action",
                format!("{what}. They can ask for {}.", ACTIONS.join(", ")),
            );
        }
        let grace = self.duration("grace")?;
        if grace.is_some() && !matches!(verb, "stop" | "restart") {
            return self.wrong(
                "grace",
                format!("Only stop and restart have a grace time, {verb} has none."),
            );
        }
        let signal = self.get("signal").map(str::to_owned);
        if signal.is_some() && verb != "kill" {
            return self.wrong("signal", format!("Only kill sends a signal, {verb} sends none."));
        }
        let (action, option) = match verb {
            "stop" => (Action::Stop { grace }, "grace"),
            "restart" => (Action::Restart { grace }, "grace"),
            "kill" => {
                let kill = signal.map_or_else(Kill::default, |signal| Kill { signal });
                (Action::Kill(kill), "signal")
            }
            verb => (Action::from_verb(verb).unwrap_or_default(), "action"),
        };
        match action.check("") {
            Ok(()) => Ok(action),
            Err(problem) => self.wrong(option, problem.message),
        }
    }

    fn guards(&self) -> Result<Guards, LabelProblem> {
        let mut guards = Guards {
            // While the container is made anew there is none; that is nobody's mistake.
            on_no_targets: OnNoTargets::Skip,
            jitter: self.duration("jitter")?,
            timeout: self.duration("timeout")?,
            ..Guards::default()
        };
        if let Some(word) = self.get("if") {
            let is = match word {
                "running" => ContainerIs::Running,
                "stopped" => ContainerIs::Stopped,
                "healthy" => ContainerIs::Healthy,
                "unhealthy" => ContainerIs::Unhealthy,
                _ => {
                    return self.wrong(
                        "if",
                        format!("{word} is no condition. Write running, stopped, healthy or unhealthy."),
                    );
                }
            };
            guards.conditions.push(Condition::If(is));
        }
        if let Some(attempts) = self.get("attempts") {
            let Ok(attempts) = attempts.parse() else {
                return self.wrong(
                    "attempts",
                    "Write a whole number, counted with the first attempt.",
                );
            };
            guards.retry = Some(Retry {
                attempts,
                backoff: Backoff::Exponential,
                initial: HumanDuration::from_secs(10).unwrap_or_default(),
                ..Retry::default()
            });
        }
        if let Some(word) = self.get("catch_up") {
            let policy = match word {
                "none" => CatchUpPolicy::None,
                "latest" => CatchUpPolicy::Latest,
                _ => {
                    return self.wrong(
                        "catch_up",
                        format!("{word} is no way to catch up. Write none or latest."),
                    );
                }
            };
            guards.catch_up = CatchUp {
                policy,
                ..CatchUp::default()
            };
        }
        Ok(guards)
    }
}

fn draft(name: &str, options: &BTreeMap<&str, &str>) -> Result<ScheduleDraft, LabelProblem> {
    let options = Options { name, all: options };
    Ok(ScheduleDraft {
        name: name.to_owned(),
        enabled: true,
        timezone: options.get("timezone").unwrap_or("UTC").to_owned(),
        triggers: options.triggers()?,
        steps: vec![Step::new(options.action()?, "")],
        guards: options.guards()?,
        version: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn wrong(all: &[(&str, &str)]) -> LabelProblem {
        let mut read = read(&labels(all));
        assert_eq!(read.len(), 1, "{read:?}");
        read.remove(0).draft.expect_err("it is wrong")
    }

    #[test]
    fn labels_make_schedules() {
        let found = read(&labels(&[
            ("chrontainer.nightly.cron", "0 3 * * *"),
            ("chrontainer.nightly.action", "restart"),
            ("chrontainer.nightly.timezone", "Europe/Berlin"),
            ("chrontainer.nightly.grace", "30s"),
            ("chrontainer.nightly.if", "running"),
            ("chrontainer.off.every", "6h"),
            ("chrontainer.off.action", "kill"),
            ("chrontainer.off.signal", "SIGHUP"),
            ("chrontainer.run", "0190"),
            ("com.example.chrontainer.x.cron", "nothing of ours"),
        ]));
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["nightly", "off"]);
        let nightly = found[0].draft.as_ref().unwrap();
        assert_eq!(nightly.timezone, "Europe/Berlin");
        assert_eq!(
            nightly.triggers,
            [Trigger::Cron {
                expression: "0 3 * * *".into()
            }]
        );
        let grace = Some("30s".parse().unwrap());
        assert_eq!(nightly.steps, [Step::new(Action::Restart { grace }, "")]);
        assert_eq!(nightly.guards.conditions, [Condition::If(ContainerIs::Running)]);
        assert_eq!(nightly.guards.on_no_targets, OnNoTargets::Skip);
        let off = found[1].draft.as_ref().unwrap();
        assert_eq!(off.steps[0].action.verb(), "kill");
        assert!(!has_any(&labels(&[("chrontainer.step", "1"), ("a", "b")])));
    }

    #[test]
    fn what_is_wrong_names_its_label() {
        for (all, label, words) in [
            (
                vec![("chrontainer.a.cron", "0 3 * * *")],
                "chrontainer.a.action",
                "no action",
            ),
            (
                vec![("chrontainer.a.action", "stop")],
                "chrontainer.a.cron",
                "no time",
            ),
            (
                vec![("chrontainer.enable", "true")],
                "chrontainer.enable",
                "no option",
            ),
            (
                vec![("chrontainer.a.command", "id")],
                "chrontainer.a.command",
                "no option command",
            ),
            (
                vec![("chrontainer.a b.cron", "0 3 * * *")],
                "chrontainer.a b.cron",
                "letters",
            ),
            (
                vec![
                    ("chrontainer.a.cron", "0 25 * * *"),
                    ("chrontainer.a.action", "stop"),
                ],
                "chrontainer.a.cron",
                "25",
            ),
            (
                vec![
                    ("chrontainer.a.cron", "0 0 31 2 *"),
                    ("chrontainer.a.action", "stop"),
                ],
                "chrontainer.a.cron",
                "never fires",
            ),
            (
                vec![
                    ("chrontainer.a.cron", "* * * * * *"),
                    ("chrontainer.a.action", "stop"),
                ],
                "chrontainer.a.cron",
                "seconds",
            ),
            (
                vec![("chrontainer.a.every", "10s"), ("chrontainer.a.action", "stop")],
                "chrontainer.a.every",
                "too often",
            ),
            (
                vec![
                    ("chrontainer.a.every", "1h"),
                    ("chrontainer.a.action", "pause"),
                    ("chrontainer.a.grace", "1s"),
                ],
                "chrontainer.a.grace",
                "pause has none",
            ),
            (
                vec![
                    ("chrontainer.a.every", "1h"),
                    ("chrontainer.a.action", "kill"),
                    ("chrontainer.a.signal", "rm -rf"),
                ],
                "chrontainer.a.signal",
                "",
            ),
        ] {
            let problem = wrong(&all);
            assert_eq!(problem.label, label);
            assert!(problem.message.contains(words), "{problem:?}");
        }
    }

    #[test]
    fn labels_give_no_rights_beyond_the_container() {
        for verb in [
            "exec",
            "run",
            "http",
            "prune",
            "pull",
            "remove",
            "run_schedule",
            "noop",
            "Restart",
        ] {
            let problem = wrong(&[("chrontainer.a.every", "1h"), ("chrontainer.a.action", verb)]);
            assert_eq!(problem.label, "chrontainer.a.action", "{verb}");
        }
    }

    #[test]
    fn one_container_has_no_crowd_of_schedules() {
        let mut many = BTreeMap::new();
        for n in 0..=MAX_SCHEDULES {
            many.insert(format!("chrontainer.n{n:02}.every"), "1h".to_owned());
            many.insert(format!("chrontainer.n{n:02}.action"), "stop".to_owned());
        }
        let found = read(&many);
        let accepted = found.iter().filter(|one| one.draft.is_ok()).count();
        assert_eq!((found.len(), accepted), (MAX_SCHEDULES + 1, MAX_SCHEDULES));
    }

    proptest! {
        /// Whatever labels say, what comes of them is one of the few actions and has no target of its own.
        #[test]
        fn nothing_else_can_be_asked_for(all in prop::collection::btree_map(
            "chrontainer\\.[a-c]\\.(cron|every|action|grace|signal|if|attempts|timezone)",
            prop_oneof!["[ -~]{0,12}", Just("0 3 * * *".to_owned()), Just("1h".to_owned()),
                prop::sample::select(vec!["start", "stop", "restart", "exec", "kill", "http"]).prop_map(str::to_owned)],
            0..12,
        )) {
            for one in read(&all) {
                if let Ok(draft) = one.draft {
                    prop_assert_eq!(draft.steps.len(), 1);
                    prop_assert!(ACTIONS.contains(&draft.steps[0].action.verb()));
                    prop_assert!(draft.steps[0].target.is_empty());
                }
            }
        }
    }
}
