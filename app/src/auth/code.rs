//! The second step of a sign-in: the code of the app, or a recovery code.

use super::{
    api::Code as CodeCall,
    frame::Frame,
    sign_in::{Refusal, countdown, refusal},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

#[component]
pub fn Code() -> impl IntoView {
    let action = ServerAction::<CodeCall>::new();
    let query = use_query_map();
    let next = move || query.with(|query| query.get("next").unwrap_or_else(|| "/".to_owned()));
    let error = refusal(action);
    let wait = countdown(error);
    let wrong =
        Signal::derive(move || error.with(|error| error.as_ref().is_some_and(|e| e.0.code == "code_wrong")));
    view! {
        <Frame title="Second step" subtitle="Sign in to your containers">
            <ActionForm action=action attr:class="card form" attr:aria-label="Second step">
                <div class="stack tight">
                    <h2>"One more step"</h2>
                    <p class="muted sm">"Type the code that your authenticator app shows, or one of your recovery codes."</p>
                </div>
                <Refusal error wait />
                <div class="field">
                    <label for="code">"Code"</label>
                    <input
                        class="input mono"
                        id="code"
                        name="code"
                        autocomplete="one-time-code"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-invalid=move || wrong.get().then_some("true")
                        required
                        autofocus
                    />
                </div>
                <input type="hidden" name="next" value=next />
                <button
                    class="btn btn-primary"
                    type="submit"
                    aria-busy=move || action.pending().get().to_string()
                    disabled={move || action.pending().get() || wait.get() > 0}
                >
                    {move || if wait.get() > 0 { format!("Wait {} s", wait.get()) } else { "Sign in".to_owned() }}
                </button>
                <a class="btn btn-ghost" href="/sign-in">"Start again"</a>
            </ActionForm>
        </Frame>
    }
}
