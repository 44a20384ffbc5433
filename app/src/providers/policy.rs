//! Whether names and passwords are taken.

use super::api;
use crate::components::FailureNote;
use domain::providers::SignInPolicy;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn PolicyCard(policy: SignInPolicy, any: bool) -> impl IntoView {
    let passwords = RwSignal::new(policy.passwords);
    let fault = RwSignal::new(None::<String>);
    let change = move |event: leptos::ev::Event| {
        let wanted = event_target_checked(&event);
        passwords.set(wanted);
        fault.set(None);
        spawn_local(async move {
            match api::set_policy(wanted).await {
                Ok(policy) => {
                    let _ = passwords.try_set(policy.passwords);
                }
                Err(error) => {
                    let _ = passwords.try_set(!wanted);
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="passwords">
            <div class="card-h"><h2 id="passwords">"Passwords"</h2></div>
            <div class="card-b stack">
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <label class="opt">
                    <input
                        type="checkbox"
                        role="switch"
                        class="switch"
                        disabled=!any
                        prop:checked=move || passwords.get()
                        on:change=change
                    />
                    <span>
                        <b>"Names and passwords are taken"</b>
                        <small>
                            {if any {
                                "Switched off, people sign in through a provider only. API keys go on working."
                            } else {
                                "They are, while there is no provider that is switched on."
                            }}
                        </small>
                    </span>
                </label>
            </div>
            <div class="card-f">
                <span>
                    "If a provider breaks, "
                    <code>"chrontainer-server user reset --name NAME"</code>
                    " on the server's machine gives a password that is taken for a day."
                </span>
            </div>
        </section>
    }
}
