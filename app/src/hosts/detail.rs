//! The page of one host: its engine, its containers, how the connection is and how it was.

use super::{
    acts::{Acts, NEEDS_ADMIN},
    api,
    card::{Retry, hints, labels, maintenance, trouble},
    form::HostDialog,
    known,
    remove::DeleteDialog,
    words,
};
use crate::{
    audit::history_of,
    auth::lacks,
    components::{
        Failure, Status, host_state, icon, kept, skeleton, spark,
        time::{Ago, At},
    },
    error::{AppError, set_page_status},
    live::Live,
    shares::ShareDialog,
    shell::Heading,
};
use domain::{
    auth::Permission,
    events::Event,
    hosts::{Connection, ContainerCounts, EngineFacts, Host, HostStats, HostStatus},
    ids::HostId,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};
use std::time::Duration;

/// How often what no event tells of is read again: pings.
const EVERY: Duration = Duration::from_secs(10);
/// How many changes of the connection are shown.
const SHOWN: usize = 20;

#[component]
pub fn HostPage() -> impl IntoView {
    let params = use_params_map();
    let live = Live::get();
    let turn = RwSignal::new(0_u32);
    let id = Memo::new(move |_| {
        params
            .with(|params| params.get("id").unwrap_or_default())
            .parse::<HostId>()
            .ok()
    });
    // Nobody asks again for a host that was deleted before their eyes.
    let gone = RwSignal::new(None::<HostId>);
    let there = Memo::new(move |_| id.get().filter(|id| gone.get() != Some(*id)));
    let found = crate::codec::resource(
        move || (there.get(), live.gaps(), turn.get()),
        |(id, _, _)| async move {
            match id {
                Some(id) => api::get(id).await,
                None => Err(AppError(domain::errors::Problem::not_found("host"))),
            }
        },
    );
    let tick = RwSignal::new(0_u32);
    let stats = crate::codec::resource(
        move || (there.get(), live.gaps(), tick.get()),
        |(id, _, _)| async move {
            match id {
                Some(id) => api::stats(id).await,
                None => Err(AppError(domain::errors::Problem::not_found("host"))),
            }
        },
    );
    let hosts = RwSignal::new(Vec::<Host>::new());
    let acts = Acts::new(hosts);
    live.listen(move |event| match event {
        Event::HostChanged { host } if Some(host.id) == id.get_untracked() => {
            acts.put((**host).clone());
            tick.update(|tick| *tick += 1);
        }
        Event::HostRemoved { id: removed } => gone.set(Some(*removed)),
        _ => {}
    });
    Effect::new(move |_| {
        let timer = set_interval_with_handle(
            move || {
                if !document().hidden() {
                    let _ = tick.try_update(|tick| *tick += 1);
                }
            },
            EVERY,
        )
        .ok();
        on_cleanup(move || {
            if let Some(timer) = timer {
                timer.clear();
            }
        });
    });
    Heading::set(
        move || hosts.with(|hosts| hosts.first().map(|host| host.name.clone()).unwrap_or_default()),
        || None,
    );
    let retry = Callback::new(move |()| turn.update(|turn| *turn += 1));
    let navigate = use_navigate();
    let deleted = Callback::new(move |_: Host| navigate("/hosts", Default::default()));
    view! {
        <Transition fallback=|| skeleton::lines(6)>
            {kept(
                found,
                move |host: Host| {
                    let id = host.id;
                    hosts.set(vec![host]);
                    id
                },
                move |id| {
                    let first = hosts.with_untracked(|hosts| hosts.first().cloned());
                    first.map(|first| view! { <About id first acts stats /> }).into_any()
                },
                move |error| {
                    set_page_status(error.0.class);
                    view! { <Title text="Host" /><Failure error retry /> }.into_any()
                },
            )}
        </Transition>
        <HostDialog node=acts.dialog form=acts.form saved=Callback::new(move |host| acts.answered(host)) />
        <DeleteDialog acts deleted />
        <ShareDialog of=acts.sharing lacks=lacks(Permission::UsersManage) />
    }
}

type Stats = crate::codec::Resource<Result<HostStats, AppError>>;

#[component]
fn About(id: HostId, first: Host, acts: Acts, stats: Stats) -> impl IntoView {
    let hosts = acts.hosts;
    let host = Memo::new(move |_| {
        hosts
            .with(|hosts| hosts.first().cloned())
            .unwrap_or_else(|| first.clone())
    });
    let name = Signal::derive(move || host.with(|host| host.name.clone()));
    let state = Signal::derive(move || host_state(host.with(|host| host.status)));
    let offline = move || host.with(|host| host.status == HostStatus::Offline);
    let barred = move || !acts.manages.get();
    let why = move || barred().then_some(NEEDS_ADMIN);
    view! {
        <Title text=name />
        <div class="page-head">
            <div class="hd">
                <div class="row">
                    <h1 class="keep">{name}</h1>
                    <span role="status"><Status state /></span>
                </div>
                <div class="row sm about">{move || host.with(words::transport)}{move || host.with(words::tags)}</div>
            </div>
            <div class="end">
                <button class="btn" type="button" disabled=barred title=why on:click=move |_| acts.edit(id)>
                    {icon("pencil")}
                    "Edit or test"
                </button>
                <button class="btn" type="button" aria-haspopup="dialog" on:click=move |_| acts.share(id)>{icon("boxes")}"Share"</button>
                {history_of("host", id)}
                <button class="btn" type="button" disabled=barred title=why on:click=move |_| acts.ask_delete(id)>
                    {icon("trash-2")}
                    "Delete"
                </button>
            </div>
        </div>
        {move || host.with(|host| trouble(host, acts))}
        <Show when=offline><Retry id acts /></Show>
        {move || host.with(hints)}
        <div class="cols">
            <div class="stack">
                <section class="card" aria-labelledby="engine">
                    <div class="card-h"><h2 id="engine">"Engine"</h2></div>
                    <div class="card-b">{move || host.with(engine)}</div>
                </section>
                <Transition>
                    {move || Suspend::new(async move { stats.await.ok().map(main) })}
                </Transition>
            </div>
            <aside class="rail" aria-label="Containers and connection">
                <section class="card">
                    <div class="card-b pad stack">{maintenance(host, id, acts)}<div>{labels(host, id, acts)}</div></div>
                </section>
                <Transition>
                    {move || {
                        // The page may be leaving: its figures are read by the page around it, which knows later.
                        let name = host.try_with_untracked(|host| host.name.clone()).unwrap_or_default();
                        Suspend::new(async move { stats.await.ok().map(|stats| aside(&stats, &name)) })
                    }}
                </Transition>
                {move || host.with(|host| (!host.note.is_empty()).then(|| {
                    view! {
                        <section class="card" aria-labelledby="note">
                            <div class="card-h"><h2 id="note">"Note"</h2></div>
                            <div class="card-b"><p class="prewrap">{host.note.clone()}</p></div>
                        </section>
                    }
                }))}
            </aside>
        </div>
    }
}

fn engine(host: &Host) -> AnyView {
    let Some(engine) = &host.engine else {
        return view! { <p class="muted">"The engine has not answered yet, so nothing is known of it."</p> }
            .into_any();
    };
    let line = |name: &'static str, value: String| {
        (!value.is_empty()).then(|| view! { <dt>{name}</dt><dd>{value}</dd> })
    };
    view! {
        <dl class="kv">
            {line("Engine", words::product(engine))}
            {line("System", words::system(engine))}
            {line("Machine", words::machine(engine))}
            {engine_more(engine)}
            {host.last_seen.map(|at| view! { <dt>"Last seen"</dt><dd><At at />", "<Ago at /></dd> })}
            {host.address.clone().map(|address| view! { <dt>"Port links"</dt><dd><code>{address}</code></dd> })}
            <dt>"Engine id"</dt>
            <dd><code>{engine.engine_id.clone()}</code></dd>
        </dl>
    }
    .into_any()
}

fn engine_more(engine: &EngineFacts) -> AnyView {
    let warnings = engine.warnings.clone();
    view! {
        {(!engine.storage_driver.is_empty()).then(|| view! { <dt>"Storage"</dt><dd>{engine.storage_driver.clone()}</dd> })}
        {(!engine.cgroup_version.is_empty()).then(|| view! { <dt>"cgroups"</dt><dd>"Version "{engine.cgroup_version.clone()}</dd> })}
        {(!warnings.is_empty()).then(|| view! {
            <dt>"It warns"</dt>
            <dd><ul class="items">{warnings.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul></dd>
        })}
    }
    .into_any()
}

fn main(stats: HostStats) -> AnyView {
    view! {
        {known::lacks(stats.lacks)}
        {known::errors(stats.last_errors)}
        {known::events(stats.events)}
        {history(stats.history)}
    }
    .into_any()
}

fn aside(stats: &HostStats, name: &str) -> AnyView {
    view! {
        <section class="card" aria-labelledby="containers">
            <div class="card-h">
                <h2 id="containers">"Containers"</h2>
                <div class="end"><a class="link sm" href=words::fleet_href(name)>"Show in Fleet"</a></div>
            </div>
            <div class="card-b">{counts(&stats.containers)}</div>
        </section>
        {known::in_use(stats)}
        {stats.disk.map(|disk| view! {
            <section class="card" aria-labelledby="disk">
                <div class="card-h"><h2 id="disk">"Disk"</h2></div>
                <div class="card-b">
                    <dl class="kv">
                        <dt>"Images"</dt><dd>{words::bytes(disk.images_bytes)}<span class="faint">{format!(" in {}", disk.images)}</span></dd>
                        <dt>"Volumes"</dt><dd>{words::bytes(disk.volumes_bytes)}<span class="faint">{format!(" in {}", disk.volumes)}</span></dd>
                        <dt>"Containers"</dt><dd>{words::bytes(disk.containers_bytes)}</dd>
                        <dt>"Build cache"</dt><dd>{words::bytes(disk.build_cache_bytes)}</dd>
                    </dl>
                </div>
            </section>
        })}
        <section class="card" aria-labelledby="latency">
            <div class="card-h"><h2 id="latency">"Latency"</h2></div>
            <div class="card-b">{pings(&stats.latency_ms)}</div>
        </section>
    }
    .into_any()
}

fn counts(counts: &ContainerCounts) -> AnyView {
    let line =
        |name: &'static str, number: u32| (number > 0).then(|| view! { <dt>{name}</dt><dd>{number}</dd> });
    if counts.total == 0 {
        return view! { <p class="muted">"None known."</p> }.into_any();
    }
    view! {
        <dl class="kv">
            {line("Running", counts.running)}
            {line("Unhealthy", counts.unhealthy)}
            {line("Paused", counts.paused)}
            {line("Restarting", counts.restarting)}
            {line("Stopped", counts.stopped)}
            {line("Created", counts.created)}
            {line("All", counts.total)}
        </dl>
    }
    .into_any()
}

/// The last ten minutes.
fn pings(pings: &[f32]) -> AnyView {
    let (Some(last), Some(most)) = (pings.last().copied(), pings.iter().copied().reduce(f32::max)) else {
        return view! { <p class="muted">"Not measured yet. It is asked for a sign of life every 10 s."</p> }
            .into_any();
    };
    let said = format!(
        "Latency of the last {} pings: now {}, at most {}",
        pings.len(),
        words::latency(last),
        words::latency(most)
    );
    view! {
        <div class="lat">
            {spark(pings, said)}
            <span class="num strong">{words::latency(last)}</span>
            <span class="faint">"at most "{words::latency(most)}</span>
        </div>
    }
    .into_any()
}

fn history(lines: Vec<Connection>) -> AnyView {
    let more = lines.len().saturating_sub(SHOWN);
    let line = |line: Connection| {
        let state = host_state(line.status);
        let what = match (&line.message, line.status) {
            (Some(message), _) => message.clone(),
            (None, HostStatus::Online) => "It answered.".to_owned(),
            (None, _) => "It did not answer.".to_owned(),
        };
        view! {
            <li>
                <Status state />
                <span>{what}</span>
                <small><At at=line.at />", "<Ago at=line.at /></small>
            </li>
        }
    };
    view! {
        <section class="card" aria-labelledby="history">
            <div class="card-h"><h2 id="history">"Connection"</h2></div>
            <div class="card-b">
                {if lines.is_empty() {
                    view! { <p class="muted">"It has not changed since the host was added."</p> }.into_any()
                } else {
                    view! { <ol class="conn">{lines.into_iter().take(SHOWN).map(line).collect_view()}</ol> }.into_any()
                }}
                {(more > 0).then(|| view! { <p class="faint sm">{more}" earlier changes are kept."</p> })}
            </div>
        </section>
    }
    .into_any()
}
