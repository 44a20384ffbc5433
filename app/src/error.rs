//! The error of every server function: a [`Problem`], sent as JSON with its real HTTP status.

use crate::codec::Unreadable;
use domain::errors::{ErrorClass, Problem};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::error::ServerFnErrorErr;

/// What a server function answers when it does not succeed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
#[serde(transparent)]
pub struct AppError(pub Problem);

pub type Result<T, E = AppError> = std::result::Result<T, E>;

impl AppError {
    /// The problem, with the HTTP status set on the answer that is being made.
    #[cfg(feature = "ssr")]
    pub fn answer(problem: Problem) -> Self {
        set_status(&problem);
        Self(problem)
    }

    /// Whether nobody is signed in (any more).
    pub fn is_unauthenticated(&self) -> bool {
        self.0.class == ErrorClass::Unauthenticated
    }

    /// The server could not be reached at all.
    pub fn is_offline(&self) -> bool {
        self.0.code == "offline"
    }

    /// A text among the details: the field, the query …
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.0.details.get(key)?.as_str()
    }

    /// A number among the details: a position, seconds to wait …
    pub fn number(&self, key: &str) -> Option<u64> {
        self.0.details.get(key)?.as_u64()
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        #[cfg(feature = "ssr")]
        set_status(&problem);
        Self(problem)
    }
}

#[cfg(feature = "ssr")]
impl From<control::Error> for AppError {
    fn from(error: control::Error) -> Self {
        Self::answer(error.into_problem())
    }
}

impl FromServerFnError for AppError {
    type Encoder = crate::codec::Lean;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let problem = match error {
            E::Request(_) => Problem::new(
                ErrorClass::Unavailable,
                "offline",
                "Chrontainer does not answer. It may be restarting, or this device is offline. Try again in a few seconds.",
            ),
            // Another build of the page and the server do not understand each other.
            E::Deserialization(_) | E::Args(_) | E::MissingArg(_) | E::UnsupportedRequestMethod(_) => {
                Problem::new(
                    ErrorClass::BadRequest,
                    "client_outdated",
                    "This page and the server are of different versions. Reload the page.",
                )
            }
            E::Serialization(_)
            | E::Registration(_)
            | E::ServerError(_)
            | E::MiddlewareError(_)
            | E::Response(_) => Problem::new(
                ErrorClass::Internal,
                "internal",
                "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
            ),
        };
        Self::from(problem)
    }

    fn de(data: bytes::Bytes) -> Self {
        use server_fn::Decodes;
        let error = Self::Encoder::decode(data).unwrap_or_else(|error: Unreadable| {
            Self::from_server_fn_error(ServerFnErrorErr::Deserialization(error.to_string()))
        });
        #[cfg(not(feature = "ssr"))]
        error.follow();
        error
    }
}

#[cfg(not(feature = "ssr"))]
impl AppError {
    /// Two answers are about the page itself: the session has ended, or the server was updated.
    fn follow(&self) {
        match self.0.code.as_str() {
            "not_signed_in" => crate::auth::leave(),
            "client_outdated" => {
                let _ = window().location().reload();
            }
            _ => {}
        }
    }
}

/// Sets the status of a server function's own answer. A page keeps 200 for a part that failed, and a form sent without
/// JavaScript keeps its redirect.
#[cfg(feature = "ssr")]
fn set_status(problem: &Problem) {
    let (Some(request), Some(response)) = (
        use_context::<http::request::Parts>(),
        use_context::<leptos_axum::ResponseOptions>(),
    ) else {
        return;
    };
    let wants_page = request
        .headers
        .get(http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if wants_page || !request.uri.path().starts_with("/_fn/") {
        return;
    }
    if let Ok(status) = http::StatusCode::from_u16(problem.class.status()) {
        response.set_status(status);
    }
    let seconds = problem
        .details
        .get("retry_after")
        .and_then(serde_json::Value::as_u64);
    if let Some(seconds) = seconds {
        response.insert_header(http::header::RETRY_AFTER, seconds.into());
    }
}

/// Sets the status of the page that is being made: 404 for what is not there. Does nothing in the browser.
pub fn set_page_status(class: ErrorClass) {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(status) = http::StatusCode::from_u16(class.status())
    {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = class;
}
