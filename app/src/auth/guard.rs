//! Sends people to the page where they belong before anything is made for them.

use super::ways::encoded;
use domain::auth::Actor;
use leptos::prelude::*;

/// Not signed in: to the sign-in page. Signed in and on the sign-in page: to the first page. Server functions refuse by
/// themselves; this only saves a page of refusals.
pub fn guard() {
    let Some(request) = use_context::<http::request::Parts>() else {
        return;
    };
    let path = request.uri.path();
    let signed_in = use_context::<Actor>().is_some();
    match path {
        "/sign-in" if signed_in => leptos_axum::redirect("/"),
        "/sign-in" | "/sign-in/code" | "/setup" | "/invite" | "/reset" => {}
        _ if signed_in => {}
        "/" => leptos_axum::redirect("/sign-in"),
        _ => {
            let here = request.uri.path_and_query().map_or(path, |all| all.as_str());
            leptos_axum::redirect(&format!("/sign-in?next={}", encoded(here)));
        }
    }
}
