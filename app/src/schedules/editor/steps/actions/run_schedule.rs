//! Running another schedule.

use super::{ActionForm, One};
use crate::schedules::{
    api,
    editor::inputs::{Bound, Field},
};
use domain::{actions::RunSchedule, ids::ScheduleId, schedules::Schedule};
use leptos::{prelude::*, task::spawn_local};

/// How many are offered; every other one is found by its name.
const OFFERED: u32 = 100;

pub fn read(form: &mut ActionForm, run: &RunSchedule) {
    form.schedule.clone_from(&run.schedule);
}

pub fn write(form: &ActionForm) -> RunSchedule {
    RunSchedule {
        schedule: form.schedule.trim().to_owned(),
    }
}

pub fn fields(one: One) -> AnyView {
    view! { <Which one /> }.into_any()
}

/// The schedule is stored by its id and shown by its name.
#[component]
fn Which(one: One) -> impl IntoView {
    let known = RwSignal::new(Vec::<Schedule>::new());
    let itself = one.editing.id();
    Effect::new(move |_| {
        let stored = one.step.with_untracked(|step| step.action.schedule.clone());
        spawn_local(async move {
            let mut found = match api::list(String::new(), false, OFFERED, None).await {
                Ok(page) => page.items,
                Err(_) => Vec::new(),
            };
            if let Ok(id) = stored.parse::<ScheduleId>()
                && found.iter().all(|schedule| schedule.id != id)
                && let Ok(schedule) = api::get(id).await
            {
                found.push(schedule);
            }
            let _ = known.try_set(found);
        });
    });
    let text = one.text(
        "action.schedule",
        |step| &step.action.schedule,
        |step| &mut step.action.schedule,
    );
    let shown = Bound {
        value: Signal::derive(move || {
            let stored = text.value.get();
            match stored.parse::<ScheduleId>() {
                Ok(id) => known.with(|known| {
                    let named = known.iter().find(|schedule| schedule.id == id);
                    named.map_or(stored, |schedule| schedule.name.clone())
                }),
                Err(_) => stored,
            }
        }),
        set: Callback::new(move |typed: String| {
            let named = known.with_untracked(|known| {
                let named = known.iter().find(|schedule| schedule.name == typed);
                named.map(|schedule| schedule.id.to_string())
            });
            text.set.run(named.unwrap_or(typed));
        }),
        fault: text.fault,
    };
    let names = Signal::derive(move || {
        known.with(|known| {
            known
                .iter()
                .filter(|schedule| Some(schedule.id) != itself)
                .map(|schedule| schedule.name.clone())
                .collect()
        })
    });
    Field::new(one.id("schedule"), "Schedule")
        .like("Its name")
        .hint("Its run is waited for. Schedules that run each other in a circle are refused.")
        .offer(names)
        .line(shown)
}
