//! The button that signs in with a passkey.

use super::{api, device, place::when_hydrated, refusal_at};
use crate::{
    components::{FailureNote, icon},
    error::AppError,
};
use domain::passkeys::Place;
use leptos::{prelude::*, task::spawn_local};

/// What the passkey is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// In the place of name and password.
    SignIn,
    /// After them.
    Step,
}

impl Use {
    async fn sign_in(self, next: String) -> Result<(), AppError> {
        let challenge = match self {
            Self::SignIn => api::begin_sign_in().await?,
            Self::Step => api::begin_step().await?,
        };
        let answer = device::ask(&challenge.options).await?;
        match self {
            Self::SignIn => api::sign_in(challenge.token, answer, next).await,
            Self::Step => api::complete_step(challenge.token, answer, next).await,
        }
    }
}

/// Signs in and goes to `next`. Where passkeys do not work it says why instead.
#[component]
pub fn PasskeyButton(
    place: Place,
    purpose: Use,
    #[prop(into)] next: Signal<String>,
    #[prop(default = false)] primary: bool,
) -> impl IntoView {
    let refusal = refusal_at(place);
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    // Without scripts it could do nothing.
    let alive = RwSignal::new(false);
    Effect::new(move |_| {
        when_hydrated(move || {
            let _ = alive.try_set(true);
        });
    });
    let press = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = purpose.sign_in(next.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            if let Err(error) = answer {
                fault.set(Some(error.0.message));
            }
        });
    };
    view! {
        {move || fault.get().map(|message| view! { <FailureNote message /> })}
        {move || match refusal.get() {
            Some(text) => view! { <p class="muted sm">{text}</p> }.into_any(),
            None => {
                view! {
                    <button
                        class="btn"
                        class:btn-primary=primary
                        type="button"
                        aria-busy=move || busy.get().to_string()
                        disabled=move || busy.get() || !alive.get()
                        on:click=press
                    >
                        {icon("fingerprint")}
                        "Sign in with a passkey"
                    </button>
                }
                    .into_any()
            }
        }}
    }
}
