//! `/api/v1/schedules` and `/api/v1/cron/preview`.

use super::runs::{Accepted, accepted};
use crate::{
    error::ApiError,
    extract::{Caller, Json, OptionalJson, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use control::{
    pages::ListQuery,
    schedules::{self, ScheduleQuery},
};
use domain::{
    auth::Permission,
    durations::HumanDuration,
    ids::ScheduleId,
    pages::Page,
    schedules::{Preview, Schedule, ScheduleDraft, Trigger},
};
use http::{Method, StatusCode};
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/schedules", Permission::SchedulesRead, list)
        .guarded(
            Method::POST,
            "/api/v1/schedules",
            Permission::SchedulesManage,
            create,
        )
        .guarded(
            Method::GET,
            "/api/v1/schedules/{id}",
            Permission::SchedulesRead,
            get,
        )
        .guarded(
            Method::PUT,
            "/api/v1/schedules/{id}",
            Permission::SchedulesManage,
            update,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/schedules/{id}",
            Permission::SchedulesManage,
            delete,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/run",
            Permission::SchedulesRun,
            run,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/skip",
            Permission::SchedulesOperate,
            skip,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/schedules/{id}/skip",
            Permission::SchedulesOperate,
            unskip,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/enable",
            Permission::SchedulesOperate,
            enable,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/disable",
            Permission::SchedulesOperate,
            disable,
        )
        .guarded(
            Method::POST,
            "/api/v1/cron/preview",
            Permission::SchedulesRead,
            preview,
        )
}

/// What the list takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// A part of the name.
    #[serde(default)]
    query: String,
    /// Those that are done instead: all their times have passed.
    #[serde(default)]
    archived: bool,
    /// 1 to 500; 50 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists the schedules of the organisation.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", params(List),
    responses((status = 200, body = Page<Schedule>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(list): Query<List>,
) -> Result<Json<Page<Schedule>>, ApiError> {
    let query = ScheduleQuery {
        query: list.query,
        archived: list.archived,
        page: ListQuery {
            limit: list.limit,
            cursor: list.cursor,
        },
    };
    Ok(Json(schedules::list(&state.control, &actor, query).await?))
}

/// Creates a schedule; it acts for the person who saved it last.
#[utoipa::path(post, path = "/api/v1/schedules", tag = "schedules", request_body = ScheduleDraft,
    responses((status = 201, body = Schedule), (status = 409, description = "`name_taken`"),
        (status = 422, description = "what is wrong with which field; `never_fires`, `invalid_cron`, `invalid_selector`, `unknown_timezone`")))]
pub async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(draft): Json<ScheduleDraft>,
) -> Result<(StatusCode, Json<Schedule>), ApiError> {
    Ok((
        StatusCode::CREATED,
        Json(schedules::create(&state.control, &actor, draft).await?),
    ))
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(schedules::get(&state.control, &actor, id).await?))
}

/// Replaces a schedule. With `version`, a stale one is refused.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)),
    request_body = ScheduleDraft,
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`stale_version`, with the current object in the details; `name_taken`"),
        (status = 422, description = "what is wrong with which field")))]
pub async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Json(draft): Json<ScheduleDraft>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(schedules::update(&state.control, &actor, id, draft).await?))
}

/// Deletes a schedule; the history of its runs stays.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 204), (status = 404, description = "`schedule_not_found`")))]
pub async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<StatusCode, ApiError> {
    schedules::delete(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How long to wait for the outcome.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// `10s`; at most 60 s.
    #[param(value_type = Option<String>)]
    wait: Option<HumanDuration>,
}

/// Runs a schedule now, whatever its triggers say.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/run", tag = "schedules", params(("id" = ScheduleId, Path), Wait),
    responses((status = 202, body = Accepted), (status = 404, description = "`schedule_not_found`")))]
pub async fn run(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Query(wait): Query<Wait>,
) -> Result<Accepted, ApiError> {
    let run = schedules::run_now(&state.control, &actor, id).await?;
    accepted(&state.control, &actor, run, wait.wait).await
}

/// Which coming run; the next one when absent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Coming {
    /// Its fire time.
    at: Option<DateTime<Utc>>,
}

/// Skips the next fire time, or the one that is named. The body may be left out.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/skip", tag = "schedules", params(("id" = ScheduleId, Path)),
    request_body = Option<Coming>,
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`nothing_to_skip`, `no_such_fire`, `fire_moved`")))]
pub async fn skip(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    OptionalJson(coming): OptionalJson<Coming>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(match coming.at {
        None => schedules::skip_next(&state.control, &actor, id).await?,
        Some(at) => schedules::skip_at(&state.control, &actor, id, at).await?,
    }))
}

/// Takes a skip back while its time has not come.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/skip", tag = "schedules", params(("id" = ScheduleId, Path), Coming),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn unskip(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Query(coming): Query<Coming>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(match coming.at {
        None => schedules::unskip(&state.control, &actor, id).await?,
        Some(at) => schedules::undo_at(&state.control, &actor, id, at).await?,
    }))
}

/// Turns a schedule on.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/enable", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn enable(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(
        schedules::set_enabled(&state.control, &actor, id, true).await?,
    ))
}

/// Turns a schedule off; nothing that passes meanwhile is missed.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/disable", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn disable(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(
        schedules::set_enabled(&state.control, &actor, id, false).await?,
    ))
}

/// What is to be previewed: one expression, or any triggers.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// A cron expression; short for one cron trigger.
    expression: Option<String>,
    #[serde(default)]
    triggers: Vec<Trigger>,
    #[serde(default = "utc")]
    timezone: String,
    /// How many fire times, 1 to 50; 5 when absent.
    count: Option<usize>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Says in plain English when something would fire, with the next times.
#[utoipa::path(post, path = "/api/v1/cron/preview", tag = "schedules", request_body = PreviewRequest,
    responses((status = 200, body = Preview), (status = 422, description = "`invalid_cron` with the position, `never_fires`, `unknown_timezone`")))]
pub async fn preview(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(request): Json<PreviewRequest>,
) -> Result<Json<Preview>, ApiError> {
    let mut triggers = request.triggers;
    let as_trigger = format!("triggers[{}].expression", triggers.len());
    triggers.extend(request.expression.map(|expression| Trigger::Cron { expression }));
    let count = request.count.unwrap_or(5).clamp(1, 50);
    let preview = schedules::preview(&state.control, &actor, &triggers, &request.timezone, count).await;
    Ok(Json(preview.map_err(|error| {
        let mut problem = error.into_problem();
        // The field as the request has it.
        if problem.details["field"] == as_trigger {
            problem = problem.with("field", "expression");
        }
        ApiError::from(problem)
    })?))
}
