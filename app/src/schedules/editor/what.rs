//! What is done, and to which containers.

use super::{
    fields::{fault_line, marked},
    state::Editing,
    targets::Matches,
};
use crate::{
    components::icon,
    schedules::words::{action_icon, action_words},
};
use domain::schedules::Step;
use leptos::prelude::*;

const VERBS: [(&str, &str); 5] = [
    ("restart", "Restart"),
    ("stop", "Stop"),
    ("start", "Start"),
    ("pause", "Pause"),
    ("unpause", "Unpause"),
];

#[component]
pub fn What(editing: Editing) -> impl IntoView {
    let verb = Memo::new(move |_| editing.form.with(|form| form.verb.clone()));
    // Other actions come from the API, and stay.
    let idle = editing.form.with_untracked(|form| {
        let action = &form.kept.action;
        let is_other = form.verb == action.verb() && VERBS.iter().all(|(verb, _)| *verb != form.verb);
        is_other.then(|| (action.verb(), action.label()))
    });
    let choice = move |(value, name): (&'static str, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name="verb"
                    checked=verb.with_untracked(|verb| verb == value)
                    prop:checked=move || verb.with(|verb| verb == value)
                    on:change=move |_| editing.change("steps.0.action", |form| form.verb = value.to_owned())
                />
                {icon(action_icon(value))}
                {name}
            </label>
        }
    };
    let grace = editing.fault("steps.0.action");
    view! {
        <fieldset class="field">
            <legend class="vh">"Action"</legend>
            <div class="seg verbs">{VERBS.into_iter().chain(idle).map(choice).collect_view()}</div>
        </fieldset>
        <Show when=move || editing.form.with(super::form::Form::has_grace)>
            <div class="field grace">
                <label for="grace">"Time to stop"</label>
                <div class="row row-wrap">
                    <input
                        class="input"
                        id="grace"
                        autocomplete="off"
                        spellcheck="false"
                        autocapitalize="none"
                        placeholder="10s"
                        aria-invalid=move || grace.get().map(|_| "true")
                        aria-describedby="grace-hint grace-fault"
                        value=editing.form.with_untracked(|form| form.grace.clone())
                        prop:value=move || editing.form.with(|form| form.grace.clone())
                        on:input=move |event| {
                            let value = event_target_value(&event);
                            editing.change("steps.0.action", |form| form.grace = value);
                        }
                    />
                    <span class="hint" id="grace-hint">"Then the engine kills it. Empty: the container's own setting, else 10 s."</span>
                </div>
                {fault_line("grace-fault", grace)}
            </div>
        </Show>
        <Rest editing />
    }
}

/// Further steps, which this form keeps as they are.
#[component]
fn Rest(editing: Editing) -> impl IntoView {
    let step = |(number, step): (usize, Step)| {
        view! {
            <li class="step">
                <span class="grip" aria-hidden="true">{number}</span>
                <span class="ico">{icon(action_icon(step.action.verb()))}</span>
                <span>
                    <span class="strong">{step.title()}</span>
                    <br />
                    <span class="d">
                        {step.name.is_some().then(|| format!("{}, ", action_words(&step.action)))}
                        <code>{step.target}</code>
                    </span>
                </span>
            </li>
        }
    };
    view! {
        {move || {
            let rest = editing.form.with(|form| form.rest.clone());
            (!rest.is_empty()).then(|| view! {
                <h3>"Then"</h3>
                <ol class="chain" aria-label="Further steps">{(2..).zip(rest).map(step).collect_view()}</ol>
                <p class="hint">"Further steps were made through the API. They are kept as they are and change there."</p>
            })
        }}
    }
}

#[component]
pub fn Targets(editing: Editing, matches: Matches) -> impl IntoView {
    let saved = editing.fault("steps.0.target");
    let wrong = move || matches.problem();
    let example = move |text: &'static str, about: &'static str| {
        view! {
            <button class="chip" type="button" title=about on:click=move |_| editing.change("steps.0.target", |form| form.target = text.to_owned())>
                <code>{text}</code>
            </button>
        }
    };
    view! {
        <div class="field">
            <label for="target">"Containers"</label>
            <input
                class="input mono target-input"
                id="target"
                autocomplete="off"
                spellcheck="false"
                autocapitalize="none"
                placeholder="host:local name:web"
                aria-invalid=move || (wrong().is_some() || saved.get().is_some()).then_some("true")
                aria-describedby="target-said target-fault"
                value=editing.form.with_untracked(|form| form.target.clone())
                prop:value=move || editing.form.with(|form| form.target.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    editing.change("steps.0.target", |form| form.target = value);
                }
            />
            <div id="target-said" aria-live="polite">
                {move || match wrong() {
                    Some(problem) => {
                        let text = editing.form.with_untracked(|form| form.target.clone());
                        let place = problem.number("start").zip(problem.number("end")).map(|(start, end)| (start as usize, end as usize));
                        view! {
                            <span class="field-err">
                                {icon("circle-alert")}
                                <span>{marked(&text, place)}{problem.0.message.clone()}</span>
                            </span>
                        }
                        .into_any()
                    }
                    None => matches.sentence(),
                }}
            </div>
            <Show when=move || wrong().is_none()>{fault_line("target-fault", saved)}</Show>
            <Show when=move || editing.form.with(|form| form.target.trim().is_empty())>
                <div class="row row-wrap ex" role="group" aria-label="Examples">
                    <span class="sm faint">"For example"</span>
                    {example("name:web", "By name, on every host")}
                    {example("stack:media", "Everything of a Compose project")}
                    {example("label:nightly", "Everything with a label")}
                    {example("*", "Every container")}
                </div>
            </Show>
            <p class="hint">
                "Different keys must all hold, several values of one key any: "<code>"host:nas name:web,db"</code>". A minus excludes: "<code>"stack:media -name:plex"</code>"."
            </p>
        </div>
    }
}
