//! Status: a glyph's shape and a word, always both.

use super::glyph;
use domain::{
    containers::{Container, ContainerState, Health},
    hosts::HostStatus,
    runs::{RunState, TargetState},
};
use leptos::prelude::*;

/// A look (`data-s` and the glyph's name) and its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub look: &'static str,
    pub word: String,
}

impl State {
    pub fn new(look: &'static str, word: impl Into<String>) -> Self {
        Self {
            look,
            word: word.into(),
        }
    }
}

/// Glyph and word.
#[component]
pub fn Status(#[prop(into)] state: Signal<State>) -> impl IntoView {
    view! {
        <span class="st" data-s=move || state.with(|s| s.look)>
            <svg
                viewBox="0 0 12 12"
                width="12"
                height="12"
                aria-hidden="true"
                inner_html=move || state.with(|s| format!("<use href=\"#s-{}\"/>", s.look))
            ></svg>
            {move || state.with(|s| s.word.clone())}
        </span>
    }
}

impl State {
    /// The glyph alone, its word for those who cannot see it.
    pub fn plain(&self) -> AnyView {
        view! {
            <span class="st st-plain" data-s=self.look title=self.word.clone()>
                {glyph(self.look)}
                <span class="vh">{self.word.clone()}</span>
            </span>
        }
        .into_any()
    }
}

/// A container's state in one word: health says more than "running".
pub fn container_state(container: &Container) -> State {
    match (container.state, container.health) {
        (ContainerState::Running, Some(Health::Healthy)) => State::new("healthy", "Healthy"),
        (ContainerState::Running, Some(Health::Unhealthy)) => State::new("unhealthy", "Unhealthy"),
        (ContainerState::Running, Some(Health::Starting)) => State::new("running", "Starting"),
        (ContainerState::Running, None) => State::new("running", "Running"),
        (ContainerState::Paused, _) => State::new("paused", "Paused"),
        (ContainerState::Restarting, _) => State::new("working", "Restarting"),
        (ContainerState::Removing, _) => State::new("working", "Removing"),
        (ContainerState::Created, _) => State::new("exited", "Created"),
        (ContainerState::Exited, _) => match container.exit_code {
            Some(0) | None => State::new("exited", "Stopped"),
            // 128 + signal, as shells and engines write it: an ordinary stop ends in SIGTERM or SIGKILL.
            Some(137 | 143) => State::new("exited", "Stopped"),
            Some(code) => State::new("exited", format!("Exited ({code})")),
        },
        (ContainerState::Dead, _) => State::new("failed", "Dead"),
        (ContainerState::Unknown, _) => State::new("queued", "Unknown"),
    }
}

pub fn host_state(status: HostStatus) -> State {
    match status {
        HostStatus::Online => State::new("running", "Online"),
        HostStatus::Offline => State::new("offline", "Offline"),
        HostStatus::Connecting => State::new("queued", "Connecting"),
        HostStatus::Disabled => State::new("paused", "Disabled"),
    }
}

pub fn run_state(state: RunState) -> State {
    match state {
        RunState::Waiting => State::new("queued", "Waiting"),
        RunState::Queued => State::new("queued", "Queued"),
        RunState::Running => State::new("working", "Running"),
        RunState::Cancelling => State::new("working", "Cancelling"),
        RunState::Succeeded => State::new("success", "Succeeded"),
        RunState::Partial => State::new("warning", "Partly"),
        RunState::Failed => State::new("failed", "Failed"),
        RunState::Skipped => State::new("skipped", "Skipped"),
        RunState::Missed => State::new("warning", "Missed"),
        RunState::Cancelled => State::new("skipped", "Cancelled"),
        RunState::Unknown => State::new("warning", "Unknown"),
    }
}

pub fn target_state(state: TargetState) -> State {
    match state {
        TargetState::Pending => State::new("queued", "Waiting"),
        TargetState::Running => State::new("working", "Working"),
        TargetState::Succeeded => State::new("success", "Done"),
        TargetState::Failed => State::new("failed", "Failed"),
        TargetState::Skipped => State::new("skipped", "Skipped"),
        TargetState::TimedOut => State::new("failed", "Timed out"),
        TargetState::Cancelled => State::new("skipped", "Cancelled"),
        TargetState::Unknown => State::new("warning", "Unknown"),
    }
}
