//! Errors on their way out: `{"error":{"code","message","details"}}` with the status of their class.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::errors::{ErrorClass, Problem};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A problem as the REST API answers it. Handlers return it with `?` from [`Problem`] and [`control::Error`].
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub problem: Problem,
    status: StatusCode,
}

pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// For the few statuses that only HTTP itself has, such as 405 and 413.
    pub fn with_status(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            problem: Problem::new(ErrorClass::BadRequest, code, message),
            status,
        }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As server functions answer it: the browser's side reads a bare [`Problem`].
    pub fn into_server_function_response(self) -> Response {
        let body = Json(&self.problem).into_response();
        self.finish(body)
    }

    fn finish(self, mut response: Response) -> Response {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(seconds) = self
            .problem
            .details
            .get("retry_after")
            .and_then(serde_json::Value::as_u64)
        {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let status =
            StatusCode::from_u16(problem.class.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { problem, status }
    }
}

impl From<control::Error> for ApiError {
    fn from(error: control::Error) -> Self {
        error.into_problem().into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Shape<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            code: &'a str,
            message: &'a str,
            details: &'a serde_json::Value,
        }
        let Problem {
            code,
            message,
            details,
            ..
        } = &self.problem;
        let error = Inner {
            code,
            message,
            details,
        };
        let body = Json(Shape { error }).into_response();
        self.finish(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn an_error_has_its_status_its_shape_and_when_to_come_back() {
        let problem = Problem::new(ErrorClass::TooMany, "too_many_attempts", "Wait.").with("retry_after", 7);
        let response = ApiError::from(problem).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "7");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({ "error": { "code": "too_many_attempts", "message": "Wait.", "details": { "retry_after": 7 } } })
        );
    }
}
