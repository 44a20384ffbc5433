//! Whether the server lives (`/health`) and whether it is ready to work (`/health/ready`).

use crate::{router::Routes, state::AppState};
use axum::{Json, extract::State, response::IntoResponse};
use control::Part;
use domain::auth::Permission;
use http::{Method, StatusCode};
use serde::Serialize;
use std::time::{Duration, Instant};

/// A part that was silent for longer than this is not well.
const SILENT: Duration = Duration::from_secs(30);
/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn routes(routes: Routes) -> Routes {
    routes
        .guarded(Method::GET, "/health", Permission::Public, live)
        .guarded(Method::GET, "/health/ready", Permission::Public, ready)
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Live {
    status: &'static str,
}

/// The process answers; that is all it says, so that a database that is away restarts nothing.
#[utoipa::path(get, path = "/health", tag = "server", security(()), responses((status = 200, body = Live)))]
pub async fn live() -> Json<Live> {
    Json(Live { status: "ok" })
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Ready {
    status: &'static str,
    database: PartHealth,
    worker: PartHealth,
    ticker: PartHealth,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct PartHealth {
    ok: bool,
    /// For the database how long it took to answer, for the others how long ago they were alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
}

/// Whether the database answers, and the worker and the ticker are alive.
#[utoipa::path(get, path = "/health/ready", tag = "server", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    let parts = Ready {
        database: database(&state).await,
        worker: part(&state, Part::Worker),
        ticker: part(&state, Part::Ticker),
        status: "ready",
    };
    if parts.database.ok && parts.worker.ok && parts.ticker.ok {
        return (StatusCode::OK, Json(parts));
    }
    let status = "not_ready";
    (StatusCode::SERVICE_UNAVAILABLE, Json(Ready { status, ..parts }))
}

async fn database(state: &AppState) -> PartHealth {
    let begun = Instant::now();
    let answer = tokio::time::timeout(PATIENCE, state.control.db().ping()).await;
    let ok = matches!(answer, Ok(Ok(())));
    PartHealth {
        ok,
        milliseconds: ok.then(|| millis(begun.elapsed())),
    }
}

fn part(state: &AppState, part: Part) -> PartHealth {
    let age = state.control.beats().age(part);
    PartHealth {
        ok: age.is_some_and(|age| age < SILENT),
        milliseconds: age.map(millis),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
