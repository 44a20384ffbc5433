//! Inviting somebody: a role, a note, how long; then the link, this once.

use super::{
    api,
    page::address,
    words::{role_does, role_name},
};
use crate::components::{
    CopyField, FailureNote,
    dialog::{self, Dialog},
    time::At,
};
use domain::{
    auth::Role,
    people::{Invitation, Invited, NewInvitation},
};
use leptos::{html, prelude::*, task::spawn_local};

const FORM: &str = "invite-form";

#[component]
pub fn InviteDialog(node: NodeRef<html::Dialog>, most: Role, made: Callback<Invitation>) -> impl IntoView {
    let role = RwSignal::new(Role::Operator.min(most));
    let note = RwSignal::new(String::new());
    let days = RwSignal::new("7".to_owned());
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<String>);
    let link = RwSignal::new(None::<Invited>);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let new = NewInvitation {
            role: role.get_untracked(),
            note: note.get_untracked(),
            days: days.with_untracked(|days| days.parse().ok()),
        };
        spawn_local(async move {
            let answer = api::invite(new).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(invited) => {
                    made.run(invited.invitation.clone());
                    note.set(String::new());
                    link.set(Some(invited));
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let done = move || {
        dialog::close(node);
        link.set(None);
    };
    let foot = move || {
        if link.with(Option::is_some) {
            view! { <button class="btn btn-primary" type="button" on:click=move |_| done()>"Done"</button> }
                .into_any()
        } else {
            view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Cancel"</button>
                <button
                    class="btn btn-primary"
                    type="submit"
                    form=FORM
                    aria-busy=move || busy.get().to_string()
                    disabled=move || busy.get()
                >
                    "Make link"
                </button>
            }
            .into_any()
        }
    };
    let choice = move |value: Role| {
        view! {
            <label class="opt">
                <input
                    class="check"
                    type="radio"
                    name="role"
                    checked={role.get_untracked() == value}
                    disabled={value > most}
                    prop:checked=move || role.get() == value
                    on:change=move |_| role.set(value)
                />
                <span>
                    <b>{role_name(value)}</b>
                    <small>{role_does(value)}</small>
                </span>
            </label>
        }
    };
    let form = move || {
        view! {
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <fieldset class="roles">
                    <legend class="lbl">"Role"</legend>
                    {Role::ALL.into_iter().map(choice).collect_view()}
                </fieldset>
                <div class="grid-2">
                    <div class="field">
                        <label for="invite-note">"For whom"</label>
                        <input
                            class="input"
                            id="invite-note"
                            maxlength="120"
                            autocomplete="off"
                            placeholder="Ada, from the office"
                            prop:value=move || note.get()
                            on:input=move |event| note.set(event_target_value(&event))
                        />
                    </div>
                    <div class="field">
                        <label for="invite-days">"Good for"</label>
                        <select
                            class="select"
                            id="invite-days"
                            prop:value=move || days.get()
                            on:change=move |event| days.set(event_target_value(&event))
                        >
                            <option value="1">"1 day"</option>
                            <option value="7" selected>"7 days"</option>
                            <option value="30">"30 days"</option>
                        </select>
                    </div>
                </div>
                <p class="hint">"Whoever opens the link first chooses a name and a password, and is a member."</p>
            </form>
        }
        .into_any()
    };
    let body = move || match link.get() {
        None => form(),
        Some(invited) => {
            let value = address(&invited.link.path);
            view! {
                <p>"Send this link by a way that you trust. It is good once, until "<At at=invited.link.expires_at />"."</p>
                <CopyField id="invite-url" label="Link" value />
                <p class="muted sm">"It is shown this once. Take the invitation back in the list if it got lost."</p>
            }
            .into_any()
        }
    };
    view! { <Dialog node id="invite" title="Invite" foot>{body}</Dialog> }
}
