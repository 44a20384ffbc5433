//! The list. Ten thousand rows are two gaps and a hundred rows between them.

use super::{
    empty::NothingHere,
    keys,
    place::Place,
    reading::{Reading, STEP},
    row::Row,
};
use crate::components::{icon_as, time::machine_now};
use domain::{containers::ContainerSort, ids::ContainerId};
use leptos::{ev, html, prelude::*};

/// The height of a row in CSS pixels where it cannot be measured; see `fleet.css`.
const HEIGHT: f64 = 52.0;

#[component]
pub fn Table(place: Place, reading: Reading) -> impl IntoView {
    let body = NodeRef::<html::Tbody>::new();
    let height = RwSignal::new(HEIGHT);
    follow_scrolling(body, height, reading);
    keys::listen(body, reading);

    let total = Memo::new(move |_| {
        reading
            .with_part(|part| part.page.total as u32)
            .unwrap_or_default()
    });
    let above = move || reading.with_part(|part| part.offset).unwrap_or_default();
    let below = move || {
        reading
            .with_part(|part| {
                (part.page.total as u32).saturating_sub(part.offset + part.page.items.len() as u32)
            })
            .unwrap_or_default()
    };
    let rows = move || {
        reading
            .with_part(|part| part.page.items.clone())
            .unwrap_or_default()
    };
    let gap = move |count: u32| {
        (count > 0).then(|| {
            let pixels = f64::from(count) * height.get();
            view! { <tr class="gap" aria-hidden="true" style=format!("height:{pixels}px")><td colspan="7"></td></tr> }
        })
    };
    let moved = move |_: ev::PointerEvent| reading.pointer.set_value(Some(machine_now()));
    let left = move |_: ev::PointerEvent| reading.pointer.set_value(None);
    view! {
        <Show when=move || { total.get() > 0 } fallback=move || view! { <NothingHere place reading /> }>
            <div class="tbl-wrap fleet" on:pointermove=moved on:pointerleave=left>
                <table class="tbl" role="table" aria-label="Containers" aria-rowcount=move || total.get() + 1>
                    <thead>
                        <tr role="row" aria-rowindex="1">
                            <th class="c-sel" scope="col"><SelectAll reading /></th>
                            <Column place class="c-name" sort=ContainerSort::Name name="Name" />
                            <Column place class="c-host" sort=ContainerSort::Host name="Host" />
                            <Column place class="c-state" sort=ContainerSort::State name="State" />
                            <th class="c-p" scope="col">"Ports"</th>
                            <Column place class="c-n" sort=ContainerSort::NextRun name="Next run" />
                            <th class="c-a" scope="col"><span class="vh">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody node_ref=body>
                        {move || gap(above())}
                        <For
                            each=rows
                            key=|container| container.id
                            children=move |container| view! { <Row reading container /> }
                        />
                        {move || gap(below())}
                    </tbody>
                </table>
            </div>
        </Show>
    }
}

/// A heading that sorts.
#[component]
fn Column(place: Place, class: &'static str, sort: ContainerSort, name: &'static str) -> impl IntoView {
    let order = Memo::new(move |_| {
        let shown = place.get();
        (shown.sort == sort).then_some(if shown.descending {
            "descending"
        } else {
            "ascending"
        })
    });
    let arrow = move || {
        order.get().map(|order| {
            let class = if order == "descending" {
                "i i-sm down"
            } else {
                "i i-sm"
            };
            icon_as("arrow-up", class)
        })
    };
    view! {
        <th class=class scope="col" aria-sort=move || order.get()>
            <button type="button" on:click=move |_| place.sort(sort)>
                {name}
                {arrow}
            </button>
        </th>
    }
}

/// Selects what is shown, or nothing.
#[component]
fn SelectAll(reading: Reading) -> impl IntoView {
    let ids = Memo::new(move |_| -> Vec<ContainerId> {
        reading
            .with_part(|part| part.page.items.iter().map(|container| container.id).collect())
            .unwrap_or_default()
    });
    let count = move || reading.selected.with(|selected| selected.len());
    let all = Memo::new(move |_| {
        ids.with(|ids| {
            !ids.is_empty()
                && reading
                    .selected
                    .with(|selected| ids.iter().all(|id| selected.contains(id)))
        })
    });
    let change = move |_| {
        let everything = all.get_untracked();
        reading.selected.update(|selected| {
            selected.clear();
            if !everything {
                selected.extend(ids.get_untracked());
            }
        });
    };
    view! {
        <input
            type="checkbox"
            class="check"
            aria-label="Select all that are shown"
            prop:checked=move || all.get()
            prop:indeterminate={move || count() > 0 && !all.get()}
            on:change=change
        />
    }
}

/// Moves the part of the list that is read along with the window.
fn follow_scrolling(body: NodeRef<html::Tbody>, height: RwSignal<f64>, reading: Reading) {
    if cfg!(feature = "ssr") {
        return;
    }
    let look = move || {
        let Some(body) = body.try_get_untracked().flatten() else {
            return;
        };
        if let Ok(Some(row)) = body.query_selector("tr.line") {
            let measured = row.get_bounding_client_rect().height();
            if measured > 1.0 && (measured - height.get_untracked()).abs() > 0.5 {
                height.set(measured);
            }
        }
        let hidden = (-body.get_bounding_client_rect().top()).max(0.0);
        let first = (hidden / height.get_untracked()) as u32;
        let offset = (first / STEP).saturating_sub(1) * STEP;
        if reading.offset.get_untracked() != offset {
            reading.offset.set(offset);
        }
    };
    let waiting = StoredValue::new(false);
    let soon = move || {
        if waiting.try_get_value() != Some(false) {
            return;
        }
        waiting.set_value(true);
        request_animation_frame(move || {
            if waiting.try_set_value(false).is_none() {
                look();
            }
        });
    };
    Effect::new(move |_| {
        if body.get().is_some() {
            soon();
        }
    });
    let scroll = window_event_listener(ev::scroll, move |_| soon());
    let resize = window_event_listener(ev::resize, move |_| soon());
    on_cleanup(move || {
        scroll.remove();
        resize.remove();
    });
}
