//! Sending a signal.

use super::{ActionForm, One};
use crate::schedules::editor::inputs::Field;
use domain::actions::Kill;
use leptos::prelude::*;

const USUAL: [&str; 7] = [
    "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL",
];

pub fn read(form: &mut ActionForm, kill: &Kill) {
    form.signal.clone_from(&kill.signal);
}

pub fn write(form: &ActionForm) -> Kill {
    Kill {
        signal: form.signal.trim().to_owned(),
    }
}

pub fn fields(one: One) -> AnyView {
    Field::new(one.id("signal"), "Signal")
        .like("SIGTERM")
        .class("short mono")
        .suggest(&USUAL)
        .hint("A name such as SIGHUP, or a number. SIGKILL ends the process at once, others are its own to handle.")
        .line(one.text(
            "action.signal",
            |step| &step.action.signal,
            |step| &mut step.action.signal,
        ))
}
