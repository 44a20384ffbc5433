use serde::Serialize;

use super::Span;
use crate::errors::{ErrorClass, Problem};

/// Why a text is no selector, and where. It serialises as the `details` of an API error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// Stable for programs: `unknown_key`, `missing_key`, `missing_value`, `bad_value`, `unclosed_quote`, `bad_escape`,
    /// `too_long`, `excludes_everything`, `empty_target`, `bare_word`, `only_exclusions`, `unknown_host`.
    pub code: &'static str,
    /// First byte of the wrong part.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl SelectorError {
    pub(super) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            start: span.start,
            end: span.end,
            message: message.into(),
        }
    }

    /// The error for the field `field` of a body or a query: 422 `invalid_selector`.
    pub fn problem(&self, field: &str) -> Problem {
        Problem::new(ErrorClass::Invalid, "invalid_selector", &self.message)
            .with("field", field)
            .with("reason", self.code)
            .with("start", self.start)
            .with("end", self.end)
    }
}
