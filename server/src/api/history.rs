//! `/api/v1/schedules/{id}/history`

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{pages::ListQuery, schedules};
use domain::{auth::Permission, history::ScheduleChange, ids::ScheduleId, pages::Page};
use http::Method;

pub fn routes(routes: Routes) -> Routes {
    routes.guarded(
        Method::GET,
        "/api/v1/schedules/{id}/history",
        Permission::SchedulesRead,
        history,
    )
}

/// Who changed a schedule, when, and which fields became what; the latest first.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/history", tag = "schedules",
    params(("id" = ScheduleId, Path), super::docs::Paging),
    responses((status = 200, body = Page<ScheduleChange>), (status = 400, description = "`cursor_invalid`"),
        (status = 404, description = "`schedule_not_found`")))]
pub async fn history(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ScheduleChange>>, ApiError> {
    Ok(Json(
        schedules::history(&state.control, &actor, id, &query).await?,
    ))
}
