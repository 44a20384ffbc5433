//! `/api/v1/retention`: how long runs are kept.

use crate::{
    error::ApiError,
    extract::{Caller, Json},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::retention;
use domain::{
    auth::Permission,
    retention::{Retention, RetentionState},
};
use http::Method;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/retention", Permission::RunsRead, get)
        .guarded(
            Method::PUT,
            "/api/v1/retention",
            Permission::RetentionManage,
            replace,
        )
}

/// How long the organisation keeps runs, and what it keeps now.
#[utoipa::path(get, path = "/api/v1/retention", tag = "runs", responses((status = 200, body = RetentionState)))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<RetentionState>, ApiError> {
    Ok(Json(retention::get(&state.control, &actor).await?))
}

/// Replaces the limits; null or absent is no limit. What goes beyond them is deleted within the hour.
#[utoipa::path(put, path = "/api/v1/retention", tag = "runs", request_body = Retention,
    responses((status = 200, body = RetentionState), (status = 422, description = "`invalid_retention` with the field")))]
pub async fn replace(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(limits): Json<Retention>,
) -> Result<Json<RetentionState>, ApiError> {
    Ok(Json(retention::set(&state.control, &actor, limits).await?))
}
