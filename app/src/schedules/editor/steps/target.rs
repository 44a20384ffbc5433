//! On what a step works, and what that finds now.

use super::one::One;
use crate::{
    components::icon,
    schedules::editor::{
        fields::marked,
        inputs::{Bound, said},
        targets::Matches,
    },
};
use domain::actions::WorksOn;
use leptos::prelude::*;

#[component]
pub fn TargetField(one: One, matches: Matches) -> impl IntoView {
    let works_on = Memo::new(move |_| one.step.with(super::typed::StepForm::works_on));
    view! { {move || (works_on.get() != WorksOn::Nothing).then(|| field(one, matches, works_on.get() == WorksOn::Hosts))} }
}

fn field(one: One, matches: Matches, hosts: bool) -> AnyView {
    let bound = one.text("target", |step| &step.target, |step| &mut step.target);
    // What is found now is asked for one step at a time.
    let shown = move || one.editing.current() == Some(one.key);
    let wrong = move || matches.problem().filter(|_| shown());
    let saved = Bound {
        fault: Signal::derive(move || bound.fault.get().filter(|_| wrong().is_none())),
        ..bound
    };
    let example = move |text: &'static str, about: &'static str| {
        view! {
            <button class="chip" type="button" title=about on:click=move |_| bound.set.run(text.to_owned())>
                <code>{text}</code>
            </button>
        }
    };
    let examples = move || match hosts {
        true => view! {
            {example("host:local", "One host")}
            {example("stack:media", "Where something of a Compose project is")}
            {example("*", "Every host with a container")}
        }
        .into_any(),
        false => view! {
            {example("name:web", "By name, on every host")}
            {example("stack:media", "Everything of a Compose project")}
            {example("label:nightly", "Everything with a label")}
            {example("*", "Every container")}
        }
        .into_any(),
    };
    let id = one.id("target");
    let (said_id, fault_id) = (one.id("target-said"), one.id("target-fault"));
    view! {
        <div class="field">
            <label for=id.clone()>{if hosts { "Hosts" } else { "Containers" }}</label>
            <input
                class="input mono target-input"
                id=id
                autocomplete="off"
                spellcheck="false"
                autocapitalize="none"
                placeholder=if hosts { "host:local" } else { "host:local name:web" }
                aria-invalid=move || (wrong().is_some() || bound.fault.get().is_some()).then_some("true")
                aria-describedby=format!("{said_id} {fault_id}")
                value=bound.value.get_untracked()
                prop:value=move || bound.value.get()
                on:input=move |event| bound.set.run(event_target_value(&event))
            />
            <div id=said_id class="target-said" aria-live="polite">
                {move || match wrong() {
                    Some(problem) => {
                        let text = bound.value.get_untracked();
                        let place = problem.number("start").zip(problem.number("end")).map(|(start, end)| (start as usize, end as usize));
                        view! {
                            <span class="field-err">
                                {icon("circle-alert")}
                                <span>{marked(&text, place)}{problem.0.message.clone()}</span>
                            </span>
                        }
                        .into_any()
                    }
                    None if shown() => matches.sentence(hosts),
                    None => ().into_any(),
                }}
            </div>
            <div id=fault_id>{said(saved)}</div>
            <Show when=move || bound.value.with(|text| text.trim().is_empty())>
                <div class="row row-wrap ex" role="group" aria-label="Examples">
                    <span class="sm faint">"For example"</span>
                    {examples()}
                </div>
            </Show>
            {match hosts {
                true => view! {
                    <p class="hint">"Hosts by name, "<code>"host:nas,pi"</code>", or by what is on them. Chosen again at every run."</p>
                }
                .into_any(),
                false => view! {
                    <p class="hint">
                        "Different keys must all hold, several values of one key any: "<code>"host:nas name:web,db"</code>". A minus excludes: "
                        <code>"stack:media -name:plex"</code>". Chosen again at every run."
                    </p>
                }
                .into_any(),
            }}
        </div>
    }
    .into_any()
}
