//! The wasm entry: hydrates the app.

// The types of nested views are deep.
#![recursion_limit = "512"]

use leptos::{mount::hydrate_from_async, tachys::dom::body};

/// Called by the page's script once the module is loaded. Lazy routes ask for the asynchronous way to hydrate.
/// The document says when it is done: before that a click reaches nothing, which tests must know.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        hydrate_from_async(body(), app::App).await.forget();
        app::hydration::done();
        if let Some(root) = body().parent_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
}
