//! Showing again that the session is one's own, where the server asks for it (`prove_first`).

use crate::{
    auth::{
        PasswordField,
        passkeys::{api, device, refusal_at},
    },
    components::{
        FailureNote,
        dialog::{self, Dialog},
        icon,
    },
    error::AppError,
};
use domain::{
    passkeys::{Place, ProofWays},
    providers::SignInWay,
};
use leptos::{html, prelude::*, task::spawn_local};

/// The dialog of a page, for all that need it.
#[derive(Clone, Copy)]
pub struct Proof {
    node: NodeRef<html::Dialog>,
    then: RwSignal<Option<Callback<()>>>,
}

impl Proof {
    pub fn new() -> Self {
        Self {
            node: NodeRef::new(),
            then: RwSignal::new(None),
        }
    }

    /// Whether the server asks for it. If so, the dialog opens, and afterwards goes on with `then`.
    pub fn asked(self, error: &AppError, then: impl Fn() + Send + Sync + 'static) -> bool {
        let asked = error.0.code == "prove_first";
        if asked {
            let _ = self.then.try_set(Some(Callback::new(move |()| then())));
            dialog::open(self.node);
        }
        asked
    }

    fn shown(self) {
        dialog::close(self.node);
        if let Some(then) = self.then.try_update(Option::take).flatten() {
            then.run(());
        }
    }
}

#[component]
pub fn ProofDialog(proof: Proof, ways: ProofWays, place: Place) -> impl IntoView {
    const FORM: &str = "proof-form";
    let refusal = refusal_at(place);
    let password = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let told = move |answer: Result<(), AppError>| {
        if busy.try_set(false).is_some() {
            return;
        }
        match answer {
            Ok(()) => {
                password.set(String::new());
                proof.shown();
            }
            Err(error) => fault.set(Some(error.0.message)),
        }
    };
    let begin = move || {
        let idle = !busy.get_untracked();
        if idle {
            busy.set(true);
            fault.set(None);
        }
        idle
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if begin() {
            spawn_local(async move { told(api::prove(password.get_untracked()).await) });
        }
    };
    let press = move |_| {
        if begin() {
            spawn_local(async move { told(by_passkey().await) });
        }
    };
    let (by_password, has_passkeys) = (ways.password, ways.passkeys);
    let none = !by_password && !has_passkeys && ways.providers.is_empty();
    let link = |way: SignInWay| {
        view! {
            <a class="btn" href=format!("/auth/{}/start?next=/settings", way.slug) rel="external">
                {icon("log-out")}
                {format!("Sign in again with {}", way.name)}
            </a>
        }
    };
    let links = ways.providers.into_iter().map(link).collect_view();
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(proof.node)>"Cancel"</button>
            {by_password
                .then(|| {
                    view! { <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Go on"</button> }
                })}
        }
    };
    view! {
        <Dialog node=proof.node id="proof" title="Is it you?" foot>
            <div class="stack">
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <p>"You signed in a while ago, and this changes how your account is opened. Show once more that it is you."</p>
                {by_password
                    .then(|| {
                        view! {
                            <form id=FORM novalidate on:submit=submit>
                                <PasswordField
                                    id="proof-password"
                                    label="Your password"
                                    autocomplete="current-password"
                                    value=password
                                    invalid=Signal::derive(move || fault.with(Option::is_some))
                                />
                            </form>
                        }
                    })}
                {move || {
                    (has_passkeys && refusal.with(Option::is_none))
                        .then(|| {
                            view! {
                                <button class="btn" type="button" disabled=move || busy.get() on:click=press>
                                    {icon("fingerprint")}
                                    "Use a passkey"
                                </button>
                            }
                        })
                }}
                {links}
                {none.then(|| view! { <p class="muted">"Sign out and in again, then come back here."</p> })}
            </div>
        </Dialog>
    }
}

async fn by_passkey() -> Result<(), AppError> {
    let challenge = api::begin_proof().await?;
    let answer = device::ask(&challenge.options).await?;
    api::prove_passkey(challenge.token, answer).await
}
