//! Pausing schedules until a date: `/api/v1/schedules/{id}/pause` and, for many, `/api/v1/schedules/pause`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use control::schedules;
use domain::{auth::Permission, ids::ScheduleId, schedules::Schedule};
use http::Method;
use serde::Deserialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/pause",
            Permission::SchedulesOperate,
            pause,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/schedules/{id}/pause",
            Permission::SchedulesOperate,
            resume,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/pause",
            Permission::SchedulesOperate,
            pause_many,
        )
        .guarded(
            Method::POST,
            "/api/v1/schedules/switch",
            Permission::SchedulesOperate,
            switch_many,
        )
}

/// Until when.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    until: DateTime<Utc>,
}

/// Which schedules, and until when.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseMany {
    ids: Vec<ScheduleId>,
    /// Absent: their pauses end now.
    until: Option<DateTime<Utc>>,
}

/// Which schedules, and whether they are on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchMany {
    ids: Vec<ScheduleId>,
    enabled: bool,
}

/// Pauses a schedule until a time. Nothing fires before, and nothing that passes meanwhile is missed.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/pause", tag = "schedules", params(("id" = ScheduleId, Path)),
    request_body = Pause,
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`schedule_disabled`"), (status = 422, description = "`in_the_past`")))]
pub async fn pause(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Json(pause): Json<Pause>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(
        schedules::pause(&state.control, &actor, id, Some(pause.until)).await?,
    ))
}

/// Ends a pause.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}/pause", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = Schedule), (status = 404, description = "`schedule_not_found`")))]
pub async fn resume(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> Result<Json<Schedule>, ApiError> {
    Ok(Json(schedules::pause(&state.control, &actor, id, None).await?))
}

/// Pauses many schedules until a time, or ends their pauses: all or none.
#[utoipa::path(post, path = "/api/v1/schedules/pause", tag = "schedules", request_body = PauseMany,
    responses((status = 200, body = Vec<Schedule>), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`schedule_disabled`"), (status = 422, description = "`in_the_past`, `too_many`")))]
pub async fn pause_many(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(pause): Json<PauseMany>,
) -> Result<Json<Vec<Schedule>>, ApiError> {
    Ok(Json(
        schedules::pause_many(&state.control, &actor, &pause.ids, pause.until).await?,
    ))
}

/// Turns many schedules on or off: all or none. Turned on, their pauses until a time end too.
#[utoipa::path(post, path = "/api/v1/schedules/switch", tag = "schedules", request_body = SwitchMany,
    responses((status = 200, body = Vec<Schedule>), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`label_gone`"), (status = 422, description = "`too_many`")))]
pub async fn switch_many(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(switch): Json<SwitchMany>,
) -> Result<Json<Vec<Schedule>>, ApiError> {
    Ok(Json(
        schedules::switch_many(&state.control, &actor, &switch.ids, switch.enabled).await?,
    ))
}
