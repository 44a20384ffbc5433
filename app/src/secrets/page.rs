//! The page of secrets: their names and when they were stored.

use super::{
    api,
    put::{PutDialog, Wanted},
};
use crate::{
    auth::{Me, api::Myself},
    components::{
        Empty, Failure,
        dialog::{self, Dialog},
        icon, skeleton,
        time::At,
        toast::Toasts,
    },
    settings::SettingsNav,
};
use domain::{auth::Permission, secrets::SecretName};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Secrets() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::list());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let me = Me::get();
    view! {
        <Title text="Secrets" />
        <SettingsNav />
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match (me.ready().await, page.await) {
                    (Ok(me), Ok(secrets)) => view! { <Found me secrets reload /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(me: Myself, secrets: Vec<SecretName>, reload: Callback<()>) -> impl IntoView {
    let lacks = me.lacks(Permission::SecretsManage);
    let putting = NodeRef::<html::Dialog>::new();
    let wanted = RwSignal::new(Wanted::default());
    let deleting = RwSignal::new(None::<String>);
    let names: Vec<String> = secrets.iter().map(|secret| secret.name.clone()).collect();
    let open = Callback::new(move |of: Wanted| {
        wanted.set(of);
        dialog::open(putting);
    });
    let new = move || {
        view! {
            <button
                class="btn btn-primary"
                type="button"
                aria-haspopup="dialog"
                disabled=lacks.is_some()
                title=lacks
                on:click=move |_| open.run(Wanted::default())
            >
                {icon("plus")}
                "New secret"
            </button>
        }
    };
    let none = secrets.is_empty();
    let list = if none {
        view! {
            <Empty icon="lock" title="No secrets yet">
                <p>"A secret is a value for steps of schedules that stands in none of them: a token, a password. It is stored sealed and hidden in every log."</p>
                <p class="faint sm"><code>"{{ secret('registry-token') }}"</code></p>
                <div class="row">{new()}</div>
            </Empty>
        }
        .into_any()
    } else {
        let lines = secrets
            .into_iter()
            .map(|secret| line(secret, lacks, open, deleting))
            .collect_view();
        view! {
            <ul class="lines" aria-label="Secrets">{lines}</ul>
            <div class="card-f">"Steps use one as "<code>"{{ secret('name') }}"</code>" in a command, a variable, an address, a header or a body."</div>
        }
        .into_any()
    };
    view! {
        <div class="page-head">
            <h1>"Secrets"</h1>
            <span class="sub">"For the steps of schedules"</span>
            <div class="end">
                {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                {(!none).then(new)}
            </div>
        </div>
        <div class="settings"><section class="card" aria-label="Secrets">{list}</section></div>
        <PutDialog node=putting wanted names=Signal::stored(names) saved=reload />
        <ConfirmDelete deleting reload />
    }
}

fn line(
    secret: SecretName,
    lacks: Option<&'static str>,
    open: Callback<Wanted>,
    deleting: RwSignal<Option<String>>,
) -> AnyView {
    let (replaced, removed) = (secret.name.clone(), secret.name.clone());
    let changed = secret.updated_at != secret.created_at;
    view! {
        <li>
            <span class="num-i">{icon("lock")}</span>
            <span class="name">
                <span class="t"><code class="clip">{secret.name.clone()}</code></span>
                <span class="s">{if changed { "Replaced " } else { "Stored " }}<At at=secret.updated_at /></span>
            </span>
            <button
                class="btn btn-sm"
                type="button"
                aria-haspopup="dialog"
                aria-label=format!("Replace {}", secret.name)
                disabled=lacks.is_some()
                title=lacks
                on:click=move |_| open.run(Wanted { replaces: Some(replaced.clone()) })
            >
                "Replace"
            </button>
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                aria-haspopup="dialog"
                aria-label=format!("Delete {}", secret.name)
                disabled=lacks.is_some()
                title=lacks.unwrap_or("Delete")
                on:click=move |_| deleting.set(Some(removed.clone()))
            >
                {icon("trash-2")}
            </button>
        </li>
    }
    .into_any()
}

#[component]
fn ConfirmDelete(deleting: RwSignal<Option<String>>, reload: Callback<()>) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let toasts = Toasts::get();
    Effect::new(move |_| {
        if deleting.with(Option::is_some) {
            dialog::open(node);
        }
    });
    let done = move || {
        dialog::close(node);
        deleting.set(None);
    };
    let delete = move |_| {
        if let Some(name) = deleting.get_untracked() {
            spawn_local(async move {
                match api::delete(name.clone()).await {
                    Ok(()) => {
                        toasts.say("trash-2", format!("Deleted {name}"));
                        reload.run(());
                    }
                    Err(error) => toasts.bad(error.0.message),
                }
            });
        }
        done();
    };
    let name = move || deleting.get().unwrap_or_default();
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=delete>{icon("trash-2")}"Delete secret"</button>
        }
    };
    view! {
        <Dialog node id="delete-secret" title=Signal::derive(move || format!("Delete {}?", name())) foot>
            <p>"Steps that use it fail from their next run on. Its value cannot be brought back."</p>
        </Dialog>
    }
}
