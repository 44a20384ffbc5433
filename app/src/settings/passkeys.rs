//! One's own passkeys: making, naming and removing them.

use super::proof::Proof;
use crate::{
    auth::passkeys::{api, device, refusal_at},
    components::{
        FailureNote,
        dialog::{self, Dialog},
        icon,
        time::Ago,
        toast::Toasts,
    },
    error::AppError,
};
use domain::{
    ids::PasskeyId,
    passkeys::{Challenge, Passkey, Passkeys},
};
use leptos::{html, prelude::*, task::spawn_local};

/// What the parts of the card share.
#[derive(Clone, Copy)]
struct Card {
    proof: Proof,
    toasts: Toasts,
    reload: Callback<()>,
    making: NodeRef<html::Dialog>,
    challenge: RwSignal<Option<Challenge>>,
    renaming: NodeRef<html::Dialog>,
    removing: NodeRef<html::Dialog>,
    /// The one that is renamed or removed.
    chosen: RwSignal<Option<Passkey>>,
    name: RwSignal<String>,
    fault: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

#[component]
pub fn PasskeysCard(passkeys: Passkeys, proof: Proof, reload: Callback<()>) -> impl IntoView {
    let card = Card {
        proof,
        toasts: Toasts::get(),
        reload,
        making: NodeRef::new(),
        challenge: RwSignal::new(None),
        renaming: NodeRef::new(),
        removing: NodeRef::new(),
        chosen: RwSignal::new(None),
        name: RwSignal::new(String::new()),
        fault: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    let refusal = refusal_at(passkeys.place);
    let empty = passkeys.items.is_empty();
    let codes = passkeys.recovery_codes_left;
    let about = if empty {
        "A passkey signs you in by the finger, the face or the PIN that opens your device, without a password. It also makes the \
         password alone worth nothing to others."
            .to_owned()
    } else {
        let word = if codes == 1 {
            "recovery code is"
        } else {
            "recovery codes are"
        };
        format!(
            "They sign you in alone, and after a password one of them is asked for. {codes} {word} left for when all are lost."
        )
    };
    view! {
        <section class="card" aria-labelledby="passkeys">
            <div class="card-h"><h2 id="passkeys">"Passkeys"</h2></div>
            <p class="card-b muted">{about}</p>
            <ul class="lines" aria-label="Passkeys">
                {passkeys.items.into_iter().map(|passkey| line(card, passkey)).collect_view()}
            </ul>
            <div class="card-f">
                {move || match refusal.get() {
                    Some(text) => view! { <p class="muted sm">{text}</p> }.into_any(),
                    None => {
                        view! {
                            <div class="row">
                                <button class="btn btn-sm" type="button" aria-haspopup="dialog" on:click=move |_| begin(card)>
                                    {icon("plus")}
                                    "Add a passkey"
                                </button>
                            </div>
                        }
                            .into_any()
                    }
                }}
            </div>
        </section>
        <MakeDialog card />
        <RenameDialog card />
        <RemoveDialog card />
    }
}

fn line(card: Card, passkey: Passkey) -> AnyView {
    let shown = passkey.clone();
    let (rename_label, remove_label) = (
        format!("Rename {}", passkey.name),
        format!("Remove {}", passkey.name),
    );
    let again = passkey.clone();
    let rename = move |_| {
        card.fault.set(None);
        card.name.set(again.name.clone());
        card.chosen.set(Some(again.clone()));
        dialog::open(card.renaming);
    };
    let remove = move |_| {
        card.fault.set(None);
        card.chosen.set(Some(passkey.clone()));
        dialog::open(card.removing);
    };
    view! {
        <li>
            <div class="name">
                <span class="t"><span class="clip">{shown.name}</span></span>
                <span class="s">"For "{shown.host}", made "<Ago at=shown.created_at /></span>
            </div>
            <span class="end muted sm">
                {match shown.last_used_at {
                    Some(at) => view! { "Used "<Ago at /> }.into_any(),
                    None => "Not used yet".into_any(),
                }}
            </span>
            <button class="btn btn-sm" type="button" aria-haspopup="dialog" aria-label=rename_label on:click=rename>"Rename"</button>
            <button class="btn btn-sm" type="button" aria-haspopup="dialog" aria-label=remove_label on:click=remove>"Remove"</button>
        </li>
    }
    .into_any()
}

/// Asks the server for a challenge, and then for a name. The browser's dialog comes with the press of a button in ours, since
/// some browsers show none without one.
fn begin(card: Card) {
    spawn_local(async move {
        match api::begin().await {
            Ok(challenge) => {
                let _ = card.fault.try_set(None);
                let _ = card.name.try_set(String::new());
                let _ = card.challenge.try_set(Some(challenge));
                dialog::open(card.making);
            }
            Err(error) if card.proof.asked(&error, move || begin(card)) => {}
            Err(error) => card.toasts.bad(error.0.message),
        }
    });
}

#[component]
fn MakeDialog(card: Card) -> impl IntoView {
    const FORM: &str = "passkey-form";
    let codes = RwSignal::new(Vec::<String>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if card.busy.get_untracked() {
            return;
        }
        card.busy.set(true);
        card.fault.set(None);
        spawn_local(async move {
            let made = make(card).await;
            if card.busy.try_set(false).is_some() {
                return;
            }
            match made {
                Ok(made) if made.is_empty() => {
                    dialog::close(card.making);
                    card.toasts.say("fingerprint", "The passkey is made");
                    card.reload.run(());
                }
                Ok(made) => codes.set(made),
                Err(error) => card.fault.set(Some(error.0.message)),
            }
        });
    };
    let done = move |_| {
        dialog::close(card.making);
        card.reload.run(());
    };
    let foot = move || {
        if codes.with(Vec::is_empty) {
            view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(card.making)>"Cancel"</button>
                <button class="btn btn-primary" type="submit" form=FORM disabled=move || card.busy.get()>"Make passkey"</button>
            }
            .into_any()
        } else {
            view! { <button class="btn btn-primary" type="button" on:click=done>"I have kept them"</button> }
                .into_any()
        }
    };
    let body = move || {
        if codes.with(Vec::is_empty) {
            view! {
                <form id=FORM class="stack" novalidate on:submit=submit>
                    {move || card.fault.get().map(|message| view! { <FailureNote message /> })}
                    <p>"Your browser asks next where the passkey is to be kept: on this device, on a phone, or on a security key."</p>
                    <NameField card id="passkey-name" placeholder="Named after this browser" />
                </form>
            }
            .into_any()
        } else {
            view! {
                <p>"The passkey is made. Keep these recovery codes where you find them without your devices. Each signs you in once, after your password."</p>
                <ul class="codes mono">{codes.get().into_iter().map(|code| view! { <li>{code}</li> }).collect_view()}</ul>
                <p class="muted sm">"They are shown this once. Every other browser was signed out."</p>
            }
            .into_any()
        }
    };
    view! { <Dialog node=card.making id="passkey-make" title="Add a passkey" foot>{body}</Dialog> }
}

/// Has the device make it. A challenge is good for one answer, so each further try has another one.
async fn make(card: Card) -> Result<Vec<String>, AppError> {
    let name = card.name.get_untracked();
    let challenge = match card.challenge.try_update(Option::take).flatten() {
        Some(challenge) => challenge,
        None => api::begin().await?,
    };
    let answer = device::make(&challenge.options).await?;
    api::finish(challenge.token, answer, name).await
}

#[component]
fn RenameDialog(card: Card) -> impl IntoView {
    const FORM: &str = "passkey-rename-form";
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = chosen(card) else { return };
        card.busy.set(true);
        card.fault.set(None);
        spawn_local(async move {
            let answer = api::rename(id, card.name.get_untracked()).await;
            if card.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(()) => {
                    dialog::close(card.renaming);
                    card.reload.run(());
                }
                Err(error) => card.fault.set(Some(error.0.message)),
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(card.renaming)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || card.busy.get()>"Save"</button>
        }
    };
    view! {
        <Dialog node=card.renaming id="passkey-rename" title="Rename the passkey" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || card.fault.get().map(|message| view! { <FailureNote message /> })}
                <NameField card id="passkey-new-name" placeholder="" />
            </form>
        </Dialog>
    }
}

#[component]
fn NameField(card: Card, id: &'static str, placeholder: &'static str) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>"Name"</label>
            <input
                class="input"
                id=id
                maxlength="64"
                autocomplete="off"
                placeholder=placeholder
                prop:value=move || card.name.get()
                on:input=move |event| card.name.set(event_target_value(&event))
            />
        </div>
    }
}

/// The one that a dialog is about, unless an answer is waited for.
fn chosen(card: Card) -> Option<PasskeyId> {
    let id = card
        .chosen
        .with_untracked(|chosen| chosen.as_ref().map(|passkey| passkey.id));
    id.filter(|_| !card.busy.get_untracked())
}

fn remove(card: Card) {
    let Some(id) = chosen(card) else { return };
    card.busy.set(true);
    card.fault.set(None);
    spawn_local(async move {
        let answer = api::remove(id).await;
        if card.busy.try_set(false).is_some() {
            return;
        }
        match answer {
            Ok(()) => {
                dialog::close(card.removing);
                card.toasts.say(
                    "trash-2",
                    "The passkey is removed, and every other browser is signed out",
                );
                card.reload.run(());
            }
            Err(error) if card.proof.asked(&error, move || remove(card)) => {}
            Err(error) => card.fault.set(Some(error.0.message)),
        }
    });
}

#[component]
fn RemoveDialog(card: Card) -> impl IntoView {
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(card.removing)>"Cancel"</button>
            <button class="btn btn-danger" type="button" disabled=move || card.busy.get() on:click=move |_| remove(card)>"Remove"</button>
        }
    };
    let title = Signal::derive(move || {
        let name = card
            .chosen
            .with(|chosen| chosen.as_ref().map(|passkey| passkey.name.clone()))
            .unwrap_or_default();
        format!("Remove {name}?")
    });
    view! {
        <Dialog node=card.removing id="passkey-remove" title foot>
            {move || card.fault.get().map(|message| view! { <FailureNote message /> })}
            <p>"It signs you in no more, and every other browser is signed out. Your device may go on showing it until you delete it there as well."</p>
        </Dialog>
    }
}
