//! `/api/v1/hosts`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{hosts, pages::ListQuery};
use domain::{
    auth::Permission,
    hosts::{Host, NewHost},
    ids::HostId,
    pages::Page,
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/hosts", Permission::HostsRead, list)
        .guarded(Method::POST, "/api/v1/hosts", Permission::HostsManage, create)
        .guarded(Method::GET, "/api/v1/hosts/{id}", Permission::HostsRead, get)
        .guarded(
            Method::POST,
            "/api/v1/hosts/{id}/retry",
            Permission::HostsRead,
            retry,
        )
}

/// Lists the hosts of the organisation.
#[utoipa::path(get, path = "/api/v1/hosts", tag = "hosts", params(super::docs::Paging),
    responses((status = 200, body = Page<Host>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Host>>, ApiError> {
    Ok(Json(hosts::list(&state.control, &actor, query).await?))
}

/// Adds a host; it need not answer now.
#[utoipa::path(post, path = "/api/v1/hosts", tag = "hosts", request_body = NewHost,
    responses((status = 201, body = Host), (status = 409, description = "`name_taken`, `host_exists`"),
        (status = 422, description = "`name_invalid`, or a url that cannot be used")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewHost>,
) -> Result<(StatusCode, Json<Host>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(hosts::create(&state.control, &actor, new).await?),
    ))
}

/// One host.
#[utoipa::path(get, path = "/api/v1/hosts/{id}", tag = "hosts", params(("id" = HostId, Path)),
    responses((status = 200, body = Host), (status = 404, description = "`host_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
) -> Result<Json<Host>, ApiError> {
    Ok(Json(hosts::get(&state.control, &actor, id).await?))
}

/// Tries to reach an offline host again now.
#[utoipa::path(post, path = "/api/v1/hosts/{id}/retry", tag = "hosts", params(("id" = HostId, Path)),
    responses((status = 202, body = Host), (status = 404, description = "`host_not_found`")))]
pub async fn retry(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
) -> Result<(StatusCode, Json<Host>), ApiError> {
    Ok((
        StatusCode::ACCEPTED,
        Json(hosts::retry(&state.control, &actor, id).await?),
    ))
}
