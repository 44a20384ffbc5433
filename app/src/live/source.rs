//! The browser's end of the stream: a SharedWorker, or the same script in the page.

use super::{Link, Live};
use domain::events::Event;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CustomEvent, MessageEvent, MessagePort, SharedWorker};

/// A new file name for each release, since a worker of an older one may still run.
const SCRIPT: &str = concat!("/live.js?v=", env!("CARGO_PKG_VERSION"));
/// What the script in the page sends, and listens to.
const TOLD: &str = "chrontainer-live";
const RETRY: &str = "chrontainer-live-retry";

thread_local! {
    static PORT: std::cell::RefCell<Option<MessagePort>> = const { std::cell::RefCell::new(None) };
}

/// Opens the stream for this page. It lasts as long as the page.
pub fn open(live: Live) {
    let shared = js_sys::Reflect::has(&window(), &"SharedWorker".into()).unwrap_or(false);
    match shared.then(|| SharedWorker::new(SCRIPT)) {
        Some(Ok(worker)) => {
            let port = worker.port();
            let hear = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
                told(live, &message.data())
            });
            port.set_onmessage(Some(hear.as_ref().unchecked_ref()));
            hear.forget();
            PORT.with_borrow_mut(|known| *known = Some(port));
            let _ = window_event_listener_untyped("pagehide", |_| send("bye"));
        }
        _ => in_page(live),
    }
    // A laptop that slept, a phone that was in a pocket: look at once.
    let _ = window_event_listener_untyped("online", |_| retry());
}

fn in_page(live: Live) {
    let _ = window_event_listener_untyped(TOLD, move |event| {
        if let Some(event) = event.dyn_ref::<CustomEvent>() {
            told(live, &event.detail());
        }
    });
    if let Ok(script) = document().create_element("script") {
        let _ = script.set_attribute("type", "module");
        let _ = script.set_attribute("src", SCRIPT);
        if let Some(body) = document().body() {
            let _ = body.append_child(&script);
        }
    }
}

/// Asks for a new connection now.
pub fn retry() {
    send("retry");
    if let Ok(event) = web_sys::Event::new(RETRY) {
        let _ = window().dispatch_event(&event);
    }
}

fn send(word: &str) {
    PORT.with_borrow(|port| {
        if let Some(port) = port {
            let _ = port.post_message(&JsValue::from_str(word));
        }
    });
}

fn told(live: Live, message: &JsValue) {
    let field = |name: &str| {
        js_sys::Reflect::get(message, &name.into())
            .ok()
            .and_then(|value| value.as_string())
    };
    match field("kind").as_deref() {
        Some("up") => live.link_is(Link::Up),
        Some("down") => live.link_is(Link::Down),
        Some("signed_out") => crate::auth::leave(),
        // An event of a newer server is not for this page.
        Some("event") => {
            if let Some(event) = field("data").and_then(|data| crate::codec::read::<Event>(&data).ok()) {
                live.hear(&event);
            }
        }
        _ => {}
    }
}
