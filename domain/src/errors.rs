//! The shape of an error that people and programs get: a stable code, what happened, why, what to do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The class of an error; decides the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// 400: it cannot be read at all.
    BadRequest,
    /// 401: nobody is signed in.
    Unauthenticated,
    /// 403: signed in, but not allowed.
    Forbidden,
    /// 404: not there, or not yours.
    NotFound,
    /// 409: it contradicts what is there.
    Conflict,
    /// 422: it can be read, but is not valid.
    Invalid,
    /// 429: too often.
    TooMany,
    /// 503: something it needs does not answer now.
    Unavailable,
    /// 500: a defect of ours; details are in the log only.
    Internal,
}

impl ErrorClass {
    /// The HTTP status code (RFC 9110).
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Invalid => 422,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// An error as the API answers it under `error`, and as server functions carry it to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    pub class: ErrorClass,
    /// Stable, `snake_case`: programs compare it.
    pub code: String,
    /// A sentence or two for a person: what happened, why, what to do.
    pub message: String,
    /// Whatever helps a program: the field, the position, the current object.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub details: serde_json::Value,
}

impl Problem {
    pub fn new(class: ErrorClass, code: &str, message: impl Into<String>) -> Self {
        Self {
            class,
            code: code.to_owned(),
            message: message.into(),
            details: serde_json::Value::Null,
        }
    }

    /// 422 for one field of a body; the field's path is in the details.
    pub fn invalid(code: &str, field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, code, message).with("field", field)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(
            ErrorClass::NotFound,
            &format!("{what}_not_found"),
            format!("There is no such {what} here. It may have been deleted, or the id is wrong."),
        )
    }

    /// Adds one entry to the details.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
        match &mut self.details {
            serde_json::Value::Object(map) => {
                map.insert(key.to_owned(), value);
            }
            other => {
                let mut map = serde_json::Map::new();
                map.insert(key.to_owned(), value);
                *other = serde_json::Value::Object(map);
            }
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
