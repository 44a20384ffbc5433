//! The latest runs that worked on one container.

use super::api;
use crate::{
    codec::resource,
    components::{
        debounce::gathered,
        run_state,
        time::{Ago, duration},
    },
    live::Live,
};
use domain::{
    events::Event,
    ids::ContainerId,
    runs::{RunSummary, RunTrigger},
};
use leptos::prelude::*;
use std::time::Duration;

/// Events that come together are one reason to read again.
const GATHER: Duration = Duration::from_millis(250);

#[component]
pub fn Recent(id: ContainerId) -> impl IntoView {
    let live = Live::get();
    let turn = RwSignal::new(0);
    let runs = resource(move || (turn.get(), live.gaps()), move |_| api::runs(id));
    let again = gathered(GATHER, move || {
        let _ = turn.try_update(|turn| *turn += 1);
    });
    live.listen(move |event| {
        if matches!(event, Event::RunChanged { .. }) {
            again();
        }
    });
    let list = move || {
        Suspend::new(async move {
            match runs.await {
                Ok(page) if page.items.is_empty() => {
                    view! { <p class="sm muted">"No run has worked on it yet. What you do to it, and what schedules do, is kept here."</p> }
                        .into_any()
                }
                Ok(page) => {
                    view! { <ul class="sch recent">{page.items.into_iter().map(line).collect_view()}</ul> }.into_any()
                }
                Err(error) => view! { <p class="sm muted">{error.0.message}</p> }.into_any(),
            }
        })
    };
    view! {
        <section class="card" aria-labelledby="recent">
            <div class="card-h">
                <h2 id="recent">"Recent runs"</h2>
                <div class="end"><a class="btn btn-sm btn-ghost" href=format!("/activity?container={id}")>"All its runs"</a></div>
            </div>
            <div class="card-b"><Transition>{list}</Transition></div>
        </section>
    }
}

fn line(run: RunSummary) -> AnyView {
    let took = run
        .started_at
        .zip(run.finished_at)
        .map(|(from, to)| duration((to - from).num_milliseconds()));
    let by = match &run.trigger {
        RunTrigger::Schedule => "by its schedule".to_owned(),
        RunTrigger::Chain { by, .. } => format!("as a step of {by}"),
        RunTrigger::Webhook => "by its schedule's webhook".to_owned(),
        RunTrigger::Event { by } => format!("as {by}"),
        RunTrigger::Outcome { by, .. } => format!("after {by}"),
        RunTrigger::Attempt { by, .. } => format!("by its schedule, {by}"),
        RunTrigger::Manual { by }
        | RunTrigger::Direct { by }
        | RunTrigger::Retry { by, .. }
        | RunTrigger::Again { by, .. } => format!("by {by}"),
    };
    let about = match took {
        Some(took) => format!("{by}, {took}"),
        None => by,
    };
    view! {
        <li>
            <span class="row">
                {run_state(run.status).plain()}
                <a class="strong clip" href=format!("/runs/{}", run.id)>{run.title}</a>
            </span>
            <span class="muted sm nowrap"><Ago at=run.queued_at /></span>
            <span class="faint sm clip">{run.message.unwrap_or(about)}</span>
        </li>
    }
    .into_any()
}
