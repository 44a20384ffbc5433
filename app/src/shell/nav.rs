//! Navigation: sidebar, rail, and the phone's bar with its sheet. It shows only what exists.

use super::{Overviews, account, api::Counts, next_up::NextUpCard, theme::ThemeItem};
use crate::components::{
    Logo,
    dialog::{self, Dialog},
    icon,
};
use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;

struct Place {
    href: &'static str,
    icon: &'static str,
    name: &'static str,
}

const FLEET: Place = Place {
    href: "/",
    icon: "boxes",
    name: "Fleet",
};
const SCHEDULES: Place = Place {
    href: "/schedules",
    icon: "calendar-clock",
    name: "Schedules",
};
const ACTIVITY: Place = Place {
    href: "/activity",
    icon: "activity",
    name: "Activity",
};
const HOSTS: Place = Place {
    href: "/hosts",
    icon: "server",
    name: "Hosts",
};

const SETTINGS: Place = Place {
    href: "/settings",
    icon: "settings",
    name: "Settings",
};

/// Which place a path belongs to: a run is part of Activity, a container part of Fleet.
fn place_of(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "" | "containers" => FLEET.href,
        "schedules" => SCHEDULES.href,
        "activity" | "runs" => ACTIVITY.href,
        "hosts" => HOSTS.href,
        "settings" => SETTINGS.href,
        _ => "",
    }
}

/// "page" on the link of the place that is open.
fn current(place: &'static Place) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync + 'static {
    let path = use_location().pathname;
    move || path.with(|path| place_of(path) == place.href).then_some("page")
}

fn link(place: &'static Place, count: fn(&Counts) -> AnyView) -> AnyView {
    view! {
        <a class="nav-link" href=place.href title=place.name aria-current=current(place)>
            {icon(place.icon)}
            <span>{place.name}</span>
            <Transition>
                {move || Suspend::new(async move { count(&Overviews::get().ready().await) })}
            </Transition>
        </a>
    }
    .into_any()
}

fn number(count: u64) -> AnyView {
    (count > 0)
        .then(|| view! { <span class="n">{count}</span> })
        .into_any()
}

fn failures(overview: &Counts) -> AnyView {
    let failed = overview.failed;
    (failed > 0)
        .then(|| view! { <span class="n" data-s="bad">{failed}" failed"</span> })
        .into_any()
}

/// The sidebar, a rail on small laptops.
#[component]
pub fn Nav() -> impl IntoView {
    view! {
        <nav class="nav" aria-label="Main">
            <a class="nav-brand" href="/" aria-label="Chrontainer, home">
                <Logo />
                <span>"Chrontainer"</span>
            </a>
            {link(&FLEET, |overview| number(overview.containers))}
            {link(&SCHEDULES, |overview| number(overview.schedules))}
            {link(&ACTIVITY, failures)}
            <div class="nav-group">"System"</div>
            {link(&HOSTS, |overview| number(overview.hosts))}
            {link(&SETTINGS, |_| ().into_any())}
            <div class="nav-foot">
                <NextUpCard />
                <account::AccountButton />
            </div>
        </nav>
    }
}

fn tab(place: &'static Place, badge: fn(&Counts) -> u64) -> AnyView {
    let count = move || {
        Suspend::new(async move {
            let count = badge(&Overviews::get().ready().await);
            (count > 0).then(
                || view! { <span class="n"><span aria-label=format!("{count} failed")>{count}</span></span> },
            )
        })
    };
    view! {
        <a href=place.href aria-current=current(place)>
            {icon(place.icon)}
            {place.name}
            <Transition>{count}</Transition>
        </a>
    }
    .into_any()
}

/// The phone's bar, and the sheet with the rest.
#[component]
pub fn TabBar() -> impl IntoView {
    let more = NodeRef::<html::Dialog>::new();
    view! {
        <nav class="tabbar" aria-label="Main, phone">
            {tab(&FLEET, |_| 0)}
            {tab(&SCHEDULES, |_| 0)}
            {tab(&ACTIVITY, |overview| overview.failed)}
            {tab(&HOSTS, |_| 0)}
            <button type="button" aria-haspopup="dialog" on:click=move |_| dialog::open(more)>
                {icon("menu")}
                "More"
            </button>
        </nav>
        <Dialog node=more id="more" title="More">
            <div class="menu sheet">
                <account::WhoAmI />
                <account::OrgItems />
                <a href=SETTINGS.href on:click=move |_| dialog::close(more)>{icon(SETTINGS.icon)}{SETTINGS.name}</a>
                <ThemeItem />
                <hr />
                <account::SignOutItem />
            </div>
        </Dialog>
    }
}
