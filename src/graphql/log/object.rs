//! Events as the log holds them: the audit.

use async_graphql::{Context, ID, InputObject, Json, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::audit;
use super::audit::{Found, Wanted};
use crate::domain::event::Event as _;
use crate::domain::message::event::MessageQueued;
use crate::domain::tenant::event::TenantEvent;
use crate::exports::events::{Period, Selection};
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::PageInfo;
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::guard::require;
use crate::graphql::engine::id::{Of, global};
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::{Cursor, Long};
use crate::graphql::engine::words::StreamCategory;
use crate::ids::{CommandId, CorrelationId, CustomerId, EventId, MessageId, Position};
use crate::log::{Category, Personal, ReadLimit, RecordedEvent};

/// An event of the log.
#[derive(SimpleObject, Clone)]
pub struct Event {
    /// The global id.
    pub id: ID,
    /// Its position in the log.
    position: Cursor,
    /// Its stream, such as `customer-<uuid>`.
    stream: String,
    /// Its version in the stream, from 1.
    version: i64,
    /// The event's type, such as `MessageSent`.
    #[graphql(name = "type")]
    event_type: String,
    /// The version of its payload's schema, as stored.
    schema_version: i32,
    /// When it happened, e.g. by the provider's clock.
    occurred_at: DateTime<Utc>,
    /// When it was appended.
    recorded_at: DateTime<Utc>,
    /// The actor.
    actor: String,
    /// The same, with a name for people.
    author: Author,
    /// The command that produced it, if it has an idempotency key.
    command_id: Option<String>,
    /// The piece of work that it belongs to, such as an import.
    correlation_id: Option<String>,
    /// The event that led to it.
    causation_id: Option<Of<EventId>>,
    /// The subject whose key seals the personal part.
    subject_id: Option<String>,
    /// The log's epoch when it was appended.
    epoch: Long,
    /// The hash of the stream's chain up to and including this event, in hex.
    hash: String,
    /// The facts: JSON without personal data.
    data: Json<serde_json::Value>,
    /// The personal data. Null for keys that may not see it, and once the person was forgotten.
    personal: Option<Json<serde_json::Value>>,
    /// The state of the personal part.
    personal_part: PersonalPart,
}

/// The state of an event's personal part.
#[derive(async_graphql::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalPart {
    /// The event has none.
    None,
    /// The personal part is shown.
    Shown,
    /// This API key may not see it.
    Withheld,
    /// The person was forgotten: its key was destroyed.
    Erased,
}

impl Event {
    /// The tenant's event with an id, for a key that may read events. That its personal data was read is recorded.
    pub async fn load(ctx: &Context<'_>, id: EventId) -> Result<Option<Self>> {
        require(ctx, Permission::ReadEvents)?;
        let reading = Reading::of(ctx)?;
        let journal = reading.api.reads.journal();
        let found = journal.backend().find_event(id).await.map_err(|error| opaque(reading.api.ambient(), &error))?;
        let own = found.filter(|(stream, _)| stream.tenant == reading.session.principal.tenant);
        let Some((stream, version)) = own else { return Ok(None) };
        let found = journal.read_stream(stream, version.saturating_sub(1), ReadLimit::events(1)).await;
        let found = found.map_err(|error| opaque(reading.api.ambient(), &error))?;
        let Some(event) = found.into_iter().next() else { return Ok(None) };
        let personal = reading.personal();
        if personal && ctx.look_ahead().field("personal").exists() {
            audit::record_read(ctx, "events", std::slice::from_ref(&event)).await?;
        }
        Self::new(event, personal).map(Some).map_err(|error| opaque(reading.api.ambient(), &error))
    }

    /// An event as a key may see it.
    pub fn new(event: RecordedEvent, personal: bool) -> std::result::Result<Self, serde_json::Error> {
        let RecordedEvent { envelope, data, personal: sealed } = event;
        let (part, shown) = match sealed {
            Personal::None => (PersonalPart::None, None),
            Personal::Erased => (PersonalPart::Erased, None),
            Personal::Clear(_) if !personal => (PersonalPart::Withheld, None),
            Personal::Clear(bytes) => (PersonalPart::Shown, Some(Json(serde_json::from_slice(&bytes)?))),
        };
        Ok(Self {
            id: global(envelope.id),
            position: envelope.position.into(),
            stream: envelope.stream.to_string(),
            version: i64::try_from(envelope.version).unwrap_or(i64::MAX),
            event_type: envelope.event_type,
            schema_version: envelope.schema_version.into(),
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at,
            author: Author::new(envelope.actor.clone()),
            actor: envelope.actor,
            command_id: envelope.command_id.as_ref().map(CommandId::to_string),
            correlation_id: envelope.correlation_id.as_ref().map(CorrelationId::to_string),
            causation_id: envelope.causation_id.map(Of),
            subject_id: envelope.subject.as_ref().map(ToString::to_string),
            epoch: Long(envelope.epoch.into()),
            hash: hex::encode(envelope.hash),
            data: Json(serde_json::from_slice(&data)?),
            personal: shown,
            personal_part: part,
        })
    }
}

/// A stream by its name's parts.
#[derive(InputObject)]
pub struct StreamInput {
    /// The kind of the stream.
    category: StreamCategory,
    /// The aggregate's id.
    key: uuid::Uuid,
}

/// Restricts events; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct EventFilterInput {
    /// In the streams of this customer and of all records of the same person.
    customer_id: Option<Of<CustomerId>>,
    /// In this stream.
    stream: Option<StreamInput>,
    /// Of any of these types, such as `MessageQueued`.
    types: Option<Vec<String>>,
    /// Caused by this actor, such as `key:<id>`.
    actor: Option<String>,
    /// Belonging to this piece of work, such as an import.
    correlation_id: Option<uuid::Uuid>,
    /// Recorded from this time on.
    since: Option<DateTime<Utc>>,
    /// Recorded before this time.
    until: Option<DateTime<Utc>>,
}

impl From<EventFilterInput> for Selection {
    fn from(filter: EventFilterInput) -> Self {
        Self {
            customer: filter.customer_id.map(|id| id.0),
            stream: filter.stream.map(|stream| (stream.category.into(), stream.key)),
            types: filter.types.unwrap_or_default(),
            actor: filter.actor,
            correlation: filter.correlation_id,
            recorded: Period { since: filter.since, until: filter.until },
            happened: Period::default(),
        }
    }
}

/// Events in the order of the log.
///
/// Filters are applied while the log is read, and a page reads a limited part of it: a page may hold fewer entries than
/// asked for, or none, although more follow. `pageInfo` tells; `endCursor` is where the reading stopped.
#[derive(SimpleObject)]
pub struct EventConnection {
    /// The events with their cursors.
    edges: Vec<Flat<EventEdge>>,
    /// The events.
    nodes: Vec<Flat<Event>>,
    /// The page's place in the list.
    page_info: PageInfo,
}

/// An event, with its cursor.
#[derive(SimpleObject, Clone)]
pub struct EventEdge {
    /// The cursor for `after` or `before`: the event's position.
    cursor: String,
    /// The event.
    node: Flat<Event>,
}

impl EventConnection {
    /// A page of found events. That personal data was read in bulk is itself recorded, before it is handed out.
    async fn new(ctx: &Context<'_>, found: Found) -> Result<Self> {
        let reading = Reading::of(ctx)?;
        let field = ctx.look_ahead();
        let selected = ["nodes", "edges"].iter().any(|list| {
            let list = field.field(list);
            list.field("personal").exists() || list.field("node").field("personal").exists()
        });
        let personal = reading.personal();
        if selected && personal {
            audit::record_read(ctx, "events", &found.events).await?;
        }
        let mut nodes = Vec::with_capacity(found.events.len());
        for event in found.events {
            let event = Event::new(event, personal).map_err(|error| opaque(reading.api.ambient(), &error))?;
            nodes.push(Flat(event));
        }
        let edge = |node: &Flat<Event>| Flat(EventEdge { cursor: node.0.position.0.to_string(), node: node.clone() });
        let edges = if field.field("edges").exists() { nodes.iter().map(edge).collect() } else { Vec::new() };
        let page_info = PageInfo {
            has_next_page: found.has_next,
            has_previous_page: found.has_previous,
            start_cursor: found.start.map(|position| position.to_string()),
            end_cursor: found.end.map(|position| position.to_string()),
        };
        Ok(Self { edges, nodes, page_info })
    }
}

fn cursor(argument: &str, text: Option<String>) -> Result<Option<Position>> {
    text.map(|text| text.parse().map_err(|error| bad_argument(argument, error))).transpose()
}

/// The part of the events that a page shows, as Relay's arguments say it.
pub struct Window {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl Window {
    fn range(self) -> Result<audit::Range> {
        audit::Range::new(self.first, cursor("after", self.after)?, self.last, cursor("before", self.before)?)
    }
}

/// Whether events of these types stand in the tenant's own stream alone: it is short, and the rest of the log is not read.
fn are_of_tenant(types: &[String]) -> bool {
    let is_of_tenant = |name: &String| TenantEvent::TYPES.iter().any(|(known, _)| known == name);
    !types.is_empty() && types.iter().all(is_of_tenant)
}

/// A page of the tenant's events.
pub async fn events(ctx: &Context<'_>, filter: Option<EventFilterInput>, window: Window) -> Result<EventConnection> {
    let filter = filter.unwrap_or_default();
    let types = filter.types.unwrap_or_default();
    let reading = Reading::of(ctx)?;
    let streams = match (filter.customer_id, filter.stream) {
        (Some(_), Some(_)) => return Err(bad_argument("filter", "give customerId or stream, not both")),
        (Some(customer), None) => {
            let person = reading.person(&Tables::Live, customer.0).await?;
            person.ids().into_iter().map(|id| (Category::Customer, id.uuid())).collect()
        }
        (None, Some(stream)) => {
            vec![(stream.category.into(), stream.key)]
        }
        (None, None) if are_of_tenant(&types) => vec![(Category::Tenant, reading.session.principal.tenant.0)],
        (None, None) => vec![],
    };
    let wanted = Wanted {
        streams,
        types,
        actor: filter.actor,
        correlation: filter.correlation_id,
        message: None,
        since: filter.since,
        until: filter.until,
    };
    let range = window.range()?;
    let found = audit::find(reading, &wanted, range).await?;
    EventConnection::new(ctx, found).await
}

/// A page of the events that are about one message.
pub async fn events_of_message(
    ctx: &Context<'_>,
    customer: CustomerId,
    message: MessageId,
    began: Position,
    window: Window,
) -> Result<EventConnection> {
    let wanted =
        Wanted { streams: vec![(Category::Customer, customer.uuid())], message: Some(message), ..Wanted::default() };
    // Nothing is about a message before the event that it began with.
    let just_before = audit::just_before(began);
    let after = cursor("after", window.after)?.map_or(just_before, |after| after.max(just_before));
    let before = cursor("before", window.before)?;
    let range = audit::Range::new(window.first, Some(after), window.last, before)?;
    let found = audit::find(Reading::of(ctx)?, &wanted, range).await?;
    EventConnection::new(ctx, found).await
}

/// The page of a mail that was sent, out of the event that it began with.
pub async fn sent_page(
    ctx: &Context<'_>,
    customer: CustomerId,
    message: MessageId,
    began: Position,
) -> Result<Option<String>> {
    let wanted = Wanted {
        streams: vec![(Category::Customer, customer.uuid())],
        types: vec![MessageQueued::TYPE.to_owned()],
        message: Some(message),
        ..Wanted::default()
    };
    let range = audit::Range::new(Some(1), Some(audit::just_before(began)), None, None)?;
    let reading = Reading::of(ctx)?;
    let found = audit::find(reading, &wanted, range).await?;
    let Some(event) = found.events.into_iter().next() else { return Ok(None) };
    let Personal::Clear(personal) = &event.personal else { return Ok(None) };
    let queued = MessageQueued::decode(&event.data, Some(personal));
    let queued = queued.map_err(|error| opaque(reading.api.ambient(), &error))?;
    if !queued.is_made_late() {
        return Ok(queued.personal.and_then(|personal| personal.html));
    }
    let (caller, occurred_at) = (caller(ctx, None)?, event.envelope.occurred_at);
    let made = reading.api.app.made_page(&caller, customer, queued, occurred_at).await;
    made.map_err(|error| opaque(reading.api.ambient(), &error))
}
