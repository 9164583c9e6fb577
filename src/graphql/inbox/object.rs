//! The inbox: how many conversations there are of each sort, those of one of them, and which moved.

use async_graphql::{Context, Object, Result, SimpleObject};

use crate::graphql::conversation::object as conversation;
use crate::graphql::conversation::object::{
    Conversation, ConversationConnection, ConversationFilterInput, ConversationOrder,
};
use crate::graphql::engine::connection::{page, page_cost};
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::id::Of;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::graphql::engine::words::Channel;
use crate::ids::ConversationId;
use crate::queries::inbox;
use crate::queries::inbox::{Counts, Moved, Tally};

/// The number of conversations in each state.
#[derive(SimpleObject, Debug, Clone)]
pub struct ConversationCounts {
    /// Conversations that await a reply from us.
    open: i64,
    /// Conversations that await the customer.
    pending: i64,
    /// Snoozed conversations.
    snoozed: i64,
    /// Resolved conversations.
    resolved: i64,
    /// Conversations with unread messages, in any state.
    unread: i64,
    /// The number of inbound messages that no agent has seen.
    unread_messages: i64,
}

impl From<Tally> for ConversationCounts {
    fn from(tally: Tally) -> Self {
        let Tally { open, pending, snoozed, resolved, unread, unread_messages } = tally;
        Self { open, pending, snoozed, resolved, unread, unread_messages }
    }
}

/// The conversations of an assignee or team, or of a priority.
#[derive(SimpleObject, Debug, Clone)]
pub struct ConversationGroup {
    /// The assignee, team or priority; null if none is set.
    name: Option<String>,
    /// The counts.
    counts: Flat<ConversationCounts>,
}

/// The conversations of a channel.
#[derive(SimpleObject, Debug, Clone)]
pub struct ConversationsOfChannel {
    /// The channel.
    channel: Channel,
    /// The counts.
    counts: Flat<ConversationCounts>,
}

/// An inbox: figures of all sorts at once, and a list.
pub struct Inbox {
    counts: Counts,
    filter: ConversationFilterInput,
}

impl Inbox {
    /// The inbox that a filter finds.
    pub async fn load(reading: Reading<'_>, filter: ConversationFilterInput) -> Result<Self> {
        let tenant = reading.session.principal.tenant;
        let counts = inbox::counts(&reading.api.reads.db(), tenant, &filter.clone().into()).await;
        Ok(Self { counts: counts.map_err(|error| reading.api.failed(&error))?, filter })
    }

    fn groups<'a>(&'a self, name: impl Fn(&'a inbox::SortRow) -> Option<&'a str>) -> Vec<Flat<ConversationGroup>> {
        let groups = self.counts.by(name).into_iter();
        groups
            .map(|(name, tally)| Flat(ConversationGroup { name: name.map(str::to_owned), counts: Flat(tally.into()) }))
            .collect()
    }
}

/// An inbox: all counts at once, and a list. The projector maintains the counts, so they cost the same for any number
/// of conversations.
#[Object]
impl Inbox {
    /// Counts of all conversations that match the filter.
    async fn all(&self) -> Flat<ConversationCounts> {
        Flat(self.counts.tally(|_| true).into())
    }

    /// Counts of the conversations assigned to an agent; with the user's own name, of "mine".
    async fn assigned(
        &self,
        #[graphql(desc = "The assignee's name, as in conversations.")] assignee: String,
    ) -> Flat<ConversationCounts> {
        Flat(self.counts.tally(|row| row.assignee.as_deref() == Some(assignee.as_str())).into())
    }

    /// Counts of the unassigned conversations.
    async fn unassigned(&self) -> Flat<ConversationCounts> {
        Flat(self.counts.tally(|row| row.assignee.is_none()).into())
    }

    /// By assignee; null: unassigned.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn by_assignee(&self) -> Vec<Flat<ConversationGroup>> {
        self.groups(|row| row.assignee.as_deref())
    }

    /// By team; null: no team.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn by_team(&self) -> Vec<Flat<ConversationGroup>> {
        self.groups(|row| row.team.as_deref())
    }

    /// By priority.
    #[graphql(complexity = "1 + 4 * child_complexity")]
    async fn by_priority(&self) -> Vec<Flat<ConversationGroup>> {
        self.groups(|row| Some(row.priority.as_str()))
    }

    /// By channel.
    #[graphql(complexity = "1 + 6 * child_complexity")]
    async fn by_channel(&self) -> Vec<Flat<ConversationsOfChannel>> {
        let channels = self.counts.by(|row| row.channel).into_iter();
        channels
            .map(|(channel, tally)| {
                Flat(ConversationsOfChannel { channel: channel.into(), counts: Flat(tally.into()) })
            })
            .collect()
    }

    /// The conversations, by default most recently active first.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Relay's arguments and an order")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order; by default the one that moved last first.")] order_by: Option<ConversationOrder>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Boxed<ConversationConnection>> {
        let page = page(first, after, last, before)?;
        conversation::list(Reading::of(ctx)?, &Tables::Live, None, Some(self.filter.clone()), order_by, &page).await
    }
}

/// A change of a conversation: a message, an assignment, a new state, a read mark.
#[derive(SimpleObject, Clone)]
pub struct InboxChange {
    /// The channel.
    conversation_id: Of<ConversationId>,
    /// The conversation as it is now, if it matches the filter; null: remove it from the list.
    conversation: Option<Conversation>,
    /// The position of the change; a subscription `after` this position continues from here.
    position: Cursor,
}

impl InboxChange {
    /// A change out of its row.
    pub fn new(moved: Moved) -> Self {
        Self {
            conversation_id: Of(moved.conversation_id),
            conversation: moved.found.map(|row| Conversation::new(row, Tables::Live)),
            position: moved.position.into(),
        }
    }
}
