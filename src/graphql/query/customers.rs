//! Customers and what belongs to them.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use crate::graphql::api::{Reading, Tables};
use crate::graphql::connection::{count_later, page, page_cost};
use crate::graphql::failure::field_refused;
use crate::graphql::flat::Boxed;
use crate::graphql::guard::May;
use crate::graphql::id::Of;
use crate::graphql::model::activity::{ActivityConnection, ActivityFilterInput};
use crate::graphql::model::consent::Consent;
use crate::graphql::model::conversation::{Conversation, ConversationConnection, ConversationFilterInput};
use crate::graphql::model::customer::{Customer, CustomerConnection};
use crate::graphql::model::event::AsOfInput;
use crate::graphql::model::message::Message;
use crate::graphql::model::suppression::{SuppressionConnection, SuppressionFilterInput};
use crate::graphql::model::timeline::{TimelineConnection, TimelineFilterInput};
use crate::graphql::model::{activity, conversation, suppression, timeline};
use crate::graphql::principal::Permission;
use crate::graphql::scalar::{Cursor, Long};
use crate::ids::{ConversationId, CustomerId, ImportId, MessageId};
use crate::queries::customers::{self, CustomerFilter};
use crate::queries::messages;

/// Which customers are asked for; what is left out does not restrict.
#[derive(InputObject, Default)]
pub struct CustomerFilterInput {
    /// Beginnings of words of the name, of an address or of the external id; all must occur. Needs sight of personal
    /// data.
    search: Option<String>,
    /// Sales territory.
    territory: Option<String>,
    /// Such as `retail`, `wholesale`.
    account_type: Option<String>,
    /// Such as `high`, `normal`.
    priority: Option<String>,
    /// The user who looks after the customer.
    owner: Option<String>,
    /// Industry.
    industry: Option<String>,
    /// All of these.
    tags: Option<Vec<String>>,
    /// At least this lead score.
    lead_score_min: Option<Long>,
    /// At most this lead score.
    lead_score_max: Option<Long>,
    /// With, or without, a mailbox.
    has_email: Option<bool>,
    /// With, or without, a phone number.
    has_phone: Option<bool>,
    /// Only the customer that activities without a customer go to, or all but that one.
    anonymous: Option<bool>,
    /// Registered by this import.
    import_id: Option<Of<ImportId>>,
    /// Registered from this time on.
    registered_since: Option<DateTime<Utc>>,
    /// Registered before this time.
    registered_until: Option<DateTime<Utc>>,
    /// Forgotten ones too.
    #[graphql(default)]
    include_forgotten: bool,
}

impl From<CustomerFilterInput> for CustomerFilter {
    fn from(input: CustomerFilterInput) -> Self {
        Self {
            search: input.search,
            territory: input.territory,
            account_type: input.account_type,
            priority: input.priority,
            owner: input.owner,
            industry: input.industry,
            tags: input.tags.unwrap_or_default(),
            lead_score_min: input.lead_score_min.map(|score| score.0),
            lead_score_max: input.lead_score_max.map(|score| score.0),
            has_email: input.has_email,
            has_phone: input.has_phone,
            anonymous: input.anonymous,
            import_id: input.import_id.map(|id| id.0.uuid()),
            registered_since: input.registered_since,
            registered_until: input.registered_until,
            include_forgotten: input.include_forgotten,
        }
    }
}

/// Customers and what belongs to them.
#[derive(Default)]
pub struct CustomerQueries;

#[Object]
impl CustomerQueries {
    /// One customer, forgotten ones too; null if there is none. The id of a merged customer stands for the one that it
    /// was merged into. With `asOf`: as the customer was at that moment, and everything that hangs on it too (later
    /// erasures apply); before a merge, each of the two as it was.
    #[graphql(guard = "May(Permission::Read)")]
    async fn customer(
        &self,
        ctx: &Context<'_>,
        id: Of<CustomerId>,
        as_of: Option<AsOfInput>,
        wait_for: Option<Cursor>,
    ) -> Result<Option<Customer>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        Customer::load_from(ctx, id.0, reading.tables(id.0, as_of).await?).await
    }

    /// Customers, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        filter: Option<CustomerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<CustomerConnection>> {
        let reading = Reading::of(ctx)?;
        let filter: CustomerFilter = filter.unwrap_or_default().into();
        if filter.search.is_some() && !reading.personal() {
            // Whoever may not see names could otherwise guess them, a letter at a time.
            return Err(field_refused("PERSONAL_DATA_REFUSED", "this API key may not search by personal data"));
        }
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let db = reading.api.reads.db();
        let slice = customers::list(&db, tenant, &filter, &page).await.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count =
            count_later(
                async move { customers::count(&db, tenant, &filter).await.map_err(|error| api.failed(&error)) },
            );
        CustomerConnection::new(slice, count, |row| Ok(Customer::new(row, reading, Tables::Live)))
    }

    /// Everything that happened with a customer, newest first: messages, orders and other activities, notes, consent.
    /// With `asOf`: as it was at that moment (later erasures apply).
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        filter: Option<TimelineFilterInput>,
        #[graphql(desc = "Jumps to a date: the page begins with the newest entry at or before it.")] at: Option<
            DateTime<Utc>,
        >,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        as_of: Option<AsOfInput>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<TimelineConnection>> {
        let reading = Reading::of(ctx)?;
        let page = timeline::page(at, first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        let tables = reading.tables(customer_id.0, as_of).await?;
        timeline::of_customer(reading, &tables, customer_id.0, filter, &page).await
    }

    /// One message, with its whole history and the reasons for each decision; null if there is none.
    #[graphql(guard = "May(Permission::Read)")]
    async fn message(&self, ctx: &Context<'_>, id: Of<MessageId>, wait_for: Option<Cursor>) -> Result<Option<Message>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Message::load(ctx, id.0).await
    }

    /// Messages of which nobody knows whether a provider took them, the oldest first; at most 200.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 200 * child_complexity")]
    async fn in_doubt(&self, ctx: &Context<'_>, wait_for: Option<Cursor>) -> Result<Vec<Message>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let rows = messages::in_doubt_of(&reading.api.reads.db(), tenant, 200).await;
        let rows = rows.map_err(|error| reading.api.failed(&error))?;
        rows.into_iter().map(|row| Message::new(row, reading.personal(), Tables::Live)).collect()
    }

    /// A customer's business activity, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn activities(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        filter: Option<ActivityFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ActivityConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        activity::of_customer(reading, &Tables::Live, customer_id.0, filter, &page).await
    }

    /// One conversation; null if there is none.
    #[graphql(guard = "May(Permission::Read)")]
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        id: Of<ConversationId>,
        wait_for: Option<Cursor>,
    ) -> Result<Option<Conversation>> {
        Reading::of(ctx)?.api.wait_for(wait_for).await?;
        Conversation::load_from(ctx, id.0, Tables::Live).await
    }

    /// The inbox: conversations, the one that moved last first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        filter: Option<ConversationFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<ConversationConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        conversation::list(reading, &Tables::Live, None, filter, &page).await
    }

    /// What a customer agreed to, as it stands, by channel and topic.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 5 * child_complexity")]
    async fn consents(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        as_of: Option<AsOfInput>,
        wait_for: Option<Cursor>,
    ) -> Result<Vec<Consent>> {
        let reading = Reading::of(ctx)?;
        reading.api.wait_for(wait_for).await?;
        let tables = reading.tables(customer_id.0, as_of).await?;
        let root = reading.person(&tables, customer_id.0).await?.root;
        let rows = crate::graphql::loaders::ConsentsOf(root).load(reading, &tables).await?;
        rows.into_iter().map(|row| Consent::new(row, reading.personal())).collect()
    }

    /// Addresses that nothing is sent to, newest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and a filter")]
    async fn suppressions(
        &self,
        ctx: &Context<'_>,
        filter: Option<SuppressionFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        wait_for: Option<Cursor>,
    ) -> Result<Boxed<SuppressionConnection>> {
        let reading = Reading::of(ctx)?;
        let page = page(first, after, last, before)?;
        reading.api.wait_for(wait_for).await?;
        suppression::list(reading, filter, &page).await
    }
}
