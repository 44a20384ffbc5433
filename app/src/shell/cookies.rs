//! The two preferences that the server must know before it makes a page: `theme` and `tz`. Nothing secret.

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
