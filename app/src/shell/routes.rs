//! Routes, lazy from the first one: the code of a page can be split off the program without touching the page.

use super::layout::Layout;
use crate::{
    auth::{SetUp, SignIn},
    components::{Empty, time::Clock, toast::Toasts},
    error::set_page_status,
};
use domain::errors::ErrorClass;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, LazyRoute, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    lazy_route, path,
};

/// A page as a lazy route: `lazy_page!(FleetPage => view! { <Fleet /> })`.
macro_rules! lazy_page {
    ($name:ident => $view:expr) => {
        struct $name;

        #[lazy_route]
        impl LazyRoute for $name {
            fn data() -> Self {
                $name
            }

            fn view(this: Self) -> AnyView {
                let _ = this;
                $view.into_any()
            }
        }
    };
}

lazy_page!(FleetPage => view! { <crate::containers::Fleet /> });
lazy_page!(ContainerPage => view! { <crate::containers::ContainerPage /> });
lazy_page!(SchedulesPage => view! { <crate::schedules::Schedules /> });
lazy_page!(NewSchedulePage => view! { <crate::schedules::NewSchedule /> });
lazy_page!(SchedulePage => view! { <crate::schedules::EditSchedule /> });
lazy_page!(ActivityPage => view! { <crate::runs::Activity /> });
lazy_page!(OneRunPage => view! { <crate::runs::RunPage /> });
lazy_page!(HostsPage => view! { <crate::hosts::Hosts /> });

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
                <Route path=path!("/sign-in") view=SignIn ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetUp ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("") view={Lazy::<FleetPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("containers/:id") view={Lazy::<ContainerPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules") view={Lazy::<SchedulesPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules/new") view={Lazy::<NewSchedulePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("schedules/:id") view={Lazy::<SchedulePage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("activity") view={Lazy::<ActivityPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("runs/:id") view={Lazy::<OneRunPage>::new()} ssr=SsrMode::Async />
                    <Route path=path!("hosts") view={Lazy::<HostsPage>::new()} ssr=SsrMode::Async />
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
