//! Queries of a customer's page.

use async_graphql::{Context, Object, Result};

use super::holder;
use super::object::Inbox;
use super::reading::{inbox, size};
use crate::graphql::engine::api::Api;

/// Queries of the customer who holds the token.
pub struct Query;

#[Object]
impl Query {
    /// The customer's messages and how many are unread. What is read is delivered by that.
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many messages, up to 50.", default = 20)] first: i32,
    ) -> Result<Inbox> {
        inbox(Api::of(ctx)?, &holder(ctx)?, size(first)?).await
    }
}
