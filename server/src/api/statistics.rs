//! `/api/v1/statistics`, and those of one schedule.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::statistics;
use domain::{
    auth::Permission,
    ids::ScheduleId,
    statistics::{ScheduleStatistics, Statistics},
};
use http::Method;
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(
            Method::GET,
            "/api/v1/statistics",
            Permission::RunsRead,
            of_organisation,
        )
        .guarded(
            Method::GET,
            "/api/v1/schedules/{id}/statistics",
            Permission::SchedulesRead,
            of_schedule,
        )
}

/// How much of the past is counted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Past {
    /// 1 to 366 days; 30 when absent.
    days: Option<u32>,
}

/// The schedules that failed most, the worst first.
#[utoipa::path(get, path = "/api/v1/statistics", tag = "statistics", params(Past),
    responses((status = 200, body = Statistics), (status = 422, description = "`invalid_days`")))]
pub async fn of_organisation(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(past): Query<Past>,
) -> Result<Json<Statistics>, ApiError> {
    Ok(Json(
        statistics::statistics(&state.control, &actor, past.days).await?,
    ))
}

/// How the runs of a schedule went: outcomes, durations by day, lateness, and when it runs next.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/statistics", tag = "statistics", params(("id" = ScheduleId, Path), Past),
    responses((status = 200, body = ScheduleStatistics), (status = 404, description = "`schedule_not_found`"),
        (status = 422, description = "`invalid_days`")))]
pub async fn of_schedule(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Query(past): Query<Past>,
) -> Result<Json<ScheduleStatistics>, ApiError> {
    Ok(Json(
        statistics::of_schedule(&state.control, &actor, id, past.days).await?,
    ))
}
