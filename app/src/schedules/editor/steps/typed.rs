//! One step as it is typed, and its way to and from a step.

use super::{
    actions::ActionForm,
    reading::{Reading, optional},
    retry::RetryForm,
};
use crate::schedules::{
    editor::form::Fault,
    words::{lower_first, target_words},
};
use domain::{
    actions::{Action, WorksOn},
    schedules::{OnFailure, Order, Step, When},
};

/// One step of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct StepForm {
    /// Finds it again while it is moved about.
    pub key: u32,
    pub name: String,
    pub action: ActionForm,
    pub target: String,
    pub order: Order,
    pub max_parallel: String,
    pub when: When,
    pub on_failure: OnFailure,
    pub timeout: String,
    pub retry: RetryForm,
    /// What it was read from: while nothing is changed, this is what is saved.
    pub(super) origin: Option<Box<Step>>,
}

impl StepForm {
    pub fn new(key: u32, action: &Action, target: String) -> Self {
        Self {
            origin: None,
            ..Self::of(key, &Step::new(action.clone(), target))
        }
    }

    pub fn of(key: u32, step: &Step) -> Self {
        Self {
            key,
            name: step.name.clone().unwrap_or_default(),
            action: ActionForm::of(&step.action),
            target: step.target.clone(),
            order: step.order,
            max_parallel: step.max_parallel.map(|most| most.to_string()).unwrap_or_default(),
            when: step.when,
            on_failure: step.on_failure,
            timeout: step
                .timeout
                .map(|timeout| timeout.to_string())
                .unwrap_or_default(),
            retry: RetryForm::of(step.retry.as_ref()),
            origin: Some(Box::new(step.clone())),
        }
    }

    /// The step, as far as it can be read; what is wrong with it is added to the faults.
    pub fn step(&self, path: &str, faults: &mut Vec<Fault>) -> Step {
        if let Some(origin) = &self.origin
            && *self == Self::of(self.key, origin)
        {
            return (**origin).clone();
        }
        let mut reading = Reading::new(path, faults);
        let action = self.action.action(&mut reading.inside("action"));
        let target = match action.works_on() {
            WorksOn::Nothing => String::new(),
            works_on => {
                let target = self.target.trim();
                if target.is_empty() {
                    let message = match works_on {
                        WorksOn::Hosts => {
                            "Say which hosts it is for, such as host:local. Every host with a container is a single *."
                        }
                        _ => {
                            "Say which containers it is for, such as name:web. Every container is a single *."
                        }
                    };
                    reading.fault("target", message, None);
                }
                target.to_owned()
            }
        };
        Step {
            name: optional(&self.name),
            action,
            target,
            order: self.order,
            max_parallel: reading.number("max_parallel", &self.max_parallel),
            when: self.when,
            on_failure: self.on_failure,
            timeout: reading.duration("timeout", &self.timeout),
            retry: self.retry.retry(&mut reading.inside("retry")),
        }
    }

    /// The step without looking for what is wrong.
    pub fn rough(&self) -> Step {
        self.step("", &mut Vec::new())
    }

    pub fn works_on(&self) -> WorksOn {
        self.action
            .action(&mut Reading::new("", &mut Vec::new()))
            .works_on()
    }

    /// A text of the action by its field, where it is part of something larger: `action.command.2`.
    pub fn text_at(&self, field: &str) -> Option<String> {
        let mut found = None;
        let mut action = self.rough().action;
        let _ = action.texts("action", &mut |path, text| {
            if path.replace('[', ".").replace(']', "") == field {
                found = Some(text.clone());
            }
            Ok(())
        });
        found
    }

    /// "Restart", "Run a command", or its own name.
    pub fn title(&self) -> String {
        optional(&self.name).unwrap_or_else(|| self.action.label().to_owned())
    }

    /// What it does and to what, in one line: "web on local", "sh -c date, in web".
    pub fn about(&self) -> String {
        let step = self.rough();
        let named = step.name.is_some().then(|| step.action.label().to_owned());
        let whom = self.whom();
        [named, step.action.detail(), Some(whom)]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What it works on, in words: "web on local", "the hosts of web"; empty where there is no target.
    pub fn whom(&self) -> String {
        match self.works_on() {
            WorksOn::Nothing => String::new(),
            _ if self.target.trim().is_empty() => "…".to_owned(),
            WorksOn::Containers => target_words(&self.target),
            WorksOn::Hosts => crate::schedules::words::host_words(&self.target),
        }
    }

    /// What joins [`Self::title`] and [`Self::whom`] to a sentence: "Run a command *in* web".
    pub fn joint(&self) -> &'static str {
        match (self.action.verb, self.works_on()) {
            (_, WorksOn::Nothing) => "",
            (_, WorksOn::Hosts) => " on ",
            ("exec", _) => " in ",
            ("wait" | "pull", _) => " for ",
            _ if self.name.trim().is_empty() => " ",
            _ => ", ",
        }
    }

    /// What is not as it is for most steps, for the folded part.
    pub fn unusual(&self) -> Vec<String> {
        let mut words = Vec::new();
        match self.order {
            Order::Parallel => {}
            Order::Serial => words.push("one by one".to_owned()),
            Order::Dependency => words.push("by what needs what".to_owned()),
        }
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(most) = text(&self.max_parallel)
            && self.order != Order::Serial
        {
            words.push(format!("{most} at once"));
        }
        match self.when {
            When::Success => {}
            When::Failure => words.push("only after a failure".to_owned()),
            When::Always => words.push("always".to_owned()),
        }
        if self.on_failure == OnFailure::Continue {
            words.push("goes on after its failure".to_owned());
        }
        if let Some(limit) = text(&self.timeout) {
            words.push(format!("at most {limit}"));
        }
        if self.retry.on {
            words.push(self.retry.words());
        }
        words
    }
}

/// The chain in words, without its first step: ", then run a command, then start; after a failure, start".
pub fn rest_words(steps: &[StepForm]) -> String {
    const NAMED: usize = 3;
    let (after, usual): (Vec<&StepForm>, Vec<&StepForm>) =
        steps.iter().skip(1).partition(|step| step.when == When::Failure);
    let mut words = String::new();
    for step in usual.iter().take(NAMED) {
        words += &format!(", then {}", lower_first(&step.title()));
    }
    if let Some(more) = usual.len().checked_sub(NAMED).filter(|more| *more > 0) {
        words += &format!(
            ", then {}",
            crate::schedules::words::count(more as u64, "more step")
        );
    }
    if let Some(first) = after.first() {
        words += &format!(", after a failure {}", lower_first(&first.title()));
        if after.len() > 1 {
            words += " and more";
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Steps as the API writes them: every action, with texts that are awkward to type.
    fn any_step() -> impl Strategy<Value = Value> {
        let text = || "[a-z\"'{} \n=$\\\\ä]{0,8}";
        let word = || "[a-z]{1,6}";
        let duration = || prop::sample::select(vec!["500ms", "1s", "1m30s", "2h", "1d12h"]);
        let map = move || prop::collection::btree_map(word(), text(), 0..3);
        let command = move || prop::collection::vec(text(), 1..5);
        let flag = any::<bool>;
        let action = prop_oneof![
            prop::sample::select(vec!["start", "pause", "unpause", "noop"]).prop_map(|verb| json!({ "type": verb })),
            (
                prop::sample::select(vec!["stop", "restart"]),
                prop::option::of(duration())
            )
                .prop_map(|(verb, grace)| match grace {
                    Some(grace) => json!({ "type": verb, "grace": grace }),
                    None => json!({ "type": verb }),
                }),
            text().prop_map(|signal| json!({ "type": "kill", "signal": signal })),
            (flag(), flag())
                .prop_map(|(force, volumes)| json!({ "type": "remove", "force": force, "volumes": volumes })),
            (command(), prop::option::of(text()), prop::option::of(text()), map()).prop_map(
                |(command, user, workdir, env)| {
                    json!({ "type": "exec", "command": command, "user": user, "workdir": workdir, "env": env })
                }
            ),
            (
                text(),
                command(),
                map(),
                prop::collection::vec((text(), text(), flag()), 0..3),
                prop::option::of(text()),
                prop::option::of((prop::option::of(text()), prop::option::of(text()), prop::option::of(1_u32..9)))
            )
                .prop_map(|(image, command, env, mounts, network, limits)| {
                    let mounts: Vec<Value> = mounts
                        .into_iter()
                        .map(|(source, target, read_only)| json!({ "source": source, "target": target, "read_only": read_only }))
                        .collect();
                    let limits = limits
                        .map(|(memory, cpus, pids)| json!({ "memory": memory, "cpus": cpus, "pids": pids }));
                    json!({ "type": "run", "image": image, "command": command, "env": env, "mounts": mounts,
                        "network": network, "limits": limits })
                }),
            prop::option::of(text()).prop_map(|image| json!({ "type": "pull", "image": image })),
            (
                prop::sample::select(vec![
                    "containers", "images", "all_images", "volumes", "networks", "build_cache"
                ]),
                prop::option::of(duration()),
                flag()
            )
                .prop_map(|(what, age, dry)| match age {
                    Some(age) => json!({ "type": "prune", "what": what, "older_than": age, "dry": dry }),
                    None => json!({ "type": "prune", "what": what, "dry": dry }),
                }),
            (
                prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
                text(),
                map(),
                prop::option::of(text()),
                prop::collection::vec(100_u16..600, 0..4)
            )
                .prop_map(|(method, url, headers, body, expect)| {
                    json!({ "type": "http", "method": method, "url": url, "headers": headers, "body": body, "expect": expect })
                }),
            duration().prop_map(|time| json!({ "type": "wait", "time": time })),
            (prop::sample::select(vec!["healthy", "exited"]), prop::option::of(duration())).prop_map(
                |(until, timeout)| match timeout {
                    Some(timeout) => json!({ "type": "wait", "until": until, "timeout": timeout }),
                    None => json!({ "type": "wait", "until": until }),
                }
            ),
            text().prop_map(|schedule| json!({ "type": "run_schedule", "schedule": schedule })),
        ];
        let retry = (
            1_u32..9,
            prop::sample::select(vec!["fixed", "exponential"]),
            prop::sample::select(vec!["0s", "1s"]),
            prop::option::of(prop::sample::select(vec!["1s", "5m", "1d"])),
        )
            .prop_map(|(attempts, backoff, initial, max)| match max {
                Some(max) => {
                    json!({ "attempts": attempts, "backoff": backoff, "initial": initial, "max": max })
                }
                None => json!({ "attempts": attempts, "backoff": backoff, "initial": initial }),
            });
        (
            (prop::option::of(text()), action, text()),
            prop::sample::select(vec!["parallel", "serial", "dependency"]),
            prop::option::of(1_u32..100),
            prop::sample::select(vec!["success", "failure", "always"]),
            prop::sample::select(vec!["stop", "continue"]),
            prop::option::of(duration()),
            prop::option::of(retry),
        )
            .prop_map(
                |((name, action, target), order, most, when, on_failure, timeout, retry)| {
                    let mut step = json!({ "action": action, "target": target, "order": order, "when": when,
                    "on_failure": on_failure });
                    for (field, value) in [
                        ("name", json!(name)),
                        ("max_parallel", json!(most)),
                        ("timeout", json!(timeout)),
                        ("retry", json!(retry)),
                    ] {
                        if !value.is_null() {
                            step[field] = value;
                        }
                    }
                    step
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn whatever_the_api_made_is_saved_as_it_was(value in any_step()) {
            let step: Step = serde_json::from_value(value).unwrap();
            let mut faults = Vec::new();
            let typed = StepForm::of(3, &step);
            prop_assert_eq!(typed.step("steps.0", &mut faults), step);
            prop_assert_eq!(faults, []);
        }

        /// Changing one thing changes that alone. Blanks at the ends of short texts, and what says the same as nothing,
        /// may go.
        #[test]
        fn a_change_leaves_the_rest(value in any_step()) {
            let mut step: Step = serde_json::from_value(value).unwrap();
            tidy(&mut step);
            let mut typed = StepForm::of(3, &step);
            typed.on_failure = match step.on_failure {
                OnFailure::Stop => OnFailure::Continue,
                OnFailure::Continue => OnFailure::Stop,
            };
            step.on_failure = typed.on_failure;
            let mut faults = Vec::new();
            prop_assert_eq!(typed.step("steps.0", &mut faults), step);
            prop_assert_eq!(faults, []);
        }
    }

    /// As a person would have typed it.
    fn tidy(step: &mut Step) {
        fn short(text: &mut String) {
            *text = format!("x{}", text.trim());
        }
        fn maybe(text: &mut Option<String>) {
            if let Some(text) = text {
                short(text);
            }
        }
        maybe(&mut step.name);
        match &mut step.action {
            Action::Kill(kill) => short(&mut kill.signal),
            Action::Exec(exec) => {
                maybe(&mut exec.user);
                maybe(&mut exec.workdir);
            }
            Action::Run(run) => {
                short(&mut run.image);
                maybe(&mut run.network);
                for mount in &mut run.mounts {
                    short(&mut mount.source);
                    short(&mut mount.target);
                }
                if let Some(limits) = &mut run.limits {
                    maybe(&mut limits.memory);
                    maybe(&mut limits.cpus);
                    if limits.memory.is_none() && limits.cpus.is_none() && limits.pids.is_none() {
                        run.limits = None;
                    }
                }
            }
            Action::Pull(pull) => maybe(&mut pull.image),
            Action::Http(http) => {
                short(&mut http.url);
                http.body = http.body.take().filter(|body| !body.is_empty());
            }
            Action::RunSchedule(run) => short(&mut run.schedule),
            _ => {}
        }
        if step.action.needs_target() {
            short(&mut step.target);
        } else {
            step.target = String::new();
        }
    }

    #[test]
    fn faults_stand_at_their_field() {
        let mut typed = StepForm::new(0, &Action::Restart { grace: None }, String::new());
        typed.action.grace = "10 parsecs".into();
        typed.timeout = "soon".into();
        typed.max_parallel = "many".into();
        typed.retry.on = true;
        typed.retry.attempts = " ".into();
        let mut faults = Vec::new();
        typed.step("steps.4", &mut faults);
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "steps.4.action.grace",
                "steps.4.target",
                "steps.4.max_parallel",
                "steps.4.timeout",
                "steps.4.retry.attempts"
            ]
        );
    }

    #[test]
    fn a_part_of_a_command_is_found_by_its_field() {
        let action: Action = serde_json::from_value(
            json!({ "type": "exec", "command": ["echo", "{{ x }} y"], "env": { "A.B": "v" } }),
        )
        .unwrap();
        let typed = StepForm::new(0, &action, "*".into());
        assert_eq!(typed.text_at("action.command.1").as_deref(), Some("{{ x }} y"));
        assert_eq!(typed.text_at("action.env.A.B").as_deref(), Some("v"));
        assert_eq!(typed.text_at("action.command"), None);
    }
}
