//! What is one's own: `/api/v1/me`, `/api/v1/sessions`, `/api/v1/api-keys`, `/api/v1/orgs`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    auth,
    pages::{ListQuery, part},
    people,
};
use domain::{
    auth::{Permission, Viewer},
    ids::{ApiKeyId, OrgId, SessionId},
    pages::Page,
    people::{ApiKey, CreatedApiKey, JoinOrg, NewApiKey, Org, OrgChange, OrgLine, Session},
};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

pub fn routes(routes: Routes) -> Routes {
    let (own, manage) = (Permission::Own, Permission::OwnManage);
    routes
        .guarded(Method::GET, "/api/v1/me", own, me)
        .guarded(Method::GET, "/api/v1/sessions", own, sessions)
        .guarded(Method::DELETE, "/api/v1/sessions", manage, end_others)
        .guarded(Method::DELETE, "/api/v1/sessions/{id}", manage, end)
        .guarded(Method::GET, "/api/v1/api-keys", own, keys)
        .guarded(Method::POST, "/api/v1/api-keys", manage, create_key)
        .guarded(Method::DELETE, "/api/v1/api-keys/{id}", manage, revoke_key)
        .guarded(Method::GET, "/api/v1/orgs", own, orgs)
        .guarded(Method::POST, "/api/v1/orgs", Permission::OrgsManage, create_org)
        .guarded(
            Method::PATCH,
            "/api/v1/orgs/{id}",
            Permission::OrgManage,
            change_org,
        )
        .guarded(
            Method::GET,
            "/api/v1/server/orgs",
            Permission::OrgsManage,
            all_orgs,
        )
        .guarded(
            Method::PATCH,
            "/api/v1/server/orgs/{id}",
            Permission::OrgsManage,
            rename_org,
        )
        .guarded(
            Method::POST,
            "/api/v1/server/orgs/{id}/join",
            Permission::OrgsManage,
            join_org,
        )
}

/// Who asks, and in which organisation.
#[utoipa::path(get, path = "/api/v1/me", tag = "access", responses((status = 200, body = Viewer)))]
pub async fn me(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Viewer>, ApiError> {
    Ok(Json(auth::viewer(&state.control, &actor).await?))
}

/// Lists the browsers that one is signed in with.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "access", params(super::docs::Paging),
    responses((status = 200, body = Page<Session>)))]
pub async fn sessions(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Session>>, ApiError> {
    let all = auth::list_sessions(&state.control, &actor).await?;
    Ok(Json(part(all, &query, |session| session.id.to_string())?))
}

/// How many sessions ended.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EndedSessions {
    ended: u64,
}

/// Ends all of one's own sessions but the one that asks.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "access", responses((status = 200, body = EndedSessions)))]
pub async fn end_others(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<EndedSessions>, ApiError> {
    let ended = auth::end_other_sessions(&state.control, &actor).await?;
    Ok(Json(EndedSessions { ended }))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "access", params(("id" = SessionId, Path)),
    responses((status = 204), (status = 404, description = "`session_not_found`")))]
pub async fn end(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    auth::end_session(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists one's own API keys in the organisation, and for an admin everybody's.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "access", params(super::docs::Paging),
    responses((status = 200, body = Page<ApiKey>)))]
pub async fn keys(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ApiKey>>, ApiError> {
    let all = auth::api_keys::list(&state.control, &actor).await?;
    Ok(Json(part(all, &query, |key| key.id.to_string())?))
}

/// Makes an API key; it is in this answer alone.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "access", request_body = NewApiKey,
    responses((status = 201, body = CreatedApiKey), (status = 409, description = "`name_taken`"),
        (status = 422, description = "what is wrong with the name, the selector or the days")))]
pub async fn create_key(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Json<CreatedApiKey>), ApiError> {
    let created = auth::api_keys::create_own(&state.control, &actor, new).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes an API key: one's own, or as an admin anybody's.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "access", params(("id" = ApiKeyId, Path)),
    responses((status = 204), (status = 404, description = "`api_key_not_found`")))]
pub async fn revoke_key(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    auth::api_keys::revoke(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the organisations that one belongs to; a key knows its own.
#[utoipa::path(get, path = "/api/v1/orgs", tag = "access", params(super::docs::Paging),
    responses((status = 200, body = Page<Org>)))]
pub async fn orgs(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Org>>, ApiError> {
    let all = people::list_orgs(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |org| org.id.to_string())?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgDraft {
    name: String,
}

/// Makes an organisation, for server administrators; whoever makes it is its owner.
#[utoipa::path(post, path = "/api/v1/orgs", tag = "access", request_body = OrgDraft,
    responses((status = 201, body = Org), (status = 422, description = "what is wrong with the name")))]
pub async fn create_org(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<OrgDraft>,
) -> Result<(StatusCode, Json<Org>), ApiError> {
    let org = people::create_org(&state.control, &actor, &draft.name).await?;
    Ok((StatusCode::CREATED, Json(org)))
}

/// Lists every organisation of the server, for server administrators: who owns it and how many belong to it, nothing inside.
#[utoipa::path(get, path = "/api/v1/server/orgs", tag = "access", params(super::docs::Paging),
    responses((status = 200, body = Page<OrgLine>)))]
pub async fn all_orgs(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OrgLine>>, ApiError> {
    let all = people::list_all_orgs(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |org| org.id.to_string())?))
}

/// Renames an organisation, for server administrators.
#[utoipa::path(patch, path = "/api/v1/server/orgs/{id}", tag = "access", params(("id" = OrgId, Path)), request_body = OrgDraft,
    responses((status = 200, body = OrgLine), (status = 404, description = "`org_not_found`"),
        (status = 422, description = "what is wrong with the name")))]
pub async fn rename_org(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<OrgId>,
    Json(draft): Json<OrgDraft>,
) -> Result<Json<OrgLine>, ApiError> {
    let org = people::rename_org(&state.control, &actor, id, &draft.name).await?;
    Ok(Json(org))
}

/// Makes the server administrator who asks, in a browser, a member of an organisation. Its log says so.
#[utoipa::path(post, path = "/api/v1/server/orgs/{id}/join", tag = "access", params(("id" = OrgId, Path)), request_body = JoinOrg,
    responses((status = 200, body = Org), (status = 403, description = "`forbidden`; `session_needed` for a key"),
        (status = 404, description = "`org_not_found`"), (status = 409, description = "`member_already`")))]
pub async fn join_org(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<OrgId>,
    Json(join): Json<JoinOrg>,
) -> Result<Json<Org>, ApiError> {
    Ok(Json(
        people::join_org(&state.control, &actor, id, join.role).await?,
    ))
}

/// Changes the organisation's name, whether its members must have a second factor, or how long its audit log is kept.
#[utoipa::path(patch, path = "/api/v1/orgs/{id}", tag = "access", params(("id" = OrgId, Path)), request_body = OrgChange,
    responses((status = 200, body = Org), (status = 404, description = "`org_not_found`"),
        (status = 409, description = "`second_factor_first`"), (status = 422, description = "`audit_days_invalid`, or what is wrong with the name")))]
pub async fn change_org(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<OrgId>,
    Json(change): Json<OrgChange>,
) -> Result<Json<Org>, ApiError> {
    Ok(Json(
        people::change_org(&state.control, &actor, id, change).await?,
    ))
}
