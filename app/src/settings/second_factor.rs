//! Setting up the authenticator app of the second factor, and turning it off.

use super::proof::Proof;
use crate::{
    auth::{PasswordField, own},
    components::{
        CopyField, FailureNote, State, Status,
        dialog::{self, Dialog},
        icon,
        toast::Toasts,
    },
};
use domain::people::{SecondFactor, SecondFactorSetup};
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn SecondFactorCard(
    factor: SecondFactor,
    /// Whether the account has a password, which turning it off asks for.
    by_password: bool,
    proof: Proof,
    reload: Callback<()>,
) -> impl IntoView {
    let setting_up = NodeRef::<html::Dialog>::new();
    let ending = NodeRef::<html::Dialog>::new();
    let toasts = Toasts::get();
    let setup = RwSignal::new(None::<SecondFactorSetup>);
    let begin = move |_| {
        spawn_local(async move {
            match own::begin_second_factor().await {
                Ok(found) => {
                    let _ = setup.try_set(Some(found));
                    dialog::open(setting_up);
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let about = if factor.on {
        let left = factor.recovery_codes_left;
        let word = if left == 1 {
            "recovery code is"
        } else {
            "recovery codes are"
        };
        view! {
            <p><Status state=State::new("success", "On") /></p>
            <p class="muted">{format!("Signing in asks for a code of your app. {left} {word} left.")}</p>
            <div class="row">
                <button class="btn" type="button" aria-haspopup="dialog" on:click=move |_| dialog::open(ending)>"Turn off"</button>
            </div>
        }
        .into_any()
    } else {
        view! {
            <p class="muted">
                "With it, a password alone does not open your account: signing in asks for a code that an app on your phone shows."
            </p>
            <div class="row">
                <button class="btn btn-primary" type="button" aria-haspopup="dialog" on:click=begin>"Set up"</button>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby="second-factor">
            <div class="card-h"><h2 id="second-factor">"Authenticator app"</h2></div>
            <div class="card-b stack">
                {factor
                    .missing
                    .then(|| {
                        view! {
                            <div class="note" data-s="warn">
                                {icon("triangle-alert")}
                                <div><b>"This organisation asks for a second factor. "</b>"Make a passkey or set an app up to go on."</div>
                            </div>
                        }
                    })}
                {about}
            </div>
        </section>
        <SetUpDialog node=setting_up setup reload />
        <EndDialog node=ending by_password proof reload />
    }
}

#[component]
fn SetUpDialog(
    node: NodeRef<html::Dialog>,
    setup: RwSignal<Option<SecondFactorSetup>>,
    reload: Callback<()>,
) -> impl IntoView {
    const FORM: &str = "second-factor-form";
    let code = RwSignal::new(String::new());
    let codes = RwSignal::new(Vec::<String>::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = own::confirm_second_factor(code.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(made) => codes.set(made),
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let done = move |_| {
        dialog::close(node);
        setup.set(None);
        reload.run(());
    };
    let foot = move || {
        if codes.with(Vec::is_empty) {
            view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
                <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Turn on"</button>
            }
            .into_any()
        } else {
            view! { <button class="btn btn-primary" type="button" on:click=done>"I have kept them"</button> }
                .into_any()
        }
    };
    let secret = move || {
        let text = setup.with(|setup| {
            setup
                .as_ref()
                .map(|setup| setup.secret.clone())
                .unwrap_or_default()
        });
        let groups: Vec<String> = text
            .as_bytes()
            .chunks(4)
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        groups.join(" ")
    };
    let url = move || setup.with(|setup| setup.as_ref().map(|setup| setup.url.clone()).unwrap_or_default());
    let body = move || {
        if codes.with(Vec::is_empty) {
            view! {
                <form id=FORM class="stack" novalidate on:submit=submit>
                    {move || fault.get().map(|message| view! { <FailureNote message /> })}
                    <p>"Add an account in your authenticator app: on this phone "<a class="link" href=url rel="external">"open the app"</a>", elsewhere type this secret into it."</p>
                    <CopyField id="second-factor-secret" label="Secret" value=Signal::derive(secret) />
                    <div class="field">
                        <label for="second-factor-code">"Code that the app shows"</label>
                        <input
                            class="input mono"
                            id="second-factor-code"
                            inputmode="numeric"
                            autocomplete="one-time-code"
                            prop:value=move || code.get()
                            on:input=move |event| code.set(event_target_value(&event))
                        />
                    </div>
                </form>
            }
            .into_any()
        } else {
            view! {
                <p>"Keep these recovery codes where you find them without your phone. Each signs you in once."</p>
                <ul class="codes mono">{codes.get().into_iter().map(|code| view! { <li>{code}</li> }).collect_view()}</ul>
                <p class="muted sm">"They are shown this once. Every other browser was signed out."</p>
            }
            .into_any()
        }
    };
    view! { <Dialog node id="second-factor-setup" title="Set up an authenticator app" foot>{body}</Dialog> }
}

#[component]
fn EndDialog(
    node: NodeRef<html::Dialog>,
    by_password: bool,
    proof: Proof,
    reload: Callback<()>,
) -> impl IntoView {
    const FORM: &str = "end-second-factor";
    let toasts = Toasts::get();
    let password = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let end = EndForm {
        node,
        password,
        fault,
        busy,
        toasts,
        proof,
        reload,
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        end_factor(end);
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-danger" type="submit" form=FORM disabled=move || busy.get()>"Turn off"</button>
        }
    };
    view! {
        <Dialog node id="second-factor-end" title="Turn the app off?" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <p>"No code is asked for any more. Recovery codes are worth nothing then, unless you have a passkey."</p>
                {by_password
                    .then(|| {
                        view! {
                            <PasswordField
                                id="end-password"
                                label="Your password"
                                autocomplete="current-password"
                                value=password
                                invalid=Signal::derive(move || fault.with(Option::is_some))
                            />
                        }
                    })}
            </form>
        </Dialog>
    }
}

#[derive(Clone, Copy)]
struct EndForm {
    node: NodeRef<html::Dialog>,
    password: RwSignal<String>,
    fault: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    toasts: Toasts,
    proof: Proof,
    reload: Callback<()>,
}

fn end_factor(form: EndForm) {
    if form.busy.get_untracked() {
        return;
    }
    form.busy.set(true);
    form.fault.set(None);
    spawn_local(async move {
        let answer = own::end_second_factor(form.password.get_untracked()).await;
        if form.busy.try_set(false).is_some() {
            return;
        }
        match answer {
            Ok(()) => {
                form.password.set(String::new());
                dialog::close(form.node);
                form.toasts.say("shield-check", "The authenticator app is off");
                form.reload.run(());
            }
            Err(error) if form.proof.asked(&error, move || end_factor(form)) => {}
            Err(error) => form.fault.set(Some(error.0.message)),
        }
    });
}
