//! The hosts above the list: whether they answer, how quick, how busy they are, and why not.

use super::reading::Reading;
use crate::{
    components::{State, Status, host_state, icon, time::Ago},
    containers::words::first_sentence,
    hosts,
};
use domain::{
    hosts::{EngineFacts, Host, HostStatus, HostUse},
    ids::HostId,
};
use leptos::{prelude::*, task::spawn_local};
use std::{collections::HashMap, time::Duration};

/// How often it is asked what is in use; a look of the sampler lasts 15 s.
const EVERY: Duration = Duration::from_secs(10);
/// After the page has come.
const SOON: Duration = Duration::from_secs(1);

/// What is known of the use of hosts.
type Uses = RwSignal<HashMap<HostId, HostUse>>;

#[component]
pub fn HostStrip(reading: Reading) -> impl IntoView {
    let uses = Uses::new(HashMap::new());
    follow(reading, uses);
    let cards = move || {
        Suspend::new(async move {
            let hosts = reading.hosts.await.map(|page| page.items).unwrap_or_default();
            (!hosts.is_empty()).then(|| {
                view! { <ul class="hosts" aria-label="Hosts">{cards_of(hosts, reading, uses)}</ul> }
            })
        })
    };
    view! { <Transition>{cards}</Transition> }
}

/// Asks what is in use while gauges can be seen: a phone has none, and nothing is measured for it.
fn follow(reading: Reading, uses: Uses) {
    if cfg!(feature = "ssr") {
        return;
    }
    let look = move || {
        if document().hidden() || !any_gauge() {
            return;
        }
        let hosts = reading.hosts.try_with_untracked(|page| match page {
            Some(Ok(page)) => page
                .items
                .iter()
                .filter(|host| host.status == HostStatus::Online)
                .map(|host| host.id)
                .collect(),
            _ => Vec::new(),
        });
        let ids: Vec<HostId> = hosts.unwrap_or_default();
        if ids.is_empty() || ids.len() > MANY {
            return;
        }
        spawn_local(async move {
            // What cannot be had now is asked for again soon.
            if let Ok(known) = hosts::api::in_use(ids).await {
                let known: HashMap<HostId, HostUse> = known.into_iter().collect();
                let _ = uses.try_set(known);
            }
        });
    };
    set_timeout(look, SOON);
    if let Ok(handle) = set_interval_with_handle(look, EVERY) {
        on_cleanup(move || handle.clear());
    }
}

fn any_gauge() -> bool {
    document()
        .query_selector(".hosts .hm")
        .ok()
        .flatten()
        .is_some_and(|gauges| gauges.get_bounding_client_rect().height() > 0.0)
}

/// So many hosts have a card each. Of more, those that need a person, and how many are well.
const MANY: usize = 8;

fn cards_of(hosts: Vec<Host>, reading: Reading, uses: Uses) -> Vec<AnyView> {
    let card = move |host| card(host, reading, uses);
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

fn card(host: Host, reading: Reading, uses: Uses) -> AnyView {
    if matches!(host.status, HostStatus::Offline) {
        return offline(host, reading);
    }
    let (state, quick) = quickness(&host);
    let gauges = (host.status == HostStatus::Online).then(|| gauges(&host, uses));
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
                <span class="end" title=quick.then_some("Online; the time of its last answer to a ping")>
                    {quick.then(|| view! { <span class="vh">"Online, "</span> })}
                    <Status state=state />
                </span>
            </div>
            {gauges}
            <div class="cc sm muted">
                <span>{count}</span>
                <span class="faint clip">{engine}</span>
            </div>
        </li>
    }
    .into_any()
}

/// How long an online host takes to answer, in place of the word; and whether that is known.
fn quickness(host: &Host) -> (State, bool) {
    let state = host_state(host.status);
    match host.latency_ms.filter(|_| host.status == HostStatus::Online) {
        Some(ms) if ms < 1.0 => (State::new(state.look, "< 1 ms"), true),
        Some(ms) => (State::new(state.look, format!("{ms:.0} ms")), true),
        None => (state, false),
    }
}

/// What its containers use of its processors and its memory.
fn gauges(host: &Host, uses: Uses) -> AnyView {
    let id = host.id;
    let engine = host.engine.clone().unwrap_or_default();
    let known = Memo::new(move |_| uses.with(|uses| uses.get(&id).copied()));
    let (cpus, bytes) = (engine.cpus, engine.memory_bytes);
    let cpu = Memo::new(move |_| cpu_share(known.get()?, cpus));
    let memory = Memo::new(move |_| memory_share(known.get()?, bytes));
    view! {
        <div class="hm" title="What its containers use">
            {gauge("CPU", "", cpu)}
            {measures(&engine).then(|| gauge("Mem", "--c:var(--chart-2);", memory))}
        </div>
    }
    .into_any()
}

fn measures(engine: &EngineFacts) -> bool {
    engine.memory_measured
}

fn gauge(name: &'static str, colour: &'static str, share: Memo<Option<u32>>) -> AnyView {
    view! {
        <div class="gauge">
            <span>{name}</span>
            <div class="bar" style=move || format!("--v:{};{colour}", share.get().unwrap_or_default().min(100))><i></i></div>
            <span>{move || share.get().map_or_else(|| "–".to_owned(), |share| format!("{share} %"))}</span>
        </div>
    }
    .into_any()
}

/// Of all its processors, in hundredths; nothing while it is being measured.
fn cpu_share(used: HostUse, cpus: i64) -> Option<u32> {
    let percent = used.cpu_percent?;
    (cpus > 0).then(|| (percent / cpus as f32).round() as u32)
}

fn memory_share(used: HostUse, all: i64) -> Option<u32> {
    let bytes = used.memory_bytes?;
    (all > 0).then(|| (bytes as f64 * 100.0 / all as f64).round() as u32)
}

fn offline(host: Host, reading: Reading) -> AnyView {
    let id = host.id;
    let name = host.name.clone();
    let busy = RwSignal::new(false);
    let retry = move |_| reading.retry(id, name.clone(), busy);
    let why = host.error.unwrap_or_else(|| "It does not answer.".to_owned());
    let what = first_sentence(&why).to_owned();
    let rest = why[what.len()..].trim_start().to_owned();
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
                <span class="strong">{what}</span>
                {host.last_seen.map(|at| view! { " Last seen " <Ago at /> ". " })}
                {rest}
            </div>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_whole_host_and_unknown_is_not_0() {
        let used = |cpu, memory| HostUse {
            cpu_percent: cpu,
            memory_bytes: memory,
            ..HostUse::default()
        };
        assert_eq!(cpu_share(used(Some(150.0), None), 4), Some(38));
        assert_eq!(cpu_share(used(None, None), 4), None);
        assert_eq!(cpu_share(used(Some(1.0), None), 0), None);
        assert_eq!(memory_share(used(None, Some(512)), 1024), Some(50));
        assert_eq!(memory_share(used(None, None), 1024), None);
    }
}
