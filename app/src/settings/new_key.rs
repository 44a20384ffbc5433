//! Making an API key: what it may, where, how long; then the key, this once.

use super::keys::scope_name;
use crate::{
    auth::own,
    components::{
        CopyField, FailureNote,
        dialog::{self, Dialog},
        icon,
    },
};
use domain::{
    auth::Scope,
    people::{ApiKey, CreatedApiKey, NewApiKey},
};
use leptos::{html, prelude::*, task::spawn_local};

const FORM: &str = "new-key-form";

fn scope_does(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Sees what you see",
        Scope::Operate => "Starts, stops and schedules too",
        Scope::Manage => "Everything that you may do",
    }
}

#[component]
pub fn NewKeyDialog(node: NodeRef<html::Dialog>, made: Callback<ApiKey>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let scope = RwSignal::new(Scope::Read);
    let selector = RwSignal::new(String::new());
    let days = RwSignal::new("90".to_owned());
    let busy = RwSignal::new(false);
    // (field, message)
    let fault = RwSignal::new(None::<(Option<String>, String)>);
    let created = RwSignal::new(None::<CreatedApiKey>);
    let about = move |field: &'static str| {
        Signal::derive(move || {
            fault.with(|fault| {
                fault
                    .as_ref()
                    .filter(|(of, _)| of.as_deref() == Some(field))
                    .map(|(_, message)| message.clone())
            })
        })
    };
    let (bad_name, bad_selector) = (about("name"), about("selector"));
    let general = move || {
        fault.with(|fault| {
            fault
                .as_ref()
                .filter(|(of, _)| !matches!(of.as_deref(), Some("name" | "selector")))
                .map(|(_, message)| message.clone())
        })
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let new = NewApiKey {
            name: name.get_untracked(),
            scope: scope.get_untracked(),
            selector: Some(selector.get_untracked()).filter(|text| !text.trim().is_empty()),
            days: days.with_untracked(|days| days.parse().ok()),
        };
        spawn_local(async move {
            let answer = own::create_key(new).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(key) => {
                    made.run(key.key.clone());
                    name.set(String::new());
                    selector.set(String::new());
                    created.set(Some(key));
                }
                Err(error) => {
                    let field = error.detail("field").map(str::to_owned);
                    fault.set(Some((field, error.0.message)));
                }
            }
        });
    };
    let done = move || {
        dialog::close(node);
        created.set(None);
    };
    let foot = move || {
        if created.with(Option::is_some) {
            view! { <button class="btn btn-primary" type="button" on:click=move |_| done()>"Done"</button> }
                .into_any()
        } else {
            view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Cancel"</button>
                <button
                    class="btn btn-primary"
                    type="submit"
                    form=FORM
                    aria-busy=move || busy.get().to_string()
                    disabled=move || busy.get()
                >
                    "Make key"
                </button>
            }
            .into_any()
        }
    };
    let choice = move |value: Scope| {
        view! {
            <label class="opt">
                <input
                    class="check"
                    type="radio"
                    name="scope"
                    checked={scope.get_untracked() == value}
                    prop:checked=move || scope.get() == value
                    on:change=move |_| scope.set(value)
                />
                <span>
                    <b>{scope_name(value)}</b>
                    <small>{scope_does(value)}</small>
                </span>
            </label>
        }
    };
    let line = |id: &'static str, message: Signal<Option<String>>| {
        view! {
            <div id=id aria-live="polite">
                {move || message.get().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
            </div>
        }
    };
    let form = move || {
        view! {
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message /> })}
                <div class="grid-2">
                    <div class="field">
                        <label for="key-name">"Name"</label>
                        <input
                            class="input"
                            id="key-name"
                            autocomplete="off"
                            spellcheck="false"
                            placeholder="backup script"
                            aria-invalid=move || bad_name.get().map(|_| "true")
                            aria-describedby="key-name-fault"
                            prop:value=move || name.get()
                            on:input=move |event| name.set(event_target_value(&event))
                        />
                        {line("key-name-fault", bad_name)}
                    </div>
                    <div class="field">
                        <label for="key-days">"Good for"</label>
                        <select
                            class="select"
                            id="key-days"
                            prop:value=move || days.get()
                            on:change=move |event| days.set(event_target_value(&event))
                        >
                            <option value="30">"30 days"</option>
                            <option value="90" selected>"90 days"</option>
                            <option value="365">"1 year"</option>
                            <option value="">"No end"</option>
                        </select>
                    </div>
                </div>
                <fieldset class="roles">
                    <legend class="lbl">"May"</legend>
                    {Scope::ALL.into_iter().map(choice).collect_view()}
                </fieldset>
                <div class="field">
                    <label for="key-selector">"Only on these containers"</label>
                    <input
                        class="input mono"
                        id="key-selector"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="host:nas stack:media"
                        aria-invalid=move || bad_selector.get().map(|_| "true")
                        aria-describedby="key-selector-fault key-selector-hint"
                        prop:value=move || selector.get()
                        on:input=move |event| selector.set(event_target_value(&event))
                    />
                    {line("key-selector-fault", bad_selector)}
                    <span class="hint" id="key-selector-hint">"A selector, or nothing for all of them. Elsewhere the key may only look."</span>
                </div>
            </form>
        }
        .into_any()
    };
    let body = move || {
        match created.get() {
        None => form(),
        Some(key) => view! {
            <p>"Copy the key now. It is shown this once, and only its hash is kept."</p>
            <CopyField id="key-secret" label="Key" value=key.secret />
            <p class="muted sm">"Send it as "<code>"Authorization: Bearer …"</code>", or set CHRONTAINER_CLI_API_KEY for the command line."</p>
        }
        .into_any(),
    }
    };
    view! { <Dialog node id="new-key" title="New API key" foot>{body}</Dialog> }
}
