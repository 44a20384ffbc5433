//! The hosts above the list: whether they answer, and why not.

use super::reading::Reading;
use crate::{
    components::{Status, host_state, icon, time::Ago, toast::Toasts},
    hosts,
};
use domain::hosts::{Host, HostStatus};
use leptos::prelude::*;

#[component]
pub fn HostStrip(reading: Reading) -> impl IntoView {
    let cards = move || {
        Suspend::new(async move {
            let hosts = reading.hosts.await.map(|page| page.items).unwrap_or_default();
            (!hosts.is_empty()).then(|| {
                view! { <ul class="hosts" aria-label="Hosts">{cards_of(hosts)}</ul> }
            })
        })
    };
    view! { <Transition>{cards}</Transition> }
}

/// So many hosts have a card each. Of more, those that need a person, and how many are well.
const MANY: usize = 8;

fn cards_of(hosts: Vec<Host>) -> Vec<AnyView> {
    if hosts.len() <= MANY {
        return hosts.into_iter().map(card).collect();
    }
    let (bad, well): (Vec<Host>, Vec<Host>) = hosts
        .into_iter()
        .partition(|host| matches!(host.status, HostStatus::Offline));
    let sum = |of: fn(&Host) -> u32| well.iter().map(of).sum::<u32>();
    let (containers, running) = (sum(|host| host.containers), sum(|host| host.running));
    let more = bad.len().saturating_sub(MANY);
    let mut cards: Vec<AnyView> = bad.into_iter().take(MANY).map(card).collect();
    cards.push(
        view! {
            <li class="card host">
                <div class="row"><a class="strong" href="/hosts">{format!("{} hosts", well.len())}</a></div>
                <div class="cc sm muted">
                    <span>{format!("{running} of {containers} running")}</span>
                    {(more > 0).then(|| view! { <span class="bad-text">{format!("and {more} more offline")}</span> })}
                </div>
            </li>
        }
        .into_any(),
    );
    cards
}

/// How an engine is reached, in a word.
fn transport(url: &str) -> &'static str {
    match url.split(':').next() {
        Some("unix" | "npipe") => "socket",
        Some("ssh") => "SSH",
        Some("https") => "TLS",
        _ => "TCP",
    }
}

fn card(host: Host) -> AnyView {
    let state = host_state(host.status);
    if matches!(host.status, HostStatus::Offline) {
        return offline(host);
    }
    let engine = host
        .engine
        .as_ref()
        .map(|engine| {
            let kind = if engine.kind == "podman" {
                "Podman"
            } else {
                "Docker"
            };
            format!("{kind} {}", engine.version)
        })
        .unwrap_or_default();
    let count = match (host.containers, host.running) {
        (0, _) => "No containers".to_owned(),
        (all, running) if all == running => format!("{all} running"),
        (all, running) => format!("{running} of {all} running"),
    };
    view! {
        <li class="card host">
            <div class="row">
                <a class="strong clip" href=format!("/hosts/{}", host.id)>{host.name}</a>
                <span class="faint sm">{transport(&host.url)}</span>
                <span class="end"><Status state=state /></span>
            </div>
            <div class="cc sm muted">
                <span>{count}</span>
                <span class="faint clip">{engine}</span>
            </div>
        </li>
    }
    .into_any()
}

fn offline(host: Host) -> AnyView {
    let id = host.id;
    let name = StoredValue::new(host.name.clone());
    let busy = RwSignal::new(false);
    let toasts = Toasts::get();
    let retry = move |_| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            match hosts::api::retry(id).await {
                Ok(_) => toasts.say("refresh-cw", format!("Trying to reach {}", name.get_value())),
                Err(error) => toasts.bad(error.0.message),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <li class="card host" data-s="bad">
            <div class="row">
                <a class="strong clip" href=format!("/hosts/{}", host.id)>{host.name}</a>
                <Status state=host_state(host.status) />
                <span class="end">
                    <button
                        class="btn btn-sm"
                        type="button"
                        disabled=move || busy.get()
                        aria-busy=move || busy.get().to_string()
                        on:click=retry
                    >
                        {icon("refresh-cw")}
                        "Retry"
                    </button>
                </span>
            </div>
            <div>
                <span class="strong">{host.error.unwrap_or_else(|| "It does not answer.".to_owned())}</span>
                {host.last_seen.map(|at| view! { " Last seen " <Ago at /> "." })}
            </div>
        </li>
    }
    .into_any()
}
