//! `/api/v1/blackouts`: windows in which nothing that is scheduled runs.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    blackouts,
    pages::{ListQuery, part},
};
use domain::{
    auth::Permission,
    blackouts::{Blackout, BlackoutDraft},
    ids::BlackoutId,
    pages::Page,
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/blackouts", Permission::SchedulesRead, list)
        .guarded(
            Method::POST,
            "/api/v1/blackouts",
            Permission::SchedulesManage,
            create,
        )
        .guarded(
            Method::GET,
            "/api/v1/blackouts/{id}",
            Permission::SchedulesRead,
            get,
        )
        .guarded(
            Method::PUT,
            "/api/v1/blackouts/{id}",
            Permission::SchedulesManage,
            update,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/blackouts/{id}",
            Permission::SchedulesManage,
            delete,
        )
}

/// All blackouts of the organisation, by name.
#[utoipa::path(get, path = "/api/v1/blackouts", tag = "blackouts", params(super::docs::Paging),
    responses((status = 200, body = Page<Blackout>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Blackout>>, ApiError> {
    let all = blackouts::list(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |blackout| blackout.id.to_string())?))
}

/// Creates a blackout. Runs that start by themselves are skipped or postponed while it is on; what a person starts is not.
#[utoipa::path(post, path = "/api/v1/blackouts", tag = "blackouts", request_body = BlackoutDraft,
    responses((status = 201, body = Blackout), (status = 409, description = "`name_taken`, `too_many_blackouts`"),
        (status = 422, description = "what is wrong with which field: `unknown_timezone`, `invalid_time`, `invalid_cron`, `never_fires`, \
            `never_ends`, `ends_before_it_begins`, `out_of_range`, `host_not_found`, `schedule_not_found`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<BlackoutDraft>,
) -> Result<(StatusCode, Json<Blackout>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(blackouts::create(&state.control, &actor, draft).await?),
    ))
}

/// One blackout.
#[utoipa::path(get, path = "/api/v1/blackouts/{id}", tag = "blackouts", params(("id" = BlackoutId, Path)),
    responses((status = 200, body = Blackout), (status = 404, description = "`blackout_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<BlackoutId>,
) -> Result<Json<Blackout>, ApiError> {
    Ok(Json(blackouts::get(&state.control, &actor, id).await?))
}

/// Replaces a blackout. With `version`, a stale one is refused.
#[utoipa::path(put, path = "/api/v1/blackouts/{id}", tag = "blackouts", params(("id" = BlackoutId, Path)),
    request_body = BlackoutDraft,
    responses((status = 200, body = Blackout), (status = 404, description = "`blackout_not_found`"),
        (status = 409, description = "`stale_version`, with the current object in the details; `name_taken`"),
        (status = 422, description = "what is wrong with which field")))]
pub async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<BlackoutId>,
    Json(draft): Json<BlackoutDraft>,
) -> Result<Json<Blackout>, ApiError> {
    Ok(Json(blackouts::update(&state.control, &actor, id, draft).await?))
}

/// Deletes a blackout; what waited for its end goes on at once.
#[utoipa::path(delete, path = "/api/v1/blackouts/{id}", tag = "blackouts", params(("id" = BlackoutId, Path)),
    responses((status = 204), (status = 404, description = "`blackout_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<BlackoutId>,
) -> Result<StatusCode, ApiError> {
    blackouts::delete(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
