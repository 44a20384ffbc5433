//! Metrics for Prometheus at `/metrics`.

use crate::{router::Routes, state::AppState};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::auth::Permission;
use http::{Method, header};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

/// Seconds; from a quick answer to the limit of a request.
const BUCKETS: [f64; 9] = [0.005, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// The recorder of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder; a second server in the same process shares it.
    ///
    /// # Errors
    /// When another recorder is installed.
    pub fn install() -> Result<Self, BuildError> {
        static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*installed {
            return Ok(Self(handle.clone()));
        }
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
            .install_recorder()?;
        metrics::describe_counter!("chrontainer_http_requests_total", "Requests answered");
        metrics::describe_histogram!("chrontainer_http_request_seconds", "Time until an answer began");
        metrics::describe_gauge!("chrontainer_event_streams", "Open streams of live events");
        metrics::describe_gauge!("chrontainer_resident_bytes", "Memory of this process");
        metrics::gauge!("chrontainer_build_info", "release" => env!("CARGO_PKG_VERSION")).set(1.0);
        *installed = Some(handle.clone());
        Ok(Self(handle))
    }

    /// Folds recent samples into the histograms; without it their memory grows.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

pub fn routes(routes: Routes) -> Routes {
    routes.guarded(Method::GET, "/metrics", Permission::MetricsRead, scrape)
}

/// Everything that is counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn scrape(State(state): State<AppState>) -> Response {
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("chrontainer_resident_bytes").set(bytes);
    }
    let text = state.metrics.0.render();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

/// What proc(5) calls VmRSS.
#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib * 1024) as f64)
}
