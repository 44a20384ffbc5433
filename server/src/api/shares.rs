//! `/api/v1/shares`: what is shared with a team.

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
    ids::ShareId,
    pages::Page,
    shares::{NewShare, Share, ShareQuery},
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/shares";
    const ONE: &str = "/api/v1/shares/{id}";
    routes
        .guarded(Method::GET, ALL, Permission::UsersRead, list)
        .guarded(Method::POST, ALL, Permission::SharesManage, create)
        .guarded(Method::DELETE, ONE, Permission::SharesManage, delete)
}

/// Lists what is shared with teams; of views only one's own and those of one's own teams.
#[utoipa::path(get, path = "/api/v1/shares", tag = "people", params(ShareQuery, super::docs::Paging),
    responses((status = 200, body = Page<Share>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ShareQuery>,
    Query(paging): Query<ListQuery>,
) -> Result<Json<Page<Share>>, ApiError> {
    let all = people::list_shares(&state.control, &actor, &query).await?;
    Ok(Json(part(all.items, &paging, |share| share.id.to_string())?))
}

/// Shares a host, a schedule or a view with a team. On a shared host its members are operators; a shared schedule they may run, skip,
/// move, pause and switch on and off; a shared view is in their list. Sharing twice changes nothing.
#[utoipa::path(post, path = "/api/v1/shares", tag = "people", request_body = NewShare,
    responses((status = 201, body = Share),
        (status = 404, description = "`team_not_found`, `host_not_found`, `schedule_not_found`, `view_not_found`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewShare>,
) -> Result<(StatusCode, Json<Share>), ApiError> {
    let share = people::share(&state.control, &actor, &new).await?;
    Ok((StatusCode::CREATED, Json(share)))
}

/// Takes back what was shared.
#[utoipa::path(delete, path = "/api/v1/shares/{id}", tag = "people", params(("id" = ShareId, Path)),
    responses((status = 204), (status = 404, description = "`share_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ShareId>,
) -> Result<StatusCode, ApiError> {
    people::unshare(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
