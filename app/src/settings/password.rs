//! Changing one's own password.

use crate::{
    auth::{NewPassword, PasswordField, own},
    components::{FailureNote, toast::Toasts},
};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn PasswordCard(name: String, reload: Callback<()>) -> impl IntoView {
    let toasts = Toasts::get();
    let current = RwSignal::new(String::new());
    let new = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // (field, message)
    let fault = RwSignal::new(None::<(Option<String>, String)>);
    let about = move |field: &'static str| {
        Signal::derive(move || {
            fault.with(|fault| fault.as_ref().is_some_and(|(of, _)| of.as_deref() == Some(field)))
        })
    };
    let (bad_current, bad_new) = (about("current"), about("password"));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = own::change_password(current.get_untracked(), new.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    current.set(String::new());
                    new.set(String::new());
                    toasts.say(
                        "key-round",
                        "The password is changed, and every other browser is signed out",
                    );
                    reload.run(());
                }
                Err(error) => {
                    let field = error.detail("field").map(str::to_owned);
                    fault.set(Some((field, error.0.message)));
                }
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="password-title">
            <div class="card-h"><h2 id="password-title">"Password"</h2></div>
            <form class="card-b stack narrow" on:submit=submit aria-labelledby="password-title">
                {move || fault.get().map(|(_, message)| view! { <FailureNote message /> })}
                // For password managers.
                <input type="hidden" name="username" autocomplete="username" value=name />
                <PasswordField
                    id="current-password"
                    label="Current password"
                    name="current"
                    autocomplete="current-password"
                    value=current
                    invalid=bad_current
                />
                <NewPassword id="new-password" label="New password" value=new invalid=bad_new />
                <div class="row">
                    <button
                        class="btn btn-primary"
                        type="submit"
                        aria-busy=move || busy.get().to_string()
                        disabled=move || busy.get()
                    >
                        "Change password"
                    </button>
                    <span class="hint">"Signs every other browser out."</span>
                </div>
            </form>
        </section>
    }
}
