//! `/api/v1/hooks/{token}`: webhooks of schedules, called by other programs.

use crate::{
    error::{ApiError, ApiResult},
    extract::{Caller, Json, Path},
    router::Routes,
    state::AppState,
};
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use control::schedules::{self, LARGEST_CALL};
use domain::{
    auth::Permission,
    errors::{ErrorClass, Problem},
    ids::{RunId, ScheduleId},
    runs::RunState,
    triggers::WebhookSecrets,
};
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;

/// What a call is signed with, in GitHub's way.
const SIGNATURE: &str = "x-hub-signature-256";

pub fn routes(routes: Routes) -> Routes {
    routes
        // Other programs cannot sign in: the address itself is the secret.
        .guarded(Method::POST, "/api/v1/hooks/{token}", Permission::Public, call)
        .guarded(
            Method::POST,
            "/api/v1/schedules/{id}/webhook",
            Permission::SchedulesManage,
            renew,
        )
}

/// The run that a call made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Called {
    run: RunId,
    /// `queued`, or `waiting` or `skipped` where a guard of the schedule holds it back.
    status: RunState,
}

/// Runs the schedule that the secret address belongs to. The body is JSON or nothing, and `trigger.payload` in the steps.
#[utoipa::path(post, path = "/api/v1/hooks/{token}", tag = "schedules", security(()),
    params(("token" = String, Path),
        ("x-hub-signature-256" = Option<String>, Header, description = "`sha256=` and the HMAC-SHA-256 of the body in hexadecimal digits, for webhooks that ask for it")),
    request_body(content = Option<serde_json::Value>, description = "at most 64 KiB"),
    responses((status = 202, body = Called), (status = 400, description = "`body_not_json`"),
        (status = 403, description = "`signature_invalid`"), (status = 404, description = "`webhook_not_found`"),
        (status = 409, description = "`schedule_disabled`: it is switched off or paused"),
        (status = 413, description = "`body_too_large`"),
        (status = 429, description = "`too_many_requests`: more than 60 calls a minute, with Retry-After")))]
pub async fn call(State(state): State<AppState>, Path(token): Path<String>, request: Request) -> Response {
    match called(&state, &token, request).await {
        Ok(called) => (StatusCode::ACCEPTED, Json(called)).into_response(),
        Err(error) => {
            // The body may be unread, so the connection cannot serve another request.
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            (close, error).into_response()
        }
    }
}

async fn called(state: &AppState, token: &str, request: Request) -> ApiResult<Called> {
    let webhook = schedules::find_webhook(&state.control, token).await?;
    state
        .hook_rates
        .count_named("hook", &webhook.schedule().to_string())?;
    let signature = request
        .headers()
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = read(request).await?;
    let run = schedules::call_webhook(&state.control, &webhook, signature.as_deref(), &body).await?;
    Ok(Called {
        run: run.id,
        status: run.status,
    })
}

async fn read(request: Request) -> ApiResult<bytes::Bytes> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST_CALL) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), LARGEST_CALL)
        .await
        .map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
                return too_large();
            }
            Problem::new(
                ErrorClass::BadRequest,
                "body_unreadable",
                "The body did not arrive as a whole. Send it again.",
            )
            .into()
        })
}

fn too_large() -> ApiError {
    ApiError::with_status(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "What is sent to a webhook is 64 KiB at most. Send less.",
    )
}

/// Makes a new secret address for a schedule's webhook, shown this once, and a new secret for its signatures where they are
/// asked for. The old ones no longer work.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/webhook", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 201, body = WebhookSecrets), (status = 404, description = "`schedule_not_found`"),
        (status = 409, description = "`no_webhook`: none of its triggers is one")))]
pub async fn renew(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<ScheduleId>,
) -> ApiResult<(StatusCode, Json<WebhookSecrets>)> {
    let made = schedules::renew_webhook(&state.control, &actor, id).await?;
    Ok((StatusCode::CREATED, Json(made)))
}
