//! A batch in memory, ready to be staged: payloads parsed and cleaned outside of any transaction.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use uuid::Uuid;

use super::payload::{self, Extra, Keys, Skip};
use crate::domain::customer::event::CustomerForgotten;
use crate::domain::event::Event as _;
use crate::domain::tenant::event::UserForgotten;
use crate::ids::{EventId, Position, SubjectId};
use crate::log::{Category, EventHash, Personal, RecordedEvent, StreamId};

/// Events in log order, as staging wants them.
#[derive(Debug, Default)]
pub struct Batch {
    pub(in crate::projections) events: Arc<[StagedEvent]>,
    /// The last event that was read, staged or not.
    pub(in crate::projections) last: Option<LastEvent>,
    /// Whether more events were there to be read behind it.
    pub(in crate::projections) more: bool,
}

/// Where a batch ends.
#[derive(Debug, Clone, Copy)]
pub struct LastEvent {
    /// The event's position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Its hash.
    pub hash: EventHash,
}

/// One event's row in `batch`, and what it brings to the other relations.
#[derive(Debug)]
pub(in crate::projections) struct StagedEvent {
    pub position: Position,
    pub ordinal: i64,
    pub id: EventId,
    pub stream: StreamId,
    pub version: i64,
    pub event_type: String,
    pub occurred_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub actor: String,
    pub command_id: Option<Uuid>,
    pub correlation_id: Option<Uuid>,
    pub causation_id: Option<Uuid>,
    pub subject: Option<SubjectId>,
    pub ids: Ids,
    pub words: Words,
    pub hour: DateTime<Utc>,
    pub day: DateTime<Utc>,
    pub data: String,
    pub personal: Option<String>,
    pub extra: Extra,
    /// Why the payload cannot be staged: then no projection sees the event, and those that read its type park it.
    pub malformed: Option<String>,
}

/// The native id columns.
#[derive(Debug, Default, Clone)]
pub(in crate::projections) struct Ids {
    pub customer: Option<Uuid>,
    pub message: Option<Uuid>,
    pub campaign: Option<Uuid>,
    pub conversation: Option<Uuid>,
    pub activity: Option<Uuid>,
    pub address: Option<Uuid>,
    pub note: Option<Uuid>,
    pub import: Option<Uuid>,
    pub key: Option<Uuid>,
    pub in_reply_to: Option<Uuid>,
}

/// The native word columns.
#[derive(Debug, Default, Clone)]
pub(in crate::projections) struct Words {
    pub channel: Option<String>,
    pub variant: Option<String>,
    pub class: Option<String>,
    pub state: Option<String>,
    pub provider: Option<String>,
    pub account: Option<String>,
    pub domain: Option<String>,
}

impl Batch {
    /// Prepares events, which must be in log order.
    #[must_use]
    pub fn prepare(events: &[RecordedEvent]) -> Self {
        let last = events.last().map(|event| LastEvent {
            position: event.envelope.position,
            recorded_at: event.envelope.recorded_at,
            hash: event.envelope.hash,
        });
        let events = events.iter().zip(1..).map(|(event, ordinal)| StagedEvent::prepare(event, ordinal)).collect();
        Self { events, last, more: false }
    }

    /// Notes whether more events were there to be read behind it.
    #[must_use]
    pub fn followed_by_more(self, more: bool) -> Self {
        Self { more, ..self }
    }

    /// Bytes of its payloads, opened.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.data.len() + event.personal.as_ref().map_or(0, String::len)).sum()
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Its last event.
    #[must_use]
    pub fn last(&self) -> Option<LastEvent> {
        self.last
    }

    /// The types of some of its events.
    pub(in crate::projections) fn types(&self, events: &[usize]) -> HashSet<&str> {
        events.iter().map(|&index| self.events[index].event_type.as_str()).collect()
    }

    /// Whether an operator's decision is in it.
    pub(in crate::projections) fn decides(&self) -> bool {
        self.events.iter().any(|event| event.extra.skip.is_some())
    }

    /// Tenant and customer of its `CustomerForgotten` events.
    pub(in crate::projections) fn forgotten(&self) -> Vec<(Uuid, Uuid)> {
        let forgotten = self.events.iter().filter(|event| event.event_type == CustomerForgotten::TYPE);
        forgotten.map(|event| (event.stream.tenant.uuid(), event.stream.key)).collect()
    }

    /// Whether somebody is forgotten in it, whose data were in the tables: a customer or a user.
    pub(in crate::projections) fn forgets(&self) -> bool {
        let forgets = [CustomerForgotten::TYPE, UserForgotten::TYPE];
        self.events.iter().any(|event| forgets.contains(&event.event_type.as_str()))
    }

    /// All whose keys its events destroy: customers, addresses of theirs, and users.
    pub(in crate::projections) fn erased_subjects(&self) -> Vec<SubjectId> {
        let of_stream = |event: &StagedEvent| (event.event_type == CustomerForgotten::TYPE).then_some(event.stream.key);
        let erased =
            self.events.iter().flat_map(|event| of_stream(event).into_iter().chain(event.extra.erased.iter().copied()));
        erased.map(SubjectId).collect()
    }

    /// The operators' decisions in it, in order.
    pub(in crate::projections) fn skips(&self) -> Vec<(StreamId, Skip)> {
        self.events.iter().filter_map(|event| event.extra.skip.clone().map(|skip| (event.stream, skip))).collect()
    }
}

impl StagedEvent {
    fn prepare(event: &RecordedEvent, ordinal: i64) -> Self {
        let envelope = &event.envelope;
        let cut = |to: TimeDelta| envelope.occurred_at.duration_trunc(to).unwrap_or(envelope.occurred_at);
        let mut staged = Self {
            position: envelope.position,
            ordinal,
            id: envelope.id,
            stream: envelope.stream,
            version: i64::try_from(envelope.version).unwrap_or(i64::MAX),
            event_type: envelope.event_type.clone(),
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at,
            actor: payload::clean_text(&envelope.actor),
            command_id: envelope.command_id.map(|id| id.uuid()),
            correlation_id: envelope.correlation_id.map(|id| id.uuid()),
            causation_id: envelope.causation_id.map(|id| id.uuid()),
            subject: envelope.subject,
            ids: Ids::default(),
            words: Words::default(),
            hour: cut(TimeDelta::hours(1)),
            day: cut(TimeDelta::days(1)),
            data: String::new(),
            personal: None,
            extra: Extra::default(),
            malformed: None,
        };
        if let Err(reason) = staged.read(event) {
            staged.malformed = Some(reason);
        }
        staged
    }

    fn read(&mut self, event: &RecordedEvent) -> Result<(), String> {
        let not_text = |part: &str, error: std::str::Utf8Error| format!("{part} is not UTF-8: {error}");
        // serde's messages may quote what they found, so only the place is kept of what can be personal.
        let not_json =
            |part: &str, error: &serde_json::Error| format!("{part} cannot be read at column {}", error.column());
        let data = payload::clean_json(&event.data).map_err(|error| not_text("data", error))?;
        let personal = match &event.personal {
            Personal::Clear(bytes) => Some(payload::clean_json(bytes).map_err(|error| not_text("personal", error))?),
            Personal::None | Personal::Erased => None,
        };
        let keys: Keys<'_> = serde_json::from_str(&data).map_err(|error| not_json("data", &error))?;
        let customer =
            if self.stream.category == Category::Customer { Some(self.stream.key) } else { keys.customer_id };
        self.ids = Ids {
            customer,
            message: keys.message_id,
            campaign: keys.campaign_id,
            conversation: keys.conversation_id,
            activity: keys.activity_id,
            address: keys.address_id,
            note: keys.note_id,
            import: keys.import_id,
            key: keys.key_id,
            in_reply_to: keys.in_reply_to,
        };
        let word = |text: Option<Cow<'_, str>>| text.map(|text| payload::clean_text(&text));
        self.words = Words {
            channel: word(keys.channel),
            variant: word(keys.variant),
            class: word(keys.class),
            state: word(keys.state),
            provider: word(keys.provider),
            account: word(keys.account),
            domain: word(keys.domain),
        };
        self.extra = payload::extra(&self.event_type, &data, personal.as_deref())
            .map_err(|error| not_json("the payload", &error))?;
        self.data = data;
        self.personal = personal;
        Ok(())
    }

    /// Whether its personal part must not be staged.
    pub fn is_forgotten(&self, forgotten: &super::Forgotten) -> bool {
        !forgotten.is_empty()
            && (self.subject.is_some_and(|subject| forgotten.contains(&subject))
                || (self.stream.category == Category::Customer && forgotten.contains(&SubjectId(self.stream.key))))
    }
}
