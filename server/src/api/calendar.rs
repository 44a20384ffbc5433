//! `/api/v1/calendar`: the calendar of coming runs that calendar programs subscribe to.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path},
    router::Routes,
    state::AppState,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use control::schedules;
use domain::{auth::Permission, calendar::CalendarFeed};
use http::{Method, StatusCode, header};
use secrecy::ExposeSecret;
use serde::Serialize;

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/api/v1/calendar", Permission::SchedulesRead, get)
        .guarded(
            Method::POST,
            "/api/v1/calendar",
            Permission::SchedulesRead,
            subscribe,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/calendar",
            Permission::SchedulesRead,
            unsubscribe,
        )
        // Calendar programs cannot sign in: the link itself is the secret.
        .guarded(Method::GET, "/api/v1/calendar/{token}", Permission::Public, read)
}

/// One's own calendar; its link was shown when it was made.
#[utoipa::path(get, path = "/api/v1/calendar", tag = "schedules",
    responses((status = 200, body = CalendarFeed), (status = 404, description = "`calendar_not_found`")))]
pub async fn get(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<CalendarFeed>, ApiError> {
    Ok(Json(schedules::calendar_feed(&state.control, &actor).await?))
}

/// The link of a calendar, which is shown this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Subscription {
    /// From the root of the server.
    path: String,
    /// The whole address, where the server knows its own.
    url: Option<String>,
}

/// Makes one's calendar of coming runs. A link that was made before no longer works.
#[utoipa::path(post, path = "/api/v1/calendar", tag = "schedules", responses((status = 201, body = Subscription)))]
pub async fn subscribe(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<(StatusCode, Json<Subscription>), ApiError> {
    let token = schedules::subscribe(&state.control, &actor).await?;
    let path = format!("/api/v1/calendar/{}.ics", token.expose_secret());
    let url = state
        .settings
        .public_url
        .as_ref()
        .map(|url| format!("{}{path}", url.origin()));
    Ok((StatusCode::CREATED, Json(Subscription { path, url })))
}

/// Ends one's calendar; its link no longer works.
#[utoipa::path(delete, path = "/api/v1/calendar", tag = "schedules",
    responses((status = 204), (status = 404, description = "`calendar_not_found`")))]
pub async fn unsubscribe(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<StatusCode, ApiError> {
    schedules::unsubscribe(&state.control, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The calendar behind a secret link, `….ics`: the coming 31 days, as its person may see them.
#[utoipa::path(get, path = "/api/v1/calendar/{token}", tag = "schedules", params(("token" = String, Path)), security(()),
    responses((status = 200, description = "an iCalendar (RFC 5545)", content_type = "text/calendar", body = String),
        (status = 404, description = "`calendar_not_found`")))]
pub async fn read(State(state): State<AppState>, Path(file): Path<String>) -> Result<Response, ApiError> {
    let token = file.strip_suffix(".ics").unwrap_or(&file);
    let url = state
        .settings
        .public_url
        .as_ref()
        .map(|url| url.origin().to_owned());
    let text = schedules::read_calendar(&state.control, token, url.as_deref()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    Ok((headers, text).into_response())
}
