//! The organisations of the whole server, for those who look after it: they see inside one only as its member.

use super::{SettingsNav, organisation::NewOrg};
use crate::{
    auth::{Me, lacks},
    components::{
        Failure, FailureNote,
        dialog::{self, Dialog},
        icon, skeleton,
        time::At,
        toast::Toasts,
    },
    people::{
        api,
        words::{role_does, role_name},
    },
    schedules::words::count,
};
use domain::{
    auth::{Permission, Role},
    people::OrgLine,
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Organisations() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::all_orgs());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let making = NodeRef::<html::Dialog>::new();
    let (joining, renaming) = (RwSignal::new(None::<OrgLine>), RwSignal::new(None::<OrgLine>));
    let lacks = lacks(Permission::OrgsManage);
    view! {
        <Title text="All organisations" />
        <SettingsNav />
        <div class="page-head">
            <h1>"All organisations"</h1>
            <span class="sub">"Of this server, seen from outside"</span>
            <div class="end">
                <button
                    class="btn btn-primary"
                    type="button"
                    aria-haspopup="dialog"
                    disabled=move || lacks.get().is_some()
                    title=move || lacks.get()
                    on:click=move |_| dialog::open(making)
                >
                    {icon("plus")}
                    "New organisation"
                </button>
                {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
            </div>
        </div>
        <Transition fallback=|| skeleton::lines(3)>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(orgs) => view! { <List orgs joining renaming /> }.into_any(),
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
        <NewOrg node=making made=reload />
        <JoinDialog joining joined=reload />
        <RenameDialog renaming renamed=reload />
    }
}

#[component]
fn List(
    orgs: Vec<OrgLine>,
    joining: RwSignal<Option<OrgLine>>,
    renaming: RwSignal<Option<OrgLine>>,
) -> impl IntoView {
    let line = move |org: OrgLine| {
        let (join, rename) = (org.clone(), org.clone());
        let owners = match org.owners.is_empty() {
            true => "no owner".to_owned(),
            false => format!("owned by {}", org.owners.join(", ")),
        };
        let mine = org
            .role
            .map(|role| view! { <span class="tag">"You are "{role.with_article()}</span> });
        let outside = org.role.is_none().then(|| {
            let label = format!("Join {}", join.name);
            view! {
                <button class="btn btn-sm" type="button" aria-haspopup="dialog" aria-label=label on:click=move |_| joining.set(Some(join.clone()))>
                    "Join"
                </button>
            }
        });
        view! {
            <li>
                {icon("boxes")}
                <div class="name">
                    <span class="t"><span class="clip">{org.name.clone()}</span>{mine}</span>
                    <span class="s">{count(org.members, "member")}", "{owners}", made "<At at=org.created_at /></span>
                </div>
                {outside}
                <button
                    class="btn btn-sm"
                    type="button"
                    aria-haspopup="dialog"
                    aria-label=format!("Rename {}", org.name)
                    on:click=move |_| renaming.set(Some(rename.clone()))
                >
                    {icon("pencil")}
                    "Rename"
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <div class="settings">
            <section class="card" aria-label="Organisations">
                <ul class="lines">{orgs.into_iter().map(line).collect_view()}</ul>
                <div class="card-f">
                    "Whoever looks after the server sees inside an organisation only as its member. Its audit log says who joined."
                </div>
            </section>
        </div>
    }
}

fn name_of(org: RwSignal<Option<OrgLine>>) -> String {
    org.with(|org| org.as_ref().map(|org| org.name.clone()).unwrap_or_default())
}

#[component]
fn JoinDialog(joining: RwSignal<Option<OrgLine>>, joined: Callback<()>) -> impl IntoView {
    const FORM: &str = "join-form";
    let node = NodeRef::<html::Dialog>::new();
    let (toasts, me) = (Toasts::get(), Me::get());
    let role = RwSignal::new(Role::Viewer);
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        if joining.with(Option::is_some) {
            fault.set(None);
            role.set(Role::Viewer);
            dialog::open(node);
        }
    });
    let done = move || {
        dialog::close(node);
        joining.set(None);
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(org) = joining.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::join_org(org.id, role.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(org) => {
                    toasts.say("check", format!("You belong to {} now", org.name));
                    done();
                    me.reload();
                    joined.run(());
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
                    name="join-role"
                    value=value.as_str()
                    prop:checked=move || role.get() == value
                    on:change=move |_| role.set(value)
                />
                <span><b>{role_name(value)}</b><small>{role_does(value)}</small></span>
            </label>
        }
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Join"</button>
        }
    };
    view! {
        <Dialog node id="join-org" title=Signal::derive(move || format!("Join {}", name_of(joining))) foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <p>"You become a member and see what is inside. Its owners find it in their audit log."</p>
                <fieldset class="roles">
                    <legend class="lbl">"Role"</legend>
                    {Role::ALL.into_iter().map(choice).collect_view()}
                </fieldset>
            </form>
        </Dialog>
    }
}

#[component]
fn RenameDialog(renaming: RwSignal<Option<OrgLine>>, renamed: Callback<()>) -> impl IntoView {
    const FORM: &str = "rename-org-form";
    let node = NodeRef::<html::Dialog>::new();
    let (toasts, me) = (Toasts::get(), Me::get());
    let name = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        if renaming.with(Option::is_some) {
            fault.set(None);
            name.set(name_of(renaming));
            dialog::open(node);
        }
    });
    let done = move || {
        dialog::close(node);
        renaming.set(None);
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(org) = renaming.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::rename_org(org.id, name.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(org) => {
                    toasts.say("pencil", format!("The organisation is called {} now", org.name));
                    done();
                    me.reload();
                    renamed.run(());
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Save name"</button>
        }
    };
    view! {
        <Dialog node id="rename-org" title=Signal::derive(move || format!("Rename {}", name_of(renaming))) foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="rename-org-name">"Name"</label>
                    <input
                        class="input"
                        id="rename-org-name"
                        autocomplete="off"
                        maxlength="64"
                        prop:value=move || name.get()
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                </div>
            </form>
        </Dialog>
    }
}
