//! The second step of a sign-in: a passkey, the code of the app, or a recovery code.

use super::{
    api::{Code as CodeCall, state},
    frame::Frame,
    passkeys::{PasskeyButton, Use, api::step},
    sign_in::{Refusal, countdown, refusal},
};
use crate::codec::resource;
use domain::passkeys::StepWays;
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
    let asked = resource(|| (), |()| async { (step().await, state().await) });
    let first = move || {
        Suspend::new(async move {
            let (ways, state) = asked.await;
            // Without an answer the field is there: the code may do.
            let ways = ways.ok().flatten().unwrap_or(StepWays {
                app: true,
                ..StepWays::default()
            });
            let about = match (ways.passkeys, ways.app) {
                (false, true) => {
                    "Type the code that your authenticator app shows, or one of your recovery codes."
                }
                (false, false) => "Type one of your recovery codes.",
                (true, true) => {
                    "Use a passkey, or type the code that your authenticator app shows or one of your recovery codes."
                }
                (true, false) => "Use a passkey, or type one of your recovery codes.",
            };
            let place = state
                .ok()
                .and_then(|state| state.passkeys)
                .filter(|_| ways.passkeys);
            let button = place
                .map(|place| view! { <PasskeyButton place purpose=Use::Step next=Signal::derive(next) primary=true /> });
            let elsewhere = ways.elsewhere.map(|host| {
                view! { <p class="muted sm">{format!("Your passkeys work at {host}, and not on this page.")}</p> }
            });
            let or = button
                .is_some()
                .then(|| view! { <div class="or">"or with a code"</div> });
            view! {
                <p class="muted sm">{about}</p>
                {elsewhere}
                {button}
                {or}
            }
        })
    };
    view! {
        <Frame title="Second step" subtitle="Sign in to your containers">
            <ActionForm action=action attr:class="card form" attr:aria-label="Second step">
                <div class="stack tight">
                    <h2>"One more step"</h2>
                </div>
                <Suspense>{first}</Suspense>
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
