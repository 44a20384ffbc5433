//! Placeholders in the shape of what is coming. They appear only after 150 ms, so that a quick answer does not flicker.

use leptos::prelude::*;

/// Lines of a list.
pub fn lines(count: usize) -> AnyView {
    let line = |index: usize| {
        view! {
            <li>
                <span class="skel" style:width=format!("{}%", 30 + index * 17 % 40)></span>
                <span class="skel" style:width=format!("{}%", 18 + index * 11 % 25)></span>
            </li>
        }
    };
    view! {
        <div class="card skeleton" aria-busy="true">
            <span class="vh">"Loading"</span>
            <ul aria-hidden="true">{(0..count).map(line).collect_view()}</ul>
        </div>
    }
    .into_any()
}
