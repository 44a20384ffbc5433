//! Server functions: leptos' own list, each with the permission that `app::permissions` names.

use super::{RouteKind, Routes, context};
use crate::{error::ApiError, state::AppState};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::errors::{ErrorClass, Problem};

/// How the page says which build it is of.
pub const BUILD_HEADER: &str = "x-chrontainer-build";

pub fn routes(mut routes: Routes) -> Routes {
    for (path, method) in server_fn::axum::server_fn_paths() {
        // Deny by default: what is not in the table does not exist.
        match app::permissions::of(path) {
            Some(permission) => {
                routes = routes.add(RouteKind::ServerFunction, method, path, permission, call);
            }
            None => tracing::error!(path, "a server function has no permission and is not served"),
        }
    }
    routes
}

async fn call(State(state): State<AppState>, request: Request) -> Response {
    let build = request.headers().get(BUILD_HEADER);
    if build.is_some_and(|build| build.as_bytes() != state.site.build.as_bytes()) {
        return ApiError::from(outdated()).into_server_function_response();
    }
    let context = move || context::provide(&state);
    leptos_axum::handle_server_fns_with_context(context, request)
        .await
        .into_response()
}

fn outdated() -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "client_outdated",
        "The server was updated since this page was opened. Reload the page.",
    )
}
