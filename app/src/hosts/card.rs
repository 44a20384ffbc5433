//! One host: how it is reached, whether it answers, what it is.

use super::api;
use crate::components::{
    Status, host_state, icon,
    time::{Ago, At},
    toast::Toasts,
};
use domain::{
    hosts::{EngineFacts, Host, HostStatus},
    ids::HostId,
};
use leptos::{prelude::*, task::spawn_local};

pub fn card(id: HostId, hosts: RwSignal<Vec<Host>>) -> AnyView {
    let Some(first) = hosts.with_untracked(|hosts| hosts.iter().find(|host| host.id == id).cloned()) else {
        return ().into_any();
    };
    let host = Memo::new(move |old: Option<&Host>| {
        hosts
            .with(|hosts| hosts.iter().find(|host| host.id == id).cloned())
            .or_else(|| old.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let status = Memo::new(move |_| host.with(|host| host.status));
    let state = Signal::derive(move || host_state(status.get()));
    let offline = move || status.get() == HostStatus::Offline;
    view! {
        <article class="card hc" class:off=offline aria-labelledby=format!("host-{id}")>
            <div class="card-h">
                <div class="stack heads">
                    <h2 id=format!("host-{id}")>{move || host.with(|host| host.name.clone())}</h2>
                    {move || host.with(|host| transport(&host.url))}
                </div>
                <div class="end"><span role="status"><Status state /></span></div>
            </div>
            <div class="card-b">
                {move || host.with(trouble)}
                {move || host.with(facts)}
                <Show when=offline><Retry id hosts /></Show>
            </div>
        </article>
    }
    .into_any()
}

/// How it is reached.
fn transport(url: &str) -> AnyView {
    let (sign, words, rest) = if let Some(path) = url.strip_prefix("unix://") {
        ("plug", "Local socket", path)
    } else if let Some(address) = url.strip_prefix("tcp://") {
        ("network", "TCP, not encrypted", address)
    } else {
        ("network", "", url)
    };
    view! { <span class="tr">{icon(sign)}{words}" "<code title=url.to_owned()>{rest.to_owned()}</code></span> }.into_any()
}

/// Why it does not answer.
fn trouble(host: &Host) -> AnyView {
    if host.status != HostStatus::Offline {
        return ().into_any();
    }
    let message = host
        .error
        .clone()
        .unwrap_or_else(|| "It does not answer. Check its power and its network.".to_owned());
    // The first sentence is what happened.
    let (what, rest) = match message.split_once(". ") {
        Some((what, rest)) => (format!("{what}."), rest.to_owned()),
        None => (message, String::new()),
    };
    view! {
        <div class="note" data-s="bad">
            {icon("circle-alert")}
            <div><b>{what}</b>" "{rest}</div>
        </div>
    }
    .into_any()
}

fn facts(host: &Host) -> AnyView {
    let line = |name: &'static str, value: AnyView| view! { <dt>{name}</dt><dd>{value}</dd> };
    let seen = (host.status != HostStatus::Online).then(|| {
        let value = match host.last_seen {
            Some(at) => view! { <At at />", "<Ago at /> }.into_any(),
            None => "Never".into_any(),
        };
        line("Last seen", value)
    });
    let engine = host.engine.as_ref();
    let containers = {
        let (all, running) = (host.containers, host.running);
        let href = format!("/?q=host%3A{}", host.name);
        view! {
            <a class="link" href=href>{all}</a>
            <span class="faint">{(all > 0).then(|| format!(", {running} running"))}</span>
        }
        .into_any()
    };
    view! {
        <dl class="kv">
            {seen}
            {engine.map(|engine| line("Engine", product(engine).into_any()))}
            {engine.filter(|engine| !engine.os.is_empty()).map(|engine| line("System", system(engine).into_any()))}
            {engine.filter(|engine| engine.cpus > 0).map(|engine| line("Machine", machine(engine).into_any()))}
            {line("Containers", containers)}
        </dl>
    }
    .into_any()
}

/// "Docker 27.5.0, API 1.47"
fn product(engine: &EngineFacts) -> String {
    let name = match engine.kind.as_str() {
        "podman" => "Podman",
        "docker" => "Docker",
        other => other,
    };
    format!("{name} {}, API {}", engine.version, engine.api_version)
}

/// "Debian GNU/Linux 12, 6.1.0 on x86_64"
fn system(engine: &EngineFacts) -> String {
    [engine.os.as_str(), engine.kernel.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// "pi5, 4 CPUs, 7.8 GB, aarch64"
fn machine(engine: &EngineFacts) -> String {
    let cpus = if engine.cpus == 1 {
        "1 CPU".to_owned()
    } else {
        format!("{} CPUs", engine.cpus)
    };
    let memory = format!("{:.1} GB", engine.memory_bytes as f64 / 1_000_000_000.0);
    [engine.hostname.clone(), cpus, memory, engine.architecture.clone()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

#[component]
fn Retry(id: HostId, hosts: RwSignal<Vec<Host>>) -> impl IntoView {
    let busy = RwSignal::new(false);
    let toasts = Toasts::get();
    let retry = move |_| {
        busy.set(true);
        spawn_local(async move {
            let answer = api::retry(id).await;
            match answer {
                Ok(host) => {
                    let _ = hosts.try_update(|hosts| {
                        if let Some(old) = hosts.iter_mut().find(|old| old.id == id) {
                            *old = host;
                        }
                    });
                }
                Err(error) => toasts.bad(error.0.message),
            }
            // The answer comes as a live event; the button rests a moment so that a second click is meant.
            gloo_timers::future::TimeoutFuture::new(1200).await;
            let _ = busy.try_set(false);
        });
    };
    view! {
        <div class="row">
            <button class="btn" type="button" aria-busy=move || busy.get().to_string() disabled=move || busy.get() on:click=retry>
                {icon("refresh-cw")}
                "Retry now"
            </button>
        </div>
    }
}
