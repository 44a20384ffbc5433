//! Lists in pages: by the id of the last item, so that they stay right while things come and go.

use crate::error::Result;
use domain::{
    errors::{ErrorClass, Problem},
    pages::{PAGE_DEFAULT, PAGE_MAX},
};
use serde::Deserialize;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    /// From 1 to [`PAGE_MAX`]; [`PAGE_DEFAULT`] when absent.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl ListQuery {
    pub fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX))
    }
}

/// The id that the page starts after.
///
/// # Errors
/// 400 `cursor_invalid`.
pub fn after(query: &ListQuery) -> Result<Option<uuid::Uuid>> {
    let Some(cursor) = &query.cursor else {
        return Ok(None);
    };
    match cursor.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(Problem::new(
            ErrorClass::BadRequest,
            "cursor_invalid",
            "The cursor is not one that a list gave out. Start again without it.",
        )
        .into()),
    }
}
