//! The form that makes and changes a schedule, with the consequence beside it.

mod conflict;
mod cron_field;
mod cron_words;
mod fields;
mod form;
mod guard;
mod page;
mod preview;
mod recent;
mod save;
mod state;
mod targets;
mod trigger;
mod wall;
mod what;
mod when;
mod zone;

use super::api;
use crate::{
    components::{Failure, skeleton, time::Clock},
    error::set_page_status,
    shell::Heading,
};
use domain::ids::ScheduleId;
use form::Form;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use page::Page;
use state::Editing;

/// `/schedules/new?target=…&name=…`
#[component]
pub fn NewSchedule() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let clock = Clock::get();
    let form = Form::fresh(
        query.get("name").unwrap_or_default(),
        query.get("target").unwrap_or_default(),
        untrack(move || clock.zone()),
    );
    let editing = Editing::new(form, None);
    // The browser's own zone is known a moment after the page; it is followed until somebody chooses one.
    Effect::new(move |_| {
        let zone = clock.zone();
        if editing.form.with_untracked(|form| form.zone != zone) && !editing.zone_chosen.get_untracked() {
            editing.form.update(|form| form.zone.clone_from(&zone));
            editing.saved.update(|form| form.zone = zone);
        }
    });
    Heading::set(|| "New schedule".to_owned(), || None);
    view! {
        <Title text="New schedule" />
        <Page editing />
    }
}

/// `/schedules/{id}`
#[component]
pub fn EditSchedule() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id").and_then(|id| id.parse::<ScheduleId>().ok()))
    });
    let again = RwSignal::new(0_u32);
    let schedule = Resource::new(
        move || (id.get(), again.get()),
        |(id, _)| async move {
            match id {
                Some(id) => api::get(id).await,
                None => Err(domain::errors::Problem::not_found("schedule").into()),
            }
        },
    );
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    view! {
        <Transition fallback=|| skeleton::lines(8)>
            {move || Suspend::new(async move {
                match schedule.await {
                    Ok(schedule) => {
                        let editing = Editing::new(Form::of(&schedule), Some(schedule));
                        let name = move || editing.saved.with(|form| form.name.clone());
                        Heading::set(name, || None);
                        view! {
                            <Title text=name />
                            <Page editing />
                        }
                        .into_any()
                    }
                    Err(error) => {
                        set_page_status(error.0.class);
                        view! {
                            <Title text="Schedule" />
                            <Failure error retry=reload />
                        }
                        .into_any()
                    }
                }
            })}
        </Transition>
    }
}
