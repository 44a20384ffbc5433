//! The fields of triggers that are no times.

use super::{Codes, renew};
use crate::{
    auth::lacks,
    codec::resource,
    components::{icon, toast::Toasts},
    schedules::{api, editor::trigger::One},
};
use domain::{
    auth::Permission,
    containers::Health,
    schedules::{Schedule, Trigger},
    triggers::{Happening, Outcome},
};
use leptos::prelude::*;

/// As many schedules can be chosen from.
const MOST: u32 = 500;

pub fn webhook(one: One) -> AnyView {
    let signed = move || one.when.with(|when| when.calls.signed);
    let (id, toasts) = (format!("signed-{}", one.key), Toasts::get());
    let lacks = lacks(Permission::SchedulesManage);
    // Renewing is for an address that was made already.
    let is_made = Memo::new(move |_| {
        one.editing.schedule.with(|schedule| {
            let is_hook = |trigger: &Trigger| matches!(trigger, Trigger::Webhook { .. });
            schedule
                .as_ref()
                .is_some_and(|schedule: &Schedule| schedule.triggers.iter().any(is_hook))
        })
    });
    let hint = move || {
        if is_made.get() {
            "Its secret address was shown when it was made. A new one ends the old one."
        } else {
            "Its secret address is made when you save, and shown this once."
        }
    };
    view! {
        <label class="row">
            <input
                class="check"
                type="checkbox"
                id=id
                checked=untrack(signed)
                prop:checked=signed
                on:change=move |event| {
                    let on = event_target_checked(&event);
                    one.change(|when| when.calls.signed = on);
                }
            />
            "Only calls with a signature (HMAC-SHA-256, as GitHub sends it)"
        </label>
        <Show when=move || is_made.get()>
            <button
                class="btn btn-sm"
                type="button"
                disabled=move || lacks.get().is_some()
                title=move || lacks.get()
                on:click=move |_| renew(one.editing, toasts)
            >
                {icon("refresh-cw")}
                "New address"
            </button>
        </Show>
        <span class="hint">{hint}" What is sent to it can be used in steps: "<code>"{{ trigger.payload.… }}"</code></span>
    }
    .into_any()
}

const HAPPENINGS: [(Happening, &str); 5] = [
    (Happening::Die, "Exits"),
    (Happening::Oom, "Out of memory"),
    (Happening::HealthStatus, "Health"),
    (Happening::Start, "Starts"),
    (Happening::Stop, "Is stopped"),
];

pub fn event(one: One) -> AnyView {
    let happening = move |(what, name): (Happening, &'static str)| {
        let on = move || one.when.with(|when| when.calls.on.contains(&what));
        let turn = move |_| {
            one.change(|when| {
                let on = &mut when.calls.on;
                if on.contains(&what) {
                    on.retain(|other| *other != what);
                } else {
                    on.push(what);
                    on.sort_unstable();
                }
            });
        };
        view! {
            <button class="chip" type="button" aria-pressed=move || on().to_string() on:click=turn>{name}</button>
        }
    };
    let (target, gather) = (format!("event-target-{}", one.key), format!("gather-{}", one.key));
    view! {
        <div class="row row-wrap" role="group" aria-label="What happens">{HAPPENINGS.map(happening)}</div>
        <div class="field inline">
            <label for=target.clone()>"to"</label>
            <input
                class="input mono"
                id=target
                required
                aria-label="Containers"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                placeholder="name:web"
                value=one.when.with_untracked(|when| when.calls.target.clone())
                prop:value=move || one.when.with(|when| when.calls.target.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.calls.target = value);
                }
            />
        </div>
        {move || one.when.with(|when| when.calls.on.contains(&Happening::Die)).then(|| codes(one))}
        {move || one.when.with(|when| when.calls.on.contains(&Happening::HealthStatus)).then(|| health(one))}
        <div class="field inline">
            <label for=gather.clone()>"gathered for"</label>
            <input
                class="input number-input"
                id=gather
                aria-label="Gathered for"
                autocomplete="off"
                value=one.when.with_untracked(|when| when.calls.debounce.clone())
                prop:value=move || one.when.with(|when| when.calls.debounce.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.calls.debounce = value);
                }
            />
        </div>
        <span class="hint">"What happens within that time is one run. What its own run does to its containers starts none."</span>
    }
    .into_any()
}

fn codes(one: One) -> AnyView {
    let codes = Memo::new(move |_| one.when.with(|when| when.calls.codes));
    let option = move |(value, word, name): (Codes, &'static str, &'static str)| {
        view! { <option value=word selected=move || codes.get() == value>{name}</option> }
    };
    const ALL: [(Codes, &str, &str); 3] = [
        (Codes::Any, "any", "with any exit code"),
        (Codes::Nonzero, "nonzero", "with an error"),
        (Codes::These, "these", "with these codes"),
    ];
    view! {
        <select
            class="select"
            aria-label="Exit codes"
            on:change=move |event| {
                let value = event_target_value(&event);
                if let Some((codes, ..)) = ALL.iter().find(|(_, word, _)| *word == value) {
                    one.change(|when| when.calls.codes = *codes);
                }
            }
        >
            {ALL.map(option)}
        </select>
        <Show when=move || codes.get() == Codes::These>
            <input
                class="input number-input"
                aria-label="These exit codes"
                placeholder="1, 137"
                autocomplete="off"
                prop:value=move || one.when.with(|when| when.calls.code_list.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.calls.code_list = value);
                }
            />
        </Show>
    }
    .into_any()
}

fn health(one: One) -> AnyView {
    let health = move || one.when.with(|when| when.calls.health);
    let option = move |(value, word, name): (Option<Health>, &'static str, &'static str)| {
        view! { <option value=word selected=move || health() == value>{name}</option> }
    };
    const ALL: [(Option<Health>, &str, &str); 4] = [
        (None, "any", "becomes anything else"),
        (Some(Health::Unhealthy), "unhealthy", "becomes unhealthy"),
        (Some(Health::Healthy), "healthy", "becomes healthy"),
        (Some(Health::Starting), "starting", "begins its checks"),
    ];
    view! {
        <select
            class="select"
            aria-label="Health"
            on:change=move |event| {
                let value = event_target_value(&event);
                if let Some((health, ..)) = ALL.iter().find(|(_, word, _)| *word == value) {
                    one.change(|when| when.calls.health = *health);
                }
            }
        >
            {ALL.map(option)}
        </select>
    }
    .into_any()
}

pub fn outcome(one: One) -> AnyView {
    let own = one.editing.id();
    let schedules = resource(|| (), |()| api::list(String::new(), false, MOST, None));
    let found = RwSignal::new(Vec::<Schedule>::new());
    Effect::new(move |_| {
        if let Some(Ok(page)) = schedules.get() {
            found.set(page.items);
        }
    });
    let chosen = move || one.when.with(|when| when.calls.schedule.clone());
    let options = move || {
        let mut known: Vec<(String, String)> = found.with(|found| {
            let others = found.iter().filter(|schedule| Some(schedule.id) != own);
            others
                .map(|schedule| (schedule.id.to_string(), schedule.name.clone()))
                .collect()
        });
        let chosen = chosen();
        if !chosen.is_empty() && known.iter().all(|(id, _)| *id != chosen) {
            // Further down the list than is read, or not read yet.
            known.push((chosen.clone(), "The chosen one".to_owned()));
        }
        known
            .into_iter()
            .map(|(id, name)| {
                let selected = id == chosen;
                view! { <option value=id selected=selected>{name}</option> }
            })
            .collect_view()
    };
    let of = move |value: Outcome| {
        let name = match value {
            Outcome::Success => "succeeded",
            Outcome::Failure => "failed",
            Outcome::Any => "ended",
        };
        view! { <option value=value.as_str() selected=move || one.when.with(|when| when.calls.of == value)>{name}</option> }
    };
    let id = format!("followed-{}", one.key);
    view! {
        <div class="field inline">
            <label for=id.clone()>"after"</label>
            <select
                class="select wide"
                id=id
                aria-label="Schedule"
                on:change=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.calls.schedule = value);
                }
            >
                <option value="" selected=move || chosen().is_empty()>"Choose a schedule"</option>
                {options}
            </select>
            <select
                class="select"
                aria-label="Outcome"
                on:change=move |event| {
                    let value = event_target_value(&event);
                    if let Some(of) = Outcome::ALL.into_iter().find(|of| of.as_str() == value) {
                        one.change(|when| when.calls.of = of);
                    }
                }
            >
                {Outcome::ALL.map(of)}
            </select>
        </div>
        <span class="hint">"Whoever started that run: its triggers, a person, or another schedule."</span>
    }
    .into_any()
}
