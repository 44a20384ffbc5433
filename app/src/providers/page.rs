//! The page: providers, and whether passwords are taken.

use super::{
    api::{self, Ways},
    form::ProviderDialog,
    policy::PolicyCard,
    state::{Form, draft_of},
};
use crate::{
    auth,
    components::{
        Empty, Failure, FailureNote,
        dialog::{self, Dialog},
        icon, skeleton,
        toast::Toasts,
    },
    settings::SettingsNav,
};
use domain::{
    auth::Permission,
    ids::OrgId,
    people::Org,
    providers::{Provider, ProviderKind, SignUp, Walked},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn Providers() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::list());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let (node, deleting) = (NodeRef::<html::Dialog>::new(), RwSignal::new(None::<Provider>));
    let form = Form::new();
    let orgs = RwSignal::new(Vec::<Org>::new());
    let origin = RwSignal::new(String::new());
    // The dialog is made anew for other organisations only.
    let same_orgs = Memo::new(move |_| orgs.get());
    let lacks = auth::lacks(Permission::ProvidersManage);
    let query = use_query_map();
    let back = Memo::new(move |_| query.with(|query| query.get("tested").is_some()));
    let walked = crate::codec::resource(
        move || back.get(),
        |back| async move { if back { api::last_walk().await } else { Ok(None) } },
    );
    let home = move || {
        orgs.with_untracked(|orgs| {
            let open = orgs.iter().find(|org| org.current).or(orgs.first());
            open.map_or(OrgId::HOME, |org| org.id)
        })
    };
    let edit = Callback::new(move |provider: Option<Provider>| {
        form.begin(provider, home());
        dialog::open(node);
    });
    view! {
        <Title text="Sign-in" />
        <SettingsNav />
        <div class="page-head">
            <h1>"Sign-in"</h1>
            <span class="sub">"Ways into this server, for all organisations"</span>
            <div class="end">
                <button
                    class="btn btn-primary"
                    type="button"
                    aria-haspopup="dialog"
                    disabled=move || lacks.get().is_some()
                    title=move || lacks.get()
                    on:click=move |_| edit.run(None)
                >
                    {icon("plus")}
                    "Add provider"
                </button>
            </div>
        </div>
        <Transition>
            {move || Suspend::new(async move {
                match walked.await {
                    Ok(walked) => walked.map(walked_card).into_any(),
                    Err(error) => view! { <FailureNote message=error.0.message /> }.into_any(),
                }
            })}
        </Transition>
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(Ways { providers, policy, orgs: all, origin: here }) => {
                        orgs.set(all);
                        origin.set(here);
                        let any = providers.iter().any(|provider| provider.enabled);
                        view! {
                            <div class="settings">
                                <List providers edit deleting reload />
                                <PolicyCard policy any />
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
        <ProviderDialog node form origin=origin.into() orgs=same_orgs.into() saved=reload />
        <ConfirmDelete deleting done=reload />
    }
}

#[component]
fn List(
    providers: Vec<Provider>,
    edit: Callback<Option<Provider>>,
    deleting: RwSignal<Option<Provider>>,
    reload: Callback<()>,
) -> impl IntoView {
    if providers.is_empty() {
        return view! {
            <div class="card">
                <Empty icon="shield-check" title="No providers yet">
                    <p>"With one, people sign in with the account that they have elsewhere: Google, Keycloak, Authentik, GitHub and others."</p>
                </Empty>
            </div>
        }
        .into_any();
    }
    view! {
        <section class="card" aria-labelledby="providers">
            <div class="card-h"><h2 id="providers">"Providers"</h2></div>
            <ul class="lines">{providers.into_iter().map(|provider| line(provider, edit, deleting, reload)).collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// What came of going to a provider and back.
fn walked_card(walked: Walked) -> AnyView {
    let word = if walked.report.ok {
        "would let you in"
    } else {
        "would not let you in"
    };
    view! {
        <section class="card" aria-labelledby="walked">
            <div class="card-h"><h2 id="walked">{format!("{} {word}", walked.provider)}</h2></div>
            <div class="card-b"><ul class="tst">{walked.report.steps.into_iter().map(super::test::line).collect_view()}</ul></div>
            <div class="card-f">"Nobody was signed in by this, and nothing was linked."</div>
        </section>
    }
    .into_any()
}

fn line(
    provider: Provider,
    edit: Callback<Option<Provider>>,
    deleting: RwSignal<Option<Provider>>,
    reload: Callback<()>,
) -> AnyView {
    let toasts = Toasts::get();
    let sign = match provider.kind {
        ProviderKind::Oidc => "shield-check",
        ProviderKind::Github => "git-branch",
    };
    let who = match (provider.sign_up, provider.identities) {
        (SignUp::InviteOnly, 0) => "by invitation".to_owned(),
        (SignUp::AutoCreate, 0) => "accounts are made".to_owned(),
        (SignUp::InviteOnly, 1) => "by invitation, 1 account".to_owned(),
        (SignUp::AutoCreate, 1) => "accounts are made, 1 so far".to_owned(),
        (SignUp::InviteOnly, many) => format!("by invitation, {many} accounts"),
        (SignUp::AutoCreate, many) => format!("accounts are made, {many} so far"),
    };
    let managed = provider.managed;
    let (edited, removed, switched) = (provider.clone(), provider.clone(), provider.clone());
    let switch = move |_| {
        let mut draft = draft_of(switched.clone());
        draft.enabled = !draft.enabled;
        let id = switched.id;
        spawn_local(async move {
            match api::update(id, draft).await {
                Ok(provider) => {
                    let word = if provider.enabled { "on" } else { "off" };
                    toasts.say("shield-check", format!("Switched {} {word}", provider.name));
                    reload.run(());
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let slug = provider.slug.clone();
    let walk = move |_| {
        let slug = slug.clone();
        spawn_local(async move {
            match api::walk(slug).await {
                Ok(url) => drop(window().location().assign(&url)),
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let name = provider.name.clone();
    view! {
        <li>
            {icon(sign)}
            <div class="name">
                <span class="t">
                    <span class="clip">{name.clone()}</span>
                    {managed.then(|| view! { <span class="tag">"From the environment"</span> })}
                    {(!provider.enabled).then(|| view! { <span class="tag">"Switched off"</span> })}
                </span>
                <span class="s">{format!("{}, {who}", provider.issuer)}</span>
            </div>
            <span class="end">
                <button class="btn btn-sm" type="button" aria-label=format!("Try signing in through {name}") on:click=walk>
                    {icon("refresh-cw")}
                    "Try signing in"
                </button>
                " "
                {if managed {
                    view! { <span class="muted sm">"Changed by CHRONTAINER_OIDC_ variables"</span> }.into_any()
                } else {
                    view! {
                        <button class="btn btn-sm" type="button" aria-label=format!("Switch {name} {}", if provider.enabled { "off" } else { "on" }) on:click=switch>
                            {if provider.enabled { "Switch off" } else { "Switch on" }}
                        </button>
                        " "
                        <button class="btn btn-sm" type="button" aria-haspopup="dialog" aria-label=format!("Edit {name}") on:click=move |_| edit.run(Some(edited.clone()))>
                            {icon("pencil")}
                            "Edit"
                        </button>
                        " "
                        <button class="icon-btn icon-btn-sm" type="button" aria-haspopup="dialog" aria-label=format!("Delete {name}") on:click=move |_| deleting.set(Some(removed.clone()))>
                            {icon("trash-2")}
                        </button>
                    }
                        .into_any()
                }}
            </span>
        </li>
    }
    .into_any()
}

#[component]
fn ConfirmDelete(deleting: RwSignal<Option<Provider>>, done: Callback<()>) -> impl IntoView {
    let toasts = Toasts::get();
    let node = NodeRef::<html::Dialog>::new();
    let fault = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if deleting.with(Option::is_some) {
            fault.set(None);
            dialog::open(node);
        }
    });
    let close = move || {
        dialog::close(node);
        deleting.set(None);
    };
    let confirm = move |_| {
        let Some(provider) = deleting.get_untracked() else {
            return;
        };
        spawn_local(async move {
            match api::delete(provider.id).await {
                Ok(()) => {
                    toasts.say("trash-2", format!("Deleted {}", provider.name));
                    close();
                    done.run(());
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    let title = Signal::derive(move || {
        deleting.with(|provider| {
            provider
                .as_ref()
                .map_or_else(String::new, |provider| format!("Delete {}?", provider.name))
        })
    });
    let linked = move || {
        deleting.with(
            |provider| match provider.as_ref().map_or(0, |provider| provider.identities) {
                0 => "Nobody is linked to it.".to_owned(),
                1 => "One account is linked to it. It stays, and needs another way in.".to_owned(),
                many => format!("{many} accounts are linked to it. They stay, and need another way in."),
            },
        )
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| close()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=confirm>"Delete"</button>
        }
    };
    view! {
        <Dialog node id="delete-provider" title foot>
            {move || fault.get().map(|message| view! { <FailureNote message /> })}
            <p>{linked}</p>
        </Dialog>
    }
}
