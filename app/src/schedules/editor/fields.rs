//! What stands under a field: a fault, said once and tied to it.

use crate::components::icon;
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

/// The sentence under a field; nothing while all is well. `id` is what the field's `aria-describedby` names.
pub fn fault_line(id: impl Into<String>, message: Signal<Option<String>>) -> AnyView {
    let id = id.into();
    view! {
        <div id=id aria-live="polite">
            {move || message.get().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
        </div>
    }
    .into_any()
}

/// A text with its wrong part marked, where that is known.
pub fn marked(text: &str, place: Option<(usize, usize)>) -> AnyView {
    let Some((start, end)) = place.filter(|(start, end)| {
        start <= end && *end <= text.len() && text.is_char_boundary(*start) && text.is_char_boundary(*end)
    }) else {
        return ().into_any();
    };
    let (before, wrong, after) = (
        text[..start].to_owned(),
        text[start..end].to_owned(),
        text[end..].to_owned(),
    );
    // Something is missing: a place without a letter is shown as a gap.
    let wrong = if wrong.trim().is_empty() {
        "\u{2007}".to_owned()
    } else {
        wrong
    };
    view! { <code class="marked">{before}<mark>{wrong}</mark>{after}</code> }.into_any()
}

/// Whether the `details` of this event are open.
pub fn is_open(event: &ev::Event) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|details| details.has_attribute("open"))
}
