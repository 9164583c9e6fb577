//! The timeline of a customer.

use async_graphql::{ComplexObject, Context, ID, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::consent::event as consent;
use crate::domain::conversation::event as conversation;
use crate::graphql::activity::object::Activity;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::flat::{Boxed, Flat};
use crate::graphql::engine::id::{Of, global_in};
use crate::graphql::engine::money::Money;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::resume::Resume;
use crate::graphql::engine::words::{Channel, ConsentState, ConversationState, Direction, MessageState, TimelineKind};
use crate::graphql::message::object::{Engagement, Message};
use crate::ids::{ActivityId, CampaignId, ConversationId, CustomerId, EventId, ImportId, MessageId, NoteId};
use crate::queries::timeline::{TimelineFilter, TimelineRow};
use crate::queries::{Page, timeline};

connection!(
    /// A timeline, newest first.
    TimelineConnection,
    TimelineEdge,
    TimelineEntry
);

/// Restricts the entries; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct TimelineFilterInput {
    /// Any of these kinds.
    kinds: Option<Vec<TimelineKind>>,
    /// Any of these channels.
    channels: Option<Vec<Channel>>,
    /// Only messages of this direction.
    direction: Option<Direction>,
    /// Only messages of this campaign.
    campaign_id: Option<Of<CampaignId>>,
    /// Only entries of this conversation.
    conversation_id: Option<Of<ConversationId>>,
    /// Caused by this actor, such as `key:<id>`, `process:dispatcher`, `provider:simulator`.
    author: Option<String>,
    /// From this time on.
    since: Option<DateTime<Utc>>,
    /// Before this time.
    until: Option<DateTime<Utc>>,
    /// Only pinned notes.
    pinned: Option<bool>,
}

impl From<TimelineFilterInput> for TimelineFilter {
    fn from(input: TimelineFilterInput) -> Self {
        Self {
            kinds: input.kinds.unwrap_or_default().into_iter().map(Into::into).collect(),
            channels: input.channels.unwrap_or_default().into_iter().map(Into::into).collect(),
            direction: input.direction.map(Into::into),
            campaign_id: input.campaign_id.map(|id| id.0),
            conversation_id: input.conversation_id.map(|id| id.0),
            author: input.author,
            since: input.since,
            until: input.until,
            pinned: input.pinned.unwrap_or(false),
        }
    }
}

/// One entry of a timeline. A message's delivery, opens and clicks are part of the message's own entry.
#[derive(SimpleObject, Clone)]
pub struct TimelineEntry {
    /// The global id; with `asOf`, of the entry as of that moment.
    pub id: ID,
    /// In a query, the position of the event that began the entry; in a subscription, of the event that changed it: a
    /// subscription `after` this position continues from here.
    pub position: Resume,
    /// The kind, which decides which of `message`, `activity`, `note`, `consent`, `conversation` is present.
    kind: TimelineKind,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The actor.
    author: Author,
    /// The channel of a message, consent or conversation.
    channel: Option<Channel>,
    /// Of messages.
    direction: Option<Direction>,
    /// The campaign that it belongs to.
    campaign_id: Option<Of<CampaignId>>,
    /// The conversation that it belongs to.
    conversation_id: Option<Of<ConversationId>>,
    /// The import that recorded it.
    import_id: Option<Of<ImportId>>,
    /// The first event of an entry that has no object below.
    event_id: Option<Of<EventId>>,
    /// Of messages.
    message: Option<Flat<TimelineMessage>>,
    /// The activity, for orders, invoices, payments, shipments, appointments and custom activities.
    activity: Option<Flat<TimelineActivity>>,
    /// The note.
    note: Option<Flat<TimelineNote>>,
    /// The change of consent.
    consent: Option<Flat<TimelineConsent>>,
    /// The change of a conversation.
    conversation: Option<Flat<TimelineConversation>>,
}

/// A message in a timeline.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct TimelineMessage {
    /// The message's id.
    message_id: Of<MessageId>,
    /// The current state.
    state: MessageState,
    /// The subject. Personal.
    subject: Option<String>,
    /// The first 280 characters of the body. Personal.
    preview: Option<String>,
    /// When it reached the device or mailbox.
    delivered_at: Option<DateTime<Utc>>,
    /// Opens, as reported and as classified.
    opens: Flat<Engagement>,
    /// Clicks, as reported and as classified.
    clicks: Flat<Engagement>,
    /// Replies.
    replies: i64,
    #[graphql(skip)]
    tables: Tables,
}

#[ComplexObject]
impl TimelineMessage {
    /// The whole message.
    async fn details(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        Message::load_from(ctx, self.message_id.0, self.tables.clone()).await
    }
}

/// An activity in a timeline.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct TimelineActivity {
    /// The activity's id.
    activity_id: Of<ActivityId>,
    /// The name of a custom activity.
    name: Option<String>,
    /// A title for people. Personal.
    title: Option<String>,
    /// The tenant's own number for it.
    reference: Option<String>,
    /// Such as `paid`, `cancelled`.
    status: Option<String>,
    /// The total.
    amount: Option<Money>,
    /// The number of line items.
    line_count: i64,
    #[graphql(skip)]
    tables: Tables,
}

#[ComplexObject]
impl TimelineActivity {
    /// The whole activity.
    async fn details(&self, ctx: &Context<'_>) -> Result<Option<Activity>> {
        Activity::load_from(ctx, self.activity_id.0, self.tables.clone()).await
    }
}

/// A private note.
#[derive(SimpleObject, Clone)]
pub struct TimelineNote {
    /// The note's id.
    note_id: Of<NoteId>,
    /// The note. Personal.
    text: Option<String>,
    /// Whether the note is pinned to the top.
    pinned: bool,
}

/// A change of consent.
#[derive(SimpleObject, Clone)]
pub struct TimelineConsent {
    /// The topic; `all` stands for every topic of the channel.
    topic: Option<String>,
    /// The resulting state.
    state: Option<ConsentState>,
}

/// A change of a conversation.
#[derive(SimpleObject, Clone)]
pub struct TimelineConversation {
    /// The conversation's id.
    conversation_id: Of<ConversationId>,
    /// The resulting state.
    state: Option<ConversationState>,
    /// The agent assigned from then on.
    assignee: Option<String>,
}

impl TimelineEntry {
    /// The type in global ids.
    pub const TYPE: &'static str = "TimelineEntry";

    /// An entry out of given tables, by what names it in its global id.
    pub async fn load_by_key(ctx: &Context<'_>, key: &str, tables: &Tables) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let mut parts = key.split(':');
        let (customer, micros, position) = (parts.next(), parts.next(), parts.next());
        let customer = customer.and_then(|text| Uuid::try_parse(text).ok());
        let occurred_at = micros.and_then(|text| DateTime::from_timestamp_micros(text.parse().ok()?));
        let position = position.and_then(|text| text.parse().ok());
        let (Some(customer), Some(occurred_at), Some(position)) = (customer, occurred_at, position) else {
            return Ok(None);
        };
        let (db, tenant) = (tables.db(reading.api), reading.session.principal.tenant);
        let row = timeline::entry(&db, tenant, customer.into(), occurred_at, position).await;
        let row = row.map_err(|error| reading.api.failed(&error))?;
        Ok(row.map(|row| Self::new(row, reading.personal(), tables)))
    }

    /// The entry of a note, out of the live tables.
    pub async fn of_note(ctx: &Context<'_>, id: NoteId) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = timeline::of_note(&reading.api.reads.db(), reading.session.principal.tenant, id).await;
        let row = row.map_err(|error| reading.api.failed(&error))?;
        Ok(row.map(|row| Self::new(row, reading.personal(), &Tables::Live)))
    }

    /// An entry as a key may see it.
    pub fn new(row: TimelineRow, personal: bool, tables: &Tables) -> Self {
        let kind: TimelineKind = row.kind.into();
        let key = format_args!("{}:{}:{}", row.customer_id, row.occurred_at.timestamp_micros(), row.position);
        let mut entry = Self {
            id: global_in(Self::TYPE, key, tables),
            position: row.position.into(),
            kind,
            occurred_at: row.occurred_at,
            author: Author::new(row.author),
            channel: row.channel.map(Into::into),
            direction: row.direction.map(Into::into),
            campaign_id: row.campaign_id.map(Of),
            conversation_id: row.conversation_id.map(Of),
            import_id: row.import_id.map(Of),
            event_id: None,
            message: None,
            activity: None,
            note: None,
            consent: None,
            conversation: None,
        };
        match kind {
            TimelineKind::Message => {
                entry.message = Some(Flat(TimelineMessage {
                    message_id: Of(row.entry_id.into()),
                    state: row.message_state.map_or(MessageState::Queued, Into::into),
                    subject: row.message_subject.filter(|_| personal),
                    preview: row.message_preview.filter(|_| personal),
                    delivered_at: row.delivered_at,
                    opens: Flat(Engagement::new(row.opened_count, row.opened_human_count, row.opened_machine_count)),
                    clicks: Flat(Engagement::new(
                        row.clicked_count,
                        row.clicked_human_count,
                        row.clicked_machine_count,
                    )),
                    replies: row.replied_count.unwrap_or(0),
                    tables: tables.clone(),
                }));
            }
            TimelineKind::Note => {
                let text = row.note.filter(|_| personal);
                entry.note = Some(Flat(TimelineNote { note_id: Of(row.entry_id.into()), text, pinned: row.pinned }));
            }
            TimelineKind::Consent => {
                entry.event_id = Some(Of(row.entry_id.into()));
                entry.consent = Some(Flat(TimelineConsent {
                    topic: row.detail,
                    state: row
                        .result
                        .as_deref()
                        .and_then(|word| word.parse::<consent::ConsentState>().ok())
                        .map(Into::into),
                }));
            }
            TimelineKind::Conversation => {
                entry.conversation = Some(Flat(TimelineConversation {
                    conversation_id: Of(row.entry_id.into()),
                    state: row
                        .result
                        .as_deref()
                        .and_then(|word| word.parse::<conversation::ConversationState>().ok())
                        .map(Into::into),
                    assignee: row.detail,
                }));
            }
            TimelineKind::Registered => entry.event_id = Some(Of(row.entry_id.into())),
            _ => {
                entry.activity = Some(Flat(TimelineActivity {
                    activity_id: Of(row.entry_id.into()),
                    name: row.activity_name,
                    title: row.activity_title.filter(|_| personal),
                    reference: row.activity_reference,
                    status: row.activity_status,
                    amount: Money::of(row.amount_micros, row.currency),
                    line_count: row.line_count.unwrap_or(0),
                    tables: tables.clone(),
                }));
            }
        }
        entry
    }
}

/// The page that the arguments ask for; a date to jump to takes the place of `after`.
pub fn page(
    at: Option<DateTime<Utc>>,
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<Page> {
    match (at, &after, last) {
        (None, ..) => crate::graphql::engine::connection::page(first, after, last, before),
        (Some(at), None, None) => {
            let after = timeline::cursor_at(at).as_str().to_owned();
            crate::graphql::engine::connection::page(first, Some(after), last, before)
        }
        (Some(_), ..) => Err(bad_argument("at", "jumps to a date; page on with `first` and `after` alone")),
    }
}

/// A page of a customer's timeline.
pub async fn of_customer(
    reading: Reading<'_>,
    tables: &Tables,
    customer: CustomerId,
    filter: Option<TimelineFilterInput>,
    page: &Page,
) -> Result<Boxed<TimelineConnection>> {
    let tenant = reading.session.principal.tenant;
    let filter: TimelineFilter = filter.unwrap_or_default().into();
    let db = tables.db(reading.api);
    let slice = timeline::of_customer(&db, tenant, customer, &filter, page)
        .await
        .map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move {
        timeline::count_of_customer(&db, tenant, customer, &filter).await.map_err(|error| api.failed(&error))
    });
    let personal = reading.personal();
    Ok(TimelineConnection::new(slice, count, |row| TimelineEntry::new(row, personal, tables)))
}
