//! Queries of messages.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::object::{Message, MessageConnection};
use crate::graphql::engine::connection::{count_later, page, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::graphql::engine::words::{Channel, Direction, MessageState};
use crate::ids::{CampaignId, CustomerId, MessageId};
use crate::queries::messages;
use crate::queries::messages::MessageFilter;
use crate::queries::page::PAGE;

/// Restricts messages; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct MessageFilterInput {
    /// Only messages of this customer, and of everybody who is part of the same person.
    customer_id: Option<Of<CustomerId>>,
    /// Only messages in this direction.
    direction: Option<Direction>,
    /// Any of these states.
    states: Option<Vec<MessageState>>,
    /// Any of these channels.
    channels: Option<Vec<Channel>>,
    /// Only messages of this campaign.
    campaign_id: Option<Of<CampaignId>>,
    /// The kind of the provider that accepted or delivered it, by any of its accounts.
    provider: Option<String>,
    /// The name of the provider account that accepted or delivered it.
    account: Option<String>,
    /// One of its reasons: the rule that held or suppressed it, such as `consent`; why it is in doubt or was cancelled; the
    /// kind of complaint; of a refusal, bounce or failure the provider's code, or else the class.
    reason: Option<String>,
    /// Requested or received from this time on.
    created_since: Option<DateTime<Utc>>,
    /// Requested or received before this time.
    created_until: Option<DateTime<Utc>>,
}

impl From<MessageFilterInput> for MessageFilter {
    fn from(input: MessageFilterInput) -> Self {
        Self {
            customer_id: input.customer_id.map(|id| id.0),
            direction: input.direction.map(Into::into),
            states: input.states.unwrap_or_default().into_iter().map(Into::into).collect(),
            channels: input.channels.unwrap_or_default().into_iter().map(Into::into).collect(),
            campaign_id: input.campaign_id.map(|id| id.0),
            variant: None,
            outcome: None,
            provider: input.provider,
            account: input.account,
            reason: input.reason,
            created_since: input.created_since,
            created_until: input.created_until,
        }
    }
}

/// The order of a list of messages, by the time at which they were requested or received.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "messages::MessageOrder")]
pub enum MessageOrder {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// Queries of messages.
#[derive(Default)]
pub struct MessageQueries;

#[Object]
impl MessageQueries {
    /// One message, with its whole history and the reasons for each decision; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message's global id.")] id: Of<MessageId>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Option<Message>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Message::load(ctx, id.0).await
    }

    /// Messages of all customers, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts what is found; omitted fields do not filter.")] filter: Option<MessageFilterInput>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<MessageOrder>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<MessageConnection>> {
        let reading = Reading::of(ctx)?;
        let filter: MessageFilter = filter.unwrap_or_default().into();
        let order = order_by.map(Into::into).unwrap_or_default();
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let db = reading.api.reads.db();
        let slice = messages::list(&db, tenant, &filter, order, &page).await;
        let slice = slice.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count =
            count_later(async move { messages::count(&db, tenant, &filter).await.map_err(|error| api.failed(&error)) });
        Ok(MessageConnection::new(slice, count, |row| Message::new(row, reading.personal(), Tables::Live)))
    }

    /// Messages that a provider may or may not have accepted, oldest first; at most 200.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + PAGE.largest * child_complexity")]
    async fn in_doubt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Message>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let rows = messages::in_doubt_of(&reading.api.reads.db(), tenant, PAGE.largest).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| Message::new(row, reading.personal(), Tables::Live)).collect())
    }
}
