//! Granting a role on some containers.

use super::{api, words::role_does};
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    toast::Toasts,
};
use domain::{
    auth::Role,
    people::{Member, NewGrant, Team},
};
use leptos::{html, prelude::*, task::spawn_local};

const FORM: &str = "grant-form";

#[component]
pub fn GrantDialog(
    node: NodeRef<html::Dialog>,
    members: Vec<Member>,
    teams: Vec<Team>,
    saved: Callback<()>,
) -> impl IntoView {
    let toasts = Toasts::get();
    // `team:…` or `user:…`.
    let holder = RwSignal::new(String::new());
    let role = RwSignal::new(Role::Operator);
    let selector = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let held = holder.get_untracked();
        let new = NewGrant {
            selector: selector.get_untracked(),
            role: role.get_untracked(),
            user_id: held.strip_prefix("user:").and_then(|id| id.parse().ok()),
            team_id: held.strip_prefix("team:").and_then(|id| id.parse().ok()),
        };
        spawn_local(async move {
            let answer = api::create_grant(new).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(grant) => {
                    let text = format!(
                        "{} is {} on {}",
                        grant.holder,
                        grant.role.with_article(),
                        grant.selector
                    );
                    toasts.say("check", text);
                    selector.set(String::new());
                    dialog::close(node);
                    saved.run(());
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let choice = move |value: Role| {
        view! {
            <label class="opt">
                <input
                    class="check"
                    type="radio"
                    name="grant-role"
                    checked={role.get_untracked() == value}
                    prop:checked=move || role.get() == value
                    on:change=move |_| role.set(value)
                />
                <span>
                    <b>{super::words::role_name(value)}</b>
                    <small>{role_does(value)}</small>
                </span>
            </label>
        }
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Grant role"</button>
        }
    };
    view! {
        <Dialog node id="grant" title="Grant a role on some containers" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="grant-holder">"To"</label>
                    <select
                        class="select"
                        id="grant-holder"
                        prop:value=move || holder.get()
                        on:change=move |event| holder.set(event_target_value(&event))
                    >
                        <option value="">"Choose a team or a member"</option>
                        {teams
                            .into_iter()
                            .map(|team| view! { <option value=format!("team:{}", team.id)>{format!("Team {}", team.name)}</option> })
                            .collect_view()}
                        {members
                            .into_iter()
                            .map(|member| view! { <option value=format!("user:{}", member.id)>{member.name}</option> })
                            .collect_view()}
                    </select>
                </div>
                <fieldset class="roles">
                    <legend class="lbl">"Role"</legend>
                    {[Role::Operator, Role::Viewer].into_iter().map(choice).collect_view()}
                </fieldset>
                <div class="field">
                    <label for="grant-selector">"On these containers"</label>
                    <input
                        class="input mono"
                        id="grant-selector"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="stack:media"
                        aria-describedby="grant-selector-hint"
                        prop:value=move || selector.get()
                        on:input=move |event| selector.set(event_target_value(&event))
                    />
                    <span class="hint" id="grant-selector-hint">"A selector, such as "<code>"host:nas"</code>" or "<code>"stack:media"</code>". Containers that come later count too."</span>
                </div>
            </form>
        </Dialog>
    }
}
