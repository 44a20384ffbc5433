//! Each request gets an id, is counted and timed. The query is never written down: it may hold a token. Nor is a path
//! whose route has a `{token}`.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue};
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub async fn observe(request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    // The route's pattern, so that ids in paths do not make a new time series each.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other".to_owned(), |path| path.as_str().to_owned());
    let path = shown_path(&request);
    let span = tracing::info_span!("request", request.id = %id, http.method = %method, http.path = %path);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = begun.elapsed();
    let status = response.status().as_u16();
    // Errors are told where they arise; this line is for following one request.
    span.in_scope(|| tracing::debug!(http.status = status, took.ms = took.as_millis(), "answered"));
    let labels = [
        ("method", method.as_str().to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::counter!("chrontainer_http_requests_total", &labels).increment(1);
    metrics::histogram!("chrontainer_http_request_seconds", "route" => labels[1].1.clone()).record(took);
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The path as it may be written down: a secret in it is no more to be read there than the query.
pub fn shown_path(request: &Request) -> String {
    const SECRET: [&str; 2] = ["/api/v1/hooks/", "/api/v1/calendar/"];
    let route = request.extensions().get::<MatchedPath>();
    let path = request.uri().path();
    match route
        .map(MatchedPath::as_str)
        .filter(|route| route.contains("{token}"))
    {
        Some(route) => route.to_owned(),
        // What leads to no route may be a mistyped secret.
        None => match SECRET.iter().find(|prefix| path.starts_with(*prefix)) {
            Some(prefix) => format!("{prefix}{{token}}"),
            None => path.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_paths_are_not_shown() {
        let shown = |path: &str| {
            let mut request = Request::default();
            *request.uri_mut() = path.parse().unwrap();
            shown_path(&request)
        };
        assert_eq!(shown("/api/v1/hooks/hook_abc"), "/api/v1/hooks/{token}");
        assert_eq!(shown("/api/v1/hooks/hook_abc/more"), "/api/v1/hooks/{token}");
        assert_eq!(shown("/api/v1/calendar/cal_abc.ics"), "/api/v1/calendar/{token}");
        assert_eq!(shown("/api/v1/hosts/7"), "/api/v1/hosts/7");
    }
}
