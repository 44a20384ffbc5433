//! The connection test: each step as it is done, with what to do about a failed one.

use super::{super::api, state::Form};
use crate::components::{State, icon};
use domain::hosts::{TestState, TestStep};
use futures::StreamExt;
use leptos::{prelude::*, task::spawn_local};

/// A host key stands in the way and waits for a person.
pub fn waits_for_key(form: Form) -> bool {
    let accepted = form.accepted.get();
    form.steps.with(|steps| {
        steps
            .iter()
            .any(|step| step.fingerprint.is_some() && step.fingerprint != accepted && is_about_key(step))
    })
}

fn is_about_key(step: &TestStep) -> bool {
    matches!(
        step.code.as_deref(),
        Some("host_key_unknown" | "host_key_changed")
    )
}

/// Runs the test of what is typed, or of what is stored where a secret was left out.
fn run(form: Form) {
    if form.testing.get_untracked() {
        return;
    }
    form.testing.set(true);
    form.fault.set(None);
    form.steps.set(Vec::new());
    let id = form
        .editing
        .with_untracked(|host| host.as_ref().map(|host| host.id));
    spawn_local(async move {
        match api::test(id, form.connection()).await {
            Ok(stream) => follow(stream.into_inner(), form.steps).await,
            Err(error) => {
                if form.fault.try_with_untracked(|_| ()).is_some() {
                    form.refused(error);
                }
            }
        }
        let _ = form.testing.try_set(false);
    });
}

/// Puts each line of the answer where it belongs. A piece of the answer may end within a line.
pub async fn follow<E>(
    mut stream: impl futures::Stream<Item = Result<String, E>> + Unpin,
    steps: RwSignal<Vec<TestStep>>,
) {
    let mut rest = String::new();
    while let Some(Ok(piece)) = stream.next().await {
        rest.push_str(&piece);
        while let Some(end) = rest.find('\n') {
            let line: String = rest.drain(..=end).collect();
            if let Ok(step) = serde_json::from_str::<TestStep>(&line) {
                let _ = steps.try_update(|steps| put(steps, step));
            }
        }
    }
}

/// A step is told when it begins and when it ends.
fn put(steps: &mut Vec<TestStep>, step: TestStep) {
    match steps.iter_mut().find(|old| old.step == step.step) {
        Some(old) => *old = step,
        None => steps.push(step),
    }
}

#[component]
pub fn ConnectionTest(form: Form) -> impl IntoView {
    let begun = move || form.testing.get() || form.steps.with(|steps| !steps.is_empty());
    view! {
        <div class="row between">
            <h3>"Test connection"</h3>
            <button
                class="btn btn-sm"
                type="button"
                aria-busy=move || form.testing.get().to_string()
                disabled=move || form.testing.get()
                on:click=move |_| run(form)
            >
                {icon("refresh-cw")}
                {move || if begun() { "Test again" } else { "Test" }}
            </button>
        </div>
        <div role="status" aria-label="Test result">
            <Show
                when=begun
                fallback=|| view! { <p class="hint">"It need not answer now. Until it does, it is shown as offline with the reason."</p> }
            >
                <ul class="tst">
                    {move || form.steps.get().into_iter().map(|step| line(step, Some(form))).collect_view()}
                </ul>
            </Show>
        </div>
    }
}

/// One step; with a form, a host key can be pinned.
pub fn line(step: TestStep, form: Option<Form>) -> AnyView {
    let (look, word) = match step.state {
        TestState::Running => ("working", "Under way"),
        TestState::Passed => ("success", "Passed"),
        TestState::Warning => ("warning", "Mind this"),
        TestState::Failed => ("failed", "Failed"),
        TestState::Skipped => ("skipped", "Not tried"),
    };
    let about_key = is_about_key(&step);
    let time = step.ms.map(|ms| {
        if ms == 0 {
            "< 1 ms".to_owned()
        } else {
            format!("{ms} ms")
        }
    });
    let key = step.fingerprint.clone().filter(|_| about_key).map(|fingerprint| {
        let changed = step.pinned.is_some();
        view! {
            <dl class="kv keys">
                {step.pinned.clone().map(|pinned| view! { <dt>"Pinned"</dt><dd><code>{pinned}</code></dd> })}
                <dt>{if changed { "Shown now" } else { "Shown" }}</dt>
                <dd><code>{fingerprint.clone()}</code></dd>
            </dl>
            {form.map(|form| pin(form, fingerprint, changed))}
        }
    });
    view! {
        <li data-state=look>
            {State::new(look, word).plain()}
            <div class="stack">
                <span>{step.message}</span>
                {key}
            </div>
            <small>{time}</small>
        </li>
    }
    .into_any()
}

fn pin(form: Form, fingerprint: String, changed: bool) -> AnyView {
    let this = fingerprint.clone();
    let accepted = Signal::derive(move || form.accepted.with(|accepted| accepted.as_ref() == Some(&this)));
    let accept = move |_| {
        form.accepted.set(Some(fingerprint.clone()));
        run(form);
    };
    view! {
        <div class="row">
            <button class="btn btn-sm" type="button" disabled=move || accepted.get() || form.testing.get() on:click=accept>
                {icon("fingerprint")}
                {if changed { "It was reinstalled, pin the new key" } else { "It is the same, pin it" }}
            </button>
        </div>
    }
    .into_any()
}
