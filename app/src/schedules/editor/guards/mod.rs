//! The guards: when not to run, and what to do if it goes wrong. Folded, since most schedules want none.

mod conditions;
mod rules;
mod typed;
mod words;

pub use typed::GuardsForm;
pub use words::summary;

use super::{fields::is_open, state::Editing};
use crate::components::icon;
use leptos::prelude::*;
use rules::Rules;
use words::Guard;

#[component]
pub fn GuardsCard(editing: Editing) -> impl IntoView {
    let form = move |get: &dyn Fn(&GuardsForm) -> bool| editing.form.with(|form| get(&form.guards));
    let unusual = move || form(&|guards| Guard::ALL.into_iter().any(|guard| !guard.is_usual(guards)));
    let opened = RwSignal::new(false);
    open_on_fault(editing, &Guard::ALL, opened);
    view! {
        <section class="card sec guards" aria-labelledby="sec-guards">
            <details prop:open=move || opened.get() on:toggle=move |event| opened.set(is_open(&event))>
                <summary class="card-h">
                    <span class="num-i">{icon("shield-check")}</span>
                    <h2 id="sec-guards">"Guards"</h2>
                    <span class="muted sm guards-said">
                        {move || match unusual() {
                            true => editing.form.with(|form| summary(&form.guards)),
                            false => "One run at a time, nothing repeated, nothing caught up".to_owned(),
                        }}
                    </span>
                    <span class="end chevron">{icon("chevron-down")}</span>
                </summary>
                <Show when=move || opened.get()>
                    <div class="rules">{Guard::ALL.map(|guard| view! { <Rule editing guard /> }).collect_view()}</div>
                </Show>
            </details>
        </section>
    }
}

/// Opens what holds a field with a fault.
fn open_on_fault(editing: Editing, guards: &[Guard], opened: RwSignal<bool>) {
    let fields: Vec<&'static str> = guards
        .iter()
        .flat_map(|guard| guard.fields().iter().copied())
        .collect();
    Effect::new(move |_| {
        if fields.iter().any(|field| editing.fault_at(field).is_some()) {
            opened.set(true);
        }
    });
}

/// One guard: what it says now, and behind it its fields. Open from the beginning where it differs from most.
#[component]
fn Rule(editing: Editing, guard: Guard) -> impl IntoView {
    let unusual = editing.form.with_untracked(|form| !guard.is_usual(&form.guards));
    let opened = RwSignal::new(unusual);
    open_on_fault(editing, &[guard], opened);
    view! {
        <details class="rule" prop:open=move || opened.get() on:toggle=move |event| opened.set(is_open(&event))>
            <summary>
                <span class="strong">{guard.title()}</span>
                <span class="muted rule-said">{move || editing.form.with(|form| guard.words(&form.guards))}</span>
                {icon("chevron-down")}
            </summary>
            <Show when=move || opened.get()>
                <div class="stack rule-body">
                    <p class="hint">{guard.about()}</p>
                    {Rules { editing }.fields(guard)}
                </div>
            </Show>
        </details>
    }
}
