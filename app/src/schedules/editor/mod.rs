//! The form that makes and changes a schedule, with the consequence beside it.

mod calls;
mod conflict;
mod cron_field;
mod cron_words;
mod dry;
mod fields;
mod figures;
mod form;
mod guards;
mod history;
pub mod inputs;
mod leave;
mod page;
mod preview;
mod recent;
mod save;
mod state;
mod steps;
mod targets;
mod trigger;
pub mod wall;
mod when;
mod zone;

use super::api;
use crate::{
    codec::resource,
    components::{Failure, skeleton, time::Clock},
    error::set_page_status,
    shell::Heading,
};
use domain::{ids::ScheduleId, templates::Template};
use form::Form;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    hooks::{use_params_map, use_query_map},
    params::ParamsMap,
};
use page::Page;
use state::Editing;

/// Beyond this many letters a target makes no name.
const LONGEST_SUGGESTION: usize = 40;

/// `/schedules/new?target=…&name=…`, `?template=…`, or `?from=…` for a copy of another one.
#[component]
pub fn NewSchedule() -> impl IntoView {
    let query = use_query_map().get_untracked();
    match query.get("from").and_then(|id| id.parse::<ScheduleId>().ok()) {
        Some(from) => view! { <Copied from /> }.into_any(),
        None => view! { <Fresh query /> }.into_any(),
    }
}

#[component]
fn Copied(from: ScheduleId) -> impl IntoView {
    let schedule = resource(|| (), move |()| api::get(from));
    Heading::set(|| "New schedule".to_owned(), || None);
    view! {
        <Title text="New schedule" />
        <Transition fallback=|| skeleton::lines(8)>
            {move || Suspend::new(async move {
                match schedule.await {
                    Ok(schedule) => {
                        let mut form = Form::of(&schedule);
                        form.name += " (copy)";
                        let editing = Editing::new(form, None);
                        editing.zone_chosen.set(true);
                        view! { <Page editing /> }.into_any()
                    }
                    Err(error) => view! { <Failure error retry=Callback::new(move |()| schedule.refetch()) /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Fresh(query: ParamsMap) -> impl IntoView {
    let clock = Clock::get();
    let (name, target) = (
        query.get("name").unwrap_or_default(),
        query.get("target").unwrap_or_default(),
    );
    let zone = untrack(move || clock.zone());
    let template = query.get("template").as_deref().and_then(Template::find);
    let proposed = template.and_then(|template| {
        let name = if name.is_empty() { template.name } else { &name };
        template.drafts(name, &target, &zone).into_iter().next()
    });
    let form = match proposed {
        Some(draft) => Form::proposed(draft),
        None => Form::fresh(name, target, zone),
    };
    let editing = Editing::new(form, None);
    // The browser's own zone is known a moment after the page; it is followed until somebody chooses one.
    Effect::new(move |_| {
        let zone = clock.zone();
        if editing.form.with_untracked(|form| form.zone != zone) && !editing.zone_chosen.get_untracked() {
            editing.form.update(|form| form.zone.clone_from(&zone));
            editing.saved.update(|form| form.zone = zone);
        }
    });
    suggest_name(editing);
    Heading::set(|| "New schedule".to_owned(), || None);
    view! {
        <Title text="New schedule" />
        <Page editing />
    }
}

/// The name of a new schedule says what it does, until somebody writes another one.
fn suggest_name(editing: Editing) {
    let suggestion = move || {
        editing.form.with(|form| {
            let step = form.steps.first()?;
            let whom = step.whom();
            let short = whom.chars().count() <= LONGEST_SUGGESTION && whom != "…";
            short.then(|| format!("{}{}{whom}", step.title(), step.joint()))
        })
    };
    let name = editing.form.with_untracked(|form| form.name.clone());
    let first = untrack(suggestion).unwrap_or_default();
    if name.is_empty() {
        editing.form.update_untracked(|form| form.name.clone_from(&first));
        editing
            .saved
            .update_untracked(|form| form.name.clone_from(&first));
    } else if name != first {
        return;
    }
    let last = StoredValue::new(first);
    Effect::new(move |_| {
        let new = suggestion().unwrap_or_default();
        let old = last.get_value();
        if new != old && editing.form.with_untracked(|form| form.name == old) {
            editing.change("name", |form| form.name.clone_from(&new));
            last.set_value(new);
        }
    });
}

/// `/schedules/{id}`
#[component]
pub fn EditSchedule() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id").and_then(|id| id.parse::<ScheduleId>().ok()))
    });
    let again = RwSignal::new(0_u32);
    let schedule = resource(
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
