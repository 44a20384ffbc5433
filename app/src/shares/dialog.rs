//! With which teams something is shared, and with which else.

use super::api;
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    icon, skeleton,
};
use domain::{
    people::Team,
    shares::{NewShare, Share, ShareKind},
};
use leptos::{html, prelude::*, task::spawn_local};
use uuid::Uuid;

/// What is to be shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    pub kind: ShareKind,
    pub id: Uuid,
    pub name: String,
}

const FORM: &str = "share-form";

/// Opens whenever `of` is set, and empties it when it is closed. Taking one team in or out counts at once.
#[component]
pub fn ShareDialog(
    of: RwSignal<Option<Shared>>,
    /// Why it cannot be shared; the teams are shown nevertheless.
    #[prop(into)]
    lacks: Signal<Option<&'static str>>,
    /// Somebody changed something.
    #[prop(optional, into)]
    changed: Option<Callback<()>>,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let known = RwSignal::new(None::<(Vec<Share>, Vec<Team>)>);
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let chosen = RwSignal::new(String::new());
    Effect::new(move |_| {
        let Some(asked) = of.get() else { return };
        known.set(None);
        fault.set(None);
        chosen.set(String::new());
        dialog::open(node);
        spawn_local(async move {
            match api::shares_of(asked.kind, asked.id).await {
                Ok(read) => drop(known.try_set(Some(read))),
                Err(error) => drop(fault.try_set(Some(error.0.message))),
            }
        });
    });
    let done = move || {
        dialog::close(node);
        of.set(None);
    };
    let after = move |answer: Result<(), crate::error::AppError>| {
        let _ = busy.try_set(false);
        match answer {
            Ok(()) => {
                if let Some(changed) = changed {
                    changed.run(());
                }
            }
            Err(error) => drop(fault.try_set(Some(error.0.message))),
        }
    };
    let share = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(asked), Ok(team_id)) = (of.get_untracked(), chosen.get_untracked().parse()) else {
            fault.set(Some("Choose a team first.".to_owned()));
            return;
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let new = NewShare {
                kind: asked.kind,
                object_id: asked.id,
                team_id,
            };
            let answer = api::share_with(new).await.map(|share| {
                let _ = chosen.try_set(String::new());
                let _ = known.try_update(|known| {
                    if let Some((shares, _)) = known {
                        shares.push(share);
                    }
                });
            });
            after(answer);
        });
    };
    let take_back = move |share: Share| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::unshare(share.id).await.map(|()| {
                let _ = known.try_update(|known| {
                    if let Some((shares, _)) = known {
                        shares.retain(|other| other.id != share.id);
                    }
                });
            });
            after(answer);
        });
    };
    let line = move |share: Share| {
        let label = format!("Share no longer with the team {}", share.team_name);
        let by = share.shared_by.clone().map(|by| format!("by {by}"));
        let name = share.team_name.clone();
        view! {
            <li>
                {icon("boxes")}
                <div class="name"><span class="t"><span class="clip">{name}</span></span><span class="s">{by}</span></div>
                <button
                    class="btn btn-sm"
                    type="button"
                    aria-label=label
                    disabled=move || busy.get() || lacks.get().is_some()
                    title=move || lacks.get()
                    on:click=move |_| take_back(share.clone())
                >
                    {icon("x")}
                    "Take back"
                </button>
            </li>
        }
        .into_any()
    };
    let body = move || {
        let Some((shares, teams)) = known.get() else {
            let waits = fault.with(Option::is_none);
            return waits.then(|| skeleton::lines(2)).into_any();
        };
        let free: Vec<_> = teams
            .iter()
            .filter(|team| shares.iter().all(|share| share.team_id != team.id))
            .map(|team| view! { <option value=team.id.to_string()>{team.name.clone()}</option> })
            .collect();
        let (no_team, none_left) = (teams.is_empty(), free.is_empty());
        let nobody = shares
            .is_empty()
            .then(|| view! { <p class="muted sm">"It is shared with no team."</p> });
        let list = view! { <ul class="lines" aria-label="Teams that it is shared with">{shares.into_iter().map(line).collect_view()}</ul> };
        let add = if no_team {
            view! { <p class="hint">"There are no teams yet. An admin makes them in "<a href="/settings/teams">"Settings, Teams"</a>"."</p> }.into_any()
        } else {
            view! {
                <form id=FORM class="field" on:submit=share>
                    <label for="share-team">"Share with"</label>
                    <select
                        class="select"
                        id="share-team"
                        disabled=move || none_left || lacks.get().is_some()
                        prop:value=move || chosen.get()
                        on:change=move |event| chosen.set(event_target_value(&event))
                    >
                        <option value="">{if none_left { "It is shared with every team" } else { "Choose a team" }}</option>
                        {free}
                    </select>
                </form>
            }
            .into_any()
        };
        view! { {nobody} {list} {add} }.into_any()
    };
    let foot = move || {
        view! {
            {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
            <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Done"</button>
            <button
                class="btn btn-primary"
                type="submit"
                form=FORM
                title=move || lacks.get()
                disabled=move || busy.get() || lacks.get().is_some() || chosen.with(String::is_empty)
            >
                "Share"
            </button>
        }
    };
    let name = move || of.with(|of| of.as_ref().map(|of| of.name.clone()).unwrap_or_default());
    let about = move || of.with(|of| of.as_ref().map(|of| of.kind.about()));
    view! {
        <Dialog node id="share" title=Signal::derive(move || format!("Share {} with a team", name())) foot>
            {move || fault.get().map(|message| view! { <FailureNote message /> })}
            <p class="muted sm">{about}</p>
            {body}
        </Dialog>
    }
}
