//! The wasm entry: hydrates the app.

// The types of nested views are deep.
#![recursion_limit = "512"]

/// Called by the page's script once the module is loaded. Lazy routes ask for the asynchronous way to hydrate.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_lazy(app::App);
}
