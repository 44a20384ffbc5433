//! The frame of every page but the ones before signing in.

use super::{
    Heading, Keys, Overviews,
    keys::Shortcuts,
    nav::{Nav, TabBar},
    palette::Palette,
    topbar::TopBar,
};
use crate::{auth::Me, components::toast::ToastRegion, live::Live};
use leptos::prelude::*;
use leptos_router::components::Outlet;

#[component]
pub fn Layout() -> impl IntoView {
    Live::provide();
    Me::provide();
    Overviews::provide();
    Heading::provide();
    let keys = Keys::provide();
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <div class="app">
            <Nav />
            <div class="main">
                <TopBar />
                <main class="page" id="main" tabindex="-1">
                    <Outlet />
                </main>
            </div>
            <TabBar />
        </div>
        <ToastRegion />
        <Palette node=keys.palette />
        <Shortcuts node=keys.shortcuts />
    }
    .into_any()
}
