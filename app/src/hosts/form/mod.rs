//! Adding a host, and editing one.

mod fields;
mod state;
mod test;

pub use state::Form;
use test::ConnectionTest;

use super::api;
use crate::{
    components::{
        FailureNote,
        dialog::{self, Dialog},
        toast::Toasts,
    },
    error::AppError,
};
use domain::hosts::{Host, TestState, TestStep};
use leptos::{html, prelude::*, task::spawn_local};

const FORM: &str = "host-form";

#[component]
pub fn HostDialog(node: NodeRef<html::Dialog>, form: Form, saved: Callback<Host>) -> impl IntoView {
    let toasts = Toasts::get();
    let edits = move || form.editing.with(Option::is_some);
    let general = move || {
        form.fault.with(|fault| {
            fault
                .as_ref()
                .filter(|(of, _)| of.is_none())
                .map(|(_, message)| message.clone())
        })
    };
    let save = move || {
        if form.busy.get_untracked() {
            return;
        }
        form.busy.set(true);
        form.fault.set(None);
        let id = form
            .editing
            .with_untracked(|host| host.as_ref().map(|host| host.id));
        spawn_local(async move {
            let answer = match id {
                Some(id) => api::update(id, form.patch()).await,
                None => api::create(form.draft()).await,
            };
            if form.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(host) => {
                    let word = if id.is_some() { "Saved" } else { "Added" };
                    toasts.say("server", format!("{word} {}", host.name));
                    saved.run(host);
                    dialog::close(node);
                }
                Err(error) if error.0.code.starts_with("host_key_") => form.steps.set(vec![key_step(&error)]),
                Err(error) => form.refused(error),
            }
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        save();
    };
    let foot = move || {
        view! {
            {move || test::waits_for_key(form).then(|| view! { <span class="hint grow">"Compare and pin the key to finish"</span> })}
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button
                class="btn btn-primary"
                type="submit"
                form=FORM
                aria-busy=move || form.busy.get().to_string()
                disabled=move || form.busy.get()
            >
                {move || if edits() { "Save" } else { "Add host" }}
            </button>
        }
    };
    let title = Signal::derive(move || {
        form.editing.with(|host| match host {
            Some(host) => format!("Edit {}", host.name),
            None => "Add host".to_owned(),
        })
    });
    view! {
        <Dialog node id="host-dialog" title foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message=message /> })}
                {fields::transports(form)}
                {fields::place(form)}
                {fields::credentials(form)}
                {fields::more(form)}
                <ConnectionTest form />
            </form>
        </Dialog>
    }
}

/// The refusal to save a host whose key nobody has confirmed, as a step of a test.
fn key_step(error: &AppError) -> TestStep {
    TestStep {
        step: "host_key".to_owned(),
        state: if error.0.code == "host_key_changed" {
            TestState::Failed
        } else {
            TestState::Warning
        },
        ms: None,
        message: error.0.message.clone(),
        code: Some(error.0.code.clone()),
        fingerprint: error.detail("fingerprint").map(str::to_owned),
        pinned: error.detail("pinned").map(str::to_owned),
    }
}
