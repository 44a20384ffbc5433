//! The top bar: where one is, how everything is, search, clock, theme.

use super::{Keys, Overviews, api::Counts, theme::ThemeToggle};
use crate::{
    components::{Logo, State, Status, dialog, icon, icon_as, time::TopClock},
    live::{Link, Live},
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// A link on the way to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub href: String,
    pub name: String,
}

/// The title of the page that is open, and a link between its section and it.
#[derive(Clone, Copy)]
pub struct Heading {
    title: RwSignal<String>,
    between: RwSignal<Option<Crumb>>,
}

impl Heading {
    pub fn provide() {
        provide_context(Self {
            title: RwSignal::new(String::new()),
            between: RwSignal::new(None),
        });
    }

    /// Names a detail page. In an effect: the bar stands above the page, and was made before it.
    pub fn set(title: impl Fn() -> String + 'static, between: impl Fn() -> Option<Crumb> + 'static) {
        let heading: Self = expect_context();
        Effect::new(move |_| {
            heading.title.set(title());
            heading.between.set(between());
        });
        on_cleanup(move || {
            let _ = heading.title.try_set(String::new());
            let _ = heading.between.try_set(None);
        });
    }
}

/// A section's address and name, and whether the path is below it.
fn section(path: &str) -> (&'static str, &'static str, bool) {
    let mut parts = path.split('/').skip(1);
    let first = parts.next().unwrap_or_default();
    let below = parts.next().is_some_and(|part| !part.is_empty());
    match first {
        "" => ("/", "Fleet", false),
        "containers" => ("/", "Fleet", true),
        "schedules" => ("/schedules", "Schedules", below),
        "activity" => ("/activity", "Activity", false),
        "runs" => ("/activity", "Activity", true),
        "hosts" => ("/hosts", "Hosts", below),
        "settings" => ("/settings", "Settings", false),
        _ => ("/", "Not found", false),
    }
}

#[component]
pub fn TopBar() -> impl IntoView {
    let keys = Keys::get();
    let path = use_location().pathname;
    let place = Memo::new(move |_| path.with(|path| section(path)));
    view! {
        <header class="topbar">
            {move || {
                let (href, name, below) = place.get();
                if below { deep(href, name) } else { root(name) }
            }}
            <div class="topbar-end">
                <button
                    class="cmdk"
                    type="button"
                    aria-keyshortcuts="Meta+K Control+K"
                    aria-haspopup="dialog"
                    on:click=move |_| dialog::open(keys.palette)
                >
                    {icon("search")}
                    <span>"Search or run"</span>
                    <kbd aria-hidden="true">"⌘K"</kbd>
                </button>
                <TopClock />
                <ThemeToggle />
            </div>
        </header>
    }
}

/// The bar of a page that the navigation names.
fn root(name: &'static str) -> AnyView {
    view! {
        <div class="crumbs">
            <Logo />
            <span class="only-s">{name}</span>
        </div>
        <Pulse />
    }
    .into_any()
}

/// The bar of a page below one of those.
fn deep(href: &'static str, name: &'static str) -> AnyView {
    let heading: Heading = expect_context();
    let between = move || {
        heading.between.get().map(|crumb| {
            view! {
                <a class="clip" href=crumb.href>{crumb.name}</a>
                {icon_as("chevron-right", "i i-sm")}
            }
        })
    };
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <a class="back icon-btn only-s" href=href aria-label=format!("Back to {name}")>{icon("chevron-left")}</a>
            <a href=href>{name}</a>
            {icon_as("chevron-right", "i i-sm")}
            {between}
            <span aria-current="page">{move || heading.title.get()}</span>
        </nav>
        <LinkState />
    }
    .into_any()
}

/// What needs a look: the stream, open runs, hosts that do not answer.
#[component]
fn Pulse() -> impl IntoView {
    view! {
        <div class="pulse" role="status">
            <LinkState />
            <Transition>
                {move || Suspend::new(async move { news(&Overviews::get().ready().await) })}
            </Transition>
        </div>
    }
}

fn news(overview: &Counts) -> AnyView {
    let runs = (overview.open_runs > 0).then(|| {
        let (count, one) = (overview.open_runs, overview.open_run);
        let href = one
            .filter(|_| count == 1)
            .map_or_else(|| "/activity?show=running".to_owned(), |id| format!("/runs/{id}"));
        let word = if count == 1 { "run" } else { "runs" };
        view! { <a class="hide-s" href=href><Status state=State::new("working", format!("{count} {word} in progress")) /></a> }
    });
    let hosts = (!overview.offline.is_empty()).then(|| {
        let text = match overview.offline.as_slice() {
            [name] => format!("{name} offline"),
            many => format!("{} hosts offline", many.len()),
        };
        view! { <a class="hide-s" href="/hosts"><Status state=State::new("offline", text) /></a> }
    });
    view! {
        {runs}
        {hosts}
    }
    .into_any()
}

/// Says so when the page no longer hears of changes; nothing while all is well.
#[component]
fn LinkState() -> impl IntoView {
    let live = Live::get();
    view! {
        <Show when=move || live.link() == Link::Down>
            <button class="link-state" type="button" title="Try now" on:click=move |_| live.retry()>
                <Status state=State::new("offline", "Offline, reconnecting") />
            </button>
        </Show>
    }
}
