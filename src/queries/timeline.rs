//! A customer's timeline: messages, activities, notes, consent and conversation changes in one list, newest first.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::select::{Key, Select};
use super::{Cursor, Page, QueryError, Slice, customer_roots};
use crate::domain::value::Channel;
use crate::domain::value::Direction;
use crate::domain::value::message::MessageState;
use crate::domain::value::words;
use crate::ids::{CampaignId, ConversationId, CustomerId, ImportId, NoteId, Position, TenantId};
use crate::sql::{Db, Value, row};

const READING: &str = "timeline";

/// Newest first.
const KEY: Key = Key::descending("t.occurred_at, t.position", "tp");

words! {
    /// What an entry of a timeline is.
    TimelineKind, "kind of timeline entry" {
        /// A message, in or out.
        Message = "message",
        /// An order.
        Order = "order",
        /// An invoice.
        Invoice = "invoice",
        /// A payment.
        Payment = "payment",
        /// A shipment.
        Shipment = "shipment",
        /// An appointment.
        Appointment = "appointment",
        /// An activity of a kind that the tenant named.
        Custom = "custom",
        /// A private note.
        Note = "note",
        /// A change of consent.
        Consent = "consent",
        /// A change of a conversation.
        Conversation = "conversation",
        /// The customer became known.
        Registered = "registered",
    }
}

impl TimelineKind {
    /// Whether each event of this kind begins an entry of its own; the others may change an entry.
    #[must_use]
    pub const fn begins_with_each_event(self) -> bool {
        match self {
            Self::Consent | Self::Conversation | Self::Registered => true,
            Self::Message
            | Self::Order
            | Self::Invoice
            | Self::Payment
            | Self::Shipment
            | Self::Appointment
            | Self::Custom
            | Self::Note => false,
        }
    }
}

row! {
    /// An entry. Opens, clicks and delivery of a message do not stand on their own: the message's entry carries them.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TimelineRow {
        pub customer_id: CustomerId,
        pub occurred_at: DateTime<Utc>,
        pub position: Position,
        pub kind: TimelineKind,
        /// Of the message, activity, note or conversation; otherwise of the event.
        pub entry_id: Uuid,
        /// Of messages, consent and conversations.
        pub channel: Option<Channel>,
        /// Of messages.
        pub direction: Option<Direction>,
        pub campaign_id: Option<CampaignId>,
        pub conversation_id: Option<ConversationId>,
        pub import_id: Option<ImportId>,
        /// Who acted: `key:<id>`, `process:<name>`, `provider:<name>`.
        pub author: String,
        /// Of notes.
        pub pinned: bool,
        /// The topic of a consent; the assignee of a conversation.
        pub detail: Option<String>,
        /// The resulting state of a consent or conversation; how we came to know of the customer.
        pub result: Option<String>,
        /// A note's text.
        pub note: Option<String>,

        /// See [`super::messages::MessageRow::state`].
        pub message_state: Option<MessageState>,
        pub message_subject: Option<String>,
        /// The first 280 characters of the body.
        pub message_preview: Option<String>,
        pub delivered_at: Option<DateTime<Utc>>,
        /// Every open that was reported.
        pub opened_count: Option<i64>,
        /// Those that were probably a person's.
        pub opened_human_count: Option<i64>,
        /// Those of proxies and scanners.
        pub opened_machine_count: Option<i64>,
        pub clicked_count: Option<i64>,
        pub clicked_human_count: Option<i64>,
        pub clicked_machine_count: Option<i64>,
        pub replied_count: Option<i64>,

        /// For custom activities, what it is.
        pub activity_name: Option<String>,
        pub activity_title: Option<String>,
        pub activity_reference: Option<String>,
        pub activity_status: Option<String>,
        pub amount_micros: Option<i64>,
        pub currency: Option<String>,
        pub line_count: Option<i64>,
    }
}

/// Which entries are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimelineFilter {
    /// Any of these kinds.
    pub kinds: Vec<TimelineKind>,
    /// Any of these channels.
    pub channels: Vec<Channel>,
    pub direction: Option<Direction>,
    pub campaign_id: Option<CampaignId>,
    pub conversation_id: Option<ConversationId>,
    pub author: Option<String>,
    pub since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
    /// Only pinned notes.
    pub pinned: bool,
}

/// What the messages and activities themselves know; joined to the few entries of a page.
const DETAILS: &str = "SELECT t.*, \
    m.state AS message_state, m.subject AS message_subject, SUBSTR(m.body, 1, 280) AS message_preview, m.delivered_at, \
    m.opened_count, m.opened_human_count, m.opened_machine_count, \
    m.clicked_count, m.clicked_human_count, m.clicked_machine_count, m.replied_count, \
    a.name AS activity_name, a.title AS activity_title, a.reference AS activity_reference, \
    a.status AS activity_status, a.amount_micros, a.currency, a.line_count \
    FROM (";

const ENTRIES: &str = "SELECT t.* FROM timeline t";

const JOINS: &str = ") t \
    LEFT JOIN messages m ON t.kind = 'message' AND m.tenant_id = t.tenant_id AND m.message_id = t.entry_id \
    LEFT JOIN activities a ON t.kind <> 'message' AND a.tenant_id = t.tenant_id AND a.activity_id = t.entry_id";

/// A page of a customer's timeline, with that of everybody who is part of the same person.
pub async fn of_customer(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    filter: &TimelineFilter,
    page: &Page,
) -> Result<Slice<TimelineRow>, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new(DETAILS, []);
    select.page_of_each(ENTRIES, KEY, page, &ids, |select, id| restrict(select, tenant, &[id], filter))?;
    select.push(JOINS, []);
    select.order(KEY, page.from_end);
    select.slice(db, READING, page, |row: &TimelineRow| vec![row.occurred_at.into(), row.position.into()]).await
}

/// The entry of a customer that an event began; absent if it was taken back.
pub async fn entry(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    occurred_at: DateTime<Utc>,
    position: Position,
) -> Result<Option<TimelineRow>, QueryError> {
    let mut select = Select::new(DETAILS, []);
    select.begin(ENTRIES);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_equal("t.customer_id", Some(customer.0));
    select.and_equal("t.occurred_at", Some(occurred_at));
    select.and_equal("t.position", Some(position));
    select.push(JOINS, []);
    select.optional(db, READING).await
}

/// The entry of a note.
pub async fn of_note(db: &Db, tenant: TenantId, note: NoteId) -> Result<Option<TimelineRow>, QueryError> {
    let mut select = Select::new(DETAILS, []);
    select.begin(ENTRIES);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and("t.kind = 'note'", []);
    select.and_equal("t.entry_id", Some(note.0));
    select.push(JOINS, []);
    select.optional(db, READING).await
}

/// How many of the entries of a customer, as [`of_customer`] returns them, a filter finds.
pub async fn count_of_customer(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    filter: &TimelineFilter,
) -> Result<u64, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new("SELECT COUNT(*) AS count FROM timeline t", []);
    restrict(&mut select, tenant, &ids, filter);
    select.count(db, READING).await
}

/// The cursor just before the newest entry at or before `time`: to jump to a date, page `after` it.
#[must_use]
pub fn cursor_at(time: DateTime<Utc>) -> Cursor {
    Cursor::of(&[time.into(), Value::Bytes(vec![u8::MAX; 16])])
}

fn restrict(select: &mut Select, tenant: TenantId, ids: &[CustomerId], filter: &TimelineFilter) {
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_in("t.customer_id", ids.iter().map(|id| id.0.into()));
    select.and_in("t.kind", filter.kinds.iter().map(|&kind| kind.into()));
    select.and_in("t.channel", filter.channels.iter().map(|&channel| channel.into()));
    select.and_equal("t.direction", filter.direction);
    select.and_equal("t.campaign_id", filter.campaign_id);
    select.and_equal("t.conversation_id", filter.conversation_id);
    select.and_equal("t.author", filter.author.clone());
    if filter.pinned {
        select.and("t.pinned", []);
    }
    if let Some(since) = filter.since {
        select.and("t.occurred_at >= ?", [since.into()]);
    }
    if let Some(until) = filter.until {
        select.and("t.occurred_at < ?", [until.into()]);
    }
}

/// The entries of customers that began between two positions (the later one included), or that are one of the given messages,
/// activities and notes: oldest first. For subscriptions.
pub async fn changed(
    db: &Db,
    tenant: TenantId,
    ids: &[CustomerId],
    between: std::ops::RangeInclusive<Position>,
    entries: &[Uuid],
) -> Result<Vec<TimelineRow>, QueryError> {
    let mut select = Select::new(DETAILS, []);
    select.begin(ENTRIES);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_in("t.customer_id", ids.iter().map(|id| id.0.into()));
    let (after, until) = between.into_inner();
    select.and("((t.position > ? AND t.position <= ?)", [after.into(), until.into()]);
    if !entries.is_empty() {
        let marks = vec!["?"; entries.len()].join(", ");
        let kinds = "t.kind NOT IN ('conversation', 'consent', 'registered')";
        select.push(&format!(" OR ({kinds} AND t.entry_id IN ({marks}))"), entries.iter().map(|&id| id.into()));
    }
    select.push(&format!("){JOINS}"), []);
    select.order(KEY, true);
    select.all(db, READING).await
}
