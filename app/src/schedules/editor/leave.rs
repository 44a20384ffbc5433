//! Keys of the form, and the question before unsaved changes are left behind.

use super::state::Editing;
use crate::components::dialog::{self, Dialog};
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::{JsCast, closure::Closure};

/// Saves on ⌘S and Ctrl+S, from inside fields too.
pub fn keys(save: Callback<()>) {
    if cfg!(feature = "ssr") {
        return;
    }
    let handle = window_event_listener(ev::keydown, move |event| {
        if (event.meta_key() || event.ctrl_key()) && !event.alt_key() && event.key().eq_ignore_ascii_case("s")
        {
            event.prevent_default();
            save.run(());
        }
    });
    on_cleanup(move || handle.remove());
}

/// Asks before a link, the back button or the browser takes unsaved changes away.
#[component]
pub fn Leave(editing: Editing) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let wanted = RwSignal::new(String::new());
    let navigate = use_navigate();
    let unsaved = move || !editing.done.get_untracked() && untrack(|| editing.dirty());
    let ask = move |href: String| {
        wanted.set(href);
        dialog::open(node);
    };
    if !cfg!(feature = "ssr") {
        Effect::new(move |_| listen(unsaved, ask));
    }
    let leave = move |_| {
        editing.done.set(true);
        dialog::close(node);
        navigate(&wanted.get_untracked(), Default::default());
    };
    let leave = StoredValue::new(leave);
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |event| leave.with_value(|leave| leave(event))>"Discard changes"</button>
            <button class="btn btn-primary" type="button" autofocus on:click=move |_| dialog::close(node)>"Keep editing"</button>
        }
    };
    view! {
        <Dialog node id="schedule-leave" title="Leave without saving?" foot>
            <p>"What you changed in this schedule is not saved yet."</p>
        </Dialog>
    }
}

/// Hears of every way out, before the router does.
fn listen(unsaved: impl Fn() -> bool + Copy + 'static, ask: impl Fn(String) + Copy + 'static) {
    let here = path();
    let click = Closure::<dyn Fn(web_sys::MouseEvent)>::new(move |event: web_sys::MouseEvent| {
        if event.button() != 0 || event.meta_key() || event.ctrl_key() || event.shift_key() || !unsaved() {
            return;
        }
        let link = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|target| target.closest("a[href]").ok().flatten());
        let Some(href) = link
            .filter(|link| !link.has_attribute("target"))
            .and_then(|link| link.get_attribute("href"))
        else {
            return;
        };
        if href.starts_with('/') {
            event.prevent_default();
            event.stop_propagation();
            ask(href);
        }
    });
    let back = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        if !unsaved() {
            return;
        }
        // The address has changed already; it is put back while the question stands.
        event.stop_immediate_propagation();
        let wanted = path();
        if let Ok(history) = window().history() {
            let _ = history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&here));
        }
        ask(wanted);
    });
    let unload = window_event_listener(ev::beforeunload, move |event| {
        if unsaved() {
            event.prevent_default();
        }
    });
    let options = web_sys::AddEventListenerOptions::new();
    options.set_capture(true);
    let (click_target, back_target) = (document(), window());
    let _ = click_target.add_event_listener_with_callback_and_add_event_listener_options(
        "click",
        click.as_ref().unchecked_ref(),
        &options,
    );
    let _ = back_target.add_event_listener_with_callback_and_add_event_listener_options(
        "popstate",
        back.as_ref().unchecked_ref(),
        &options,
    );
    let held = StoredValue::new_local((click, back));
    on_cleanup(move || {
        unload.remove();
        held.try_with_value(|(click, back)| {
            let _ = document().remove_event_listener_with_callback_and_bool(
                "click",
                click.as_ref().unchecked_ref(),
                true,
            );
            let _ = window().remove_event_listener_with_callback_and_bool(
                "popstate",
                back.as_ref().unchecked_ref(),
                true,
            );
        });
    });
}

fn path() -> String {
    let location = window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}
