//! The page of one run: the cause first, then what it is, its steps, its containers and its log.

mod head;
mod log;
mod meta;
mod steps;
mod targets;

use super::{
    api,
    words::{cause, is_bad},
};
use crate::{
    codec::resource,
    components::{Failure, debounce::gathered, icon, kept, skeleton},
    error::set_page_status,
    live::Live,
    shell::{Crumb, Heading},
};
use domain::{
    events::Event,
    ids::RunId,
    runs::{Run, RunState},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use log::Log;
use std::time::Duration;

/// How long events of one run gather before it is read again.
const GATHER: Duration = Duration::from_millis(250);

#[component]
pub fn RunPage() -> impl IntoView {
    let live = Live::get();
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<RunId>().ok())));
    let again = RwSignal::new(0_u32);
    let found = resource(
        move || (id.get(), live.gaps(), again.get()),
        |(id, ..)| async move {
            match id {
                Some(id) => api::get(id).await,
                None => Err(domain::errors::Problem::not_found("run").into()),
            }
        },
    );
    let latest = RwSignal::new(None::<Run>);
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    view! {
        <Transition fallback=|| skeleton::lines(8)>
            {kept(
                found,
                move |run: Run| {
                    let id = run.summary.id;
                    latest.set(Some(run));
                    id
                },
                move |_| latest.get_untracked().map(|run| view! { <Found run latest /> }).into_any(),
                move |error| {
                    set_page_status(error.0.class);
                    view! {
                        <Title text="Run" />
                        <Failure error retry=reload />
                    }
                    .into_any()
                },
            )}
        </Transition>
    }
}

#[component]
fn Found(run: Run, latest: RwSignal<Option<Run>>) -> impl IntoView {
    let id = run.summary.id;
    let title = run.summary.title.clone();
    let schedule = run.summary.schedule.clone();
    let run = RwSignal::new(run);
    let log = Log::new(id);
    follow(id, run, log);
    Effect::new(move |before: Option<()>| {
        let again = latest.get().filter(|latest| latest.summary.id == id);
        // The first is what the page began with.
        if let (Some(again), Some(())) = (again, before) {
            run.set(again);
            log.refresh();
        }
    });
    Heading::set(
        || "Run".to_owned(),
        move || {
            schedule.clone().map(|schedule| Crumb {
                href: format!("/schedules/{}", schedule.id),
                name: schedule.name,
            })
        },
    );
    let steps = Memo::new(move |_| run.with(|run| run.steps.len()));
    view! {
        <Title text=title />
        <head::Head run />
        <Cause run />
        <meta::Meta run />
        <Show when=move || steps.get() != 0>
            <steps::Steps run />
        </Show>
        <div class="grid-run">
            <targets::Targets run />
            <log::LogCard log run />
        </div>
    }
}

/// Why it ended so, before anything else.
#[component]
fn Cause(run: RwSignal<Run>) -> impl IntoView {
    move || {
        run.with(|run| {
            cause(run).map(|(headline, sentence)| {
                let look = match run.summary.status {
                    RunState::Failed | RunState::Partial => "bad",
                    state if is_bad(state) => "warn",
                    _ => "",
                };
                let sign = match look {
                    "bad" => "circle-alert",
                    "warn" => "triangle-alert",
                    _ => "ban",
                };
                view! {
                    <div class="note" data-s=(!look.is_empty()).then_some(look) role="status">
                        {icon(sign)}
                        <div><b>{headline}</b>" "{sentence}</div>
                    </div>
                }
            })
        })
    }
}

/// Reads the run again whenever it moved on.
fn follow(id: RunId, run: RwSignal<Run>, log: Log) {
    let read = gathered(GATHER, move || {
        spawn_local(async move {
            if let Ok(new) = api::get(id).await {
                let _ = run.try_set(new);
            }
        });
        log.refresh();
    });
    Live::get().listen(move |event| match event {
        Event::RunProgress { id: moved, .. } if *moved == id => read(),
        Event::RunChanged { run: moved } if moved.id == id => {
            // The state at once, the rest with the next reading.
            run.update(|run| run.summary = moved.clone());
            read();
        }
        _ => {}
    });
}
