//! Conversations.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::customer::object::Customer;
use crate::graphql::engine::connection::{connection, count_later, page_cost};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::{Global, Of, global_in};
use crate::graphql::engine::loaders::{LastMessageOf, OneConversation};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::{Channel, ConversationPriority, ConversationState};
use crate::graphql::message::object::{Message, MessageConnection};
use crate::ids::{ConversationId, CustomerId};
use crate::queries::conversations::{ConversationFilter, ConversationRow};
use crate::queries::{Page, conversations, messages};

/// The order of a list of conversations.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "conversations::ConversationOrder")]
pub enum ConversationOrder {
    /// The most recently active first.
    RecentlyActive,
    /// The most recently started first.
    Newest,
    /// The one whose customer has waited longest for a reply first. Conversations whose customer does not wait are left out.
    LongestWaiting,
    /// The most urgent first, of these the most recently active. Resolved conversations are left out.
    MostUrgent,
}

connection!(
    /// Conversations, by default most recently active first.
    ConversationConnection,
    ConversationEdge,
    Conversation
);

/// Restricts conversations; omitted fields do not filter.
#[derive(InputObject, Default, Clone)]
pub struct ConversationFilterInput {
    /// Only conversations with this customer.
    customer_id: Option<Of<CustomerId>>,
    /// Any of these states.
    states: Option<Vec<ConversationState>>,
    /// Any of these channels.
    channels: Option<Vec<Channel>>,
    /// The assigned agent.
    assignee: Option<String>,
    /// Only unassigned conversations.
    unassigned: Option<bool>,
    /// The team that replies.
    team: Option<String>,
    /// Only conversations of this priority.
    priority: Option<ConversationPriority>,
    /// Only conversations with unread messages.
    unread: Option<bool>,
}

impl From<ConversationFilterInput> for ConversationFilter {
    fn from(input: ConversationFilterInput) -> Self {
        Self {
            customer_id: input.customer_id.map(|id| id.0),
            states: input.states.unwrap_or_default().into_iter().map(Into::into).collect(),
            channels: input.channels.unwrap_or_default().into_iter().map(Into::into).collect(),
            assignee: input.assignee,
            unassigned: input.unassigned.unwrap_or(false),
            team: input.team,
            priority: input.priority.map(|priority| priority.word().to_owned()),
            unread: input.unread.unwrap_or(false),
        }
    }
}

/// A conversation with one customer on one channel.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Conversation {
    /// The global id; with `asOf`, of the object as of that moment.
    pub id: ID,
    /// The customer.
    customer_id: Of<CustomerId>,
    /// The channel.
    channel: Channel,
    /// The current state.
    state: ConversationState,
    /// Snoozed until this time.
    snoozed_until: Option<DateTime<Utc>>,
    /// The assigned agent.
    assignee: Option<String>,
    /// The team that replies.
    team: Option<String>,
    /// How urgent it is.
    priority: ConversationPriority,
    /// The number of inbound messages that no agent has seen.
    unread: i64,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it last changed.
    changed_at: DateTime<Utc>,
    /// When the customer last wrote.
    last_inbound_at: Option<DateTime<Utc>>,
    /// When we last wrote.
    last_outbound_at: Option<DateTime<Utc>>,
    /// When the customer first wrote of what nobody has replied to since; null once we wrote, or it was resolved.
    waiting_since: Option<DateTime<Utc>>,
    #[graphql(skip)]
    key: ConversationId,
    #[graphql(skip)]
    tables: Tables,
}

impl Conversation {
    /// A conversation out of its row.
    pub fn new(row: ConversationRow, tables: Tables) -> Self {
        Self {
            id: global_in(ConversationId::TYPE, row.conversation_id, &tables),
            customer_id: Of(row.customer_id),
            channel: row.channel.into(),
            state: row.state.into(),
            snoozed_until: row.snoozed_until,
            assignee: row.assignee,
            team: row.team,
            priority: ConversationPriority::of(&row.priority),
            unread: row.unread,
            started_at: row.started_at,
            changed_at: row.changed_at,
            last_inbound_at: row.last_inbound_at,
            last_outbound_at: row.last_outbound_at,
            waiting_since: row.waiting_since,
            key: row.conversation_id,
            tables,
        }
    }

    /// A conversation out of given tables.
    pub async fn load_from(ctx: &Context<'_>, id: ConversationId, tables: Tables) -> Result<Option<Self>> {
        let row = OneConversation(id).load(Reading::of(ctx)?, &tables).await?;
        Ok(row.map(|row| Self::new(row, tables)))
    }
}

#[ComplexObject]
impl Conversation {
    /// The customer.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Customer::load_from(ctx, self.customer_id.0, self.tables.clone()).await
    }

    /// Its last message: `preview` is what an inbox shows of it.
    async fn last_message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        let reading = Reading::of(ctx)?;
        let last = LastMessageOf(self.key).load(reading, &self.tables).await?;
        Ok(last.map(|last| Message::new(last.message, reading.personal(), self.tables.clone())))
    }

    /// Its messages, newest first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<MessageConnection>> {
        let reading = Reading::of(ctx)?;
        let page = crate::graphql::engine::connection::page(first, after, last, before)?;
        let (tenant, id) = (reading.session.principal.tenant, self.key);
        let db = self.tables.db(reading.api);
        let slice =
            messages::of_conversation(&db, tenant, id, &page).await.map_err(|error| reading.api.failed(&error))?;
        let api = reading.api.clone();
        let count = count_later(async move {
            messages::count_of_conversation(&db, tenant, id).await.map_err(|error| api.failed(&error))
        });
        let personal = reading.personal();
        Ok(MessageConnection::new(slice, count, |row| Message::new(row, personal, self.tables.clone())))
    }
}

/// A page of conversations; of one customer, where one is given.
pub async fn list(
    reading: Reading<'_>,
    tables: &Tables,
    customer: Option<CustomerId>,
    filter: Option<ConversationFilterInput>,
    order: Option<ConversationOrder>,
    page: &Page,
) -> Result<Boxed<ConversationConnection>> {
    let tenant = reading.session.principal.tenant;
    let mut filter: ConversationFilter = filter.unwrap_or_default().into();
    filter.customer_id = customer.or(filter.customer_id);
    let order = order.map(Into::into).unwrap_or_default();
    let db = tables.db(reading.api);
    let slice = conversations::list(&db, tenant, &filter, order, page).await;
    let slice = slice.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move {
        conversations::count(&db, tenant, &filter, order).await.map_err(|error| api.failed(&error))
    });
    Ok(ConversationConnection::new(slice, count, |row| Conversation::new(row, tables.clone())))
}
