//! How large a request may be.

use crate::{error::ApiError, router::refusal};
use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderValue, StatusCode, header};

/// The largest body: 2 MiB.
pub const BODY: usize = 2 * 1024 * 1024;

/// Refuses a large body by its announced length, before it is sent. What lies about its length, or gives none, is cut
/// off by the layer below.
pub async fn refuse_large(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY as u64) {
        let mut response = refusal(&request, too_large());
        // The body stays unread, so the connection cannot serve another request.
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    next.run(request).await
}

pub fn too_large() -> ApiError {
    ApiError::with_status(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than 2 MiB. Send less at once.",
    )
}
