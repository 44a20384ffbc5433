//! Deleting a host: its name is typed, and schedules that name it are shown first.

use super::{acts::Acts, api};
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    icon,
    toast::Toasts,
};
use domain::hosts::Host;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn DeleteDialog(acts: Acts, deleted: Callback<Host>) -> impl IntoView {
    let toasts = Toasts::get();
    let node = NodeRef::<html::Dialog>::new();
    let typed = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // Why it was refused, and whether saying it again does it all the same.
    let refusal = RwSignal::new(None::<(String, bool)>);
    // (address, name) of what names the host.
    let named = RwSignal::new(Vec::<(String, String)>::new());
    Effect::new(move |_| {
        if acts.deleting.with(Option::is_some) {
            typed.set(String::new());
            refusal.set(None);
            named.set(Vec::new());
            dialog::open(node);
        }
    });
    let name = Signal::derive(move || {
        acts.deleting
            .with(|host| host.as_ref().map(|host| host.name.clone()).unwrap_or_default())
    });
    let close = move || {
        dialog::close(node);
        acts.deleting.set(None);
    };
    let fits = move || typed.with(|typed| typed.trim() == name.get());
    let delete = move || {
        let Some(host) = acts.deleting.get_untracked() else {
            return;
        };
        if !untrack(fits) || busy.get_untracked() {
            return;
        }
        busy.set(true);
        let force = refusal.with_untracked(|refusal| refusal.as_ref().is_some_and(|(_, again)| *again));
        spawn_local(async move {
            let answer = api::delete(host.id, force).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.say("trash-2", format!("Deleted {}", host.name));
                    close();
                    deleted.run(host);
                }
                Err(error) => {
                    let text = |value: &serde_json::Value, key: &str| {
                        value
                            .get(key)
                            .and_then(|text| text.as_str())
                            .unwrap_or_default()
                            .to_owned()
                    };
                    let list = |key: &str| {
                        let list = error.0.details.get(key).and_then(|list| list.as_array());
                        list.into_iter().flatten()
                    };
                    let schedules = list("schedules")
                        .map(|one| (format!("/schedules/{}", text(one, "id")), text(one, "name")));
                    let blackouts =
                        list("blackouts").map(|one| ("/schedules/blackouts".to_owned(), text(one, "name")));
                    named.set(schedules.chain(blackouts).collect());
                    refusal.set(Some((
                        error.0.message.clone(),
                        error.0.code == "host_has_schedules",
                    )));
                }
            }
        });
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| close()>"Cancel"</button>
            <button
                class="btn btn-danger"
                type="button"
                aria-busy=move || busy.get().to_string()
                disabled=move || busy.get() || !fits()
                on:click=move |_| delete()
            >
                {icon("trash-2")}
                {move || if named.with(Vec::is_empty) { "Delete host" } else { "Delete it all the same" }}
            </button>
        }
    };
    view! {
        <Dialog node id="delete-host" title=Signal::derive(move || format!("Delete {}?", name.get())) foot>
            <p>
                "Chrontainer forgets the host, its keys and the history of its connection. On the machine itself nothing changes: its containers go on running."
            </p>
            {move || refusal.get().map(|(message, _)| view! { <FailureNote message=message /> })}
            <Show when=move || named.with(|list| !list.is_empty())>
                <ul class="items">
                    {move || named.get().into_iter().map(|(href, name)| view! { <li><a class="link" href=href>{name}</a></li> }).collect_view()}
                </ul>
            </Show>
            <form class="field" on:submit=move |event| { event.prevent_default(); delete(); }>
                <label for="delete-host-name">"Type "<b class="mono">{move || name.get()}</b>" to confirm"</label>
                <input
                    class="input"
                    id="delete-host-name"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </form>
        </Dialog>
    }
}
