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
pub use retry::{After, RetryForm};
pub use retry_field::{RetryBound, retry_field};
pub use typed::{StepForm, rest_words};

use leptos::{
    prelude::*,
    task::{spawn_local, tick},
};
use wasm_bindgen::JsCast;

/// Gives something the focus, once it is on the page: before the next key is heard where that can be, so that a key that
/// is held down goes on.
fn focus_soon(id: String) {
    spawn_local(async move {
        tick().await;
        tick().await;
        focus(&id);
        // What is drawn later, or was moved since.
        request_animation_frame(move || focus(&id));
    });
}

fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        && document().active_element().as_ref() != Some(element.as_ref())
    {
        let _ = element.focus();
    }
}
