//! `/api/v1/containers`.

use super::runs::{Accepted, accepted};
use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::containers::{self, BulkTargets, ContainerQuery};
use domain::{
    actions::{Action, WorksOn},
    auth::Permission,
    containers::{Container, ContainerPage, ContainerSort, Grouping},
    durations::HumanDuration,
    errors::{ErrorClass, Problem},
    ids::{ContainerId, HostId},
    loads::ContainerLoad,
    pages::PAGE_DEFAULT,
    selectors::Suggestions,
};
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

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
            "/api/v1/containers/complete",
            Permission::ContainersRead,
            complete,
        )
        .guarded(
            Method::POST,
            "/api/v1/containers/watch",
            Permission::ContainersRead,
            watch,
        )
        .guarded(
            Method::POST,
            "/api/v1/containers/bulk",
            Permission::ContainersOperate,
            bulk,
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
    /// Only the caller's favourites.
    #[serde(default)]
    favourites: bool,
    /// Puts lines of one host, stack or tag together; `groups` says how many each has.
    #[serde(default)]
    #[param(inline)]
    group: Grouping,
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
        favourites: list.favourites,
        group: list.group,
        closed: Vec::new(),
        sort: list.sort,
        descending: list.descending,
        offset,
        limit: list.limit.unwrap_or(PAGE_DEFAULT),
    };
    Ok(Json(containers::list(&state.control, &actor, query).await?))
}

/// What is typed, and where.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Typed {
    #[serde(default)]
    query: String,
    /// The cursor's place in the text's bytes; its end when absent.
    cursor: Option<usize>,
}

/// What could be written at the cursor of a selector: keys, and the values that containers have now.
#[utoipa::path(get, path = "/api/v1/containers/complete", tag = "containers", params(Typed),
    responses((status = 200, body = Suggestions)))]
pub async fn complete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(typed): Query<Typed>,
) -> Result<Json<Suggestions>, ApiError> {
    let cursor = typed.cursor.unwrap_or(typed.query.len());
    Ok(Json(
        containers::complete(&state.control, &actor, &typed.query, cursor).await?,
    ))
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
    /// For kill: the signal; `SIGKILL` when absent.
    signal: Option<String>,
    /// For remove: also while it runs.
    force: Option<bool>,
    /// For remove: its anonymous volumes too.
    volumes: Option<bool>,
}

impl Act {
    /// The action that is asked for, with its options.
    fn action(&self, verb: &str) -> Result<Action, Problem> {
        let mut action = Action::from_verb(verb)
            .filter(|action| action.works_on() == WorksOn::Containers)
            .ok_or_else(|| {
                Problem::new(
                    ErrorClass::NotFound,
                    "action_not_found",
                    "There is no such action. Actions are start, stop, restart, pause, unpause, kill, remove and pull.",
                )
            })?;
        let unused = |code: &str, field: &str, message: &str| Err(Problem::invalid(code, field, message));
        match &mut action {
            Action::Stop { grace } | Action::Restart { grace } => *grace = self.grace,
            _ if self.grace.is_some() => {
                return unused(
                    "grace_unused",
                    "grace",
                    "Only stop and restart take a grace time.",
                );
            }
            Action::Kill(kill) => {
                if let Some(signal) = &self.signal {
                    kill.signal.clone_from(signal);
                }
            }
            Action::Remove(remove) => {
                remove.force = self.force.unwrap_or_default();
                remove.volumes = self.volumes.unwrap_or_default();
            }
            _ => {}
        }
        if self.signal.is_some() && !matches!(action, Action::Kill(_)) {
            return unused("signal_unused", "signal", "Only kill takes a signal.");
        }
        if self.force.or(self.volumes).is_some() && !matches!(action, Action::Remove(_)) {
            return unused("force_unused", "force", "Only remove takes force and volumes.");
        }
        let field = if self.signal.is_some() { "signal" } else { "grace" };
        action.check("").map_err(|problem| problem.with("field", field))?;
        Ok(action)
    }
}

/// Starts, stops, restarts, pauses, unpauses, kills or removes a container, or pulls its image, as a run. An
/// `Idempotency-Key` header makes a repeated request answer with the same run.
#[utoipa::path(post, path = "/api/v1/containers/{id}/{action}", tag = "containers",
    params(("id" = String, Path),
        ("action" = String, Path, description = "start, stop, restart, pause, unpause, kill, remove or pull"), Act),
    responses((status = 202, body = Accepted), (status = 404, description = "`container_not_found`"), (status = 503, description = "`fleet_incomplete`: just started, try again"),
        (status = 409, description = "`protected`"),
        (status = 422, description = "`grace_unused`, `signal_unused`, `force_unused`; `idempotency_key_reused`: the key came with another request before")))]
pub async fn act(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, verb)): Path<(String, String)>,
    Query(act): Query<Act>,
    headers: HeaderMap,
) -> Result<Accepted, ApiError> {
    let action = act.action(&verb)?;
    let key = idempotency_key(&headers);
    let run = containers::act(&state.control, &actor, &id, action, key.as_deref()).await?;
    accepted(&state.control, &actor, run, act.wait).await
}

fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    headers
        .get("idempotency-key")
        .map(|value| value.to_str().unwrap_or_default().trim().to_owned())
}

/// What is done to many containers, and to which: either `targets` or `selector`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    action: Action,
    /// Ids, ours or the engines'; at most 1,000.
    targets: Option<Vec<String>>,
    /// What it picks when the run starts; bare words are refused, and everything is an explicit `*`.
    selector: Option<String>,
}

/// How the outcome is waited for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Wait at most this long for the outcome: `10s`. At most 60 s.
    #[param(value_type = Option<String>)]
    wait: Option<HumanDuration>,
}

/// Does something to many containers, as one run with a result for each. An `Idempotency-Key` header makes a repeated
/// request answer with the same run.
#[utoipa::path(post, path = "/api/v1/containers/bulk", tag = "containers", params(Wait), request_body = Bulk,
    responses((status = 202, body = Accepted), (status = 404, description = "`container_not_found`, with the place of the id"),
        (status = 409, description = "`protected`"),
        (status = 422, description = "`targets_or_selector`, `no_targets`, `too_many_targets`, `action_invalid`, `invalid_selector`")))]
pub async fn bulk(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(wait): Query<Wait>,
    headers: HeaderMap,
    Json(bulk): Json<Bulk>,
) -> Result<Accepted, ApiError> {
    let targets = match (bulk.targets, bulk.selector) {
        (Some(ids), None) => BulkTargets::Ids(ids),
        (None, Some(selector)) => BulkTargets::Selector(selector),
        _ => {
            return Err(Problem::invalid(
                "targets_or_selector",
                "targets",
                "Say which containers are meant in one way: by their ids as targets, or by a selector.",
            )
            .into());
        }
    };
    let key = idempotency_key(&headers);
    let run = containers::bulk(&state.control, &actor, bulk.action, targets, key.as_deref()).await?;
    accepted(&state.control, &actor, run, wait.wait).await
}

/// The containers to look at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// At most 500.
    ids: Vec<ContainerId>,
}

/// What is known of the containers that are looked at.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Watched {
    items: Vec<ContainerLoad>,
}

/// Looks at containers for the next 15 s, and answers with what they use of processor and memory as far as it is known.
/// Repeat it every 5 s: what nobody looks at is not measured.
#[utoipa::path(post, path = "/api/v1/containers/watch", tag = "containers", request_body = Watch,
    responses((status = 200, body = Watched), (status = 422, description = "`too_many_targets`")))]
pub async fn watch(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<Watch>,
) -> Result<Json<Watched>, ApiError> {
    let items = containers::watch(&state.control, &actor, &body.ids).await?;
    Ok(Json(Watched { items }))
}
