//! What is around every page.

mod document;

pub use document::shell;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode, StaticSegment,
    components::{Route, Router, Routes},
};

/// The whole interface.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Chrontainer".to_owned() } else { format!("{title} · Chrontainer") } />
        <Router>
            <Routes fallback=|| "There is no such page.">
                <Route path=StaticSegment("") view=|| view! { <main id="main"><h1>"Chrontainer"</h1></main> } ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
