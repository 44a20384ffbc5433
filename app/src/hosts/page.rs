//! The page of all hosts.

use super::{acts::Acts, api, card::card, contexts::ContextsDialog, form::HostDialog, remove::DeleteDialog};
use crate::{
    auth::lacks,
    codec::resource,
    components::{Empty, Failure, dialog, icon, kept, skeleton},
    live::Live,
    schedules::words::count,
    shares::ShareDialog,
};
use domain::{
    auth::Permission,
    events::Event,
    hosts::{Host, HostStatus},
};
use leptos::{html, prelude::*};
use leptos_meta::Title;

#[component]
pub fn Hosts() -> impl IntoView {
    let live = Live::get();
    let again = RwSignal::new(0_u32);
    let page = resource(move || (live.gaps(), again.get()), |_| api::list(None));
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let hosts = RwSignal::new(Vec::<Host>::new());
    let acts = Acts::new(hosts);
    let contexts = NodeRef::<html::Dialog>::new();
    let looked = RwSignal::new(0_u32);
    let summary = RwSignal::new(String::new());
    live.listen(move |event| match event {
        Event::HostChanged { host } => acts.put((**host).clone()),
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
                (
                    hosts.iter().filter(|host| host.maintenance).count(),
                    "in maintenance",
                ),
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
                <button
                    class="btn"
                    type="button"
                    aria-haspopup="dialog"
                    title=move || (!acts.manages.get()).then_some(super::acts::NEEDS_ADMIN)
                    disabled=move || !acts.manages.get()
                    on:click=move |_| {
                        looked.update(|looked| *looked += 1);
                        dialog::open(contexts);
                    }
                >
                    {icon("download")}
                    "Import"
                </button>
                {add_button(acts)}
            </div>
        </div>
        <Transition fallback=|| skeleton::lines(4)>
            {kept(
                page,
                move |page| hosts.set(page.items),
                move |()| view! { <Cards acts /> }.into_any(),
                move |error| view! { <Failure error retry=reload /> }.into_any(),
            )}
        </Transition>
        <HostDialog node=acts.dialog form=acts.form saved=Callback::new(move |host| acts.answered(host)) />
        <ShareDialog of=acts.sharing lacks=lacks(Permission::UsersManage) />
        <ContextsDialog node=contexts opened=looked acts />
        <DeleteDialog acts deleted=Callback::new(move |host: Host| hosts.update(|hosts| hosts.retain(|old| old.id != host.id))) />
    }
}

fn add_button(acts: Acts) -> AnyView {
    view! {
        <button
            class="btn btn-primary"
            type="button"
            aria-haspopup="dialog"
            title=move || (!acts.manages.get()).then_some(super::acts::NEEDS_ADMIN)
            disabled=move || !acts.manages.get()
            on:click=move |_| acts.add()
        >
            {icon("plus")}
            "Add host"
        </button>
    }
    .into_any()
}

#[component]
fn Cards(acts: Acts) -> impl IntoView {
    let hosts = acts.hosts;
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
                                "A host is a machine with a container engine, Docker or Podman: this one by its socket, others by SSH or TCP. The one on this machine is found at the first start, if it answers."
                            </p>
                            <p class="faint sm">"For example "<code>"ssh://pi@10.0.0.5"</code></p>
                            <div class="row">{add_button(acts)}</div>
                        </Empty>
                    </div>
                }
            }
        >
            <div class="grid-auto host-cards" role="group" aria-label=move || count(hosts.with(Vec::len) as u64, "host")>
                <For each=shown key=|id| *id children=move |id| card(id, acts) />
            </div>
        </Show>
    }
}
