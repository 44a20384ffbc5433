//! The page of activity: what comes above the line of now, what was below.

use super::{
    api,
    feed::Feed,
    filter::{Filter, Results},
};
use crate::{
    components::{Failure, debounce::gathered, skeleton},
    error::AppError,
    live::Live,
    schedules::api as schedules,
};
use domain::{
    events::Event,
    ids::ScheduleId,
    pages::Page,
    runs::{RunState, RunSummary},
    schedules::Schedule,
};
use leptos::prelude::*;
use leptos_meta::Title;
use std::time::Duration;

/// How many are read at once.
pub const PAGE: u32 = 50;

/// A part of the feed: the runs of several lists by time, and where each list goes on.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    pub runs: Vec<RunSummary>,
    pub next: Vec<(Option<RunState>, String)>,
}

/// Reads the next part of every list that goes on.
pub async fn read(
    lists: Vec<(Option<RunState>, Option<String>)>,
    schedule: Option<ScheduleId>,
) -> Result<Part, AppError> {
    let pages = lists.into_iter().map(|(state, cursor)| async move {
        let page = api::list(schedule, state, PAGE, cursor).await?;
        Ok::<_, AppError>((state, page))
    });
    let mut part = Part::default();
    for (state, Page { items, next, .. }) in futures::future::try_join_all(pages).await? {
        part.runs.extend(items);
        part.next.extend(next.map(|next| (state, next)));
    }
    part.runs
        .sort_by_key(|run| std::cmp::Reverse((run.queued_at, run.id)));
    Ok(part)
}

#[component]
pub fn Activity() -> impl IntoView {
    let live = Live::get();
    let filter = Filter::new();
    let again = RwSignal::new(0_u32);
    let part = Resource::new(
        move || {
            (
                filter.results.get(),
                filter.schedule.get(),
                live.gaps(),
                again.get(),
            )
        },
        |(results, schedule, ..)| {
            read(
                results.states().into_iter().map(|state| (state, None)).collect(),
                schedule,
            )
        },
    );
    // What comes is what the schedules say; they are read again when one changes.
    let changes = RwSignal::new(0_u32);
    let changed = gathered(Duration::from_millis(400), move || {
        let _ = changes.try_update(|changes| *changes += 1);
    });
    live.listen(move |event| {
        if matches!(
            event,
            Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
        ) {
            changed();
        }
    });
    let all = Resource::new(
        move || (live.gaps(), changes.get()),
        |_| schedules::list(String::new(), domain::pages::PAGE_MAX, None),
    );
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    view! {
        <Title text="Activity" />
        <div class="page-head">
            <h1>"Activity"</h1>
            <span class="sub">"Planned, running and done"</span>
        </div>
        <div class="acols">
            <Transition fallback=|| skeleton::lines(8)>
                {move || Suspend::new(async move {
                    match part.await {
                        Ok(part) => view! { <Feed part filter schedules=all /> }.into_any(),
                        Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                    }
                })}
            </Transition>
            <aside class="rail filters" aria-label="Filters">
                <ResultFilter filter />
                <Transition>
                    {move || Suspend::new(async move {
                        let schedules = all.await.map(|page| page.items).unwrap_or_default();
                        view! { <ScheduleFilter filter schedules /> }
                    })}
                </Transition>
            </aside>
        </div>
    }
}

#[component]
fn ResultFilter(filter: Filter) -> impl IntoView {
    let chip = move |(value, _, name): (Results, &'static str, &'static str)| {
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || (filter.results.get() == value).to_string()
                on:click=move |_| filter.show(value)
            >
                {name}
            </button>
        }
    };
    view! {
        <section class="card" aria-labelledby="filter-result">
            <div class="card-h"><h2 id="filter-result">"Show"</h2></div>
            <div class="card-b row row-wrap" role="group" aria-label="Result">{Results::CHOICES.map(chip)}</div>
        </section>
    }
}

#[component]
fn ScheduleFilter(filter: Filter, schedules: Vec<Schedule>) -> impl IntoView {
    let mut schedules = schedules;
    schedules.sort_by_key(|schedule| schedule.name.to_lowercase());
    // Its history stays when a schedule is gone; the filter may still name it.
    let known: Vec<ScheduleId> = schedules.iter().map(|schedule| schedule.id).collect();
    let gone = move || filter.schedule.get().filter(|id| !known.contains(id));
    let option = move |schedule: Schedule| {
        let id = schedule.id;
        view! { <option value=id.to_string() selected=move || filter.schedule.get() == Some(id)>{schedule.name}</option> }
    };
    view! {
        <section class="card" aria-labelledby="filter-schedule">
            <div class="card-h"><h2 id="filter-schedule">"Schedule"</h2></div>
            <div class="card-b">
                <select
                    class="select"
                    aria-labelledby="filter-schedule"
                    on:change=move |event| filter.of_schedule(event_target_value(&event).parse().ok())
                >
                    <option value="" selected=move || filter.schedule.get().is_none()>"All, and what people did"</option>
                    {schedules.into_iter().map(option).collect_view()}
                    {move || gone().map(|id| view! { <option value=id.to_string() selected>"A deleted schedule"</option> })}
                </select>
            </div>
        </section>
    }
}
