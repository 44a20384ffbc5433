//! Pages: what leptos renders, one route for each that the app names.

use super::{RouteKind, Routes, context};
use crate::{error::ApiError, security::headers::page_policy, state::AppState};
use axum::{
    extract::{Request, State},
    response::{Html, IntoResponse, Response},
};
use domain::{
    auth::Permission,
    errors::{ErrorClass, Problem},
};
use http::{Method, StatusCode, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::{AxumRouteListing, ResponseOptions};

/// Pages that come before signing in.
const OPEN: [&str; 5] = [SIGN_IN, SETUP, "/sign-in/code", "/invite", "/reset"];
const SIGN_IN: &str = "/sign-in";
const SETUP: &str = "/setup";

pub fn routes(mut routes: Routes) -> Routes {
    let state = routes.state().clone();
    let listed = {
        let state = state.clone();
        leptos_axum::generate_route_list_with_exclusions_and_ssg_and_context(app::App, None, move || {
            context::provide(&state);
        })
        .0
    };
    // A route for everything would hide which addresses exist; the fallback shows the app's page for the others.
    let listed: Vec<_> = listed
        .into_iter()
        .filter(|page| !page.path().starts_with("/{*"))
        .collect();
    let render = renderer(&state, listed.clone());
    for page in &listed {
        let permission = if OPEN.contains(&page.path()) {
            Permission::Public
        } else {
            Permission::Own
        };
        let render = render.clone();
        let handler = async move |State(state): State<AppState>, request: Request| {
            let there = state.clone();
            let page = state
                .renderer
                .render(move |request| render(State(there), request), request)
                .await;
            page.unwrap_or_else(broken)
        };
        routes = routes.add(RouteKind::Page, Method::GET, page.path(), permission, handler);
    }
    routes
}

type Rendered = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

fn renderer(
    state: &AppState,
    listed: Vec<AxumRouteListing>,
) -> impl Fn(State<AppState>, Request) -> Rendered + Clone + Send + Sync + 'static {
    let options = state.site.options.clone();
    let state = state.clone();
    leptos_axum::render_route_with_context(
        listed,
        move || page_context(&state),
        move || app::shell(options.clone()),
    )
}

/// The app's own page for what is not there.
pub async fn not_found(state: &AppState, request: Request) -> Response {
    let options = state.site.options.clone();
    let of_context = state.clone();
    let render = leptos_axum::render_app_async_with_context(
        move || page_context(&of_context),
        move || app::shell(options.clone()),
    );
    let mut response = state
        .renderer
        .render(render, request)
        .await
        .unwrap_or_else(broken);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The page panicked; the log has it.
fn broken() -> Response {
    error_page(&ApiError::from(Problem::new(
        ErrorClass::Internal,
        "internal",
        "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
    )))
}

fn page_context(state: &AppState) {
    context::provide(state);
    if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, page_policy(&nonce));
    }
}

/// Where a page leads instead: to set-up while nobody owns the installation, and away from the doors for those inside.
pub fn elsewhere(path: &str, setup_needed: bool, signed_in: bool) -> Option<&'static str> {
    match (path, setup_needed, signed_in) {
        (SETUP, true, _) => None,
        (_, true, _) => Some(SETUP),
        (SETUP | SIGN_IN, false, true) => Some("/"),
        (SETUP, false, false) => Some(SIGN_IN),
        _ => None,
    }
}

/// When there is no page to show an error on: plain, without anything that could fail as well.
pub fn error_page(error: &ApiError) -> Response {
    let text = escaped(&error.problem.message);
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Chrontainer</title></head><body><main><h1>That did not work</h1><p>{text}</p>\
         <p><a href=\"/\">Back to the first page</a></p></main></body></html>"
    );
    (error.status(), Html(page)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_in_depends_on_who_comes() {
        assert_eq!(elsewhere("/", true, false), Some("/setup"));
        assert_eq!(elsewhere("/sign-in", true, false), Some("/setup"));
        assert_eq!(elsewhere("/setup", true, false), None);
        assert_eq!(elsewhere("/setup", false, false), Some("/sign-in"));
        assert_eq!(elsewhere("/sign-in", false, true), Some("/"));
        assert_eq!(elsewhere("/sign-in", false, false), None);
        assert_eq!(elsewhere("/", false, false), None);
    }
}
