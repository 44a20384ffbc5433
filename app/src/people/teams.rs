//! Teams and grants: another role on some containers, for one member or several together, and what is shared with teams.

use super::{
    api,
    grant::GrantDialog,
    team::{Draft, TeamDialog},
    words::role_name,
};
use crate::{
    auth::{Me, api::Myself, lacks},
    components::{Empty, Failure, dialog, icon, skeleton, toast::Toasts},
    settings::SettingsNav,
    shares::api::unshare,
};
use domain::{
    auth::Permission,
    people::{GrantLine, Member, Team},
    shares::{Share, ShareKind},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Teams() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::teams_page());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let me = Me::get();
    view! {
        <Title text="Teams" />
        <SettingsNav />
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match (me.ready().await, page.await) {
                    (Ok(me), Ok((teams, grants, shares, members))) => {
                        view! { <Found me teams grants shares members reload /> }.into_any()
                    }
                    (Err(error), _) | (_, Err(error)) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(
    me: Myself,
    teams: Vec<Team>,
    grants: Vec<GrantLine>,
    shares: Vec<Share>,
    members: Vec<Member>,
    reload: Callback<()>,
) -> impl IntoView {
    let lacks = me.lacks(Permission::UsersManage);
    let editing = NodeRef::<html::Dialog>::new();
    let granting = NodeRef::<html::Dialog>::new();
    let draft = RwSignal::new(Draft::default());
    let edit = move |of: Draft| {
        draft.set(of);
        dialog::open(editing);
    };
    let none = teams.is_empty();
    let all_teams = StoredValue::new(teams.clone());
    let new_team = move || {
        view! {
            <button
                class="btn btn-primary"
                type="button"
                aria-haspopup="dialog"
                disabled=lacks.is_some()
                title=lacks
                on:click=move |_| edit(Draft::default())
            >
                {icon("plus")}
                "New team"
            </button>
        }
    };
    let list = if none {
        view! {
            <Empty icon="user" title="No teams yet">
                <p>"A team is members who are granted things together, such as operator on the media stack and nothing else."</p>
                <div class="row">{new_team()}</div>
            </Empty>
        }
        .into_any()
    } else {
        let lines = teams
            .into_iter()
            .map(|team| team_line(team, lacks, Callback::new(edit), reload))
            .collect_view();
        view! { <ul class="lines">{lines}</ul> }.into_any()
    };
    view! {
        <div class="page-head">
            <h1>"Teams"</h1>
            <div class="end">
                {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                {(!none).then(new_team)}
            </div>
        </div>
        <div class="settings">
            <section class="card" aria-label="Teams">{list}</section>
            <section class="card" aria-labelledby="grants">
                <div class="card-h">
                    <h2 id="grants">"Roles on some containers"</h2>
                    <div class="end">
                        <button
                            class="btn btn-sm"
                            type="button"
                            aria-haspopup="dialog"
                            disabled=lacks.is_some()
                            title=lacks
                            on:click=move |_| dialog::open(granting)
                        >
                            {icon("plus")}
                            "Grant a role"
                        </button>
                    </div>
                </div>
                <ul class="lines">
                    {grants.into_iter().map(|grant| grant_line(grant, lacks, reload)).collect_view()}
                </ul>
                <div class="card-f">
                    "Where the selector fits, this role counts instead of the member's own, and of several the highest. Admins and owners keep theirs everywhere."
                </div>
            </section>
            {shared_card(shares, reload)}
        </div>
        <TeamDialog node=editing draft members=members.clone() saved=reload />
        <GrantDialog node=granting members teams=all_teams.get_value() saved=reload />
    }
}

fn team_line(
    team: Team,
    lacks: Option<&'static str>,
    edit: Callback<Draft>,
    reload: Callback<()>,
) -> AnyView {
    let toasts = Toasts::get();
    let names = if team.members.is_empty() {
        "Nobody yet".to_owned()
    } else {
        let names: Vec<_> = team.members.iter().map(|user| user.name.clone()).collect();
        names.join(", ")
    };
    let (id, name) = (team.id, team.name.clone());
    let draft = Draft {
        id: Some(team.id),
        name: team.name.clone(),
        members: team.members.iter().map(|user| user.id).collect(),
    };
    let edit_label = format!("Edit {name}");
    let delete_label = format!("Delete {name}");
    let delete = move |_| {
        let name = name.clone();
        spawn_local(async move {
            match api::delete_team(id).await {
                Ok(()) => {
                    toasts.say("trash-2", format!("Deleted the team {name}"));
                    reload.run(());
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    view! {
        <li>
            <div class="name">
                <span class="t"><span class="clip">{team.name}</span></span>
                <span class="s">{names}</span>
            </div>
            <button class="btn btn-sm" type="button" aria-label=edit_label disabled=lacks.is_some() title=lacks on:click=move |_| edit.run(draft.clone())>
                {icon("pencil")}
                "Edit"
            </button>
            <button class="icon-btn icon-btn-sm" type="button" aria-label=delete_label disabled=lacks.is_some() title=lacks on:click=delete>
                {icon("trash-2")}
            </button>
        </li>
    }
    .into_any()
}

fn grant_line(grant: GrantLine, lacks: Option<&'static str>, reload: Callback<()>) -> AnyView {
    let toasts = Toasts::get();
    let id = grant.id;
    let label = format!("Take back the role of {}", grant.holder);
    let sign = if grant.team_id.is_some() { "boxes" } else { "user" };
    let take_back = move |_| {
        spawn_local(async move {
            match api::delete_grant(id).await {
                Ok(()) => {
                    toasts.say("undo-2", "The role is taken back");
                    reload.run(());
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    view! {
        <li>
            {icon(sign)}
            <div class="name">
                <span class="t"><span class="clip">{grant.holder}</span><span class="tag">{role_name(grant.role)}</span></span>
                <span class="s">"on "<code>{grant.selector}</code></span>
            </div>
            <button class="btn btn-sm" type="button" aria-label=label disabled=lacks.is_some() title=lacks on:click=take_back>
                {icon("x")}
                "Take back"
            </button>
        </li>
    }
    .into_any()
}

/// What is shared with teams. It is shared from its own page or list.
fn shared_card(shares: Vec<Share>, reload: Callback<()>) -> AnyView {
    let none = shares.is_empty();
    view! {
        <section class="card" aria-labelledby="shares">
            <div class="card-h"><h2 id="shares">"Shared with teams"</h2></div>
            <ul class="lines">{shares.into_iter().map(|share| share_line(share, reload)).collect_view()}</ul>
            <div class="card-f">
                {none.then_some("Nothing is shared. ")}
                "Hosts, schedules and views are shared from their own menus."
            </div>
        </section>
    }
    .into_any()
}

fn share_line(share: Share, reload: Callback<()>) -> AnyView {
    let toasts = Toasts::get();
    let lacks = lacks(match share.kind {
        ShareKind::Host => Permission::UsersManage,
        ShareKind::Schedule => Permission::SchedulesManage,
        ShareKind::View => Permission::SharesManage,
    });
    let label = format!("Share {} no longer with {}", share.object_name, share.team_name);
    let (sign, href) = match share.kind {
        ShareKind::Host => ("server", Some(format!("/hosts/{}", share.object_id))),
        ShareKind::Schedule => ("calendar-clock", Some(format!("/schedules/{}", share.object_id))),
        ShareKind::View => ("eye", None),
    };
    let name = share.object_name.clone();
    let name = match href {
        Some(href) => view! { <a class="clip" href=href>{name}</a> }.into_any(),
        None => view! { <span class="clip">{name}</span> }.into_any(),
    };
    let by = share.shared_by.map(|by| format!(", by {by}"));
    let id = share.id;
    let take_back = move |_| {
        spawn_local(async move {
            match unshare(id).await {
                Ok(()) => {
                    toasts.say("undo-2", "It is shared no longer");
                    reload.run(());
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    view! {
        <li>
            {icon(sign)}
            <div class="name">
                <span class="t">{name}<span class="tag">{share.kind.as_str()}</span></span>
                <span class="s">"with the team "{share.team_name}{by}</span>
            </div>
            <button class="btn btn-sm" type="button" aria-label=label disabled=move || lacks.get().is_some() title=move || lacks.get() on:click=take_back>
                {icon("x")}
                "Take back"
            </button>
        </li>
    }
    .into_any()
}
