//! `/api/v1/teams` and `/api/v1/grants`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    pages::{ListQuery, part},
    people,
};
use domain::{
    auth::Permission,
    ids::{GrantId, TeamId},
    pages::Page,
    people::{GrantLine, NewGrant, NewTeam, Team, TeamChange},
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    let (read, manage) = (Permission::UsersRead, Permission::UsersManage);
    routes
        .guarded(Method::GET, "/api/v1/teams", read, list)
        .guarded(Method::POST, "/api/v1/teams", manage, create)
        .guarded(Method::PATCH, "/api/v1/teams/{id}", manage, change)
        .guarded(Method::DELETE, "/api/v1/teams/{id}", manage, delete)
        .guarded(Method::GET, "/api/v1/grants", read, grants)
        .guarded(Method::POST, "/api/v1/grants", manage, grant)
        .guarded(Method::DELETE, "/api/v1/grants/{id}", manage, take_back)
}

/// Lists the teams of the organisation.
#[utoipa::path(get, path = "/api/v1/teams", tag = "people", params(super::docs::Paging),
    responses((status = 200, body = Page<Team>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Team>>, ApiError> {
    let all = people::list_teams(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |team| team.id.to_string())?))
}

/// Makes a team.
#[utoipa::path(post, path = "/api/v1/teams", tag = "people", request_body = NewTeam,
    responses((status = 201, body = Team), (status = 409, description = "`name_taken`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewTeam>,
) -> Result<(StatusCode, Json<Team>), ApiError> {
    let team = people::create_team(&state.control, &actor, new).await?;
    Ok((StatusCode::CREATED, Json(team)))
}

/// Changes a team's name or its members.
#[utoipa::path(patch, path = "/api/v1/teams/{id}", tag = "people", params(("id" = TeamId, Path)), request_body = TeamChange,
    responses((status = 200, body = Team), (status = 404, description = "`team_not_found`"),
        (status = 422, description = "`not_a_member`")))]
pub async fn change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<TeamId>,
    Json(change): Json<TeamChange>,
) -> Result<Json<Team>, ApiError> {
    Ok(Json(
        people::change_team(&state.control, &actor, id, change).await?,
    ))
}

/// Deletes a team, and with it what is granted to it.
#[utoipa::path(delete, path = "/api/v1/teams/{id}", tag = "people", params(("id" = TeamId, Path)),
    responses((status = 204), (status = 404, description = "`team_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<TeamId>,
) -> Result<StatusCode, ApiError> {
    people::delete_team(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the grants: other roles on some containers.
#[utoipa::path(get, path = "/api/v1/grants", tag = "people", params(super::docs::Paging),
    responses((status = 200, body = Page<GrantLine>)))]
pub async fn grants(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<GrantLine>>, ApiError> {
    let all = people::list_grants(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |grant| grant.id.to_string())?))
}

/// Grants a member or a team another role on the containers of a selector. Where it fits it counts instead of the member's own
/// role, and of several the highest; admins and owners keep theirs everywhere.
#[utoipa::path(post, path = "/api/v1/grants", tag = "people", request_body = NewGrant,
    responses((status = 201, body = GrantLine), (status = 404, description = "`member_not_found`, `team_not_found`"),
        (status = 422, description = "`invalid_selector`, `role_invalid`, `holder_invalid`")))]
pub async fn grant(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewGrant>,
) -> Result<(StatusCode, Json<GrantLine>), ApiError> {
    let grant = people::create_grant(&state.control, &actor, new).await?;
    Ok((StatusCode::CREATED, Json(grant)))
}

/// Takes a grant back.
#[utoipa::path(delete, path = "/api/v1/grants/{id}", tag = "people", params(("id" = GrantId, Path)),
    responses((status = 204), (status = 404, description = "`grant_not_found`")))]
pub async fn take_back(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<GrantId>,
) -> Result<StatusCode, ApiError> {
    people::delete_grant(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
