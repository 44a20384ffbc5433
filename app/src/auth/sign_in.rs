//! Sign-in. The form works without JavaScript; with it, refusals are shown in place and a wait is counted down.

use super::{
    api::{AuthState, SignIn as SignInCall, state},
    frame::Frame,
    passkeys::{PasskeyButton, Use},
    password::PasswordField,
    ways::{buttons, encoded},
};
use crate::codec::resource;
use crate::{components::icon, error::AppError};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;
use server_fn::error::ServerFnUrlError;

#[component]
pub fn SignIn() -> impl IntoView {
    let action = ServerAction::<SignInCall>::new();
    let query = use_query_map();
    let next = move || query.with(|query| query.get("next").unwrap_or_else(|| "/".to_owned()));
    let password = RwSignal::new(String::new());
    let refusal = refusal(action);
    let wait = countdown(refusal);
    let wrong = Signal::derive(move || {
        refusal.with(|error| error.as_ref().is_some_and(|e| e.0.code == "wrong_credentials"))
    });

    let asked = resource(|| (), |()| state());
    // Passwords that are off are still taken from somebody whom the machine's owner let in.
    let insists = move || query.with(|query| query.get_str("with") == Some("password"));
    let told = move || {
        query
            .with(|query| query.get_str("problem").and_then(domain::providers::refusal))
            .map(|text| view! { <div class="note" data-s="bad" role="alert">{icon("circle-alert")}<div>{text}</div></div> })
    };
    let form = move |or: bool, setup_needed: bool| {
        view! {
            {or.then(|| view! { <div class="or">"or with a password"</div> })}
            {setup_needed
                .then(|| {
                    view! {
                        <div class="note" data-s="brand">
                            {icon("plug")}
                            <div>
                                <b>"There is no account yet. "</b>
                                "Open the set-up link that the server printed when it started."
                            </div>
                        </div>
                    }
                })}
            <Refusal error=refusal wait />
            <div class="field">
                <label for="name">"Username"</label>
                <input
                    class="input"
                    id="name"
                    name="name"
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=move || wrong.get().then_some("true")
                    required
                    autofocus=!or
                />
            </div>
            <PasswordField id="password" label="Password" autocomplete="current-password" value=password invalid=wrong />
            <input type="hidden" name="next" value=next />
            <button
                class="btn btn-primary"
                type="submit"
                aria-busy=move || action.pending().get().to_string()
                disabled={move || action.pending().get() || wait.get() > 0}
            >
                {move || if wait.get() > 0 { format!("Wait {} s", wait.get()) } else { "Sign in".to_owned() }}
            </button>
        }
        .into_any()
    };
    let ways = move || {
        let (insists, target) = (insists(), format!("next={}", encoded(&next())));
        Suspend::new(async move {
            // Without an answer the form is there: a password may do.
            let state = asked.await.unwrap_or(AuthState {
                setup_needed: false,
                ways: Vec::new(),
                passwords: true,
                passkeys: None,
            });
            let any = !state.ways.is_empty() || state.passkeys.is_some();
            let passkey = state
                .passkeys
                .map(|place| view! { <PasskeyButton place purpose=Use::SignIn next=Signal::derive(next) /> });
            let buttons = view! { {buttons(state.ways, target)}{passkey} };
            if state.passwords || insists {
                view! { {buttons}{form(any, state.setup_needed)} }.into_any()
            } else {
                view! { {buttons}<a class="link sm center" href="/sign-in?with=password" rel="external">"Use a password"</a> }.into_any()
            }
        })
    };
    view! {
        <Frame title="Sign in" subtitle="Sign in to your containers">
            <ActionForm action=action attr:class="card form" attr:aria-label="Sign in">
                {told}
                <Suspense>{ways}</Suspense>
            </ActionForm>
        </Frame>
    }
}

/// What the server answered last: to this page's call, or in the address after a form without JavaScript.
pub fn refusal<S>(action: ServerAction<S>) -> Signal<Option<AppError>>
where
    S: server_fn::ServerFn<Output = (), Error = AppError> + Clone + Send + Sync + 'static,
{
    let query = use_query_map();
    Signal::derive(move || match action.value().get() {
        Some(Err(error)) => Some(error),
        Some(Ok(())) => None,
        None => query.with(|query| {
            query
                .get_str("__err")
                .map(ServerFnUrlError::<AppError>::decode_err)
        }),
    })
}

/// Seconds until another try is allowed, counted down.
pub fn countdown(refusal: Signal<Option<AppError>>) -> RwSignal<u64> {
    let left = RwSignal::new(0);
    Effect::new(move |_| {
        if let Some(seconds) =
            refusal.with(|error| error.as_ref().and_then(|error| error.number("retry_after")))
        {
            left.set(seconds);
        }
    });
    Effect::new(move |_| {
        if left.get() > 0 {
            set_timeout(
                move || {
                    let _ = left.try_update(|left| *left = left.saturating_sub(1));
                },
                std::time::Duration::from_secs(1),
            );
        }
    });
    left
}

/// The refusal as a sentence; while there is a wait, with what is left of it.
#[component]
pub fn Refusal(
    error: Signal<Option<AppError>>,
    #[prop(optional, into)] wait: Option<RwSignal<u64>>,
) -> impl IntoView {
    let text = move || {
        let error = error.get()?;
        let left = wait.map_or(0, |wait| wait.get());
        Some(if error.0.code == "too_many_attempts" && left > 0 {
            format!(
                "There were too many attempts to sign in from here. The next one is possible in {left} s."
            )
        } else {
            error.0.message
        })
    };
    view! {
        <div role="alert">
            {move || {
                text().map(|text| view! { <div class="note" data-s="bad">{icon("circle-alert")}<div>{text}</div></div> })
            }}
        </div>
    }
}
