//! Writing a member's e-mail address.

use super::{api, page::Rows};
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    toast::Toasts,
};
use domain::people::MemberChange;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn EmailDialog(rows: Rows) -> impl IntoView {
    const FORM: &str = "email-form";
    let node = NodeRef::<html::Dialog>::new();
    let toasts = Toasts::get();
    let email = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(member) = rows.emailing.get() {
            email.set(member.email.unwrap_or_default());
            fault.set(None);
            dialog::open(node);
        }
    });
    let name = move || {
        rows.emailing
            .with(|member| member.as_ref().map(|member| member.name.clone()))
            .unwrap_or_default()
    };
    let done = move || {
        dialog::close(node);
        let _ = rows.emailing.try_set(None);
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(member) = rows.emailing.get_untracked() else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let change = MemberChange {
            email: Some(email.get_untracked().trim().to_owned()),
            ..MemberChange::default()
        };
        spawn_local(async move {
            let answer = api::change(member.id, change).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(member) => {
                    let text = match &member.email {
                        Some(email) => format!("{} has the address {email}", member.name),
                        None => format!("{} has no address any more", member.name),
                    };
                    toasts.say("mail", text);
                    rows.put(member);
                    done();
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Save"</button>
        }
    };
    view! {
        <Dialog node id="member-email" title=Signal::derive(move || format!("E-mail address of {}", name())) foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <p>
                    "A provider that may link accounts by address signs its owner in as them, so write only one that is theirs. It counts as \
                     confirmed once they have signed in with it."
                </p>
                <div class="field">
                    <label for="member-email-field">"E-mail address"</label>
                    <input
                        class="input"
                        id="member-email-field"
                        type="email"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-describedby="member-email-hint"
                        aria-invalid=move || fault.with(Option::is_some).then_some("true")
                        prop:value=move || email.get()
                        on:input=move |event| email.set(event_target_value(&event))
                    />
                    <span class="hint" id="member-email-hint">"Leave it empty to remove the address."</span>
                </div>
            </form>
        </Dialog>
    }
}
