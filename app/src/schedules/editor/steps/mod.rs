//! The chain: its steps as cards, what each of them does, and on what.

mod actions;
mod card;
mod chain;
mod command;
mod drag;
mod more;
mod mounts;
mod one;
mod pairs;
mod picker;
mod reading;
mod retry;
mod retry_field;
mod target;
mod typed;

pub use chain::Chain;
pub use reading::Reading;
pub use retry::RetryForm;
pub use retry_field::{RetryBound, retry_field};
pub use typed::{StepForm, rest_words};

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Gives something the focus, once it is on the page.
fn focus_soon(id: String) {
    request_animation_frame(move || {
        // What is drawn in answer to this change is there one frame later.
        request_animation_frame(move || {
            let element = document().get_element_by_id(&id);
            if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
            {
                let _ = element.focus();
            }
        });
    });
}
