//! The triggers: one card of choices each.

use super::{
    calls,
    cron_field::CronField,
    fields::fault_line,
    preview::Preview,
    state::Editing,
    when::{Kind, MILLIS, UNITS, When},
};
use crate::components::icon;
use domain::{schedules::MAX_TRIGGERS, triggers::MAX_DATES};
use leptos::prelude::*;

const DAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];

/// One trigger of the form, found by its key.
#[derive(Clone, Copy)]
pub struct One {
    pub editing: Editing,
    pub key: u32,
    /// The trigger as it was last; stays while the row is on its way out.
    pub when: Memo<When>,
}

impl One {
    fn new(editing: Editing, key: u32) -> Self {
        let find = move |form: &super::form::Form| form.whens.iter().find(|when| when.key == key).cloned();
        let when = Memo::new(move |old: Option<&When>| {
            editing
                .form
                .with(find)
                .or_else(|| old.cloned())
                .unwrap_or_else(|| When::new(key, Kind::Daily))
        });
        Self { editing, key, when }
    }

    pub fn change(self, change: impl FnOnce(&mut When)) {
        let key = self.key;
        self.editing.change("triggers", |form| {
            if let Some(when) = form.whens.iter_mut().find(|when| when.key == key) {
                change(when);
            }
        });
    }

    /// What the last attempt to save said about this trigger.
    pub fn fault(self) -> Signal<Option<String>> {
        let Self { editing, key, .. } = self;
        Signal::derive(move || {
            let index = editing
                .form
                .with(|form| form.whens.iter().position(|when| when.key == key))?;
            let prefix = format!("triggers.{index}");
            let about = |field: &str| {
                field
                    .strip_prefix(&prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                    || (index == 0 && field == "triggers")
            };
            editing.faults.with(|faults| {
                faults
                    .iter()
                    .find(|fault| about(&fault.field))
                    .map(|fault| fault.message.clone())
            })
        })
    }
}

#[component]
pub fn Triggers(editing: Editing, preview: Preview) -> impl IntoView {
    let keys = move || {
        editing
            .form
            .with(|form| form.whens.iter().map(|when| when.key).collect::<Vec<_>>())
    };
    let none = Memo::new(move |_| editing.form.with(|form| form.whens.is_empty()));
    let full = move || editing.form.with(|form| form.whens.len() >= MAX_TRIGGERS);
    let add = move |_| {
        editing.change("triggers", |form| {
            let key = form.next_key();
            form.whens.push(When::new(key, Kind::Daily));
        });
    };
    view! {
        <For each=keys key=|key| *key children=move |key| view! { <TriggerField one=One::new(editing, key) /> } />
        <Show when=move || none.get()>
            <p class="muted">"It runs only when somebody or something asks for it: by hand, by the API, or as a step of another schedule."</p>
        </Show>
        <div class="row row-wrap spread">
            <button class="btn btn-sm" type="button" disabled=full on:click=add>{icon("plus")}{move || if none.get() { "Add a time" } else { "Add another time" }}</button>
            <ClockChanges preview />
        </div>
    }
}

/// What the next clock changes do to the times, or that they do nothing.
#[component]
fn ClockChanges(preview: Preview) -> impl IntoView {
    view! {
        <div class="clock-changes">
            {move || {
                let changes = preview.answer.with(|answer| match answer {
                    Some(Ok(preview)) => preview.clock_changes.clone(),
                    _ => Vec::new(),
                });
                changes.into_iter().map(|text| view! { <p class="hint">{icon("moon-star")}<span>{text}</span></p> }).collect_view()
            }}
        </div>
    }
}

#[component]
fn TriggerField(one: One) -> impl IntoView {
    let key = one.key;
    let kind = Memo::new(move |_| one.when.with(|when| when.kind));
    let choice = move |(value, name): (Kind, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name=format!("kind-{key}")
                    checked=kind.get_untracked() == value
                    prop:checked=move || kind.get() == value
                    on:change=move |_| one.change(|when| when.turn(value))
                />
                {name}
            </label>
        }
    };
    let remove = move |_| {
        one.editing
            .change("triggers", |form| form.whens.retain(|when| when.key != key))
    };
    let fault = one.fault();
    let body = move || match kind.get() {
        Kind::Daily | Kind::Weekdays => view! { <TimeField one /> }.into_any(),
        Kind::Weekly => view! { <Days one /> <TimeField one /> }.into_any(),
        Kind::Interval => interval(one),
        Kind::Once => once(one),
        Kind::Dates => dates(one),
        Kind::Cron => view! { <CronField one /> }.into_any(),
        Kind::Webhook => calls::webhook(one),
        Kind::Event => calls::event(one),
        Kind::Outcome => calls::outcome(one),
    };
    view! {
        <fieldset class="trig">
            <legend class="vh">"Time"</legend>
            <div class="row spread">
                <div class="row row-wrap">
                    <div class="seg kinds" role="group" aria-label="How often">{Kind::TIMES.map(choice)}</div>
                    <div class="seg kinds" role="group" aria-label="Or when">{Kind::CALLS.map(choice)}</div>
                </div>
                <button class="icon-btn icon-btn-sm" type="button" aria-label="Remove this time" data-tip="Remove" on:click=remove>
                    {icon("x")}
                </button>
            </div>
            <div class="row row-wrap trig-body">{body}</div>
            // Cron says what is wrong while one types.
            <Show when=move || kind.get() != Kind::Cron>{fault_line(format!("when-{key}-fault"), fault)}</Show>
        </fieldset>
    }
}

#[component]
fn TimeField(one: One) -> impl IntoView {
    let id = format!("time-{}", one.key);
    view! {
        <div class="field inline">
            <label for=id.clone()>"at"</label>
            <input
                class="input time-input"
                type="time"
                id=id
                required
                aria-label="Time of day"
                value=one.when.with_untracked(|when| when.time.clone())
                prop:value=move || one.when.with(|when| when.time.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.time = value);
                }
            />
        </div>
    }
}

#[component]
fn Days(one: One) -> impl IntoView {
    let day = move |(index, (short, long)): (usize, (&'static str, &'static str))| {
        // The week begins on Monday, cron's with Sunday.
        let day = (index + 1) % 7;
        let on = move || one.when.with(|when| when.days[day]);
        view! {
            <button
                class="chip day"
                type="button"
                aria-pressed=move || on().to_string()
                aria-label=long
                on:click=move |_| one.change(|when| when.days[day] = !when.days[day])
            >
                {short}
            </button>
        }
    };
    view! { <div class="row row-wrap days" role="group" aria-label="Days of the week">{DAYS.into_iter().enumerate().map(day).collect_view()}</div> }
}

fn interval(one: One) -> AnyView {
    let anchor_id = format!("anchor-{}", one.key);
    let unit = move || one.when.with(|when| when.unit);
    let option = move |(value, name): (&'static str, &'static str)| {
        view! { <option value=value selected=move || unit() == value>{name}</option> }
    };
    let units = UNITS
        .into_iter()
        .filter(|(value, _)| *value != MILLIS || one.when.with_untracked(|when| when.unit == MILLIS));
    view! {
        <div class="field inline">
            <span class="lbl" aria-hidden="true">"every"</span>
            <input
                class="input number-input"
                inputmode="numeric"
                aria-label="Every, number"
                autocomplete="off"
                value=one.when.with_untracked(|when| when.every.clone())
                prop:value=move || one.when.with(|when| when.every.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.every = value);
                }
            />
            <select
                class="select"
                aria-label="Every, unit"
                on:change=move |event| {
                    let value = event_target_value(&event);
                    if let Some((unit, _)) = UNITS.iter().find(|(unit, _)| *unit == value) {
                        one.change(|when| when.unit = unit);
                    }
                }
            >
                {units.map(option).collect_view()}
            </select>
        </div>
        <div class="field inline">
            <label for=anchor_id.clone()>"counted from"</label>
            <input
                class="input at-input"
                type="datetime-local"
                id=anchor_id
                value=one.when.with_untracked(|when| when.anchor.clone())
                prop:value=move || one.when.with(|when| when.anchor.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.anchor = value);
                }
            />
        </div>
        <span class="hint">"Counted in elapsed time, whatever the clock does; from saving on where it is empty."</span>
    }
    .into_any()
}

fn once(one: One) -> AnyView {
    let id = format!("at-{}", one.key);
    view! {
        <div class="field inline">
            <label for=id.clone()>"on"</label>
            <input
                class="input at-input"
                type="datetime-local"
                id=id
                required
                aria-label="Date and time"
                value=one.when.with_untracked(|when| when.at.clone())
                prop:value=move || one.when.with(|when| when.at.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    one.change(|when| when.at = value);
                }
            />
        </div>
        <span class="hint">"As the clock in the schedule's zone shows it."</span>
    }
    .into_any()
}

fn dates(one: One) -> AnyView {
    let count = Memo::new(move |_| one.when.with(|when| when.dates.len()));
    let (several, full) = (
        Memo::new(move |_| count.get() > 1),
        Memo::new(move |_| count.get() >= MAX_DATES),
    );
    let field = move |index: usize| {
        let value = move || {
            one.when
                .with(|when| when.dates.get(index).cloned().unwrap_or_default())
        };
        let id = format!("date-{}-{index}", one.key);
        view! {
            <div class="field inline">
                <label for=id.clone()>{if index == 0 { "on" } else { "and" }}</label>
                <input
                    class="input at-input"
                    type="datetime-local"
                    id=id
                    required
                    aria-label=format!("Date {}", index + 1)
                    value=untrack(value)
                    prop:value=value
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        one.change(|when| if let Some(date) = when.dates.get_mut(index) { *date = value });
                    }
                />
                <Show when=move || several.get()>
                    <button
                        class="icon-btn icon-btn-sm"
                        type="button"
                        aria-label=format!("Remove date {}", index + 1)
                        on:click=move |_| one.change(|when| if index < when.dates.len() { when.dates.remove(index); })
                    >
                        {icon("x")}
                    </button>
                </Show>
            </div>
        }
    };
    view! {
        {move || (0..count.get()).map(field).collect_view()}
        <button
            class="btn btn-sm"
            type="button"
            disabled=move || full.get()
            on:click=move |_| one.change(|when| when.dates.push(when.dates.last().cloned().unwrap_or_default()))
        >
            {icon("plus")}
            "Add a date"
        </button>
        <span class="hint">"As the clock in the schedule's zone shows it."</span>
    }
    .into_any()
}
