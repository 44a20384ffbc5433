//! A team's name and members.

use super::api;
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    toast::Toasts,
};
use domain::{
    ids::{TeamId, UserId},
    people::{Member, TeamChange},
};
use leptos::{html, prelude::*, task::spawn_local};

/// What the dialog is about; without an id a new one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub id: Option<TeamId>,
    pub name: String,
    pub members: Vec<UserId>,
}

const FORM: &str = "team-form";

#[component]
pub fn TeamDialog(
    node: NodeRef<html::Dialog>,
    draft: RwSignal<Draft>,
    members: Vec<Member>,
    saved: Callback<()>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let Draft { id, name, members } = draft.get_untracked();
        spawn_local(async move {
            let id = match id {
                Some(id) => Ok(id),
                None => api::create_team(name.clone()).await.map(|team| team.id),
            };
            let answer = match id {
                Ok(id) => {
                    let change = TeamChange {
                        name: Some(name),
                        members: Some(members),
                    };
                    api::change_team(id, change).await
                }
                Err(error) => Err(error),
            };
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(team) => {
                    toasts.say("check", format!("Saved the team {}", team.name));
                    dialog::close(node);
                    saved.run(());
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let check = move |member: Member| {
        let id = member.id;
        let toggle = move |event: leptos::ev::Event| {
            let on = event_target_checked(&event);
            draft.update(|draft| {
                draft.members.retain(|other| *other != id);
                if on {
                    draft.members.push(id);
                }
            });
        };
        view! {
            <label class="opt">
                <input
                    class="check"
                    type="checkbox"
                    prop:checked=move || draft.with(|draft| draft.members.contains(&id))
                    on:change=toggle
                />
                <span><b>{member.name}</b></span>
            </label>
        }
    };
    let title = Signal::derive(move || {
        let new = draft.with(|draft| draft.id.is_none());
        if new { "New team" } else { "Edit team" }.to_owned()
    });
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Save team"</button>
        }
    };
    view! {
        <Dialog node id="team" title foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="team-name">"Name"</label>
                    <input
                        class="input"
                        id="team-name"
                        autocomplete="off"
                        maxlength="64"
                        placeholder="media"
                        prop:value=move || draft.with(|draft| draft.name.clone())
                        on:input=move |event| draft.update(|draft| draft.name = event_target_value(&event))
                    />
                </div>
                <fieldset class="roles">
                    <legend class="lbl">"Members"</legend>
                    {members.into_iter().map(check).collect_view()}
                </fieldset>
            </form>
        </Dialog>
    }
}
