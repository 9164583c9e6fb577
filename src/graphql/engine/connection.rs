//! Relay connections over keyset pages.

use std::sync::Arc;

use async_graphql::{Error, Result, SimpleObject};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::failure::bad_argument;
use crate::queries::page::PAGE;
use crate::queries::{Counted, Page, PageError};

/// A page's place in its list.
#[derive(SimpleObject, Debug, Clone)]
pub struct PageInfo {
    /// Whether entries follow; paging backwards, known only with `before`.
    pub has_next_page: bool,
    /// Whether entries precede; paging forwards, known only with `after`.
    pub has_previous_page: bool,
    /// The cursor of the first entry, for `before`.
    pub start_cursor: Option<String>,
    /// The cursor of the last entry, for `after`.
    pub end_cursor: Option<String>,
}

/// Counts the whole list; nothing is asked before `totalCount` is selected.
pub type TotalCount = Shared<BoxFuture<'static, Result<Counted, Arc<Error>>>>;

/// A count that runs when it is first asked for.
pub fn count_later<C: Into<Counted>>(count: impl Future<Output = Result<C>> + Send + 'static) -> TotalCount {
    count.map(|found| found.map(Into::into).map_err(Arc::new)).boxed().shared()
}

/// The page that Relay's arguments ask for; the limit is named where it is exceeded.
pub fn page(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Result<Page> {
    Page::try_new(first.map(Into::into), after, last.map(Into::into), before).map_err(|error| of_page(&error))
}

/// The size of a page for arguments that have a default in the schema.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "far below 2^31")]
pub const DEFAULT_FIRST: i32 = PAGE.default as i32;

/// The size of a list that is not paged.
pub fn page_size(first: Option<i32>) -> Result<usize> {
    PAGE.size(first.map(Into::into)).map_err(|error| of_page(&error))
}

/// A page error as an error of the argument that it is about.
#[must_use]
pub fn of_page(error: &PageError) -> Error {
    let argument = match error {
        PageError::Size(_) | PageError::BothEnds => "first/last",
        PageError::Cursor => "after/before",
    };
    bad_argument(argument, error)
}

/// Declares a connection and its edge over one type of node.
macro_rules! connection {
    ($(#[$doc:meta])* $connection:ident, $edge:ident, $node:ty) => {
        $(#[$doc])*
        pub struct $connection {
            edges: Vec<$crate::graphql::engine::flat::Flat<$edge>>,
            page_info: $crate::graphql::engine::connection::PageInfo,
            total_count: $crate::graphql::engine::connection::TotalCount,
        }

        /// An entry of a list, with its cursor.
        #[derive(async_graphql::SimpleObject, Clone)]
        pub struct $edge {
            /// The cursor for `after` or `before`.
            pub cursor: String,
            /// The entry.
            pub node: $crate::graphql::engine::flat::Flat<$node>,
        }

        impl $connection {
            /// A page of rows as a page of nodes.
            pub fn new<T>(
                slice: $crate::queries::Slice<T>,
                total_count: $crate::graphql::engine::connection::TotalCount,
                mut node: impl FnMut(T) -> $node,
            ) -> $crate::graphql::engine::flat::Boxed<Self> {
                let cursor = |row: Option<&($crate::queries::Cursor, T)>| row.map(|(cursor, _)| cursor.as_str().to_owned());
                let page_info = $crate::graphql::engine::connection::PageInfo {
                    has_next_page: slice.has_next,
                    has_previous_page: slice.has_previous,
                    start_cursor: cursor(slice.rows.first()),
                    end_cursor: cursor(slice.rows.last()),
                };
                let mut edges = Vec::with_capacity(slice.rows.len());
                for (cursor, row) in slice.rows {
                    let node = $crate::graphql::engine::flat::Flat(node(row));
                    edges.push($crate::graphql::engine::flat::Flat($edge { cursor: cursor.as_str().to_owned(), node }));
                }
                $crate::graphql::engine::flat::Boxed(Self { edges, page_info, total_count })
            }
        }

        $(#[$doc])*
        #[async_graphql::Object]
        impl $connection {
            /// The entries with their cursors.
            async fn edges(&self) -> &[$crate::graphql::engine::flat::Flat<$edge>] {
                &self.edges
            }

            /// The entries.
            async fn nodes(&self) -> Vec<&$crate::graphql::engine::flat::Flat<$node>> {
                self.edges.iter().map(|edge| &edge.0.node).collect()
            }

            /// The page's place in the list.
            async fn page_info(&self) -> &$crate::graphql::engine::connection::PageInfo {
                &self.page_info
            }

            /// The number of entries in the whole list. Counted only when selected; the cost grows with the list. Of messages
            /// and customers, counting ends at 10,000: see `totalCountIsExact`.
            async fn total_count(&self) -> async_graphql::Result<i64> {
                let counted = self.total_count.clone().await.map_err(|error| (*error).clone())?;
                Ok(i64::try_from(counted.count).unwrap_or(i64::MAX))
            }

            /// False if the list has more entries than `totalCount`: show it as "10,000+".
            async fn total_count_is_exact(&self) -> async_graphql::Result<bool> {
                Ok(self.total_count.clone().await.map_err(|error| (*error).clone())?.exact)
            }
        }
    };
}

pub(crate) use connection;

/// What a list costs: its page's size times what an entry costs.
#[must_use]
pub fn page_cost(first: Option<i32>, last: Option<i32>, child_complexity: usize) -> usize {
    let size = first.or(last).map_or(PAGE.default, |size| usize::try_from(size).unwrap_or(1));
    1 + size.saturating_mul(child_complexity)
}
