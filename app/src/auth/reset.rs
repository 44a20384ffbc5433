//! A new password by a one-time link.

use super::{
    api::{Reset as ResetCall, reset_for},
    frame::Frame,
    invite::refused,
    new_password::NewPassword,
    sign_in::{Refusal, refusal},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

#[component]
pub fn Reset() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get("token").unwrap_or_default()));
    let found = crate::codec::resource(move || token.get(), reset_for);
    view! {
        <Frame title="New password" subtitle="Schedules for your containers">
            <Suspense fallback=|| view! { <div class="card form" aria-busy="true"><span class="skel"></span></div> }>
                {move || Suspend::new(async move {
                    match found.await {
                        Ok(name) => view! { <Form name token /> }.into_any(),
                        Err(error) => refused(&error),
                    }
                })}
            </Suspense>
        </Frame>
    }
}

#[component]
fn Form(name: String, token: Memo<String>) -> impl IntoView {
    let action = ServerAction::<ResetCall>::new();
    let password = RwSignal::new(String::new());
    let error = refusal(action);
    let bad = Signal::derive(move || {
        error.with(|error| {
            error
                .as_ref()
                .is_some_and(|error| error.detail("field") == Some("password"))
        })
    });
    view! {
        <ActionForm action=action attr:class="card form" attr:aria-label="New password">
            <div class="stack tight">
                <h2>{format!("A new password for {name}")}</h2>
                <p class="muted sm">"Every browser that is signed in with this account is signed out by it."</p>
            </div>
            <Refusal error />
            <input type="hidden" name="token" value=move || token.get() />
            // For password managers.
            <input type="hidden" name="username" autocomplete="username" value=name />
            <NewPassword id="password" label="New password" value=password invalid=bad />
            <button
                class="btn btn-primary"
                type="submit"
                aria-busy=move || action.pending().get().to_string()
                disabled=move || action.pending().get()
            >
                "Save password"
            </button>
        </ActionForm>
    }
}
