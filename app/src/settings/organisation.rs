//! The organisation that is open, and the others that one belongs to.

use super::{SettingsNav, retention::KeptFor};
use crate::{
    auth::{Me, api::Myself},
    components::{
        Failure, FailureNote,
        dialog::{self, Dialog},
        icon, skeleton,
        toast::Toasts,
    },
    people::{api, words::role_name},
};
use domain::{
    auth::Permission,
    people::{Org, OrgChange},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Organisation() -> impl IntoView {
    let me = Me::get();
    let retry = Callback::new(move |()| me.reload());
    let making = NodeRef::<html::Dialog>::new();
    view! {
        <Title text="Organisation" />
        <SettingsNav />
        <div class="page-head"><h1>"Organisation"</h1></div>
        <Transition fallback=|| skeleton::lines(3)>
            {move || Suspend::new(async move {
                match me.ready().await {
                    Ok(me) => {
                        view! { <div class="settings"><Name me=me.clone() /><KeptFor /><LogKept me=me.clone() /><Others me making /></div> }.into_any()
                    }
                    Err(error) => view! { <Failure error retry /> }.into_any(),
                }
            })}
        </Transition>
        <NewOrg node=making />
    }
}

#[component]
fn Name(me: Myself) -> impl IntoView {
    let toasts = Toasts::get();
    let lacks = me.lacks(Permission::OrgManage);
    let current = me.orgs.into_iter().find(|org| org.current);
    let id = current.as_ref().map(|org| org.id);
    let required = RwSignal::new(current.as_ref().is_some_and(|org| org.second_factor_required));
    let name = RwSignal::new(current.map(|org| org.name).unwrap_or_default());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let state = Me::get();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = id.filter(|_| !busy.get_untracked()) else {
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let change = OrgChange {
                name: Some(name.get_untracked()),
                ..OrgChange::default()
            };
            let answer = api::change_org(id, change).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(org) => {
                    toasts.say("pencil", format!("The organisation is called {} now", org.name));
                    state.reload();
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    let ask = move |event: leptos::ev::Event| {
        let Some(id) = id else { return };
        let wanted = event_target_checked(&event);
        required.set(wanted);
        fault.set(None);
        spawn_local(async move {
            let change = OrgChange {
                second_factor_required: Some(wanted),
                ..OrgChange::default()
            };
            match api::change_org(id, change).await {
                Ok(_) => state.reload(),
                Err(error) => {
                    let _ = required.try_set(!wanted);
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="org-title">
            <div class="card-h"><h2 id="org-title">"This organisation"</h2></div>
            <form class="card-b stack narrow" on:submit=submit aria-labelledby="org-title">
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="org-name">"Name"</label>
                    <input
                        class="input"
                        id="org-name"
                        autocomplete="off"
                        maxlength="64"
                        disabled=lacks.is_some()
                        prop:value=move || name.get()
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                </div>
                <div class="row">
                    <button
                        class="btn"
                        type="submit"
                        title=lacks
                        aria-busy=move || busy.get().to_string()
                        disabled=move || lacks.is_some() || busy.get()
                    >
                        "Save name"
                    </button>
                    {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                </div>
                <label class="opt">
                    <input
                        type="checkbox"
                        role="switch"
                        class="switch"
                        disabled=lacks.is_some()
                        prop:checked=move || required.get()
                        on:change=ask
                    />
                    <span>
                        <b>"Ask every member for a second factor"</b>
                        <small>"Whoever has none may only set one up."</small>
                    </span>
                </label>
            </form>
        </section>
    }
}

/// How long lines of the audit log are kept.
#[component]
fn LogKept(me: Myself) -> impl IntoView {
    let toasts = Toasts::get();
    let state = Me::get();
    let lacks = me.lacks(Permission::OrgManage);
    let current = me.orgs.into_iter().find(|org| org.current);
    let id = current.as_ref().map(|org| org.id);
    let kept = current.and_then(|org| org.audit_days);
    let days = RwSignal::new(kept.map(|days| days.to_string()).unwrap_or_default());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(id) = id.filter(|_| !busy.get_untracked()) else {
            return;
        };
        let typed = days.get_untracked();
        let wanted = match typed.trim() {
            "" => Ok(0),
            text => text.parse::<u32>(),
        };
        let Ok(wanted) = wanted else {
            fault.set(Some(format!(
                "{typed} is no whole number of days. Leave the field empty to keep every line for ever."
            )));
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let change = OrgChange {
                audit_days: Some(wanted),
                ..OrgChange::default()
            };
            let answer = api::change_org(id, change).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(org) => {
                    toasts.say(
                        "check",
                        match org.audit_days {
                            Some(days) => format!("Lines of the audit log are kept for {days} days"),
                            None => "Lines of the audit log are kept for ever".to_owned(),
                        },
                    );
                    state.reload();
                }
                Err(error) => drop(fault.try_set(Some(error.0.message))),
            }
        });
    };
    view! {
        <section class="card" aria-labelledby="log-kept">
            <div class="card-h"><h2 id="log-kept">"How long the audit log is kept"</h2></div>
            <form class="card-b stack narrow" novalidate on:submit=submit aria-labelledby="log-kept">
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="audit-days">"Days"</label>
                    <input
                        class="input"
                        id="audit-days"
                        inputmode="numeric"
                        autocomplete="off"
                        placeholder="For ever"
                        aria-describedby="audit-days-hint"
                        disabled=lacks.is_some()
                        prop:value=move || days.get()
                        on:input=move |event| days.set(event_target_value(&event))
                    />
                    <span class="hint" id="audit-days-hint">
                        "30 or more. What goes leaves a checkpoint, from which the rest is proved on. The history of schedules is read from this log too."
                    </span>
                </div>
                <div class="row">
                    <button
                        class="btn"
                        type="submit"
                        title=lacks
                        aria-busy=move || busy.get().to_string()
                        disabled=move || lacks.is_some() || busy.get()
                    >
                        "Save days"
                    </button>
                    {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                </div>
            </form>
        </section>
    }
}

#[component]
fn Others(me: Myself, making: NodeRef<html::Dialog>) -> impl IntoView {
    let lacks = me.lacks(Permission::OrgsManage);
    let toasts = Toasts::get();
    let line = move |org: Org| {
        let (id, current) = (org.id, org.current);
        let label = format!("Open {}", org.name);
        let open = move |_| spawn_local(open_org(id, toasts));
        view! {
            <li>
                <div class="name">
                    <span class="t">
                        <span class="clip">{org.name.clone()}</span>
                        {current.then(|| view! { <span class="tag">"Open"</span> })}
                    </span>
                    <span class="s">{role_name(org.role)}</span>
                </div>
                <span class="end"></span>
                {(!current).then(|| view! { <button class="btn btn-sm" type="button" aria-label=label on:click=open>"Open"</button> })}
            </li>
        }
    };
    view! {
        <section class="card" aria-labelledby="orgs">
            <div class="card-h">
                <h2 id="orgs">"Your organisations"</h2>
                <div class="end">
                    {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                    <button class="btn btn-sm" type="button" aria-haspopup="dialog" disabled=lacks.is_some() title=lacks on:click=move |_| dialog::open(making)>
                        {icon("plus")}
                        "New organisation"
                    </button>
                </div>
            </div>
            <ul class="lines">{me.orgs.into_iter().map(line).collect_view()}</ul>
            <div class="card-f">"Hosts, schedules, people and keys belong to one organisation each and are seen in no other."</div>
        </section>
    }
}

/// Everything that the page knows belongs to the other one, so it is loaded anew.
pub async fn open_org(id: domain::ids::OrgId, toasts: Toasts) {
    match api::switch_org(id).await {
        Ok(()) => {
            let _ = window().location().assign("/");
        }
        Err(error) => toasts.bad(error.0.message),
    }
}

#[component]
pub fn NewOrg(
    node: NodeRef<html::Dialog>,
    /// One was made.
    #[prop(optional, into)]
    made: Option<Callback<()>>,
) -> impl IntoView {
    const FORM: &str = "new-org-form";
    let toasts = Toasts::get();
    let me = Me::get();
    let name = RwSignal::new(String::new());
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
            let answer = api::create_org(name.get_untracked()).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(org) => {
                    toasts.say("plus", format!("Made {}", org.name));
                    name.set(String::new());
                    dialog::close(node);
                    me.reload();
                    if let Some(made) = made {
                        made.run(());
                    }
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM disabled=move || busy.get()>"Make organisation"</button>
        }
    };
    view! {
        <Dialog node id="new-org" title="New organisation" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message /> })}
                <div class="field">
                    <label for="new-org-name">"Name"</label>
                    <input
                        class="input"
                        id="new-org-name"
                        autocomplete="off"
                        maxlength="64"
                        prop:value=move || name.get()
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                </div>
                <p class="hint">"You are its first owner. Nothing of this organisation is seen there."</p>
            </form>
        </Dialog>
    }
}
