//! What people attach to a container: `/api/v1/containers/{id}/tags`, its note, and the caller's favourites.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::containers;
use domain::{auth::Permission, marks::Marks};
use http::Method;
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    const TAGS: &str = "/api/v1/containers/{id}/tags";
    const NOTE: &str = "/api/v1/containers/{id}/note";
    const FAVOURITE: &str = "/api/v1/containers/{id}/favourite";
    routes
        .guarded(Method::GET, TAGS, Permission::ContainersRead, get)
        .guarded(Method::PUT, TAGS, Permission::ContainersOperate, set_tags)
        .guarded(Method::DELETE, TAGS, Permission::ContainersOperate, clear_tags)
        .guarded(Method::PUT, NOTE, Permission::ContainersOperate, set_note)
        .guarded(Method::PUT, FAVOURITE, Permission::ContainersRead, favour)
        .guarded(Method::DELETE, FAVOURITE, Permission::ContainersRead, unfavour)
}

/// The tags and the note of a container, and whether it is a favourite of the caller's.
#[utoipa::path(get, path = "/api/v1/containers/{id}/tags", tag = "containers", params(("id" = String, Path)),
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(containers::marks(&state.control, &actor, &id).await?))
}

/// The tags that a container shall have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    #[schema(example = json!(["media", "critical"]))]
    tags: Vec<String>,
}

/// Replaces the tags of a container. They stay when it is recreated under its name.
#[utoipa::path(put, path = "/api/v1/containers/{id}/tags", tag = "containers", params(("id" = String, Path)),
    request_body = Tags,
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`"),
        (status = 422, description = "`tag_invalid` with its place, `too_many_tags`")))]
pub async fn set_tags(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<Tags>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(
        containers::set_tags(&state.control, &actor, &id, &body.tags).await?,
    ))
}

/// Removes all tags of a container.
#[utoipa::path(delete, path = "/api/v1/containers/{id}/tags", tag = "containers", params(("id" = String, Path)),
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`")))]
pub async fn clear_tags(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(
        containers::set_tags(&state.control, &actor, &id, &[]).await?,
    ))
}

/// The note that a container shall have; a blank one removes it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    #[schema(example = "Ask Ada before the update")]
    note: String,
}

/// Replaces the note of a container.
#[utoipa::path(put, path = "/api/v1/containers/{id}/note", tag = "containers", params(("id" = String, Path)),
    request_body = Note,
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`"),
        (status = 422, description = "`note_too_long`")))]
pub async fn set_note(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<Note>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(
        containers::set_note(&state.control, &actor, &id, &body.note).await?,
    ))
}

/// Makes a container a favourite of the caller's.
#[utoipa::path(put, path = "/api/v1/containers/{id}/favourite", tag = "containers", params(("id" = String, Path)),
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`")))]
pub async fn favour(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(containers::favour(&state.control, &actor, &id, true).await?))
}

/// Makes a container no favourite of the caller's.
#[utoipa::path(delete, path = "/api/v1/containers/{id}/favourite", tag = "containers", params(("id" = String, Path)),
    responses((status = 200, body = Marks), (status = 404, description = "`container_not_found`")))]
pub async fn unfavour(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Marks>, ApiError> {
    Ok(Json(
        containers::favour(&state.control, &actor, &id, false).await?,
    ))
}
