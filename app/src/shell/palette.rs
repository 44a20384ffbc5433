//! The command palette: go to a page, a container, a host or a schedule; do or plan something for a container.

use super::api::{Found, find};
use crate::{
    components::{
        Icon,
        dialog::{self, close_on_scrim},
        icon,
        toast::Toasts,
    },
    containers::api::{self, BulkChoice},
};
use domain::{ids::RunId, views::Shown};
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;
use std::time::Duration;

/// How long after the last key the server is asked.
const PAUSE: Duration = Duration::from_millis(120);

const PAGES: &[(&str, &str, &str)] = &[
    ("Fleet", "boxes", "/"),
    ("Schedules", "calendar-clock", "/schedules"),
    ("Activity", "activity", "/activity"),
    ("Hosts", "server", "/hosts"),
    ("Profile", "user", "/settings"),
    ("API keys", "key-round", "/settings/keys"),
    ("Secrets", "key-round", "/settings/secrets"),
    ("Blackouts", "calendar-clock", "/schedules/blackouts"),
    ("People", "user", "/settings/people"),
    ("Teams", "boxes", "/settings/teams"),
    ("Audit log", "history", "/settings/audit"),
    ("Organisation", "settings", "/settings/organisation"),
    ("Sign-in", "shield-check", "/settings/sign-in"),
    ("New schedule", "plus", "/schedules/new"),
];

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    group: &'static str,
    icon: &'static str,
    text: String,
    about: String,
    href: String,
    /// A verb, and what it is for; otherwise it leads to `href`.
    act: Option<(String, String)>,
}

fn pages(query: &str) -> Vec<Entry> {
    let query = query.to_lowercase();
    PAGES
        .iter()
        .filter(|(name, _, _)| name.to_lowercase().contains(&query))
        .map(|(name, icon, href)| Entry {
            group: "Go to",
            icon,
            text: (*name).to_owned(),
            about: "page".to_owned(),
            href: (*href).to_owned(),
            act: None,
        })
        .collect()
}

fn found(found: Found) -> Vec<Entry> {
    let plan = found.containers.iter().take(3).map(|container| Entry {
        group: "Plan",
        icon: "calendar-clock",
        text: format!("Schedule a restart of {}", container.name),
        about: container.about.clone(),
        href: container.plan.clone(),
        act: None,
    });
    let containers = found.containers.iter().map(|container| Entry {
        group: "Containers",
        icon: "box",
        text: container.name.clone(),
        about: container.about.clone(),
        href: container.href.clone(),
        act: None,
    });
    let schedules = found.schedules.iter().map(|schedule| Entry {
        group: "Schedules",
        icon: "clock",
        text: schedule.name.clone(),
        about: schedule.about.clone(),
        href: schedule.href.clone(),
        act: None,
    });
    let hosts = found.hosts.iter().map(|host| Entry {
        group: "Hosts",
        icon: "server",
        text: host.name.clone(),
        about: "host".to_owned(),
        href: host.href.clone(),
        act: None,
    });
    let acts = found.acts.iter().map(|act| Entry {
        group: "Do",
        icon: crate::containers::words::icon_of(&act.verb),
        text: act.text.clone(),
        about: act.about.clone(),
        href: String::new(),
        act: Some((act.verb.clone(), act.target.clone())),
    });
    acts.chain(containers)
        .chain(hosts)
        .chain(schedules)
        .chain(plan)
        .collect()
}

/// Does it, and says where to watch.
fn act(toasts: Toasts, text: String, verb: String, target: String) {
    let choice = BulkChoice {
        ids: Vec::new(),
        shown: Shown {
            query: target,
            ..Shown::default()
        },
    };
    leptos::task::spawn_local(async move {
        match api::bulk(choice, verb, RunId::new().to_string()).await {
            Ok(_) => toasts.say("activity", format!("{text}: begun, see Activity")),
            Err(error) => toasts.bad(error.0.message),
        }
    });
}

#[component]
pub fn Palette(node: NodeRef<html::Dialog>) -> impl IntoView {
    let toasts = Toasts::get();
    let query = RwSignal::new(String::new());
    let entries = RwSignal::new(pages(""));
    let chosen = RwSignal::new(0_usize);
    let navigate = StoredValue::new_local(use_navigate());

    let asked = StoredValue::new(0_u32);
    let ask = move |text: String| {
        chosen.set(0);
        entries.set(pages(&text));
        query.set(text.clone());
        let turn = asked.with_value(|turn| turn + 1);
        asked.set_value(turn);
        if text.trim().is_empty() {
            return;
        }
        set_timeout(
            move || {
                if asked.get_value() != turn {
                    return;
                }
                leptos::task::spawn_local(async move {
                    let answer = find(text.clone()).await;
                    // Only the answer to what is in the field now counts.
                    if let (Ok(answer), true) = (answer, asked.try_get_value() == Some(turn)) {
                        entries.set(found(answer).into_iter().chain(pages(&text)).collect());
                    }
                });
            },
            PAUSE,
        );
    };
    let go = move |index: usize| {
        let entry = entries.with_untracked(|all| all.get(index).cloned());
        let Some(entry) = entry else { return };
        dialog::close(node);
        ask(String::new());
        match entry.act {
            Some((verb, target)) => act(toasts, entry.text, verb, target),
            None => navigate.with_value(|navigate| navigate(&entry.href, Default::default())),
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        let count = entries.with_untracked(Vec::len);
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => count.max(1) - 1,
            "Enter" => {
                event.prevent_default();
                go(chosen.get_untracked());
                return;
            }
            _ => return,
        };
        event.prevent_default();
        if count > 0 {
            chosen.update(|chosen| *chosen = (*chosen + step) % count);
            if let Ok(Some(option)) = document().query_selector("#palette-list [aria-selected=true]") {
                option.scroll_into_view_with_bool(false);
            }
        }
    };
    let list = move || {
        let mut group = "";
        entries
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, entry)| {
                let heading = (entry.group != group)
                    .then(|| view! { <div class="h" role="presentation">{entry.group}</div> });
                group = entry.group;
                view! {
                    {heading}
                    <div
                        role="option"
                        id=format!("palette-{index}")
                        aria-selected=move || (chosen.get() == index).to_string()
                        on:click=move |_| go(index)
                        on:pointermove=move |_| if chosen.get_untracked() != index { chosen.set(index) }
                    >
                        <Icon name=entry.icon />
                        <span class="clip">{entry.text}</span>
                        <span class="end">{entry.about}</span>
                    </div>
                }
            })
            .collect_view()
    };
    view! {
        <dialog
            class="dlg palette"
            id="palette"
            node_ref=node
            aria-label="Command palette"
            on:click=move |event| close_on_scrim(&event, node)
            on:close=move |_| ask(String::new())
        >
            <div class="q">
                {icon("search")}
                <input
                    aria-label="Search or run"
                    placeholder="Container, host, schedule or page, or restart …"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("palette-{}", chosen.get())
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || query.get()
                    on:input=move |event| ask(event_target_value(&event))
                    on:keydown=key
                />
                <kbd>"Esc"</kbd>
            </div>
            <div id="palette-list" class="results" role="listbox" aria-label="Results">{list}</div>
            <Show when=move || entries.with(Vec::is_empty)>
                <p class="empty">"Nothing is called that."</p>
            </Show>
        </dialog>
    }
}
