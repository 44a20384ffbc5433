//! `/api/v1/providers`, one's own identities, and how people may sign in.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    pages::{ListQuery, part},
    providers,
};
use domain::{
    auth::Permission,
    ids::{IdentityId, ProviderId},
    pages::Page,
    providers::{Identity, ProbeReport, Provider, ProviderDraft, SignInPolicy},
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    let manage = Permission::ProvidersManage;
    routes
        .guarded(Method::GET, "/api/v1/providers", manage, list)
        .guarded(Method::POST, "/api/v1/providers", manage, create)
        .guarded(Method::POST, "/api/v1/providers/test", manage, test_new)
        .guarded(Method::GET, "/api/v1/providers/{id}", manage, get)
        .guarded(Method::PUT, "/api/v1/providers/{id}", manage, update)
        .guarded(Method::DELETE, "/api/v1/providers/{id}", manage, delete)
        .guarded(Method::POST, "/api/v1/providers/{id}/test", manage, test)
        .guarded(Method::GET, "/api/v1/sign-in-policy", manage, policy)
        .guarded(Method::PUT, "/api/v1/sign-in-policy", manage, set_policy)
        .guarded(Method::GET, "/api/v1/identities", Permission::Own, identities)
        .guarded(
            Method::DELETE,
            "/api/v1/identities/{id}",
            Permission::OwnManage,
            unlink,
        )
}

/// Lists the sign-in providers by name, without their secrets.
#[utoipa::path(get, path = "/api/v1/providers", tag = "providers", params(super::docs::Paging),
    responses((status = 200, body = Page<Provider>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Provider>>, ApiError> {
    let all = providers::list(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |provider| provider.id.to_string())?))
}

/// Makes a sign-in provider. Its secret is sealed and never comes back.
#[utoipa::path(post, path = "/api/v1/providers", tag = "providers", request_body = ProviderDraft,
    responses((status = 201, body = Provider), (status = 409, description = "`slug_taken`"),
        (status = 422, description = "what is wrong, with `details.field`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<ProviderDraft>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let made = providers::create(&state.control, &actor, draft).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Reads a sign-in provider.
#[utoipa::path(get, path = "/api/v1/providers/{id}", tag = "providers", params(("id" = ProviderId, Path)),
    responses((status = 200, body = Provider), (status = 404, description = "`provider_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ProviderId>,
) -> Result<Json<Provider>, ApiError> {
    Ok(Json(providers::get(&state.control, &actor, id).await?))
}

/// Changes a sign-in provider as a whole. Without `client_secret` the stored one stays.
#[utoipa::path(put, path = "/api/v1/providers/{id}", tag = "providers", params(("id" = ProviderId, Path)),
    request_body = ProviderDraft,
    responses((status = 200, body = Provider), (status = 404, description = "`provider_not_found`"),
        (status = 409, description = "`stale_version`, `provider_managed`, `provider_in_use`, `slug_taken`"),
        (status = 422, description = "what is wrong, with `details.field`")))]
pub async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ProviderId>,
    Json(draft): Json<ProviderDraft>,
) -> Result<Json<Provider>, ApiError> {
    Ok(Json(providers::update(&state.control, &actor, id, draft).await?))
}

/// Deletes a sign-in provider; who was linked to it signs in by it no more.
#[utoipa::path(delete, path = "/api/v1/providers/{id}", tag = "providers", params(("id" = ProviderId, Path)),
    responses((status = 204), (status = 404, description = "`provider_not_found`"),
        (status = 409, description = "`provider_managed`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ProviderId>,
) -> Result<StatusCode, ApiError> {
    providers::delete(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a sign-in provider out before it is stored.
#[utoipa::path(post, path = "/api/v1/providers/test", tag = "providers", request_body = ProviderDraft,
    responses((status = 200, body = ProbeReport), (status = 422, description = "what is wrong, with `details.field`")))]
pub async fn test_new(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<ProviderDraft>,
) -> Result<Json<ProbeReport>, ApiError> {
    Ok(Json(providers::probe(&state.control, &actor, draft, None).await?))
}

/// Tries a stored sign-in provider out.
#[utoipa::path(post, path = "/api/v1/providers/{id}/test", tag = "providers", params(("id" = ProviderId, Path)),
    responses((status = 200, body = ProbeReport), (status = 404, description = "`provider_not_found`")))]
pub async fn test(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ProviderId>,
) -> Result<Json<ProbeReport>, ApiError> {
    Ok(Json(providers::probe_stored(&state.control, &actor, id).await?))
}

/// Says whether passwords are taken, and whether the API takes them with each request.
#[utoipa::path(get, path = "/api/v1/sign-in-policy", tag = "providers", responses((status = 200, body = SignInPolicy)))]
pub async fn policy(
    State(state): State<AppState>,
    Caller(_): Caller,
) -> Result<Json<SignInPolicy>, ApiError> {
    Ok(Json(providers::sign_in_policy(&state.control).await?))
}

/// Switches passwords on or off, and HTTP Basic with them. Without a provider that is switched on passwords are taken in any case.
#[utoipa::path(put, path = "/api/v1/sign-in-policy", tag = "providers", request_body = SignInPolicy,
    responses((status = 200, body = SignInPolicy), (status = 409, description = "`link_first`")))]
pub async fn set_policy(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(policy): Json<SignInPolicy>,
) -> Result<Json<SignInPolicy>, ApiError> {
    Ok(Json(
        providers::set_sign_in_policy(&state.control, &actor, policy).await?,
    ))
}

/// Lists one's own accounts at providers.
#[utoipa::path(get, path = "/api/v1/identities", tag = "providers", params(super::docs::Paging),
    responses((status = 200, body = Page<Identity>)))]
pub async fn identities(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Identity>>, ApiError> {
    let all = providers::list_identities(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |identity| identity.id.to_string())?))
}

/// Takes the link to an account at a provider away; with a browser's session only.
#[utoipa::path(delete, path = "/api/v1/identities/{id}", tag = "providers", params(("id" = IdentityId, Path)),
    responses((status = 204), (status = 403, description = "`session_needed`"),
        (status = 404, description = "`identity_not_found`"), (status = 409, description = "`last_way_in`")))]
pub async fn unlink(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<IdentityId>,
) -> Result<StatusCode, ApiError> {
    providers::unlink(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
