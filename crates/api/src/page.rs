//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Entries of a page when the request does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Entries of a page at most; a larger wish gets this many.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Give it as `cursor` for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// Which page is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Entries per page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// How many entries to give.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// The position after which to go on, in the list's own form.
    ///
    /// # Errors
    /// 400 when it is not one that this list gave out.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        self.cursor.as_deref().map(|text| text.parse().map_err(|_| invalid_cursor())).transpose()
    }
}

/// The cursor is not one that this list gave out.
#[must_use]
pub fn invalid_cursor() -> Problem {
    Problem::malformed("invalid_cursor", "The cursor is not one that this list gave. Start from its first page.")
        .with_field("cursor", "Use the next_cursor of a page as it is.")
}

impl<T> Page<T> {
    /// A list that is always given as a whole.
    #[must_use]
    pub const fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }

    /// A page from one entry more than was asked for, which tells whether there is a further page.
    #[must_use]
    pub fn cut(mut data: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let more = data.len() > limit as usize;
        data.truncate(limit as usize);
        let next_cursor = if more { data.last().map(cursor) } else { None };
        Self { data, next_cursor }
    }

    /// The same page with other entries.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_too_many_makes_the_cursor_and_is_not_shown() {
        let page = Page::cut(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.data, page.next_cursor.as_deref()), (vec![1, 2], Some("2")));
        let last = Page::cut(vec![1, 2], 2, ToString::to_string);
        assert_eq!((last.data.len(), last.next_cursor), (2, None));
    }

    #[test]
    fn limits_are_bounded() {
        let limit = |limit| PageQuery { limit, cursor: None }.limit();
        assert_eq!((limit(None), limit(Some(0)), limit(Some(9_999))), (50, 1, 200));
    }
}
