//! Where schedules come from and go to beside the form: files, the clipboard, templates, a calendar.

mod api;
mod calendar;
mod import;
mod menu;
mod templates;

pub use api::export;
pub use menu::HeadActions;

/// Puts a text into the clipboard; false where the browser does not let us.
pub async fn copy(text: &str) -> bool {
    #[cfg(feature = "ssr")]
    {
        let _ = text;
        false
    }
    #[cfg(not(feature = "ssr"))]
    {
        let clipboard = leptos::prelude::window().navigator().clipboard();
        // Without TLS browsers have none.
        if wasm_bindgen::JsValue::from(clipboard.clone()).is_undefined() {
            return false;
        }
        wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text))
            .await
            .is_ok()
    }
}

/// What is in the clipboard, if the browser lets us and the person agrees.
async fn pasted() -> Option<String> {
    #[cfg(feature = "ssr")]
    {
        None
    }
    #[cfg(not(feature = "ssr"))]
    {
        let clipboard = leptos::prelude::window().navigator().clipboard();
        if wasm_bindgen::JsValue::from(clipboard.clone()).is_undefined() {
            return None;
        }
        wasm_bindgen_futures::JsFuture::from(clipboard.read_text())
            .await
            .ok()?
            .as_string()
    }
}
