//! `/api/v1/secrets`: names only; a value goes in and never comes out.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    pages::{ListQuery, part},
    secrets::{self, SecretString},
};
use domain::{auth::Permission, pages::Page, secrets::SecretName};
use http::{Method, StatusCode};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/secrets", Permission::SchedulesManage, list)
        .guarded(Method::POST, "/api/v1/secrets", Permission::SecretsManage, put)
        .guarded(
            Method::DELETE,
            "/api/v1/secrets/{name}",
            Permission::SecretsManage,
            delete,
        )
}

/// A secret to be stored.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// Letters, digits, dots, dashes and underscores: `registry-token`.
    name: String,
    /// At most 64 KiB. It never comes out again.
    value: String,
}

/// Lists the names of the secrets.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", params(super::docs::Paging),
    responses((status = 200, body = Page<SecretName>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<SecretName>>, ApiError> {
    let all = secrets::list(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |secret| secret.name.clone())?))
}

/// Stores a secret, in place of the one with that name. Steps use it as `{{ secret('name') }}`.
#[utoipa::path(post, path = "/api/v1/secrets", tag = "secrets", request_body = NewSecret,
    responses((status = 204), (status = 422, description = "`secret_name_invalid`, `secret_too_large`")))]
pub async fn put(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewSecret>,
) -> Result<StatusCode, ApiError> {
    let value = SecretString::from(new.value);
    secrets::put(&state.control, &actor, &new.name, &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a secret. Steps that use it fail from then on.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "secrets", params(("name" = String, Path)),
    responses((status = 204), (status = 404, description = "`secret_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    secrets::delete(&state.control, &actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
