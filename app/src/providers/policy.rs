//! Whether names and passwords are taken, and whether the API takes them with each request.

use super::api;
use crate::{auth::lacks, components::FailureNote};
use domain::{auth::Permission, providers::SignInPolicy};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn PolicyCard(policy: SignInPolicy, any: bool) -> impl IntoView {
    let held = RwSignal::new(policy);
    let fault = RwSignal::new(None::<String>);
    let lacks = lacks(Permission::ProvidersManage);
    let change = move |wanted: SignInPolicy| {
        let before = held.get_untracked();
        held.set(wanted.clone());
        fault.set(None);
        spawn_local(async move {
            match api::set_policy(wanted).await {
                Ok(policy) => {
                    let _ = held.try_set(policy);
                }
                Err(error) => {
                    let _ = held.try_set(before);
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
                        disabled=move || !any || lacks.get().is_some()
                        title=move || lacks.get()
                        prop:checked=move || held.with(|held| held.passwords)
                        on:change=move |event| {
                            change(SignInPolicy { passwords: event_target_checked(&event), ..held.get_untracked() });
                        }
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
                <label class="opt">
                    <input
                        type="checkbox"
                        role="switch"
                        class="switch"
                        disabled=move || lacks.get().is_some()
                        title=move || lacks.get()
                        prop:checked=move || held.with(|held| held.basic)
                        on:change=move |event| {
                            change(SignInPolicy { basic: event_target_checked(&event), ..held.get_untracked() });
                        }
                    />
                    <span>
                        <b>"The API takes name and password with each request (HTTP Basic)"</b>
                        <small>
                            "For programs that know nothing else; an API key is better. Accounts with a second factor are never let in by it."
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
