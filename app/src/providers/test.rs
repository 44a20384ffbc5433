//! Trying a provider out, as it is typed.

use super::{api, state::Form};
use crate::components::{State, icon};
use domain::providers::ProbeStep;
use leptos::{prelude::*, task::spawn_local};

fn run(form: Form) {
    if form.testing.get_untracked() {
        return;
    }
    form.testing.set(true);
    form.fault.set(None);
    form.report.set(None);
    spawn_local(async move {
        let answer = api::test(form.draft(), form.id()).await;
        if form.testing.try_set(false).is_some() {
            return;
        }
        match answer {
            Ok(report) => form.report.set(Some(report)),
            Err(error) => form.refused(error),
        }
    });
}

#[component]
pub fn ProviderTest(form: Form) -> impl IntoView {
    view! {
        <div class="row between">
            <h3>"Test"</h3>
            <button
                class="btn btn-sm"
                type="button"
                aria-busy=move || form.testing.get().to_string()
                disabled=move || form.testing.get()
                on:click=move |_| run(form)
            >
                {icon("refresh-cw")}
                {move || if form.report.with(Option::is_some) { "Test again" } else { "Test" }}
            </button>
        </div>
        <div role="status" aria-label="Test result">
            {move || match form.report.get() {
                Some(report) => {
                    view! { <ul class="tst">{report.steps.into_iter().map(line).collect_view()}</ul> }.into_any()
                }
                None => view! { <p class="hint">"Reads what the provider says of itself and its keys. Nobody is signed in by it."</p> }.into_any(),
            }}
        </div>
    }
}

pub(super) fn line(step: ProbeStep) -> impl IntoView {
    let (look, word) = if step.ok {
        ("success", "Passed")
    } else {
        ("failed", "Failed")
    };
    view! {
        <li data-state=look>
            {State::new(look, word).plain()}
            <div class="stack"><span>{step.message}</span></div>
            <small>{step.name}</small>
        </li>
    }
}
