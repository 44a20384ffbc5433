//! The page of all hosts.

use super::{add::AddHost, api, card::card};
use crate::{
    components::{Empty, Failure, dialog, icon, skeleton},
    live::Live,
    schedules::words::count,
};
use domain::{
    events::Event,
    hosts::{Host, HostStatus},
};
use leptos::{html, prelude::*};
use leptos_meta::Title;

#[component]
pub fn Hosts() -> impl IntoView {
    let live = Live::get();
    let again = RwSignal::new(0_u32);
    let page = Resource::new(move || (live.gaps(), again.get()), |_| api::list(None));
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let adding = NodeRef::<html::Dialog>::new();
    let hosts = RwSignal::new(Vec::<Host>::new());
    let summary = RwSignal::new(String::new());
    live.listen(move |event| match event {
        Event::HostChanged { host } => put(hosts, host.clone()),
        Event::HostRemoved { id } => hosts.update(|hosts| hosts.retain(|host| host.id != *id)),
        _ => {}
    });
    Effect::new(move |_| {
        hosts.with(|hosts| {
            let of = |status: HostStatus| hosts.iter().filter(|host| host.status == status).count();
            let parts = [
                (of(HostStatus::Online), "online"),
                (of(HostStatus::Offline), "offline"),
                (of(HostStatus::Connecting), "connecting"),
                (of(HostStatus::Disabled), "disabled"),
            ];
            let words = parts
                .iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, word)| format!("{number} {word}"));
            summary.set(words.collect::<Vec<_>>().join(", "));
        });
    });
    view! {
        <Title text="Hosts" />
        <div class="page-head">
            <h1>"Hosts"</h1>
            <span class="sub">{move || summary.get()}</span>
            <div class="end">
                <button class="btn btn-primary" type="button" aria-haspopup="dialog" on:click=move |_| dialog::open(adding)>
                    {icon("plus")}
                    "Add host"
                </button>
            </div>
        </div>
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => {
                        hosts.set(page.items);
                        view! { <Cards hosts adding /> }.into_any()
                    }
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
        <AddHost node=adding added=Callback::new(move |host| put(hosts, host)) />
    }
}

fn put(hosts: RwSignal<Vec<Host>>, host: Host) {
    let _ = hosts.try_update(|hosts| match hosts.iter_mut().find(|old| old.id == host.id) {
        Some(old) => *old = host,
        None => hosts.push(host),
    });
}

#[component]
fn Cards(hosts: RwSignal<Vec<Host>>, adding: NodeRef<html::Dialog>) -> impl IntoView {
    let ids = Memo::new(move |_| {
        hosts.with(|hosts| {
            let mut ids: Vec<_> = hosts
                .iter()
                .map(|host| (host.status != HostStatus::Offline, host.id))
                .collect();
            // Those that need a person come first; it is decided when the page opens, so that no card jumps.
            ids.sort_by_key(|(well, _)| *well);
            ids.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        })
    });
    let order = StoredValue::new(Vec::new());
    let shown = move || {
        let now = ids.get();
        order.update_value(|order| {
            order.retain(|id| now.contains(id));
            order.extend(
                now.iter()
                    .filter(|id| !order.contains(id))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        });
        order.get_value()
    };
    view! {
        <Show
            when=move || hosts.with(|hosts| !hosts.is_empty())
            fallback=move || {
                view! {
                    <div class="card">
                        <Empty icon="server" title="No hosts yet">
                            <p>
                                "A host is a machine with a container engine, Docker or Podman. The one on this machine is found at the first start, if it answers."
                            </p>
                            <p class="faint sm">"For example "<code>"unix:///var/run/docker.sock"</code></p>
                            <div class="row">
                                <button class="btn btn-primary" type="button" on:click=move |_| dialog::open(adding)>
                                    {icon("plus")}
                                    "Add host"
                                </button>
                            </div>
                        </Empty>
                    </div>
                }
            }
        >
            <div class="grid-auto host-cards" aria-label=move || count(hosts.with(Vec::len) as u64, "host")>
                <For each=shown key=|id| *id children=move |id| card(id, hosts) />
            </div>
        </Show>
    }
}
