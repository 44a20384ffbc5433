//! `/api/v1/views`: the caller's saved views of the fleet.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    pages::{ListQuery, part},
    views,
};
use domain::{
    auth::Permission,
    ids::ViewId,
    pages::Page,
    views::{View, ViewDraft},
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/views";
    const ONE: &str = "/api/v1/views/{id}";
    routes
        .guarded(Method::GET, ALL, Permission::ContainersRead, list)
        .guarded(Method::POST, ALL, Permission::ContainersRead, create)
        .guarded(Method::PUT, ONE, Permission::ContainersRead, update)
        .guarded(Method::DELETE, ONE, Permission::ContainersRead, delete)
}

/// Lists the caller's saved views of the fleet, and those that are shared with a team of theirs; `address` shows one to whoever may see the fleet.
#[utoipa::path(get, path = "/api/v1/views", tag = "views", params(super::docs::Paging),
    responses((status = 200, body = Page<View>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<View>>, ApiError> {
    let all = views::list(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |view| view.id.to_string())?))
}

/// Keeps a view.
#[utoipa::path(post, path = "/api/v1/views", tag = "views", request_body = ViewDraft,
    responses((status = 201, body = View), (status = 409, description = "`name_taken`"),
        (status = 422, description = "`name_invalid`, `invalid_selector`, `too_many_views`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<ViewDraft>,
) -> Result<(StatusCode, Json<View>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(views::create(&state.control, &actor, draft).await?),
    ))
}

/// Replaces a view.
#[utoipa::path(put, path = "/api/v1/views/{id}", tag = "views", params(("id" = ViewId, Path)), request_body = ViewDraft,
    responses((status = 200, body = View), (status = 404, description = "`view_not_found`"),
        (status = 409, description = "`name_taken`; `stale_version` with the current object"),
        (status = 422, description = "`name_invalid`, `invalid_selector`")))]
pub async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ViewId>,
    Json(draft): Json<ViewDraft>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(views::update(&state.control, &actor, id, draft).await?))
}

/// Deletes a view.
#[utoipa::path(delete, path = "/api/v1/views/{id}", tag = "views", params(("id" = ViewId, Path)),
    responses((status = 204), (status = 404, description = "`view_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ViewId>,
) -> Result<StatusCode, ApiError> {
    views::delete(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
