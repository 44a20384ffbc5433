//! What of an action is typed: a file per kind, with its way to and from the form and its fields.
//!
//! One form holds the fields of all kinds, so that what was typed is still there when another kind is tried and taken
//! back. What a field means for several kinds is one field.

mod exec;
mod http;
mod kill;
mod prune;
mod pull;
mod remove;
mod run;
mod run_schedule;
mod stop;
mod wait;

use super::{
    command::CommandForm,
    one::One,
    reading::{Pair, Reading},
};
use domain::actions::{Action, Method, Until, What};
use leptos::prelude::*;

/// An action as it is typed.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionForm {
    pub verb: &'static str,
    /// Empty for the container's own setting.
    pub grace: String,
    pub signal: String,
    pub force: bool,
    pub volumes: bool,
    pub command: CommandForm,
    pub user: String,
    pub workdir: String,
    pub env: Vec<Pair>,
    pub image: String,
    pub mounts: Vec<MountForm>,
    pub network: String,
    pub memory: String,
    pub cpus: String,
    pub pids: String,
    pub what: What,
    pub older_than: String,
    pub dry: bool,
    pub method: Method,
    pub url: String,
    pub headers: Vec<Pair>,
    pub body: String,
    pub expect: String,
    /// Nothing when a time is waited for.
    pub until: Option<Until>,
    pub time: String,
    pub patience: String,
    /// An id as it is stored, or a name as it is typed.
    pub schedule: String,
}

/// A mount as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountForm {
    pub source: String,
    pub target: String,
    pub read_only: bool,
}

impl Default for ActionForm {
    fn default() -> Self {
        Self {
            verb: Action::Noop.verb(),
            grace: String::new(),
            signal: "SIGTERM".to_owned(),
            force: false,
            volumes: false,
            command: CommandForm::default(),
            user: String::new(),
            workdir: String::new(),
            env: Vec::new(),
            image: String::new(),
            mounts: Vec::new(),
            network: String::new(),
            memory: String::new(),
            cpus: String::new(),
            pids: String::new(),
            what: What::Images,
            older_than: String::new(),
            dry: false,
            method: Method::Post,
            url: String::new(),
            headers: Vec::new(),
            body: String::new(),
            expect: String::new(),
            until: None,
            time: "30s".to_owned(),
            patience: String::new(),
            schedule: String::new(),
        }
    }
}

/// What is offered, as it belongs together.
pub const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Containers",
        &["restart", "stop", "start", "pause", "unpause", "kill", "remove"],
    ),
    ("Commands", &["exec", "run"]),
    ("Images and space", &["pull", "prune"]),
    ("Around it", &["wait", "http", "run_schedule", "noop"]),
];

impl ActionForm {
    pub fn of(action: &Action) -> Self {
        let mut form = Self {
            verb: action.verb(),
            ..Self::default()
        };
        match action {
            Action::Stop { grace } | Action::Restart { grace } => stop::read(&mut form, *grace),
            Action::Kill(kill) => kill::read(&mut form, kill),
            Action::Remove(remove) => remove::read(&mut form, remove),
            Action::Exec(exec) => exec::read(&mut form, exec),
            Action::Run(run) => run::read(&mut form, run),
            Action::Pull(pull) => pull::read(&mut form, pull),
            Action::Prune(prune) => prune::read(&mut form, prune),
            Action::Http(http) => http::read(&mut form, http),
            Action::Wait(wait) => wait::read(&mut form, wait),
            Action::RunSchedule(run) => run_schedule::read(&mut form, run),
            Action::Start | Action::Pause | Action::Unpause | Action::Noop => {}
        }
        form
    }

    /// The action, as far as it can be read.
    pub fn action(&self, reading: &mut Reading<'_>) -> Action {
        match self.verb {
            "start" => Action::Start,
            "stop" => Action::Stop {
                grace: stop::write(self, reading),
            },
            "restart" => Action::Restart {
                grace: stop::write(self, reading),
            },
            "pause" => Action::Pause,
            "unpause" => Action::Unpause,
            "kill" => Action::Kill(kill::write(self)),
            "remove" => Action::Remove(remove::write(self)),
            "exec" => Action::Exec(exec::write(self, reading)),
            "run" => Action::Run(run::write(self, reading)),
            "pull" => Action::Pull(pull::write(self)),
            "prune" => Action::Prune(prune::write(self, reading)),
            "http" => Action::Http(http::write(self, reading)),
            "wait" => Action::Wait(wait::write(self, reading)),
            "run_schedule" => Action::RunSchedule(run_schedule::write(self)),
            _ => Action::Noop,
        }
    }

    /// "Restart", "Run a command", …
    pub fn label(&self) -> &'static str {
        label(self.verb)
    }
}

/// "Restart", "Run a command", … by the verb.
pub fn label(verb: &'static str) -> &'static str {
    let form = ActionForm {
        verb,
        ..ActionForm::default()
    };
    form.action(&mut Reading::new("", &mut Vec::new())).label()
}

/// What it does, in a sentence.
pub fn about(verb: &str) -> &'static str {
    match verb {
        "start" => "Starts what does not run.",
        "stop" => "Stops them; they stay stopped until something starts them.",
        "restart" => "Stops them and starts them again.",
        "pause" => "Freezes their processes. Memory stays as it is.",
        "unpause" => "Lets paused processes go on.",
        "kill" => "Sends a signal to the main process of each container.",
        "remove" => "Deletes the containers. What they wrote outside of volumes is lost.",
        "exec" => "Runs a command inside each container. It fails when the exit code is not 0.",
        "run" => {
            "Makes a container on each host, waits for its end, keeps its output and removes it. It fails when the exit code is not 0."
        }
        "pull" => "Fetches an image. Containers go on with the one they have until they are recreated.",
        "prune" => "Removes what nothing uses, on each host.",
        "http" => "Makes one request.",
        "wait" => "Waits before the next step.",
        "run_schedule" => "Runs another schedule and waits for its end. This step ends as that run does.",
        _ => "Touches nothing: to try a schedule out.",
    }
}

/// The fields of the action, below its picker.
pub fn fields(one: One, verb: &str) -> AnyView {
    match verb {
        "stop" | "restart" => stop::fields(one),
        "kill" => kill::fields(one),
        "remove" => remove::fields(one),
        "exec" => exec::fields(one),
        "run" => run::fields(one),
        "pull" => pull::fields(one),
        "prune" => prune::fields(one),
        "http" => http::fields(one),
        "wait" => wait::fields(one),
        "run_schedule" => run_schedule::fields(one),
        _ => ().into_any(),
    }
}

/// What texts of an action may hold besides themselves.
fn variables() -> AnyView {
    view! {
        <p class="hint">
            "Filled in when it runs: "<code>"{{ target.name }}"</code>", "<code>"{{ host.name }}"</code>", "
            <code>"{{ previous.output }}"</code>", "<code>"{{ run.id }}"</code>" and "<code>"{{ secret('name') }}"</code>
            " from "<a class="link" href="/settings/secrets">"Secrets"</a>"."
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_offered_once() {
        let verbs: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, verbs)| verbs.iter().copied())
            .collect();
        assert_eq!(verbs.len(), 15);
        for verb in &verbs {
            let form = ActionForm {
                verb,
                ..ActionForm::default()
            };
            let action = form.action(&mut Reading::new("", &mut Vec::new()));
            assert_eq!(action.verb(), *verb);
            assert_eq!(verbs.iter().filter(|other| *other == verb).count(), 1);
        }
    }
}
