//! The page of blackouts.

use super::{
    api,
    dialog::{BlackoutDialog, Editing},
    typed::BlackoutForm,
};
use crate::{
    auth::{Me, api::Myself},
    components::{
        Empty, Failure, State, Status,
        dialog::{self, Dialog},
        icon, skeleton,
        time::{Ago, At, Clock},
        toast::Toasts,
    },
};
use domain::{
    auth::Permission,
    blackouts::{Blackout, BlackoutPolicy},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

#[component]
pub fn Blackouts() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::list());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let me = Me::get();
    let editing = Editing::new();
    view! {
        <Title text="Blackouts" />
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match (me.ready().await, page.await) {
                    (Ok(me), Ok(blackouts)) => view! { <Found me blackouts editing reload /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
        <BlackoutDialog editing saved=reload />
    }
}

#[component]
fn Found(me: Myself, blackouts: Vec<Blackout>, editing: Editing, reload: Callback<()>) -> impl IntoView {
    let clock = Clock::get();
    let lacks = me.lacks(Permission::SchedulesManage);
    let deleting = RwSignal::new(None::<Blackout>);
    let new = move || {
        view! {
            <button
                class="btn btn-primary"
                type="button"
                aria-haspopup="dialog"
                disabled=lacks.is_some()
                title=lacks
                on:click=move |_| editing.begin(BlackoutForm::fresh(untrack(move || clock.zone())), None)
            >
                {icon("plus")}
                "New blackout"
            </button>
        }
    };
    let none = blackouts.is_empty();
    let list = if none {
        view! {
            <Empty icon="moon-star" title="No blackouts yet">
                <p>
                    "A blackout is a time in which nothing runs by itself: an evening of films, a trading day, the week between the years. It is on everything, or on one host, tag or schedule."
                </p>
                <div class="row">{new()}</div>
            </Empty>
        }
        .into_any()
    } else {
        let lines = blackouts
            .into_iter()
            .map(|blackout| line(blackout, lacks, editing, deleting, reload))
            .collect_view();
        view! { <ul class="lines blackouts" aria-label="Blackouts">{lines}</ul> }.into_any()
    };
    view! {
        <div class="page-head">
            <h1>"Blackouts"</h1>
            <span class="sub">"When nothing runs by itself"</span>
            <div class="end">
                {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
                <a class="btn btn-ghost" href="/schedules">{icon("calendar-clock")}"Schedules"</a>
                {(!none).then(new)}
            </div>
        </div>
        <div class="settings"><section class="card" aria-label="Blackouts">{list}</section></div>
        <ConfirmDelete deleting reload />
    }
}

fn line(
    blackout: Blackout,
    lacks: Option<&'static str>,
    editing: Editing,
    deleting: RwSignal<Option<Blackout>>,
    reload: Callback<()>,
) -> AnyView {
    let toasts = Toasts::get();
    let (changed, switched, gone) = (blackout.clone(), blackout.clone(), blackout.clone());
    let policy = match blackout.policy {
        BlackoutPolicy::Skip => "runs are skipped",
        BlackoutPolicy::Postpone => "runs wait for the end",
    };
    let now = match (blackout.enabled, blackout.active_until, blackout.next) {
        (false, ..) => view! { <span class="faint">"Off"</span> }.into_any(),
        (true, Some(until), _) => {
            view! { <Status state=State::new("warning", "On now") />" until "<At at=until /> }.into_any()
        }
        (true, None, Some(next)) => view! { "Next "<Ago at=next.from /> }.into_any(),
        (true, None, None) => view! { <span class="faint">"Over"</span> }.into_any(),
    };
    let switch = move |on: bool| {
        let mut form = BlackoutForm::of(&switched);
        form.enabled = on;
        let id = switched.id;
        spawn_local(async move {
            let answer = match form.draft() {
                Ok(draft) => api::update(id, draft)
                    .await
                    .map(|_| ())
                    .map_err(|error| error.0.message),
                Err((_, message)) => Err(message),
            };
            if let Err(message) = answer {
                toasts.bad(message);
            }
            reload.run(());
        });
    };
    view! {
        <li>
            <input
                type="checkbox"
                role="switch"
                class="switch"
                aria-label=format!("{}, on", blackout.name)
                checked=blackout.enabled
                prop:checked=blackout.enabled
                disabled=lacks.is_some()
                on:change=move |event| switch(event_target_checked(&event))
            />
            <span class="name">
                <span class="t">
                    <button
                        class="link-quiet clip"
                        type="button"
                        aria-haspopup="dialog"
                        disabled=lacks.is_some()
                        on:click=move |_| editing.begin(BlackoutForm::of(&changed), Some(changed.id))
                    >
                        {blackout.name.clone()}
                    </button>
                </span>
                <span class="s">{blackout.sentence}", "{blackout.timezone}</span>
                <span class="s">{blackout.on_name}", "{policy}</span>
            </span>
            <span class="end sm">{now}</span>
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                aria-haspopup="dialog"
                aria-label=format!("Delete {}", blackout.name)
                disabled=lacks.is_some()
                title=lacks.unwrap_or("Delete")
                on:click=move |_| deleting.set(Some(gone.clone()))
            >
                {icon("trash-2")}
            </button>
        </li>
    }
    .into_any()
}

#[component]
fn ConfirmDelete(deleting: RwSignal<Option<Blackout>>, reload: Callback<()>) -> impl IntoView {
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
        if let Some(blackout) = deleting.get_untracked() {
            spawn_local(async move {
                match api::delete(blackout.id).await {
                    Ok(()) => {
                        toasts.say("trash-2", format!("Deleted {}", blackout.name));
                        reload.run(());
                    }
                    Err(error) => toasts.bad(error.0.message),
                }
            });
        }
        done();
    };
    let name = move || deleting.with(|gone| gone.as_ref().map(|gone| gone.name.clone()).unwrap_or_default());
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=delete>{icon("trash-2")}"Delete blackout"</button>
        }
    };
    view! {
        <Dialog node id="delete-blackout" title=Signal::derive(move || format!("Delete {}?", name())) foot>
            <p>"What it would have held back runs again from now on. Runs that wait for its end go on."</p>
        </Dialog>
    }
}
