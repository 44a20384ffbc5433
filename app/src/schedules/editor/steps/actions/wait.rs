//! Waiting.

use super::{ActionForm, One, Reading};
use crate::schedules::editor::inputs::Field;
use domain::actions::{Until, Wait};
use leptos::prelude::*;

const WAYS: [Option<Until>; 3] = [None, Some(Until::Healthy), Some(Until::Exited)];

pub fn read(form: &mut ActionForm, wait: &Wait) {
    form.until = wait.until;
    if let Some(time) = wait.time {
        form.time = time.to_string();
    }
    if let Some(timeout) = wait.timeout {
        form.patience = timeout.to_string();
    }
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Wait {
    match form.until {
        None => Wait {
            time: reading.duration("time", &form.time),
            ..Wait::default()
        },
        until => Wait {
            until,
            timeout: reading.duration("timeout", &form.patience),
            time: None,
        },
    }
}

pub fn fields(one: One) -> AnyView {
    let way = one.choice(
        "action",
        &WAYS,
        |step| step.action.until,
        |step| &mut step.action.until,
    );
    let until = Memo::new(move |_| one.step.with(|step| step.action.until));
    let how_long = move || match until.get() {
        None => Field::new(one.id("time"), "How long")
            .class("short")
            .like("30s")
            .hint("Such as 30s or 5m, at most one day.")
            .line(one.text(
                "action.time",
                |step| &step.action.time,
                |step| &mut step.action.time,
            )),
        Some(until) => Field::new(one.id("patience"), "At most")
            .class("short")
            .like("5m")
            .hint(match until {
                Until::Healthy => {
                    "One without a health check counts once it runs. After this time the step fails."
                }
                Until::Exited => "After this time the step fails.",
            })
            .line(one.text(
                "action.timeout",
                |step| &step.action.patience,
                |step| &mut step.action.patience,
            )),
    };
    view! {
        {Field::new(one.id("until"), "For").seg(&["Some time", "Until healthy", "Until ended"], way)}
        {how_long}
    }
    .into_any()
}
