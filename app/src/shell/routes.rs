//! Routes, lazy from the first one: the code of a page can be split off the program without touching the page.

use super::layout::Layout;
use crate::{
    auth::{Code, Invite, Reset, SetUp, SignIn},
    components::{Empty, time::Clock, toast::Toasts},
    error::set_page_status,
};
use domain::errors::ErrorClass;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, LazyRoute, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

/// Pages whose code loads together, when the first of them is opened. Each group is one cut through the program, and
/// what two groups share becomes a file of its own: few groups make few files.
macro_rules! lazy_pages {
    ($Group:ident, $load:ident, $preload:ident: $($Page:ident => $view:expr,)+) => {
        #[allow(clippy::enum_variant_names, reason = "they are called what the pages are called")]
        enum $Group {
            $($Page,)+
        }

        #[lazy]
        fn $load(page: $Group) -> AnyView {
            match page {
                $($Group::$Page => $view.into_any(),)+
            }
        }

        $(
            struct $Page;

            impl LazyRoute for $Page {
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> AnyView {
                    $load($Group::$Page).await
                }

                async fn preload() {
                    #[cfg(target_arch = "wasm32")]
                    $preload().await;
                }
            }
        )+
    };
}

lazy_pages! { Door, door, __preload_door:
    SignInPage => view! { <SignIn /> },
    SetUpPage => view! { <SetUp /> },
    CodePage => view! { <Code /> },
    InvitePage => view! { <Invite /> },
    ResetPage => view! { <Reset /> },
}
lazy_pages! { SettingsPages, settings, __preload_settings:
    ProfilePage => view! { <crate::settings::Profile /> },
    KeysPage => view! { <crate::settings::Keys /> },
    SecretsPage => view! { <crate::secrets::Secrets /> },
    PeoplePage => view! { <crate::people::People /> },
    TeamsPage => view! { <crate::people::Teams /> },
    AuditPage => view! { <crate::audit::Audit /> },
    OrganisationPage => view! { <crate::settings::Organisation /> },
    OrganisationsPage => view! { <crate::settings::Organisations /> },
    ProvidersPage => view! { <crate::providers::Providers /> },
}
lazy_pages! { FleetPages, fleet, __preload_fleet:
    FleetPage => view! { <crate::containers::Fleet /> },
}
lazy_pages! { SchedulePages, schedules, __preload_schedules:
    SchedulesPage => view! { <crate::schedules::Schedules /> },
    NewSchedulePage => view! { <crate::schedules::NewSchedule /> },
    BlackoutsPage => view! { <crate::blackouts::Blackouts /> },
    SchedulePage => view! { <crate::schedules::EditSchedule /> },
}
lazy_pages! { RecordPages, records, __preload_records:
    ContainerPage => view! { <crate::containers::ContainerPage /> },
    ActivityPage => view! { <crate::runs::Activity /> },
    OneRunPage => view! { <crate::runs::RunPage /> },
    HostsPage => view! { <crate::hosts::Hosts /> },
    OneHostPage => view! { <crate::hosts::HostPage /> },
}

/// The whole interface.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Clock::provide();
    Toasts::provide();
    #[cfg(feature = "ssr")]
    crate::auth::guard();

    let title = |title: String| {
        if title.is_empty() {
            "Chrontainer".to_owned()
        } else {
            format!("{title} · Chrontainer")
        }
    };
    view! {
        <Title formatter=title />
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/sign-in") view={Lazy::<SignInPage>::new()} ssr=SsrMode::Async />
                <Route path=path!("/setup") view={Lazy::<SetUpPage>::new()} ssr=SsrMode::Async />
                <Route path=path!("/sign-in/code") view={Lazy::<CodePage>::new()} ssr=SsrMode::Async />
                <Route path=path!("/invite") view={Lazy::<InvitePage>::new()} ssr=SsrMode::Async />
                <Route path=path!("/reset") view={Lazy::<ResetPage>::new()} ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("") view={Lazy::<FleetPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("containers/:id") view={Lazy::<ContainerPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules") view={Lazy::<SchedulesPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules/new") view={Lazy::<NewSchedulePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules/blackouts") view={Lazy::<BlackoutsPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules/:id") view={Lazy::<SchedulePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("activity") view={Lazy::<ActivityPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("runs/:id") view={Lazy::<OneRunPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("hosts") view={Lazy::<HostsPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("hosts/:id") view={Lazy::<OneHostPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings") view={Lazy::<ProfilePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/keys") view={Lazy::<KeysPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/secrets") view={Lazy::<SecretsPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/people") view={Lazy::<PeoplePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/teams") view={Lazy::<TeamsPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/audit") view={Lazy::<AuditPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/organisation") view={Lazy::<OrganisationPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/organisations") view={Lazy::<OrganisationsPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("settings/sign-in") view={Lazy::<ProvidersPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("/*any") view=NotFoundInside ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
    .into_any()
}

/// Inside the frame: an address that means nothing.
#[component]
fn NotFoundInside() -> impl IntoView {
    set_page_status(ErrorClass::NotFound);
    view! {
        <Title text="Not found" />
        <div class="card">
            <Empty icon="search" title="There is no such page">
                <p>"The address may be mistyped, or what it named has been deleted."</p>
                <div class="row"><a class="btn btn-primary" href="/">"Go to Fleet"</a></div>
            </Empty>
        </div>
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! { <main class="page" id="main"><NotFoundInside /></main> }
}
