//! The zone the times are meant in.

use super::{fields::fault_line, preview::Preview, state::Editing, wall};
use crate::components::time::Clock;
use leptos::prelude::*;

#[component]
pub fn ZoneField(editing: Editing, preview: Preview) -> impl IntoView {
    let clock = Clock::get();
    let zones = RwSignal::new(Vec::<String>::new());
    // Five hundred names are made when somebody is about to choose.
    let fill = move || {
        if zones.with_untracked(Vec::is_empty) {
            zones.set(wall::zones());
        }
    };
    let saved = editing.fault("timezone");
    let fault = Signal::derive(move || saved.get().or_else(|| preview.zone_fault()));
    let differs = move || {
        editing
            .form
            .with(|form| form.zone != clock.zone())
            .then(|| clock.zone())
    };
    let set = move |zone: String| {
        editing.zone_chosen.set(true);
        editing.change("timezone", |form| form.zone = zone);
    };
    view! {
        <div class="field zone-field">
            <div class="row">
                <label class="sm muted" for="zone">"Zone"</label>
                <input
                    class="input"
                    id="zone"
                    list="zones"
                    autocomplete="off"
                    spellcheck="false"
                    autocapitalize="none"
                    aria-invalid=move || fault.get().map(|_| "true")
                    aria-describedby="zone-fault"
                    value=editing.form.with_untracked(|form| form.zone.clone())
                    prop:value=move || editing.form.with(|form| form.zone.clone())
                    on:focus=move |_| fill()
                    on:input=move |event| set(event_target_value(&event))
                />
                <datalist id="zones">
                    {move || zones.get().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view()}
                </datalist>
            </div>
            {fault_line("zone-fault", fault)}
            <Show when=move || fault.with(Option::is_none) && differs().is_some()>
                <button class="link sm" type="button" on:click=move |_| set(clock.zone())>
                    {move || format!("Use mine, {}", clock.zone())}
                </button>
            </Show>
        </div>
    }
}
