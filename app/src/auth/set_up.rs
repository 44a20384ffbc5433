//! The first account, made through the link that the server printed.

use super::{
    api::SetUp as SetUpCall, frame::Frame, new_password::NewPassword, sign_in::Refusal, sign_in::refusal,
};
use crate::components::icon;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

#[component]
pub fn SetUp() -> impl IntoView {
    let action = ServerAction::<SetUpCall>::new();
    let query = use_query_map();
    let token = move || query.with(|query| query.get("token").unwrap_or_default());
    let password = RwSignal::new(String::new());
    let error = refusal(action);
    let about = move |field: &'static str| {
        Signal::derive(move || {
            error.with(|error| {
                error
                    .as_ref()
                    .is_some_and(|error| error.detail("field") == Some(field))
            })
        })
    };
    let (bad_name, bad_password) = (about("name"), about("password"));
    view! {
        <Frame title="Set up" subtitle="Schedules for your containers">
            <Show
                when=move || !token().is_empty()
                fallback=|| {
                    view! {
                        <div class="card form">
                            <h2>"This link is not complete"</h2>
                            <p class="muted sm">
                                "Open the whole set-up link that the server printed when it started. It holds a token that is valid once."
                            </p>
                            <a class="btn" href="/sign-in">"Go to sign-in"</a>
                        </div>
                    }
                }
            >
                <ActionForm action=action attr:class="card form" attr:aria-label="Set up">
                    <div class="stack tight">
                        <h2>"Create the first account"</h2>
                        <p class="muted sm">"It owns this server. More people can be added later."</p>
                    </div>
                    <Refusal error />
                    <input type="hidden" name="token" value=token />
                    <div class="field">
                        <label for="name">"Username"</label>
                        <input
                            class="input"
                            id="name"
                            name="name"
                            autocomplete="username"
                            autocapitalize="none"
                            spellcheck="false"
                            aria-invalid=move || bad_name.get().then_some("true")
                            required
                            autofocus
                        />
                    </div>
                    <NewPassword id="password" label="Password" value=password invalid=bad_password />
                    <div class="note" data-s="brand">
                        {icon("plug")}
                        <div>"A container engine on this machine becomes the first host by itself."</div>
                    </div>
                    <button
                        class="btn btn-primary"
                        type="submit"
                        aria-busy=move || action.pending().get().to_string()
                        disabled=move || action.pending().get()
                    >
                        "Create account and continue"
                    </button>
                </ActionForm>
            </Show>
        </Frame>
    }
}
