//! What is not there, and refusals before any route is asked.

use super::{guard, pages};
use crate::{error::ApiError, extract::not_found, security::Peer, session::Credential, state::AppState};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{Method, StatusCode};

/// An error as whoever asked can read it: programs get JSON, the interface's scripts a bare problem, and a form that was
/// sent without JavaScript a page.
pub fn refusal(request: &Request, error: ApiError) -> Response {
    let path = request.uri().path();
    if guard::wants_page(request) && !is_for_programs(path) {
        pages::error_page(&error)
    } else if path.starts_with("/_fn") {
        error.into_server_function_response()
    } else {
        error.into_response()
    }
}

fn is_for_programs(path: &str) -> bool {
    ["/api", "/pkg/"].iter().any(|prefix| path.starts_with(prefix))
}

/// A browser gets the interface's own page for what is not there, but only once it is signed in.
pub async fn nothing_here(State(state): State<AppState>, mut request: Request) -> Response {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_page = reads && !is_for_programs(path) && !path.starts_with("/_fn");
    if !is_page || !guard::wants_page(&request) {
        return refusal(&request, not_found().into());
    }
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    let credential = Credential::of(request.headers(), &peer);
    let actor = match &credential {
        Some(credential) => credential
            .check(&state.control, &peer.client)
            .await
            .ok()
            .flatten(),
        None => None,
    };
    let Some(actor) = actor else {
        return Redirect::to(&guard::sign_in_and_return(request.uri())).into_response();
    };
    request.extensions_mut().insert(actor);
    pages::not_found(&state, request).await
}

pub async fn another_method(request: Request) -> Response {
    let error = ApiError::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address exists, but not with this method. Look it up at /api/docs.",
    );
    refusal(&request, error)
}
