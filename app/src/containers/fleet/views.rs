//! Saved views: what the page shows, under a name. The page's own address is what is shared.

use super::place::Place;
use crate::{
    auth::lacks,
    components::{
        FailureNote, Icon,
        dialog::{self, Dialog},
        icon, menu,
        toast::Toasts,
    },
    containers::api,
    shares::{ShareDialog, Shared},
};
use domain::{
    auth::Permission,
    shares::ShareKind,
    views::{Shown, View},
};
use leptos::{ev::SubmitEvent, html, prelude::*, task::spawn_local};

/// The person's views; read when the menu is opened first.
#[component]
pub fn Views(place: Place) -> impl IntoView {
    let toasts = Toasts::get();
    let views = RwSignal::new(Vec::<View>::new());
    let (list, button) = (NodeRef::<html::Div>::new(), NodeRef::<html::Button>::new());
    let form = NodeRef::<html::Dialog>::new();
    let sharing = RwSignal::new(None::<Shared>);
    let read = move || {
        spawn_local(async move {
            match api::views().await {
                Ok(page) => {
                    let _ = views.try_set(page.items);
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let opened = move |_| {
        if menu::place_below(list, button) {
            read();
        }
    };
    let close = move || {
        if let Some(list) = list.get_untracked() {
            let _ = list.hide_popover();
        }
    };
    let save = move |_| {
        close();
        dialog::open(form);
    };
    view! {
        <button class="btn" type="button" node_ref=button popovertarget="views" aria-haspopup="dialog">
            {icon("eye")}
            "Views"
        </button>
        <div class="menu views" id="views" popover="auto" role="group" aria-label="Saved views" node_ref=list on:toggle=opened>
            <For each=move || views.get() key=|view| (view.id, view.version) children=move |view| one(place, views, sharing, close, view) />
            <Show when=move || views.with(Vec::is_empty)>
                <p class="hint">"No views yet. Search, sort or group the list, then save it here."</p>
            </Show>
            <hr />
            <button type="button" on:click=save>{icon("plus")} "Save this view"</button>
            <p class="hint">"To share what you see once, share the page's address."</p>
        </div>
        <ShareDialog of=sharing lacks=lacks(Permission::SharesManage) />
        <SaveDialog node=form place />
    }
}

fn one(
    place: Place,
    views: RwSignal<Vec<View>>,
    sharing: RwSignal<Option<Shared>>,
    close: impl Fn() + Copy + Send + 'static,
    view: View,
) -> AnyView {
    let toasts = Toasts::get();
    let id = view.id;
    let shown = view.show.clone();
    let now = Memo::new(move |_| place.get() == shown);
    let show = view.show;
    let delete = move |_| {
        spawn_local(async move {
            match api::delete_view(id).await {
                Ok(()) => {
                    let _ = views.try_update(|views| views.retain(|view| view.id != id));
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let own = view.owner.is_none();
    let about = match &view.owner {
        Some(owner) => Some(format!("of {owner}")),
        None if view.teams.is_empty() => None,
        None => Some(format!("shared with {}", view.teams.join(", "))),
    };
    let share = {
        let name = view.name.clone();
        move |_| {
            close();
            sharing.set(Some(Shared {
                kind: ShareKind::View,
                id: id.0,
                name: name.clone(),
            }));
        }
    };
    // Somebody else's view is theirs to change.
    let acts = own.then(|| {
        view! {
            <button class="icon-btn icon-btn-sm" type="button" aria-label=format!("Share the view {} with a team", view.name) on:click=share>
                {icon("boxes")}
            </button>
            <button class="icon-btn icon-btn-sm" type="button" aria-label=format!("Delete the view {}", view.name) on:click=delete>
                {icon("x")}
            </button>
        }
    });
    view! {
        <div class="row view">
            <button
                type="button"
                aria-pressed=move || now.get().to_string()
                on:click=move |_| {
                    close();
                    place.go(&show);
                }
            >
                <Icon name=Signal::derive(move || if now.get() { "check" } else { "list-tree" }) />
                <span class="clip">{view.name.clone()}{about.map(|about| view! { " "<small class="faint">{about}</small> })}</span>
            </button>
            {acts}
        </div>
    }
    .into_any()
}

#[component]
fn SaveDialog(node: NodeRef<html::Dialog>, place: Place) -> impl IntoView {
    let toasts = Toasts::get();
    let name = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        // The columns belong to a view, whoever opens it.
        let show = Shown {
            columns: Some(place.columns.get_untracked()),
            ..place.get_untracked()
        };
        let called = name.get_untracked();
        spawn_local(async move {
            match api::save_view(called, show).await {
                Ok(view) => {
                    dialog::close(node);
                    let _ = name.try_set(String::new());
                    let _ = fault.try_set(None);
                    toasts.say("eye", format!("{} is saved", view.name));
                    place.go(&view.show);
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
            let _ = busy.try_set(false);
        });
    };
    let foot = move || {
        view! {
            <button class="btn" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form="view-form" aria-busy=move || busy.get().to_string()>"Save"</button>
        }
    };
    view! {
        <Dialog node id="save-view" title="Save this view" foot>
            <form id="view-form" class="stack" on:submit=submit>
                {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
                <div class="field">
                    <label for="view-name">"Name"</label>
                    <input
                        class="input"
                        id="view-name"
                        maxlength="60"
                        autocomplete="off"
                        aria-describedby="view-help"
                        prop:value=move || name.get()
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                    <span class="hint" id="view-help">"It keeps the search, the order, the groups and the columns. A name that you have already is replaced."</span>
                </div>
            </form>
        </Dialog>
    }
}
