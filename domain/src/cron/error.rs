use serde::Serialize;

use super::CronField;
use crate::errors::{ErrorClass, Problem};

/// Why a text is no cron expression, and where in the text.
///
/// It serialises as the `details` of an API error:
/// `{"kind":"out_of_range","field":"hour","start":2,"end":4,"message":"The hour 25 is not between 0 and 23."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    pub kind: CronErrorKind,
    /// The field it happened in; none when the text as a whole is wrong.
    pub field: Option<CronField>,
    /// First byte of the wrong part in the text as it was given.
    pub start: usize,
    /// The byte after the wrong part.
    pub end: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// The kinds of mistake, stable for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CronErrorKind {
    Empty,
    TooLong,
    FieldCount,
    UnknownAlias,
    OutOfRange,
    BadStep,
    UnknownName,
    Syntax,
    /// `L`, `W`, `#` or `?` where it has no meaning.
    Misplaced,
}

impl CronErrorKind {
    /// The stable code for API answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::FieldCount => "field_count",
            Self::UnknownAlias => "unknown_alias",
            Self::OutOfRange => "out_of_range",
            Self::BadStep => "bad_step",
            Self::UnknownName => "unknown_name",
            Self::Syntax => "syntax",
            Self::Misplaced => "misplaced",
        }
    }
}

impl CronError {
    /// The error for the field `field` of a body: 422 `invalid_cron`.
    pub fn problem(&self, field: &str) -> Problem {
        let problem = Problem::new(ErrorClass::Invalid, "invalid_cron", &self.message)
            .with("field", field)
            .with("reason", self.kind.code())
            .with("start", self.start)
            .with("end", self.end);
        match self.field {
            Some(cron_field) => problem.with("cron_field", cron_field),
            None => problem,
        }
    }
}
