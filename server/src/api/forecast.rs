//! `/api/v1/forecast`, and what is decided for one coming run.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use control::schedules::{self, ForecastQuery};
use domain::{
    auth::Permission,
    dry_run::DryRun,
    forecast::Forecast,
    ids::{HostId, ScheduleId},
    schedules::{Schedule, ScheduleDraft},
};
use http::Method;
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(
            Method::GET,
            "/api/v1/forecast",
            Permission::SchedulesRead,
            forecast,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/move",
            Permission::SchedulesOperate,
            move_run,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/schedules/{id}/move",
            Permission::SchedulesOperate,
            move_back,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/dry-run",
            Permission::SchedulesRead,
            dry_run_draft,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/dry-run",
            Permission::SchedulesRead,
            dry_run,
        )
}

/// What is to be forecast.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Stretch {
    /// RFC 3339; now when absent.
    from: Option<DateTime<Utc>>,
    /// 24 hours after `from` when absent; at most 62 days after.
    to: Option<DateTime<Utc>>,
    /// Words that the schedule's name contains.
    #[serde(default)]
    query: String,
    /// Only what touches this host.
    host: Option<HostId>,
    /// An IANA time zone whose clock cuts the cells; UTC when absent.
    timezone: Option<String>,
    /// `15m`, `30m`, `1h`, `6h` or `1d`; what suits the stretch when absent.
    cell: Option<String>,
    /// How many marks: 1 to 5,000; 500 when absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What will run: marks, density where runs are more often than every 30 minutes, conflicts, changes of the clock.
#[utoipa::path(get, path = "/api/v1/forecast", tag = "schedules", params(Stretch),
    responses((status = 200, body = Forecast), (status = 400, description = "`cursor_invalid`"),
        (status = 422, description = "`window_invalid`, `window_too_long`, `unknown_timezone`, `unknown_cell`")))]
pub async fn forecast(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(asked): Query<Stretch>,
) -> Result<Json<Forecast>, ApiError> {
    let query = ForecastQuery {
        from: asked.from,
        to: asked.to,
        query: asked.query,
        host: asked.host,
        timezone: asked.timezone,
        cell: asked.cell,
        limit: asked.limit,
        cursor: asked.cursor,
    };
    Ok(Json(schedules::forecast(&state.control, &actor, query).await?))
}

/// Which run, and where to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The fire time.
    at: DateTime<Utc>,
    /// The time at which it is to run instead.
    to: DateTime<Utc>,
}

/// Moves one coming run to another time.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/move", tag = "schedules", params(("id" = ScheduleId, Path)),
    request_body = Move,
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`no_such_fire`, `fire_moved`, `fire_skipped`, `fires_then`"),
        (status = 422, description = "`in_the_past`, `too_far`")))]
pub async fn move_run(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Json(body): Json<Move>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(
        schedules::move_fire(&state.control, &actor, id, body.at, body.to).await?,
    ))
}

/// Which run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The fire time that was moved.
    at: DateTime<Utc>,
}

/// Takes a move back while neither time has come.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/move", tag = "schedules", params(("id" = ScheduleId, Path), Which),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn move_back(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Query(which): Query<Which>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(
        schedules::undo_at(&state.control, &actor, id, which.at).await?,
    ))
}

/// What a draft is.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// The schedule that it is a change of: its pause, its blackouts and its open runs are looked at.
    schedule: Option<ScheduleId>,
}

/// What a schedule that is not saved would do if it ran now: targets in their order, what conditions say of them, what would
/// hold the run, about how long it takes. Nothing is touched.
#[utoipa::path(post, path = "/api/v1/schedules/dry-run", tag = "schedules", params(Trial), request_body = ScheduleDraft,
    responses((status = 200, body = DryRun), (status = 422, description = "what is wrong with which field")))]
pub async fn dry_run_draft(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(trial): Query<Trial>,
    Json(draft): Json<ScheduleDraft>,
) -> Result<Json<DryRun>, ApiError> {
    Ok(Json(
        schedules::dry_run_draft(&state.control, &actor, draft, trial.schedule).await?,
    ))
}

/// What a schedule would do if it ran now. Nothing is touched.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/dry-run", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = DryRun), (status = 404, description = "`schedule_not_found`")))]
pub async fn dry_run(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<Json<DryRun>, ApiError> {
    Ok(Json(schedules::dry_run(&state.control, &actor, id).await?))
}
