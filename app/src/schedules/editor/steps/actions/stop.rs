//! Stop and restart: how long the engine waits before it kills.

use super::{ActionForm, One, Reading};
use crate::schedules::editor::inputs::Field;
use domain::durations::HumanDuration;
use leptos::prelude::*;

pub fn read(form: &mut ActionForm, grace: Option<HumanDuration>) {
    form.grace = grace.map(|grace| grace.to_string()).unwrap_or_default();
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Option<HumanDuration> {
    reading.duration("grace", &form.grace)
}

pub fn fields(one: One) -> AnyView {
    Field::new(one.id("grace"), "Time to stop")
        .like("10s")
        .class("short")
        .hint("Then the engine kills it. Empty: the container's own setting, else 10 s.")
        .line(one.text(
            "action.grace",
            |step| &step.action.grace,
            |step| &mut step.action.grace,
        ))
}
