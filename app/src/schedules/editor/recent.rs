//! How the schedule has been: its latest runs.

use crate::{
    codec::resource,
    components::{
        FailureNote,
        debounce::gathered,
        run_state,
        time::{At, duration},
    },
    live::Live,
    runs::api,
};
use domain::{events::Event, ids::ScheduleId, runs::RunSummary};
use leptos::prelude::*;
use std::time::Duration;

const LATEST: u32 = 6;

#[component]
pub fn Recent(id: ScheduleId) -> impl IntoView {
    let live = Live::get();
    let changes = RwSignal::new(0_u32);
    let changed = gathered(Duration::from_millis(300), move || {
        let _ = changes.try_update(|changes| *changes += 1);
    });
    live.listen(move |event| {
        if let Event::RunChanged { run } = event
            && run.schedule.as_ref().is_some_and(|schedule| schedule.id == id)
        {
            changed();
        }
    });
    let runs = resource(
        move || (live.gaps(), changes.get()),
        move |_| api::list(Some(id), None, None, LATEST, None),
    );
    let line = |run: RunSummary| {
        let took = run
            .started_at
            .zip(run.finished_at)
            .map(|(from, to)| duration((to - from).num_milliseconds()));
        view! {
            <li>
                <a href=format!("/runs/{}", run.id)>
                    {run_state(run.status).plain()}
                    <span>{run_state(run.status).word}</span>
                    <span class="faint"><At at=run.started_at.unwrap_or(run.queued_at) /></span>
                    <span class="end num">{took}</span>
                </a>
            </li>
        }
    };
    view! {
        <section class="card" aria-labelledby="recent">
            <div class="card-h"><h2 id="recent">"Recent runs"</h2></div>
            <div class="card-b">
                <Transition>
                    {move || Suspend::new(async move {
                        match runs.await {
                            Ok(page) if page.items.is_empty() => {
                                view! { <p class="muted sm">"It has not run yet."</p> }.into_any()
                            }
                            Ok(page) => view! { <ul class="recent">{page.items.into_iter().map(line).collect_view()}</ul> }.into_any(),
                            Err(error) => view! { <FailureNote message=error.0.message /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </section>
    }
}
