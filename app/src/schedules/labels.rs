//! What containers' labels ask for: on the page of schedules what needs a person, on a container's page all of it.

use super::api;
use crate::{
    codec::resource,
    components::{State, Status, icon},
    live::Live,
};
use domain::{
    events::Event,
    ids::ContainerId,
    labels::{LabelFinding, LabelState},
    pages::Page,
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// How many are shown before the rest is counted.
const SHOWN: u32 = 20;
/// How long after a change the labels have been followed.
const SETTLES: Duration = Duration::from_secs(4);

/// Labels that are no schedules, though somebody may think they are.
#[component]
pub fn LabelNote() -> impl IntoView {
    let live = Live::get();
    let turn = RwSignal::new(0_u32);
    let found = resource(
        move || (turn.get(), live.gaps()),
        |_| api::labels(None, true, SHOWN),
    );
    let again = crate::components::debounce::gathered(SETTLES, move || {
        let _ = turn.try_update(|turn| *turn += 1);
    });
    live.listen(move |event| {
        if matches!(
            event,
            Event::ContainerRemoved { .. } | Event::FleetChanged { .. } | Event::HostChanged { .. }
        ) {
            again();
        }
    });
    view! {
        <Transition>
            {move || Suspend::new(async move {
                // Where it cannot be read, the list below says why.
                found.await.ok().filter(|page| page.total > 0).map(note)
            })}
        </Transition>
    }
}

fn note(page: Page<LabelFinding>) -> AnyView {
    let wrong = page.items.iter().any(|one| one.state == LabelState::Wrong);
    let text = match (page.total, wrong) {
        (1, true) => "A container's label cannot be read as a schedule.".to_owned(),
        (many, true) => format!("{many} labels of containers make no schedule."),
        (1, false) => "A container has labels of a schedule, and labels do not count on its host.".to_owned(),
        (many, false) => {
            format!("Containers have labels of {many} schedules, and labels do not count on their hosts.")
        }
    };
    let more = page.total.saturating_sub(page.items.len() as u64);
    view! {
        <details class="note label-note" data-s=if wrong { "warn" } else { "info" }>
            <summary>{icon(if wrong { "triangle-alert" } else { "tag" })}<span>{text}</span></summary>
            <ul class="label-list">{page.items.into_iter().map(|one| line(one, true)).collect_view()}</ul>
            {(more > 0).then(|| view! { <p class="sm muted">{format!("And {more} more.")}</p> })}
        </details>
    }
    .into_any()
}

/// The schedules in a container's labels; nothing without any. Asked for once the page is there: it stands inside what is
/// drawn anew with the container, where a resource of its own would outlive its place.
#[component]
pub fn LabelsCard(id: ContainerId) -> impl IntoView {
    let live = Live::get();
    let turn = RwSignal::new(0_u32);
    let found = RwSignal::new(None::<Result<Page<LabelFinding>, String>>);
    Effect::new(move |_| {
        turn.track();
        live.gaps();
        spawn_local(async move {
            let answer = api::labels(Some(id), false, SHOWN).await;
            let _ = found.try_set(Some(answer.map_err(|error| error.0.message)));
        });
    });
    let again = crate::components::debounce::gathered(SETTLES, move || {
        let _ = turn.try_update(|turn| *turn += 1);
    });
    live.listen(move |event| {
        if matches!(
            event,
            Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. } | Event::HostChanged { .. }
        ) {
            again();
        }
    });
    move || {
        match found.get() {
        None => ().into_any(),
        Some(Ok(page)) if page.items.is_empty() => ().into_any(),
        Some(Ok(page)) => view! {
            <section class="card" aria-labelledby="labels">
                <div class="card-h"><h2 id="labels">"Schedules in its labels"</h2></div>
                <div class="card-b">
                    <ul class="label-list">{page.items.into_iter().map(|one| line(one, false)).collect_view()}</ul>
                </div>
            </section>
        }
        .into_any(),
        Some(Err(message)) => view! { <p class="sm muted">{message}</p> }.into_any(),
    }
    }
}

fn line(one: LabelFinding, with_place: bool) -> AnyView {
    let state = match one.state {
        LabelState::Accepted => State::new("success", "Accepted"),
        LabelState::NotAllowed => State::new("paused", "Not allowed"),
        LabelState::Wrong => State::new("failed", "Wrong"),
    };
    let place = with_place.then(|| {
        view! {
            <a class="strong" href=format!("/containers/{}", one.container_id)>{one.container.clone()}</a>
            <span class="muted">" on "{one.host.name.clone()}</span>
        }
    });
    let label = match one.schedule_id {
        Some(id) => view! { <a href=format!("/schedules/{id}")><code>{one.label}</code></a> }.into_any(),
        None => view! { <code>{one.label}</code> }.into_any(),
    };
    let allow = (one.state == LabelState::NotAllowed)
        .then(|| view! { " "<a class="link" href=format!("/hosts/{}", one.host.id)>"Open the host"</a> });
    view! {
        <li>
            <div class="row row-wrap spread"><span class="row row-wrap">{label}{place}</span><Status state /></div>
            {one.sentence.map(|text| view! { <p class="sm">{text}</p> })}
            {one.problem.map(|text| view! { <p class="sm muted">{text}{allow}</p> })}
        </li>
    }
    .into_any()
}
