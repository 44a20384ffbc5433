//! `/api/v1/runs`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use control::{
    Control,
    pages::ListQuery,
    runs::{self, RunQuery},
};
use domain::{
    auth::{Actor, Permission},
    durations::HumanDuration,
    ids::{ContainerId, RunId, ScheduleId},
    pages::Page,
    runs::{LogLine, Run, RunState, RunSummary},
};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/runs", Permission::RunsRead, list)
        .guarded(Method::GET, "/api/v1/runs/{id}", Permission::RunsRead, get)
        .guarded(Method::GET, "/api/v1/runs/{id}/log", Permission::RunsRead, log)
        .guarded(
            Method::POST,
            "/api/v1/runs/{id}/cancel",
            Permission::RunsCancel,
            cancel,
        )
        .guarded(
            Method::POST,
            "/api/v1/runs/{id}/retry",
            Permission::SchedulesRun,
            retry,
        )
        .guarded(
            Method::POST,
            "/api/v1/runs/{id}/rerun",
            Permission::SchedulesRun,
            rerun,
        )
}

/// The longest time a request waits for an outcome; longer work is watched through its run.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The answer to everything that starts a run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Accepted {
    run: Run,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, axum::Json(self)).into_response()
    }
}

/// Waits for the outcome, if asked to, and answers with the run as it is then.
pub(super) async fn accepted(
    control: &Control,
    actor: &Actor,
    run: RunSummary,
    wait: Option<HumanDuration>,
) -> Result<Accepted, ApiError> {
    if let Some(wait) = wait {
        runs::wait(control, actor, run.id, wait.get().min(LONGEST_WAIT)).await?;
    }
    Ok(Accepted {
        run: runs::get(control, actor, run.id).await?,
    })
}

/// What the list takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// Only of this schedule.
    #[param(value_type = Option<uuid::Uuid>)]
    schedule: Option<ScheduleId>,
    /// Only those that worked on this container.
    #[param(value_type = Option<uuid::Uuid>)]
    container: Option<ContainerId>,
    /// Only in this state.
    #[param(inline)]
    status: Option<RunState>,
    /// 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(List),
    responses((status = 200, body = Page<RunSummary>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(list): Query<List>,
) -> Result<Json<Page<RunSummary>>, ApiError> {
    let query = RunQuery {
        schedule: list.schedule,
        state: list.status,
        container: list.container,
        page: ListQuery {
            limit: list.limit,
            cursor: list.cursor,
        },
    };
    Ok(Json(runs::list(&state.control, &actor, query).await?))
}

/// One run with its steps and targets.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, description = "`run_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Result<Json<Run>, ApiError> {
    Ok(Json(runs::get(&state.control, &actor, id).await?))
}

/// The log of a run, oldest line first.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log", tag = "runs",
    params(("id" = RunId, Path), super::docs::Paging),
    responses((status = 200, body = Page<LogLine>), (status = 404, description = "`run_not_found`")))]
pub async fn log(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<LogLine>>, ApiError> {
    Ok(Json(runs::log(&state.control, &actor, id, query).await?))
}

/// Asks a run to end: it stops before its next engine call.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", params(("id" = RunId, Path)),
    responses((status = 202, body = Accepted), (status = 404, description = "`run_not_found`"),
        (status = 409, description = "`run_ended`")))]
pub async fn cancel(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Result<Accepted, ApiError> {
    let run = runs::cancel(&state.control, &actor, id).await?;
    accepted(&state.control, &actor, run, None).await
}

/// Tries again what failed in a run: a new run that leaves out what succeeded.
#[utoipa::path(post, path = "/api/v1/runs/{id}/retry", tag = "runs", params(("id" = RunId, Path)),
    responses((status = 202, body = Accepted), (status = 404, description = "`run_not_found`"),
        (status = 409, description = "`run_open`, `nothing_to_retry`")))]
pub async fn retry(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Result<Accepted, ApiError> {
    let run = runs::retry(&state.control, &actor, id).await?;
    accepted(&state.control, &actor, run, None).await
}

/// Does a run again from its beginning, with the same steps and inputs: a new run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/rerun", tag = "runs", params(("id" = RunId, Path)),
    responses((status = 202, body = Accepted), (status = 404, description = "`run_not_found`"),
        (status = 409, description = "`run_open`")))]
pub async fn rerun(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<RunId>,
) -> Result<Accepted, ApiError> {
    let run = runs::rerun(&state.control, &actor, id).await?;
    accepted(&state.control, &actor, run, None).await
}
