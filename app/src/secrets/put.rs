//! Storing a secret: a new one, or another value for one that is there.

use super::api;
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    icon,
    toast::Toasts,
};
use leptos::{ev, html, prelude::*, task::spawn_local};

const FORM: &str = "secret-form";

/// What the dialog is opened for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The secret that gets another value; nothing for a new one.
    pub replaces: Option<String>,
}

#[component]
pub fn PutDialog(
    node: NodeRef<html::Dialog>,
    wanted: RwSignal<Wanted>,
    /// The names that are there: a new secret must not replace one unnoticed.
    names: Signal<Vec<String>>,
    saved: Callback<()>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let name = RwSignal::new(String::new());
    let value = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // (field, message)
    let fault = RwSignal::new(None::<(Option<String>, String)>);
    let replaces = move || wanted.with(|wanted| wanted.replaces.clone());
    Effect::new(move |_| {
        name.set(wanted.with(|wanted| wanted.replaces.clone()).unwrap_or_default());
        value.set(String::new());
        fault.set(None);
    });
    let about = move |field: &'static str| {
        Signal::derive(move || {
            fault.with(|fault| {
                let (of, message) = fault.as_ref()?;
                (of.as_deref() == Some(field)).then(|| message.clone())
            })
        })
    };
    let (bad_name, bad_value) = (about("name"), about("value"));
    let general = move || {
        fault.with(|fault| {
            let (of, message) = fault.as_ref()?;
            (!matches!(of.as_deref(), Some("name" | "value"))).then(|| message.clone())
        })
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (own, is_new) = (name.get_untracked().trim().to_owned(), replaces().is_none());
        if busy.get_untracked() {
            return;
        }
        let wrong =
            |field: &str, message: &str| fault.set(Some((Some(field.to_owned()), message.to_owned())));
        let taken = names.with_untracked(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&own)));
        if own.is_empty() {
            return wrong("name", "Give it a name, such as registry-token.");
        }
        if is_new && taken {
            return wrong(
                "name",
                "There is a secret with this name. Choose another name, or replace that one.",
            );
        }
        if value.with_untracked(String::is_empty) {
            return wrong("value", "There is no value. Paste the secret.");
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::put(own.clone(), value.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    value.set(String::new());
                    dialog::close(node);
                    let done = if is_new { "Stored" } else { "Replaced" };
                    toasts.say("lock", format!("{done} {own}"));
                    saved.run(());
                }
                Err(error) => {
                    let field = error.detail("field").map(str::to_owned);
                    fault.set(Some((field, error.0.message)));
                }
            }
        });
    };
    let line = |id: &'static str, message: Signal<Option<String>>| {
        view! {
            <div id=id aria-live="polite">
                {move || message.get().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
            </div>
        }
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button
                class="btn btn-primary"
                type="submit"
                form=FORM
                aria-busy=move || busy.get().to_string()
                disabled=move || busy.get()
            >
                {move || if replaces().is_some() { "Replace value" } else { "Store secret" }}
            </button>
        }
    };
    let title = Signal::derive(move || match replaces() {
        Some(name) => format!("Replace {name}"),
        None => "New secret".to_owned(),
    });
    view! {
        <Dialog node id="secret" title foot>
            <form id=FORM class="stack" novalidate autocomplete="off" on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message /> })}
                <Show when=move || replaces().is_none()>
                    <div class="field">
                        <label for="secret-name">"Name"</label>
                        <input
                            class="input mono"
                            id="secret-name"
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck="false"
                            placeholder="registry-token"
                            aria-invalid=move || bad_name.get().map(|_| "true")
                            aria-describedby="secret-name-hint secret-name-fault"
                            prop:value=move || name.get()
                            on:input=move |event| name.set(event_target_value(&event))
                        />
                        <span class="hint" id="secret-name-hint">"Letters, digits, dots, dashes and underscores."</span>
                        {line("secret-name-fault", bad_name)}
                    </div>
                </Show>
                <div class="field">
                    <label for="secret-value">"Value"</label>
                    <textarea
                        class="input mono"
                        id="secret-value"
                        rows="3"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-invalid=move || bad_value.get().map(|_| "true")
                        aria-describedby="secret-value-hint secret-value-fault"
                        prop:value=move || value.get()
                        on:input=move |event| value.set(event_target_value(&event))
                    ></textarea>
                    <span class="hint" id="secret-value-hint">"Stored sealed. Nobody can read it here again, only replace it."</span>
                    {line("secret-value-fault", bad_value)}
                </div>
            </form>
        </Dialog>
    }
}
