//! One host: how it is reached, whether it answers, what it is.

use super::{
    acts::{Acts, NEEDS_ADMIN},
    words,
};
use crate::components::{
    Status, host_state, icon,
    menu::RowMenu,
    time::{Ago, At},
};
use domain::{
    hosts::{Host, HostStatus},
    ids::HostId,
};
use leptos::{prelude::*, task::spawn_local};

pub fn card(id: HostId, acts: Acts) -> AnyView {
    let hosts = acts.hosts;
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
    let name = Signal::derive(move || host.with(|host| host.name.clone()));
    view! {
        <article class="card hc" class:off=offline aria-labelledby=format!("host-{id}")>
            <div class="card-h">
                <div class="stack heads">
                    <h2 id=format!("host-{id}")><a href=format!("/hosts/{id}")>{name}</a></h2>
                    {move || host.with(words::transport)}
                </div>
                <div class="end">
                    <span role="status"><Status state /></span>
                    <RowMenu id=format!("host-menu-{id}") label=name>{acts.menu(host, id)}</RowMenu>
                </div>
            </div>
            <div class="card-b">
                {move || host.with(|host| trouble(host, acts))}
                {move || host.with(hints)}
                {move || host.with(facts)}
                <Show when=offline><Retry id acts /></Show>
            </div>
            <div class="card-f">{maintenance(host, id, acts)}{move || host.with(words::tags)}</div>
        </article>
    }
    .into_any()
}

/// The switch of maintenance.
pub fn maintenance(host: Memo<Host>, id: HostId, acts: Acts) -> AnyView {
    view! {
        <label class="row" title=move || (!acts.manages.get()).then_some(NEEDS_ADMIN)>
            <input
                class="switch"
                type="checkbox"
                role="switch"
                aria-label=move || format!("Maintenance of {}", host.with(|host| host.name.clone()))
                disabled=move || !acts.manages.get()
                prop:checked=move || host.with(|host| host.maintenance)
                on:change=move |event| acts.maintenance(id, event_target_checked(&event))
            />
            <span>
                {move || if host.with(|host| host.maintenance) { "In maintenance: no scheduled work, no alerts" } else { "Maintenance" }}
            </span>
        </label>
    }
    .into_any()
}

/// The switch of schedules in labels.
pub fn labels(host: Memo<Host>, id: HostId, acts: Acts) -> AnyView {
    view! {
        <label class="row" title=move || (!acts.manages.get()).then_some(NEEDS_ADMIN)>
            <input
                class="switch"
                type="checkbox"
                role="switch"
                aria-label=move || format!("Schedules from labels on {}", host.with(|host| host.name.clone()))
                aria-describedby="labels-hint"
                disabled=move || !acts.manages.get()
                prop:checked=move || host.with(|host| host.label_schedules)
                on:change=move |event| acts.labels(id, event_target_checked(&event))
            />
            <span>"Schedules from labels"</span>
        </label>
        <p class="sm muted" id="labels-hint">
            {move || {
                if host.with(|host| host.label_schedules) {
                    "Labels such as chrontainer.nightly.cron make schedules for their own container. They act for the admin who allowed it."
                } else {
                    "Labels such as chrontainer.nightly.cron ask for nothing here. Allowed, they start, stop, restart, pause or kill their own container, on your behalf."
                }
            }}
        </p>
    }
    .into_any()
}

/// Why it does not answer. The first sentence is what happened.
pub fn trouble(host: &Host, acts: Acts) -> AnyView {
    if host.status != HostStatus::Offline {
        return ().into_any();
    }
    let message = host
        .error
        .clone()
        .unwrap_or_else(|| "It does not answer. Check its power and its network.".to_owned());
    let (what, rest) = match message.split_once(". ") {
        Some((what, rest)) => (format!("{what}."), rest.to_owned()),
        None => (message, String::new()),
    };
    view! {
        <div class="note" data-s="bad">
            {icon("circle-alert")}
            <div><b>{what}</b>" "{rest}{key(host, acts)}</div>
        </div>
    }
    .into_any()
}

/// A host key that waits for a person.
fn key(host: &Host, acts: Acts) -> AnyView {
    let Some(offered) = host.offered_fingerprint.clone() else {
        return ().into_any();
    };
    let pinned = host.ssh.as_ref().and_then(|ssh| ssh.fingerprint.clone());
    let (id, changed) = (host.id, pinned.is_some());
    let shown = offered.clone();
    view! {
        <dl class="kv keys">
            {pinned.map(|pinned| view! { <dt>"Pinned"</dt><dd><code>{pinned}</code></dd> })}
            <dt>"Shown"</dt>
            <dd><code>{shown}</code></dd>
        </dl>
        <button
            class="btn btn-sm"
            type="button"
            title=move || (!acts.manages.get()).then_some(NEEDS_ADMIN)
            disabled=move || !acts.manages.get()
            on:click=move |_| acts.pin(id, offered.clone())
        >
            {icon("fingerprint")}
            {if changed { "It was reinstalled, pin the new key" } else { "It is the same, pin it" }}
        </button>
    }
    .into_any()
}

/// What a person should know although it works.
pub fn hints(host: &Host) -> AnyView {
    let twin = host.same_engine.first().map(|other| {
        let more = host.same_engine.len() - 1;
        let others = if more == 0 {
            other.name.clone()
        } else {
            format!("{} and {more} more", other.name)
        };
        view! {
            <div class="note" data-s="warn">
                {icon("triangle-alert")}
                <div><b>"The same engine as "{others}"."</b>" Its containers are listed more than once. Delete one of the two."</div>
            </div>
        }
    });
    let open = host.warning.clone().map(|warning| {
        view! {
            <div class="note" data-s="warn">
                {icon("triangle-alert")}
                <div>{warning}</div>
            </div>
        }
    });
    let events = host.events_fault.clone().map(|fault| {
        view! {
            <div class="note" data-s="warn">
                {icon("triangle-alert")}
                <div>{fault}</div>
            </div>
        }
    });
    view! { {twin}{open}{events} }.into_any()
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
        let href = words::fleet_href(&host.name);
        view! {
            <a class="link" href=href>{all}</a>
            <span class="faint">{(all > 0).then(|| format!(", {running} running"))}</span>
        }
        .into_any()
    };
    view! {
        <dl class="kv">
            {seen}
            {engine.map(|engine| line("Engine", words::product(engine).into_any()))}
            {engine.filter(|engine| !engine.os.is_empty()).map(|engine| line("System", words::system(engine).into_any()))}
            {engine.filter(|engine| engine.cpus > 0).map(|engine| line("Machine", words::machine(engine).into_any()))}
            {line("Containers", containers)}
            {host.latency_ms.map(|ms| line("Latency", words::latency(ms).into_any()))}
            {(!host.note.is_empty()).then(|| line("Note", host.note.clone().into_any()))}
        </dl>
    }
    .into_any()
}

#[component]
pub fn Retry(id: HostId, acts: Acts) -> impl IntoView {
    let busy = RwSignal::new(false);
    let toasts = crate::components::toast::Toasts::get();
    let retry = move |_| {
        busy.set(true);
        spawn_local(async move {
            match super::api::retry(id).await {
                Ok(host) => acts.answered(host),
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
