//! The invitations that nobody took up yet.

use super::{api, words::role_name};
use crate::components::{icon, time::Ago, toast::Toasts};
use domain::people::Invitation;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn Invitations(open: RwSignal<Vec<Invitation>>) -> impl IntoView {
    let toasts = Toasts::get();
    let withdraw = move |invitation: Invitation| {
        spawn_local(async move {
            match api::withdraw(invitation.id).await {
                Ok(()) => {
                    let _ = open.try_update(|open| open.retain(|other| other.id != invitation.id));
                    toasts.say("mail", "The invitation is taken back");
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let line = move |invitation: Invitation| {
        let title = if invitation.note.is_empty() {
            "Somebody".to_owned()
        } else {
            invitation.note.clone()
        };
        let by = invitation
            .invited_by
            .clone()
            .map(|name| format!(", invited by {name}"));
        let expires = if invitation.expired {
            view! { <span class="bad-text">"Its time is over"</span> }.into_any()
        } else {
            view! { "Good until "<Ago at=invitation.expires_at /> }.into_any()
        };
        let label = format!("Take back the invitation for {title}");
        view! {
            <li>
                <div class="name">
                    <span class="t"><span class="clip">{title}</span></span>
                    <span class="s">{role_name(invitation.role)}{by}</span>
                </div>
                <span class="end muted sm">{expires}</span>
                <button class="btn btn-sm" type="button" aria-label=label on:click=move |_| withdraw(invitation.clone())>
                    {icon("x")}
                    "Take back"
                </button>
            </li>
        }
    };
    view! {
        <Show when=move || open.with(|open| !open.is_empty())>
            <section class="card" aria-labelledby="open-invitations">
                <div class="card-h"><h2 id="open-invitations">"Open invitations"</h2></div>
                <ul class="lines">
                    <For each=move || open.get() key=|invitation| invitation.id children=line />
                </ul>
            </section>
        </Show>
    }
}
