//! What handlers take from a request; what cannot be read is told in the API's own error shape.

mod refusals;

use crate::error::ApiError;
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use control::auth::Client;
use domain::{
    auth::Actor,
    errors::{ErrorClass, Problem},
};
use http::request::Parts;
use serde::{Serialize, de::DeserializeOwned};

/// Who calls. Only behind a permission that asks for sign-in; the guard has put it there.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Actor>()
            .cloned()
            .map(Self)
            .ok_or_else(|| not_signed_in().into())
    }
}

/// Where the request comes from.
#[derive(Clone, Debug)]
pub struct From(pub Client);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let client = parts
            .extensions
            .get::<crate::security::Peer>()
            .map(|peer| peer.client.clone());
        Ok(Self(client.unwrap_or_default()))
    }
}

/// A JSON body, in and out.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refusals::bad_body(&rejection)),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A JSON body that may be left out: no body at all is the default.
#[derive(Clone, Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_empty = axum::body::HttpBody::is_end_stream(request.body());
        if is_empty && !request.headers().contains_key(http::header::CONTENT_TYPE) {
            return Ok(Self(T::default()));
        }
        Ok(Self(Json::from_request(request, state).await?.0))
    }
}

/// A body of text, whatever its type says.
#[derive(Clone, Debug)]
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| refusals::bad_body(&rejection.into()))?;
        match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Self(text)),
            Err(_) => Err(Problem::new(
                ErrorClass::BadRequest,
                "body_not_text",
                "The body is no text in UTF-8. Save the file as UTF-8 and send it again.",
            )
            .into()),
        }
    }
}

/// The query string.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(refusals::bad_query(&rejection)),
        }
    }
}

/// The variable parts of the path. What is no id is not there: 404.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(not_found().into()),
        }
    }
}

pub fn not_signed_in() -> Problem {
    Problem::new(
        ErrorClass::Unauthenticated,
        "not_signed_in",
        "You are not signed in, or your session has ended. Sign in, or send an API key with `Authorization: Bearer`.",
    )
}

pub fn not_found() -> Problem {
    Problem::new(
        ErrorClass::NotFound,
        "not_found",
        "There is nothing at this address. Check it, or look it up at /api/docs.",
    )
}
