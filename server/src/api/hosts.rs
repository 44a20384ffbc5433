//! `/api/v1/hosts`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::{RouteKind, Routes},
    state::AppState,
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use control::{hosts, pages::ListQuery};
use domain::{
    auth::Permission,
    hosts::{ContextImport, Host, HostDraft, HostPatch, HostStats, ImportedContext, TestStep},
    ids::HostId,
    pages::Page,
};
use futures::{Stream, StreamExt};
use http::{Method, StatusCode, header};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/hosts", Permission::HostsRead, list)
        .guarded(Method::POST, "/api/v1/hosts", Permission::HostsManage, create)
        .add(
            RouteKind::Stream,
            Method::POST,
            "/api/v1/hosts/test",
            Permission::HostsManage,
            test_new,
        )
        .guarded(
            Method::POST,
            "/api/v1/hosts/import-contexts",
            Permission::HostsManage,
            import_contexts,
        )
        .guarded(Method::GET, "/api/v1/hosts/{id}", Permission::HostsRead, get)
        .add(
            RouteKind::Stream,
            Method::POST,
            "/api/v1/hosts/{id}/test",
            Permission::HostsManage,
            test,
        )
        .guarded(
            Method::PUT,
            "/api/v1/hosts/{id}",
            Permission::HostsManage,
            replace,
        )
        .guarded(
            Method::PATCH,
            "/api/v1/hosts/{id}",
            Permission::HostsManage,
            change,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/hosts/{id}",
            Permission::HostsManage,
            delete,
        )
        .guarded(
            Method::GET,
            "/api/v1/hosts/{id}/stats",
            Permission::HostsRead,
            stats,
        )
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
///
/// An SSH host that answers shows its key first: 409 `host_key_unknown` with `details.fingerprint`. A person compares it,
/// and the same body is sent again with `accept_fingerprint`.
#[utoipa::path(post, path = "/api/v1/hosts", tag = "hosts", request_body = HostDraft,
    responses((status = 201, body = Host),
        (status = 409, description = "`name_taken`, `host_exists`, `host_key_unknown`, `host_key_changed`"),
        (status = 422, description = "`name_invalid`, or whatever else is wrong, with the field")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<HostDraft>,
) -> Result<(StatusCode, Json<Host>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(hosts::create(&state.control, &actor, draft).await?),
    ))
}

/// Replaces a host. Secrets that `tls` and `ssh` leave out stay; `null` removes one.
#[utoipa::path(put, path = "/api/v1/hosts/{id}", tag = "hosts", params(("id" = HostId, Path)), request_body = HostDraft,
    responses((status = 200, body = Host), (status = 404, description = "`host_not_found`"),
        (status = 409, description = "`stale_version` with the current object, `name_taken`, `host_exists`, \
            `host_key_unknown`, `host_key_changed`"),
        (status = 422, description = "What is wrong, with the field")))]
pub async fn replace(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
    Json(draft): Json<HostDraft>,
) -> Result<Json<Host>, ApiError> {
    Ok(Json(hosts::replace(&state.control, &actor, id, draft).await?))
}

/// Changes some of a host, such as `{"maintenance": true}`.
#[utoipa::path(patch, path = "/api/v1/hosts/{id}", tag = "hosts", params(("id" = HostId, Path)), request_body = HostPatch,
    responses((status = 200, body = Host), (status = 404, description = "`host_not_found`"),
        (status = 409, description = "As for PUT"), (status = 422, description = "What is wrong, with the field")))]
pub async fn change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
    Json(patch): Json<HostPatch>,
) -> Result<Json<Host>, ApiError> {
    Ok(Json(hosts::change(&state.control, &actor, id, patch).await?))
}

/// How a host is deleted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Deletion {
    /// Although schedules or blackouts name it.
    force: bool,
}

/// Removes a host from Chrontainer; on the host itself nothing changes.
#[utoipa::path(delete, path = "/api/v1/hosts/{id}", tag = "hosts", params(("id" = HostId, Path), Deletion),
    responses((status = 204), (status = 404, description = "`host_not_found`"),
        (status = 409, description = "`host_has_schedules`: `details.schedules` and `details.blackouts` name them; send \
            `force=true` to do it all the same")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, ApiError> {
    hosts::delete(&state.control, &actor, id, deletion.force).await?;
    Ok(StatusCode::NO_CONTENT)
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

/// Everything that is known of a host's engine and connection.
#[utoipa::path(get, path = "/api/v1/hosts/{id}/stats", tag = "hosts", params(("id" = HostId, Path)),
    responses((status = 200, body = HostStats), (status = 404, description = "`host_not_found`")))]
pub async fn stats(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
) -> Result<Json<HostStats>, ApiError> {
    Ok(Json(hosts::stats(&state.control, &actor, id).await?))
}

/// Tests a connection before it is saved. Each step is a line of JSON (NDJSON), sent when it is done; the first that
/// fails is the last.
#[utoipa::path(post, path = "/api/v1/hosts/test", tag = "hosts", request_body = HostPatch,
    responses((status = 200, body = TestStep, content_type = "application/x-ndjson"),
        (status = 422, description = "What is wrong, with the field")))]
pub async fn test_new(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(patch): Json<HostPatch>,
) -> Result<Response, ApiError> {
    let steps = hosts::test(&state.control, &actor, None, patch).await?;
    Ok(lines(steps))
}

/// Tests the connection of a host, with what the body changes; `{}` tests it as it is stored.
#[utoipa::path(post, path = "/api/v1/hosts/{id}/test", tag = "hosts", params(("id" = HostId, Path)),
    request_body = HostPatch,
    responses((status = 200, body = TestStep, content_type = "application/x-ndjson"),
        (status = 404, description = "`host_not_found`"), (status = 422, description = "What is wrong, with the field")))]
pub async fn test(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<HostId>,
    Json(patch): Json<HostPatch>,
) -> Result<Response, ApiError> {
    let steps = hosts::test(&state.control, &actor, Some(id), patch).await?;
    Ok(lines(steps))
}

fn lines(steps: impl Stream<Item = TestStep> + Send + 'static) -> Response {
    let lines = steps.map(|step| {
        let mut line = serde_json::to_vec(&step)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(line)
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        // Packed, or kept by a proxy, the steps would come all at once.
        (header::CONTENT_ENCODING, "identity"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

/// Adds hosts out of docker contexts: the server's own, or an uploaded export.
#[utoipa::path(post, path = "/api/v1/hosts/import-contexts", tag = "hosts", request_body = ContextImport,
    responses((status = 200, body = Vec<ImportedContext>),
        (status = 422, description = "`context_export_invalid`")))]
pub async fn import_contexts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(import): Json<ContextImport>,
) -> Result<Json<Vec<ImportedContext>>, ApiError> {
    Ok(Json(
        hosts::import_contexts(&state.control, &actor, import).await?,
    ))
}
