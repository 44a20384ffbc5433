//! Lists in pages: by the id of the last item, so that they stay right while things come and go.

use crate::error::Result;
use domain::{
    errors::{ErrorClass, Problem},
    pages::{PAGE_DEFAULT, PAGE_MAX, Page},
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
        Err(_) => Err(unknown_cursor()),
    }
}

fn unknown_cursor() -> crate::error::Error {
    Problem::new(
        ErrorClass::BadRequest,
        "cursor_invalid",
        "The cursor is not one that a list gave out. Start again without it.",
    )
    .into()
}

/// A page of a list that is short enough to be read whole. `key` is what tells its items apart: the last one's is the
/// next cursor.
///
/// # Errors
/// 400 `cursor_invalid`, also when the item that the cursor names is gone.
pub fn part<T>(all: Vec<T>, query: &ListQuery, key: impl Fn(&T) -> String) -> Result<Page<T>> {
    let total = all.len();
    let start = match &query.cursor {
        None => 0,
        Some(cursor) => {
            let last = all.iter().position(|item| key(item) == *cursor);
            last.ok_or_else(unknown_cursor)? + 1
        }
    };
    let limit = usize::try_from(query.limit()).unwrap_or(usize::MAX);
    let items: Vec<T> = all.into_iter().skip(start).take(limit).collect();
    Ok(Page {
        total: total as u64,
        next: (start + items.len() < total)
            .then(|| items.last().map(&key))
            .flatten(),
        items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page<u32>> {
        let query = ListQuery {
            limit,
            cursor: cursor.map(str::to_owned),
        };
        part((1..=7).collect(), &query, u32::to_string)
    }

    #[test]
    fn parts_follow_each_other_and_end() {
        let first = page(Some(3), None).unwrap();
        assert_eq!(
            (first.items, first.total, first.next.as_deref()),
            (vec![1, 2, 3], 7, Some("3"))
        );
        let last = page(Some(4), Some("3")).unwrap();
        assert_eq!((last.items, last.total, last.next), (vec![4, 5, 6, 7], 7, None));
        assert_eq!(page(None, None).unwrap().next, None);
        assert_eq!(
            page(Some(0), None).unwrap().items,
            [1],
            "at least one, so that it goes on"
        );
        assert!(page(None, Some("7")).unwrap().items.is_empty());
    }

    #[test]
    fn a_cursor_that_no_list_gave_out_is_refused() {
        let error = page(None, Some("8")).unwrap_err();
        assert!(error.to_string().contains("cursor"), "{error}");
    }
}
