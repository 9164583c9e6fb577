//! Messages.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::attachment::Attachment;
use super::call::Call;
use super::received::{AutomaticKind, Received};
use super::template::MessageTemplate;
use crate::domain::value::inbound::{Automatic, Details};
use crate::graphql::conversation::object::Conversation;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, page_cost};
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::id::{Global, Of, global_in};
use crate::graphql::engine::loaders::{FilesOf, OneMessage, ReasonsOf};
use crate::graphql::engine::money::Money;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::{Channel, Direction, MessageClass, MessageState, ReasonState};
use crate::graphql::log::object::{EventConnection, Window, events_of_message, sent_page};
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, EventId, ImportId, MessageId};
use crate::queries::messages;
use crate::queries::messages::{MessageRow, ReasonRow};

connection!(
    /// Messages, newest first.
    MessageConnection,
    MessageEdge,
    Message
);

/// How often a message was opened or its links followed.
#[derive(SimpleObject, Debug, Clone)]
pub struct Engagement {
    /// All that were reported.
    total: i64,
    /// Those that were probably made by a person.
    human: i64,
    /// Those made by proxies and scanners.
    machine: i64,
}

impl Engagement {
    /// From the counts of a row.
    #[must_use]
    pub fn new(total: impl Into<Option<i64>>, human: impl Into<Option<i64>>, machine: impl Into<Option<i64>>) -> Self {
        let count = |count: Option<i64>| count.unwrap_or(0);
        Self { total: count(total.into()), human: count(human.into()), machine: count(machine.into()) }
    }
}

/// A state that a message reached.
#[derive(SimpleObject, Debug, Clone)]
pub struct Milestone {
    /// The state.
    state: MessageState,
    /// The first time, by the reporter's clock.
    first_at: DateTime<Utc>,
    /// How often it was reported.
    count: i64,
}

/// Why a message is, or was, in a state. Reasons are never removed.
#[derive(SimpleObject, Debug, Clone)]
pub struct Reason {
    /// The state that it explains.
    state: ReasonState,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The rule, the cause or the kind of complaint.
    reason: Option<String>,
    /// The retry class of a refusal or failure; `soft` or `hard` for a bounce.
    class: Option<String>,
    /// The provider's code.
    code: Option<String>,
    /// The end of a hold; the time of the next attempt.
    until: Option<DateTime<Utc>>,
    /// The rule's inputs.
    inputs: Option<async_graphql::Json<serde_json::Value>>,
    /// The provider's or receiving server's words. Personal.
    detail: Option<String>,
    /// The event that records it.
    event_id: Of<EventId>,
}

impl Reason {
    fn new(row: ReasonRow, personal: bool) -> Self {
        Self {
            state: row.state.into(),
            occurred_at: row.occurred_at,
            reason: row.reason,
            class: row.class,
            code: row.code,
            until: row.until,
            inputs: row.inputs.map(|inputs| async_graphql::Json(inputs.0)),
            detail: row.detail.filter(|_| personal),
            event_id: Of(row.event_id),
        }
    }
}

/// What a rule decided about a message.
#[derive(SimpleObject, Debug, Clone)]
pub struct RuleDecision {
    /// The rule, such as `consent`, `frequency_cap`, `quiet_hours`.
    rule: String,
    /// `HELD` or `SUPPRESSED`.
    outcome: MessageState,
    /// The rule's inputs: the limit and the count, the window, the time zone, the local time.
    inputs: Option<async_graphql::Json<serde_json::Value>>,
    /// When it was decided.
    at: DateTime<Utc>,
    /// The end of the hold.
    until: Option<DateTime<Utc>>,
    /// The event that records it.
    event_id: Of<EventId>,
}

impl RuleDecision {
    fn new(row: ReasonRow) -> Option<Self> {
        let outcome = match row.state {
            messages::ReasonState::Held => MessageState::Held,
            messages::ReasonState::Suppressed => MessageState::Suppressed,
            messages::ReasonState::Cancelled
            | messages::ReasonState::Refused
            | messages::ReasonState::InDoubt
            | messages::ReasonState::Deferred
            | messages::ReasonState::Bounced
            | messages::ReasonState::Failed
            | messages::ReasonState::Complained => return None,
        };
        Some(Self {
            rule: row.reason?,
            outcome,
            inputs: row.inputs.map(|inputs| async_graphql::Json(inputs.0)),
            at: row.occurred_at,
            until: row.until,
            event_id: Of(row.event_id),
        })
    }
}

/// A message, in or out, on any channel.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Message {
    /// The global id; with `asOf`, of the object as of that moment.
    pub id: ID,
    /// The customer that wrote or receives it.
    customer_id: Of<CustomerId>,
    /// The direction.
    direction: Direction,
    /// The channel.
    channel: Channel,
    /// The furthest state that it reached.
    state: MessageState,
    /// Its class; outbound only.
    class: Option<MessageClass>,
    /// The topic whose consent was checked.
    topic: Option<String>,
    /// The campaign that it belongs to.
    campaign_id: Option<Of<CampaignId>>,
    /// The campaign's variant.
    variant: Option<String>,
    /// The conversation that it belongs to.
    conversation_id: Option<Of<ConversationId>>,
    /// The customer's address.
    address_id: Option<Of<AddressId>>,
    /// The message that it replies to.
    in_reply_to: Option<Of<MessageId>>,
    /// The import that recorded it.
    import_id: Option<Of<ImportId>>,
    /// The actor that requested or recorded it.
    author: Author,
    /// When it was requested or received.
    created_at: DateTime<Utc>,
    /// Not sent before this time.
    send_at: Option<DateTime<Utc>>,
    /// The latest end of a hold.
    held_until: Option<DateTime<Utc>>,
    /// The time of the latest scheduled retry.
    retry_at: Option<DateTime<Utc>>,
    /// Every state that it reached, in order of the first time.
    milestones: Vec<Flat<Milestone>>,
    /// Opens, as reported and as classified.
    opens: Flat<Engagement>,
    /// Clicks, as reported and as classified.
    clicks: Flat<Engagement>,
    /// How the call ended, if it is one that is over.
    call: Option<Call>,
    /// The provider that accepted or delivered it.
    provider: Option<String>,
    /// The provider's account.
    account: Option<String>,
    /// The sending domain.
    domain: Option<String>,
    /// The provider's id of the message.
    provider_message_id: Option<String>,
    /// SMS segments.
    segments: Option<i64>,
    /// The cost.
    cost: Option<Money>,
    /// The kind of machine that wrote it; absent: a person, as far as is known. A machine's mail is never a reply.
    automatic: Option<AutomaticKind>,
    /// True if a machine wrote it.
    is_automatic: bool,
    /// The global id of our message that a machine's mail is about.
    about: Option<Of<MessageId>>,
    /// What is known of it beside sender, receiver, subject and text, if it came in. Personal.
    received: Option<Received>,
    /// The sender's address. Personal.
    from: Option<String>,
    /// The receiver's address. Personal.
    to: Option<String>,
    /// The subject. Personal.
    subject: Option<String>,
    /// The text. Personal; null for the mails of campaigns, which are made when they are sent: see `html`.
    body: Option<String>,
    /// The template that it was made of.
    template: Option<MessageTemplate>,
    /// The beginning of the text, or else the subject, in one line of at most 140 characters. Personal.
    preview: Option<String>,
    /// Only what a template made has a page, and only the log holds it.
    #[graphql(skip)]
    is_page: bool,
    #[graphql(skip)]
    began: crate::ids::Position,
    #[graphql(skip)]
    key: MessageId,
    #[graphql(skip)]
    tables: Tables,
}

impl Message {
    /// A message as a key may see it.
    pub fn new(row: MessageRow, personal: bool, tables: Tables) -> Self {
        let (milestones, template) = (milestones(&row), MessageTemplate::of(&row));
        let is_page = row.channel == crate::domain::value::Channel::Email && template.is_some();
        let automatic = row.automatic.as_deref().and_then(|word| word.parse::<Automatic>().ok()).map(Into::into);
        let call = Call::of(&row);
        let details = row.details.and_then(|details| serde_json::from_value::<Details>(details.0).ok());
        Self {
            id: global_in(MessageId::TYPE, row.message_id, &tables),
            customer_id: Of(row.customer_id),
            direction: row.direction.into(),
            channel: row.channel.into(),
            state: row.state.into(),
            class: row.class.map(Into::into),
            topic: row.topic,
            campaign_id: row.campaign_id.map(Of),
            variant: row.variant,
            conversation_id: row.conversation_id.map(Of),
            address_id: row.address_id.map(Of),
            in_reply_to: row.in_reply_to.map(Of),
            import_id: row.import_id.map(Of),
            author: Author::new(row.actor),
            created_at: row.created_at,
            send_at: row.send_at,
            held_until: row.held_until,
            retry_at: row.retry_at,
            template,
            milestones,
            opens: Flat(Engagement::new(row.opened_count, row.opened_human_count, row.opened_machine_count)),
            clicks: Flat(Engagement::new(row.clicked_count, row.clicked_human_count, row.clicked_machine_count)),
            call,
            provider: row.provider,
            account: row.account,
            domain: row.domain,
            provider_message_id: row.provider_message_id.or_else(|| {
                details.as_ref().filter(|_| personal).and_then(|details| details.provider_message_id.clone())
            }),
            automatic,
            is_automatic: automatic.is_some(),
            about: row.about.and_then(|id| id.parse::<uuid::Uuid>().ok()).map(|id| Of(MessageId(id))),
            received: details.filter(|_| personal).map(Received::from),
            segments: row.segments,
            cost: Money::of(row.cost_micros, row.currency),
            from: row.from_address.filter(|_| personal),
            to: row.to_address.filter(|_| personal),
            preview: preview(row.body.as_deref(), row.subject.as_deref()).filter(|_| personal),
            subject: row.subject.filter(|_| personal),
            body: row.body.filter(|body| personal && !body.is_empty()),
            is_page,
            began: row.position,
            key: row.message_id,
            tables,
        }
    }

    /// A message out of the live tables.
    pub async fn load(ctx: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        Self::load_from(ctx, id, Tables::Live).await
    }

    /// A message out of given tables.
    pub async fn load_from(ctx: &Context<'_>, id: MessageId, tables: Tables) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = OneMessage(id).load(reading, &tables).await?;
        Ok(row.map(|row| Self::new(row, reading.personal(), tables)))
    }
}

/// The longest preview, in characters.
const PREVIEW: usize = 140;

/// The first words of a text in one line; of the first text that has any.
fn preview(body: Option<&str>, subject: Option<&str>) -> Option<String> {
    let text = [body, subject].into_iter().flatten().find(|text| !text.trim().is_empty())?;
    let mut preview = String::with_capacity(PREVIEW);
    let mut length = 0;
    for word in text.split_whitespace() {
        let room = PREVIEW - length - usize::from(length > 0);
        let letters = word.chars().count();
        if letters > room {
            // A long first word is cut, another one left out.
            preview.extend(word.chars().take(if length == 0 { PREVIEW - 1 } else { 0 }));
            preview.push('…');
            return Some(preview);
        }
        if length > 0 {
            preview.push(' ');
            length += 1;
        }
        preview.push_str(word);
        length += letters;
        if length >= PREVIEW {
            break;
        }
    }
    Some(preview)
}

fn milestones(row: &MessageRow) -> Vec<Flat<Milestone>> {
    use MessageState as S;
    let reached = [
        (S::Held, row.held_at, row.held_count),
        (S::Suppressed, row.suppressed_at, row.suppressed_count),
        (S::Cancelled, row.cancelled_at, row.cancelled_count),
        (S::Dispatching, row.dispatching_at, row.dispatching_count),
        (S::InDoubt, row.in_doubt_at, row.in_doubt_count),
        (S::Sent, row.sent_at, row.sent_count),
        (S::Deferred, row.deferred_at, row.deferred_count),
        (S::Delivered, row.delivered_at, row.delivered_count),
        (S::Bounced, row.bounced_at, row.bounced_count),
        (S::Failed, row.failed_at, row.failed_count),
        (S::Opened, row.opened_at, row.opened_count),
        (S::Clicked, row.clicked_at, row.clicked_count),
        (S::Replied, row.replied_at, row.replied_count),
        (S::Complained, row.complained_at, row.complained_count),
        (S::OptedOut, row.opted_out_at, row.opted_out_count),
    ];
    let began = if row.direction == crate::domain::value::Direction::Inbound { S::Received } else { S::Queued };
    let mut milestones = vec![Flat(Milestone { state: began, first_at: row.created_at, count: 1 })];
    milestones.extend(
        reached
            .into_iter()
            .filter_map(|(state, first_at, count)| Some(Flat(Milestone { state, first_at: first_at?, count }))),
    );
    milestones.sort_by_key(|milestone| milestone.0.first_at);
    milestones
}

#[ComplexObject]
impl Message {
    /// The customer that wrote or receives it.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Customer::load_from(ctx, self.customer_id.0, self.tables.clone()).await
    }

    /// The conversation that it belongs to.
    async fn conversation(&self, ctx: &Context<'_>) -> Result<Option<Conversation>> {
        match &self.conversation_id {
            Some(id) => Conversation::load_from(ctx, id.0, self.tables.clone()).await,
            None => Ok(None),
        }
    }

    /// Why it is, or was, in its states: the rules that held or suppressed it, with their inputs, and the provider's
    /// refusals. Oldest first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn reasons(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Reason>>> {
        let reading = Reading::of(ctx)?;
        let rows = ReasonsOf(self.key).load(reading, &self.tables).await?;
        Ok(rows.into_iter().map(|row| Flat(Reason::new(row, reading.personal()))).collect())
    }

    /// Why it was held or not sent: each decision of a rule, oldest first. Empty: no rule applied.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn decisions(&self, ctx: &Context<'_>) -> Result<Vec<Flat<RuleDecision>>> {
        let rows = ReasonsOf(self.key).load(Reading::of(ctx)?, &self.tables).await?;
        Ok(rows.into_iter().filter_map(RuleDecision::new).map(Flat).collect())
    }

    /// The message's files.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn attachments(&self, ctx: &Context<'_>) -> Result<Vec<Flat<Attachment>>> {
        let reading = Reading::of(ctx)?;
        let rows = FilesOf(self.key).load(reading, &self.tables).await?;
        let seen = |row| Flat(Attachment::new(row, reading, &self.tables));
        Ok(rows.into_iter().map(seen).collect())
    }

    /// The page of an email that was sent, as it was made: links are those of its author. The mails of campaigns are made again, of the
    /// same template and values; what is known of the customer may have changed. Personal; null if it has none.
    #[graphql(complexity = 20)]
    async fn html(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        if !self.is_page || !Reading::of(ctx)?.personal() {
            return Ok(None);
        }
        sent_page(ctx, self.customer_id.0, self.key, self.began).await
    }

    /// Its whole history: every event about it in the log, in order.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most, from the start: 1 to 200, by default 50.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many at most, from the end: 1 to 200. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let window = Window { first, after, last, before };
        events_of_message(ctx, self.customer_id.0, self.key, self.began, window).await
    }
}
