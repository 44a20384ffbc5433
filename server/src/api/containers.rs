//! `/api/v1/containers`.

use super::runs::{Accepted, accepted};
use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::containers::{self, ContainerQuery};
use domain::{
    actions::Action,
    auth::Permission,
    containers::{Container, ContainerPage, ContainerSort},
    durations::HumanDuration,
    errors::{ErrorClass, Problem},
    ids::HostId,
    pages::PAGE_DEFAULT,
};
use http::{HeaderMap, Method};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(
            Method::GET,
            "/api/v1/containers",
            Permission::ContainersRead,
            list,
        )
        .guarded(
            Method::GET,
            "/api/v1/containers/{id}",
            Permission::ContainersRead,
            get,
        )
        .guarded(
            Method::POST,
            "/api/v1/containers/{id}/{action}",
            Permission::ContainersOperate,
            act,
        )
}

/// What the list takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// The selector language; bare words match names anywhere.
    #[serde(default)]
    query: String,
    /// Only of this host.
    #[param(value_type = Option<uuid::Uuid>)]
    host: Option<HostId>,
    #[serde(default)]
    #[param(inline)]
    sort: ContainerSort,
    #[serde(default)]
    descending: bool,
    /// 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists the containers of every host; never waits for an engine.
#[utoipa::path(get, path = "/api/v1/containers", tag = "containers", params(List),
    responses((status = 200, body = ContainerPage), (status = 422, description = "`invalid_selector`, with the position")))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(list): Query<List>,
) -> Result<Json<ContainerPage>, ApiError> {
    let offset = match list.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(offset)) => offset,
        Some(Err(_)) => {
            return Err(Problem::new(
                ErrorClass::BadRequest,
                "cursor_invalid",
                "The cursor is not one that a list gave out. Start again without it.",
            )
            .into());
        }
    };
    let query = ContainerQuery {
        query: list.query,
        host: list.host,
        sort: list.sort,
        descending: list.descending,
        offset,
        limit: list.limit.unwrap_or(PAGE_DEFAULT),
    };
    Ok(Json(containers::list(&state.control, &actor, query).await?))
}

/// One container, by its id or the engine's.
#[utoipa::path(get, path = "/api/v1/containers/{id}", tag = "containers", params(("id" = String, Path)),
    responses((status = 200, body = Container), (status = 404, description = "`container_not_found`"), (status = 503, description = "`fleet_incomplete`: just started, try again")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<Container>, ApiError> {
    Ok(Json(containers::get(&state.control, &actor, &id).await?))
}

/// How an action is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Act {
    /// Wait at most this long for the outcome: `10s`. At most 60 s.
    #[param(value_type = Option<String>)]
    wait: Option<HumanDuration>,
    /// For stop and restart: how long the engine waits before it kills.
    #[param(value_type = Option<String>)]
    grace: Option<HumanDuration>,
}

/// Starts, stops, restarts, pauses or unpauses a container, as a run. An `Idempotency-Key` header makes a repeated
/// request answer with the same run.
#[utoipa::path(post, path = "/api/v1/containers/{id}/{action}", tag = "containers",
    params(("id" = String, Path), ("action" = String, Path, description = "start, stop, restart, pause or unpause"), Act),
    responses((status = 202, body = Accepted), (status = 404, description = "`container_not_found`"), (status = 503, description = "`fleet_incomplete`: just started, try again"),
        (status = 409, description = "`protected`"),
        (status = 422, description = "`grace_unused`; `idempotency_key_reused`: the key came with another request before")))]
pub async fn act(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, verb)): Path<(String, String)>,
    Query(act): Query<Act>,
    headers: HeaderMap,
) -> Result<Accepted, ApiError> {
    let action = match (verb.as_str(), act.grace) {
        ("stop", grace) => Action::Stop { grace },
        ("restart", grace) => Action::Restart { grace },
        (_, Some(_)) => {
            return Err(Problem::invalid(
                "grace_unused",
                "grace",
                "Only stop and restart take a grace time.",
            )
            .into());
        }
        ("start", None) => Action::Start,
        ("pause", None) => Action::Pause,
        ("unpause", None) => Action::Unpause,
        _ => {
            return Err(Problem::new(
                ErrorClass::NotFound,
                "action_not_found",
                "There is no such action. Actions are start, stop, restart, pause and unpause.",
            )
            .into());
        }
    };
    let key = headers
        .get("idempotency-key")
        .map(|value| value.to_str().unwrap_or_default().trim().to_owned());
    let run = containers::act(&state.control, &actor, &id, action, key.as_deref()).await?;
    accepted(&state.control, &actor, run, act.wait).await
}
