//! The page of activity: what comes above the line of now, what was below.

use super::{
    api,
    failing::Failing,
    feed::Feed,
    filter::{Filter, Of, Results},
    planned::Known,
};
use crate::{
    codec::resource,
    components::{Failure, debounce::gathered, icon, skeleton},
    containers::api as containers,
    error::AppError,
    live::Live,
    schedules::api as schedules,
};
use domain::{
    errors::ErrorClass,
    events::Event,
    ids::{ContainerId, ScheduleId},
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
pub async fn read(lists: Vec<(Option<RunState>, Option<String>)>, of: Of) -> Result<Part, AppError> {
    let pages = lists.into_iter().map(|(state, cursor)| async move {
        let page = api::list(of.schedule, of.container, state, PAGE, cursor).await?;
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

/// Reads the beginning.
pub async fn begin(results: Results, of: Of) -> Result<Part, AppError> {
    read(
        results.states().into_iter().map(|state| (state, None)).collect(),
        of,
    )
    .await
}

/// Every schedule, and which of them touch the container that is asked for.
async fn known(container: Option<ContainerId>) -> Result<Known, AppError> {
    let schedules = schedules::list(String::new(), false, domain::pages::PAGE_MAX, None)
        .await?
        .items;
    let touching = match container {
        None => None,
        Some(id) => match containers::plans(id.to_string()).await {
            Ok(plans) => Some(plans.into_iter().map(|plan| plan.schedule_id).collect()),
            // Its history stays when a container is gone; nothing is planned for it.
            Err(error) if error.0.class == ErrorClass::NotFound => Some(Vec::new()),
            Err(error) => return Err(error),
        },
    };
    Ok(Known { schedules, touching })
}

#[component]
pub fn Activity() -> impl IntoView {
    let live = Live::get();
    let filter = Filter::new();
    let again = RwSignal::new(0_u32);
    let part = resource(
        move || (filter.results.get(), filter.of.get(), live.gaps(), again.get()),
        |(results, of, ..)| begin(results, of),
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
    let all = resource(
        move || (filter.of.get().container, live.gaps(), changes.get()),
        |(container, ..)| known(container),
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
                <Failing filter />
                <ContainerFilter filter />
                <ResultFilter filter />
                <Transition>
                    {move || Suspend::new(async move {
                        let schedules = all.await.map(|known| known.schedules).unwrap_or_default();
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

/// There only while the address names a container, which its page links to.
#[component]
fn ContainerFilter(filter: Filter) -> impl IntoView {
    let id = Memo::new(move |_| filter.of.get().container);
    let container = resource(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => Some(containers::get(id.to_string()).await),
                None => None,
            }
        },
    );
    let name = move || {
        Suspend::new(async move {
            match container.await {
                Some(Ok(container)) => {
                    let on = format!("on {}", container.host.name);
                    view! { <a class="link strong clip" href=format!("/containers/{}", container.id) title=on>{container.name}</a> }
                        .into_any()
                }
                Some(Err(error)) if error.0.class == ErrorClass::NotFound => {
                    view! { <span class="muted">"A container that is gone"</span> }.into_any()
                }
                Some(Err(error)) => view! { <span class="bad-text">{error.0.message}</span> }.into_any(),
                None => ().into_any(),
            }
        })
    };
    view! {
        <Show when=move || id.get().is_some()>
            <section class="card" aria-labelledby="filter-container">
                <div class="card-h"><h2 id="filter-container">"Container"</h2></div>
                <div class="card-b row">
                    <Transition>{name}</Transition>
                    <button
                        class="icon-btn icon-btn-sm"
                        type="button"
                        aria-label="Show the runs of every container"
                        on:click=move |_| filter.every_container()
                    >
                        {icon("x")}
                    </button>
                </div>
            </section>
        </Show>
    }
}

#[component]
fn ScheduleFilter(filter: Filter, schedules: Vec<Schedule>) -> impl IntoView {
    let mut schedules = schedules;
    schedules.sort_by_key(|schedule| schedule.name.to_lowercase());
    // Its history stays when a schedule is gone; the filter may still name it.
    let known: Vec<ScheduleId> = schedules.iter().map(|schedule| schedule.id).collect();
    let gone = move || filter.of.get().schedule.filter(|id| !known.contains(id));
    let option = move |schedule: Schedule| {
        let id = schedule.id;
        view! { <option value=id.to_string() selected=move || filter.of.get().schedule == Some(id)>{schedule.name}</option> }
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
                    <option value="" selected=move || filter.of.get().schedule.is_none()>"All, and what people did"</option>
                    {schedules.into_iter().map(option).collect_view()}
                    {move || gone().map(|id| view! { <option value=id.to_string() selected>"A deleted schedule"</option> })}
                </select>
            </div>
        </section>
    }
}
