//! Containers: the fleet.

use leptos::prelude::*;

#[component]
pub fn Fleet() -> impl IntoView {
    view! { <div class="page-head"><h1>"Fleet"</h1></div> }
}
