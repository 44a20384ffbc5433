//! Preferences that the server must know before it makes a page: `theme`, `tz` and `single_keys`. Nothing secret.

/// A cookie of the request that is being answered.
#[cfg(feature = "ssr")]
pub fn cookie(name: &str) -> Option<String> {
    let request = leptos::prelude::use_context::<http::request::Parts>()?;
    let all = request.headers.get(http::header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        // Zone names hold `/` and `+`, which browsers may send encoded.
        (key == name).then(|| {
            value
                .replace("%2F", "/")
                .replace("%2f", "/")
                .replace("%2B", "+")
                .replace("%2b", "+")
        })
    })
}

/// A cookie of this page: what the server saw when it made it.
#[cfg(not(feature = "ssr"))]
pub fn cookie(name: &str) -> Option<String> {
    use wasm_bindgen::JsCast;
    let document = leptos::prelude::document();
    let all = document.dyn_ref::<web_sys::HtmlDocument>()?.cookie().ok()?;
    all.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// Keeps a preference for a year.
#[cfg(not(feature = "ssr"))]
pub fn set_cookie(name: &str, value: &str) {
    use wasm_bindgen::JsCast;
    if let Some(document) = leptos::prelude::document().dyn_ref::<web_sys::HtmlDocument>() {
        let _ = document.set_cookie(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax"));
    }
}

/// On the server nothing is clicked.
#[cfg(feature = "ssr")]
pub fn set_cookie(_name: &str, _value: &str) {}
