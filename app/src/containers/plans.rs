//! What is planned for one container.

use super::{api, words};
use crate::{
    codec::resource,
    components::{
        icon,
        time::{Ago, At},
    },
    live::Live,
};
use domain::{containers::NextRun, events::Event, ids::ContainerId};
use leptos::prelude::*;
use std::time::Duration;

/// How long after a change of a schedule the fleet knows of it.
const SETTLES: Duration = Duration::from_millis(700);

/// The schedules that touch a container, the soonest first.
#[component]
pub fn Plans(id: ContainerId, #[prop(into)] add: Signal<String>) -> impl IntoView {
    let live = Live::get();
    let turn = RwSignal::new(0);
    let plans = resource(
        move || (turn.get(), live.gaps()),
        move |_| api::plans(id.to_string()),
    );
    let again = crate::components::debounce::gathered(SETTLES, move || {
        let _ = turn.try_update(|turn| *turn += 1);
    });
    live.listen(move |event| {
        if matches!(
            event,
            Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
        ) {
            again();
        }
    });
    let list = move || {
        Suspend::new(async move {
            match plans.await {
                Ok(list) if list.is_empty() => nothing(),
                Ok(list) => {
                    view! { <ul class="sch">{list.into_iter().map(plan).collect_view()}</ul> }.into_any()
                }
                Err(error) => view! { <p class="sm muted">{error.0.message}</p> }.into_any(),
            }
        })
    };
    view! {
        <section class="card" aria-labelledby="next">
            <div class="card-h">
                <h2 id="next">"Next runs"</h2>
                <div class="end">
                    <a class="btn btn-sm btn-ghost" href=move || add.get()>{icon("plus")} "Add"</a>
                </div>
            </div>
            <div class="card-b"><Transition>{list}</Transition></div>
        </section>
    }
}

fn plan(next: NextRun) -> AnyView {
    view! {
        <li>
            <a class="strong clip" href=format!("/schedules/{}", next.schedule_id)>{next.schedule_name}</a>
            <span class="brand strong nowrap"><Ago at=next.at /></span>
            <span class="faint sm">{words::label(&next.action)}</span>
            <span class="faint sm nowrap"><At at=next.at /></span>
        </li>
    }
    .into_any()
}

fn nothing() -> AnyView {
    view! {
        <p class="sm muted">
            "Nothing is planned for this container. Add a schedule to restart, stop or start it at a time you choose."
        </p>
    }
    .into_any()
}
