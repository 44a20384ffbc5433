//! Changing one's own password, and setting the first one.

use super::proof::Proof;
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

/// For an account that came to be through a provider.
#[component]
pub fn FirstPasswordCard(
    name: String,
    /// Whether this server takes passwords.
    taken: bool,
    proof: Proof,
    reload: Callback<()>,
) -> impl IntoView {
    let form = FirstPassword {
        new: RwSignal::new(String::new()),
        busy: RwSignal::new(false),
        fault: RwSignal::new(None),
        toasts: Toasts::get(),
        proof,
        reload,
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        form.send();
    };
    let hint = if taken {
        "Your account has none. With one, you can sign in when nothing else works."
    } else {
        "Your account has none, and this server takes no passwords now. It would count once they are switched on."
    };
    view! {
        <section class="card" aria-labelledby="password-title">
            <div class="card-h"><h2 id="password-title">"Password"</h2></div>
            <form class="card-b stack narrow" on:submit=submit aria-labelledby="password-title">
                {move || form.fault.get().map(|message| view! { <FailureNote message /> })}
                <p class="muted">{hint}</p>
                // For password managers.
                <input type="hidden" name="username" autocomplete="username" value=name />
                <NewPassword
                    id="new-password"
                    label="New password"
                    value=form.new
                    invalid=Signal::derive(move || form.fault.with(Option::is_some))
                />
                <div class="row">
                    <button
                        class="btn btn-primary"
                        type="submit"
                        aria-busy=move || form.busy.get().to_string()
                        disabled=move || form.busy.get()
                    >
                        "Set password"
                    </button>
                    <span class="hint">"Signs every other browser out."</span>
                </div>
            </form>
        </section>
    }
}

#[derive(Clone, Copy)]
struct FirstPassword {
    new: RwSignal<String>,
    busy: RwSignal<bool>,
    fault: RwSignal<Option<String>>,
    toasts: Toasts,
    proof: Proof,
    reload: Callback<()>,
}

impl FirstPassword {
    fn send(self) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.fault.set(None);
        spawn_local(async move {
            let answer = own::set_password(self.new.get_untracked()).await;
            if self.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    self.new.set(String::new());
                    self.toasts.say("key-round", "Your account has a password now");
                    self.reload.run(());
                }
                Err(error) if self.proof.asked(&error, move || self.send()) => {}
                Err(error) => self.fault.set(Some(error.0.message)),
            }
        });
    }
}
