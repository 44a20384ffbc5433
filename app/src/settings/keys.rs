//! API keys: one's own, and for an admin everybody's.

use super::{SettingsNav, new_key::NewKeyDialog};
use crate::{
    auth::own,
    components::{
        Empty, Failure,
        dialog::{self, Dialog},
        icon, skeleton,
        time::{Ago, At},
        toast::Toasts,
    },
};
use domain::{auth::Scope, people::ApiKey};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Keys() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| own::keys());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let making = NodeRef::<html::Dialog>::new();
    let keys = RwSignal::new(Vec::<ApiKey>::new());
    let revoking = RwSignal::new(None::<ApiKey>);
    view! {
        <Title text="API keys" />
        <SettingsNav />
        <div class="page-head">
            <h1>"API keys"</h1>
            <span class="sub">"For scripts and the command line"</span>
            <div class="end">
                <button class="btn btn-primary" type="button" aria-haspopup="dialog" on:click=move |_| dialog::open(making)>
                    {icon("plus")}
                    "New key"
                </button>
            </div>
        </div>
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(found) => {
                        keys.set(found);
                        view! { <List keys revoking making /> }.into_any()
                    }
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
        <NewKeyDialog node=making made=Callback::new(move |key| keys.update(|keys| keys.insert(0, key))) />
        <ConfirmRevoke keys revoking />
    }
}

#[component]
fn List(
    keys: RwSignal<Vec<ApiKey>>,
    revoking: RwSignal<Option<ApiKey>>,
    making: NodeRef<html::Dialog>,
) -> impl IntoView {
    view! {
        <Show
            when=move || keys.with(|keys| !keys.is_empty())
            fallback=move || {
                view! {
                    <div class="card">
                        <Empty icon="key-round" title="No API keys yet">
                            <p>
                                "A key lets a script or the command line use Chrontainer in your name, with no more rights than you have and with fewer if you like."
                            </p>
                            <p class="faint sm"><code>"curl -H \"Authorization: Bearer chk_…\""</code></p>
                            <div class="row">
                                <button class="btn btn-primary" type="button" on:click=move |_| dialog::open(making)>
                                    {icon("plus")}
                                    "New key"
                                </button>
                            </div>
                        </Empty>
                    </div>
                }
            }
        >
            <div class="tbl-wrap keys-list">
                <table class="tbl" role="table" aria-label="API keys">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">"Name"</th>
                            <th role="columnheader" scope="col" class="c-role">"May"</th>
                            <th role="columnheader" scope="col" class="c-seen">"Last used"</th>
                            <th role="columnheader" scope="col" class="c-seen">"Ends"</th>
                            <th role="columnheader" scope="col" class="c-revoke"><span class="vh">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        <For each=move || keys.get() key=|key| key.id children=move |key| row(key, revoking) />
                    </tbody>
                </table>
            </div>
        </Show>
    }
}

pub(super) fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read",
        Scope::Operate => "Operate",
        Scope::Manage => "Manage",
    }
}

fn row(key: ApiKey, revoking: RwSignal<Option<ApiKey>>) -> AnyView {
    let owner = (!key.own).then(|| format!(", {}", key.owner));
    let ends = match key.expires_at {
        _ if key.expired => view! { <span class="bad-text">"Its time is over"</span> }.into_any(),
        Some(at) => view! { <At at /> }.into_any(),
        None => view! { <span class="faint">"Never"</span> }.into_any(),
    };
    let used = match key.last_used_at {
        Some(at) => view! { <Ago at /> }.into_any(),
        None => view! { <span class="faint">"Never used"</span> }.into_any(),
    };
    let label = format!("Revoke {}", key.name);
    let asked = key.clone();
    view! {
        <tr role="row">
            <td role="cell" data-m="title">
                <div class="name">
                    <span class="t"><span class="clip">{key.name.clone()}</span></span>
                    <span class="s"><code>{key.prefix.clone()}"…"</code>{owner}</span>
                </div>
            </td>
            <td role="cell" data-m="a">
                <div class="name">
                    <span>{scope_name(key.scope)}</span>
                    {key.selector.clone().map(|selector| view! { <span class="s" title=selector.clone()><code>{selector.clone()}</code></span> })}
                </div>
            </td>
            <td role="cell" data-m="b">{used}</td>
            <td role="cell" data-m="hide">{ends}</td>
            <td role="cell" data-m="menu">
                <div class="acts">
                    <button class="icon-btn icon-btn-sm" type="button" aria-label=label.clone() title="Revoke" on:click=move |_| revoking.set(Some(asked.clone()))>
                        {icon("trash-2")}
                    </button>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn ConfirmRevoke(keys: RwSignal<Vec<ApiKey>>, revoking: RwSignal<Option<ApiKey>>) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let toasts = Toasts::get();
    Effect::new(move |_| {
        if revoking.with(Option::is_some) {
            dialog::open(node);
        }
    });
    let name = move || revoking.with(|key| key.as_ref().map(|key| key.name.clone()).unwrap_or_default());
    let done = move || {
        dialog::close(node);
        revoking.set(None);
    };
    let revoke = move |_| {
        if let Some(key) = revoking.get_untracked() {
            spawn_local(async move {
                match own::revoke_key(key.id).await {
                    Ok(()) => {
                        let _ = keys.try_update(|keys| keys.retain(|other| other.id != key.id));
                        toasts.say("key-round", format!("Revoked {}", key.name));
                    }
                    Err(error) => toasts.bad(error.0.message),
                }
            });
        }
        done();
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=revoke>{icon("trash-2")}"Revoke key"</button>
        }
    };
    view! {
        <Dialog node id="revoke-key" title=Signal::derive(move || format!("Revoke {}?", name())) foot>
            <p>"Whatever uses it is refused from its next request on. There is no way back, only a new key."</p>
        </Dialog>
    }
}
