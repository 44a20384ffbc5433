//! Choosing what a step does.

use super::{
    actions::{GROUPS, about, fields, label},
    one::One,
};
use crate::{components::Icon, schedules::words::action_icon};
use leptos::prelude::*;

#[component]
pub fn Action(one: One) -> impl IntoView {
    let verb = Memo::new(move |_| one.step.with(|step| step.action.verb));
    let id = one.id("action");
    let about_id = one.id("action-about");
    let option = move |value: &'static str| {
        view! {
            <option value=value selected=verb.get_untracked() == value prop:selected=move || verb.get() == value>{label(value)}</option>
        }
    };
    let group = move |(name, verbs): (&'static str, &'static [&'static str])| {
        view! { <optgroup label=name>{verbs.iter().map(|verb| option(verb)).collect_view()}</optgroup> }
    };
    view! {
        <div class="field">
            <label for=id.clone()>"Action"</label>
            <div class="pick">
                <Icon name=Signal::derive(move || action_icon(verb.get())) />
                <select
                    class="select"
                    id=id
                    aria-describedby=about_id.clone()
                    on:change=move |event| {
                        let value = event_target_value(&event);
                        let known = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter()).find(|verb| **verb == value);
                        if let Some(verb) = known {
                            one.change("action", |step| step.action.verb = verb);
                        }
                    }
                >
                    {GROUPS.into_iter().map(group).collect_view()}
                </select>
            </div>
            <span class="hint" id=about_id>{move || about(verb.get())}</span>
        </div>
        {move || fields(one, verb.get())}
    }
}
