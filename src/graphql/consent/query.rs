//! Queries of consent.

use async_graphql::{Context, Object, Result};

use super::object::Consent;
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{AsOfInput, Reading};
use crate::graphql::engine::scalar::Cursor;
use crate::ids::{CustomerId, MessageId};

/// Queries of consent.
#[derive(Default)]
pub struct ConsentQueries;

#[Object]
impl ConsentQueries {
    /// A customer's current consents, by channel and topic.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 5 * child_complexity")]
    async fn consents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "Shows the state of an earlier moment: a time or a position. By default the present one.")]
        as_of: Option<AsOfInput>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Consent>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tables = reading.tables(customer_id.0, as_of).await?;
        let root = reading.person(&tables, customer_id.0).await?.root;
        let rows = crate::graphql::engine::loaders::ConsentsOf(root).load(reading, &tables).await?;
        Ok(rows.into_iter().map(|row| Consent::new(row, reading.personal())).collect())
    }

    /// The URL of a customer's preference page, for use in a message to them: anyone with the link can change the
    /// preferences. Null if the customer does not exist.
    #[graphql(guard = "May(Permission::Send)")]
    async fn preferences_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's global id; that of a merged customer stands for its survivor.")]
        customer_id: Of<CustomerId>,
        #[graphql(desc = "The message that will contain the link.")] message_id: Option<Of<MessageId>>,
    ) -> Result<Option<String>> {
        let reading = Reading::of(ctx)?;
        let caller = caller(ctx, None)?;
        let url = reading.api.app.preferences_url(&caller, customer_id.0, message_id.map(|id| id.0)).await;
        url.map_err(|error| opaque(reading.api.ambient(), &error))
    }
}
