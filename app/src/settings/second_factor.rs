//! Setting up the second factor, and turning it off.

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
pub fn SecondFactorCard(factor: SecondFactor, reload: Callback<()>) -> impl IntoView {
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
            <div class="card-h"><h2 id="second-factor">"Second factor"</h2></div>
            <div class="card-b stack">
                {factor
                    .missing
                    .then(|| {
                        view! {
                            <div class="note" data-s="warn">
                                {icon("triangle-alert")}
                                <div><b>"This organisation asks for a second factor. "</b>"Set one up to go on."</div>
                            </div>
                        }
                    })}
                {about}
            </div>
        </section>
        <SetUpDialog node=setting_up setup reload />
        <EndDialog node=ending reload />
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
    view! { <Dialog node id="second-factor-setup" title="Set up a second factor" foot>{body}</Dialog> }
}

#[component]
fn EndDialog(node: NodeRef<html::Dialog>, reload: Callback<()>) -> impl IntoView {
    const FORM: &str = "end-second-factor";
    let toasts = Toasts::get();
    let password = RwSignal::new(String::new());
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
            let answer = own::end_second_factor(password.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    password.set(String::new());
                    dialog::close(node);
                    toasts.say("shield-check", "The second factor is off");
                    reload.run(());
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-danger" type="submit" form=FORM disabled=move || busy.get()>"Turn off"</button>
        }
    };
    view! {
        <Dialog node id="second-factor-end" title="Turn the second factor off?" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <p>"Your password alone will sign you in. The recovery codes are worth nothing then."</p>
                <PasswordField
                    id="end-password"
                    label="Your password"
                    autocomplete="current-password"
                    value=password
                    invalid=Signal::derive(move || fault.with(Option::is_some))
                />
            </form>
        </Dialog>
    }
}
