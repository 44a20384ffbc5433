//! `GET /api/version`: which release answers.

use crate::{router::Routes, state::AppState};
use axum::{Json, extract::State};
use domain::auth::Permission;
use http::Method;
use serde::Serialize;
use std::sync::Arc;

pub fn routes(routes: Routes) -> Routes {
    routes.guarded(Method::GET, "/api/version", Permission::Public, version)
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Version {
    release: &'static str,
    /// Which build of the interface this server sends.
    #[schema(value_type = String)]
    build: Arc<str>,
    /// The newest version of the API.
    api: &'static str,
}

/// Which release answers.
#[utoipa::path(get, path = "/api/version", tag = "server", security(()), responses((status = 200, body = Version)))]
pub async fn version(State(state): State<AppState>) -> Json<Version> {
    Json(Version {
        release: env!("CARGO_PKG_VERSION"),
        build: state.site.build.clone(),
        api: "v1",
    })
}
