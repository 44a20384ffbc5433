//! What surrounds every route: who asks from where, which requests another site may have caused, limits, and
//! the headers of every answer.

mod compression;
pub mod headers;
mod limits;
mod peer;
mod rate;
mod request_log;
pub mod same_site;

pub use limits::too_large;
pub use peer::{Peer, PeerAddress};
pub use rate::Rates;

use crate::{error::ApiError, state::AppState};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::errors::{ErrorClass, Problem};
use std::any::Any;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

/// Wraps the router. Read from below: the last layer sees a request first.
pub fn around(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router
        .layer(RequestBodyLimitLayer::new(limits::BODY))
        .layer(from_fn(limits::refuse_large))
        .layer(from_fn_with_state(state.clone(), same_site::check))
        .layer(compression::layer())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::add))
        .layer(from_fn(request_log::observe))
        .layer(from_fn_with_state(state.clone(), peer::identify))
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    ApiError::from(Problem::new(
        ErrorClass::Internal,
        "internal",
        "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
    ))
    .into_response()
}
