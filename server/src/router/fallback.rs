//! What is not there.

use super::guard;
use crate::{error::ApiError, extract::not_found, security::Peer, session::Credential, state::AppState};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{Method, StatusCode};

/// Programs get JSON. A browser gets the interface's own page for it, but only once it is signed in.
pub async fn nothing_here(State(state): State<AppState>, mut request: Request) -> Response {
    let path = request.uri().path();
    let for_programs = ["/api", "/_fn", "/pkg/"]
        .iter()
        .any(|prefix| path.starts_with(prefix));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if for_programs || !reads || !guard::wants_page(&request) {
        let error = ApiError::from(not_found());
        return if path.starts_with("/_fn") {
            error.into_server_function_response()
        } else {
            error.into_response()
        };
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
    super::pages::not_found(&state, request).await
}

pub async fn another_method() -> Response {
    ApiError::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address exists, but not with this method. Look it up at /api/docs.",
    )
    .into_response()
}
