//! An event's envelope, and the encoding that its hash covers.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::{CommandId, CorrelationId, EventId, ParseIdError, Position, SubjectId, TenantId};

/// SHA-256 over the previous hash of the stream and the event's [encoding](SealedEvent::compute_hash).
pub type EventHash = [u8; 32];

/// What a stream's aggregate is. Serialized as [its name](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A person or account.
    Customer,
    /// A phone number, mailbox or device: suppression and STOP are facts about it.
    Address,
    /// A campaign.
    Campaign,
    /// Whom a campaign goes to, and what became of each part of them, under its id.
    CampaignRun,
    /// A message template.
    Template,
    /// A static or smart list.
    List,
    /// Who entered and left a list, under its id: members change all the time, and the list seldom.
    ListMembers,
    /// A journey.
    Journey,
    /// One run of an import.
    Import,
    /// A tenant: its settings, API keys, operators' decisions.
    Tenant,
    /// A tenant's provider accounts.
    Account,
    /// The callbacks that were kept for one provider account.
    Callback,
    /// A canned reply.
    CannedReply,
    /// A day's checks of addresses at one service.
    Check,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 14] = [
        Self::Customer,
        Self::Address,
        Self::Campaign,
        Self::CampaignRun,
        Self::Template,
        Self::List,
        Self::ListMembers,
        Self::Journey,
        Self::Import,
        Self::Tenant,
        Self::Account,
        Self::Callback,
        Self::CannedReply,
        Self::Check,
    ];

    /// The name in stream names and in SQL. It is hashed into each event, so it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Address => "address",
            Self::Campaign => "campaign",
            Self::CampaignRun => "campaign_run",
            Self::Template => "template",
            Self::List => "list",
            Self::ListMembers => "list_members",
            Self::Journey => "journey",
            Self::Import => "import",
            Self::Tenant => "tenant",
            Self::Account => "account",
            Self::Callback => "callback",
            Self::CannedReply => "canned_reply",
            Self::Check => "check",
        }
    }
}

impl FromStr for Category {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::ALL.into_iter().find(|category| category.name() == text).ok_or(ParseIdError { what: "stream category" })
    }
}

/// A stream's identity. Displays as `customer-<key>`; the tenant is part of it but not of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The tenant.
    pub tenant: TenantId,
    /// What its aggregate is.
    pub category: Category,
    /// Which aggregate it is.
    pub key: Uuid,
}

impl StreamId {
    /// Names a stream.
    #[must_use]
    pub fn new(tenant: TenantId, category: Category, key: impl Into<Uuid>) -> Self {
        Self { tenant, category, key: key.into() }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.category.name(), self.key)
    }
}

/// What is known of a stored event beside its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where it stands in the whole log. Not hashed: a copy into another engine keeps its chains.
    pub position: Position,
    /// Its stream, which names the tenant.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// The event's id.
    pub id: EventId,
    /// Its type's name.
    pub event_type: String,
    /// The version of its payload's schema, as stored.
    pub schema_version: u16,
    /// When it happened; microseconds.
    pub occurred_at: DateTime<Utc>,
    /// When it was appended; microseconds, never decreasing along positions.
    pub recorded_at: DateTime<Utc>,
    /// The actor: an API key, a process or a provider.
    pub actor: String,
    /// The command that made it, if it can be repeated.
    pub command_id: Option<CommandId>,
    /// The piece of work that it belongs to.
    pub correlation_id: Option<CorrelationId>,
    /// The event that led to it.
    pub causation_id: Option<EventId>,
    /// Whose key seals the personal part.
    pub subject: Option<SubjectId>,
    /// The log's epoch when it was appended.
    pub epoch: u32,
    /// The chain's hash up to and with this event.
    pub hash: EventHash,
}

/// An event as the log stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// Beside the payload.
    pub envelope: Envelope,
    /// JSON without personal data, as stored.
    pub data: Vec<u8>,
    /// The sealed personal part, as stored.
    pub personal: Option<Vec<u8>>,
}

impl SealedEvent {
    /// The hash that this event must carry after `previous` (32 zero bytes before a stream's first event).
    ///
    /// SHA-256 over, in this order: the encoding's version (one byte, 1), `previous` (32 bytes), tenant and stream key
    /// (16 bytes each), then each of the following fields as a big-endian u64 length and its bytes: category name,
    /// version, event id, type, schema version, occurred at, recorded at, actor, command id, correlation id,
    /// causation id, subject, epoch, data, personal. Numbers are big-endian u64 (times: microseconds since 1970, i64).
    /// An absent field has the length 2⁶⁴−1 and no bytes, so that absent and empty differ.
    #[must_use]
    pub fn compute_hash(&self, previous: &EventHash) -> EventHash {
        let envelope = &self.envelope;
        Content {
            stream: envelope.stream,
            version: envelope.version,
            id: envelope.id,
            event_type: &envelope.event_type,
            schema_version: envelope.schema_version,
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at,
            actor: &envelope.actor,
            command_id: envelope.command_id,
            correlation_id: envelope.correlation_id,
            causation_id: envelope.causation_id,
            subject: envelope.subject,
            epoch: envelope.epoch,
            data: &self.data,
            personal: self.personal.as_deref(),
        }
        .hash(previous)
    }
}

/// What an event's hash covers, borrowed: backends hash what they are about to store without copying it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub stream: StreamId,
    pub version: u64,
    pub id: EventId,
    pub event_type: &'a str,
    pub schema_version: u16,
    pub occurred_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub actor: &'a str,
    pub command_id: Option<CommandId>,
    pub correlation_id: Option<CorrelationId>,
    pub causation_id: Option<EventId>,
    pub subject: Option<SubjectId>,
    pub epoch: u32,
    pub data: &'a [u8],
    pub personal: Option<&'a [u8]>,
}

impl Content<'_> {
    pub(super) fn hash(&self, previous: &EventHash) -> EventHash {
        let mut encoder = Encoder(Vec::with_capacity(384 + self.event_type.len() + self.actor.len()));
        encoder.0.push(1);
        encoder.0.extend_from_slice(previous);
        encoder.0.extend_from_slice(self.stream.tenant.0.as_bytes());
        encoder.0.extend_from_slice(self.stream.key.as_bytes());
        encoder.field(self.stream.category.name().as_bytes());
        encoder.number(self.version);
        encoder.field(self.id.0.as_bytes());
        encoder.field(self.event_type.as_bytes());
        encoder.number(u64::from(self.schema_version));
        encoder.field(&self.occurred_at.timestamp_micros().to_be_bytes());
        encoder.field(&self.recorded_at.timestamp_micros().to_be_bytes());
        encoder.field(self.actor.as_bytes());
        encoder.optional_id(self.command_id.map(CommandId::uuid));
        encoder.optional_id(self.correlation_id.map(CorrelationId::uuid));
        encoder.optional_id(self.causation_id.map(EventId::uuid));
        encoder.optional_id(self.subject.map(SubjectId::uuid));
        encoder.number(u64::from(self.epoch));
        encoder.length(self.data.len());
        let mut digest = Sha256::new();
        digest.update(&encoder.0);
        digest.update(self.data);
        match self.personal {
            Some(personal) => {
                digest.update((personal.len() as u64).to_be_bytes());
                digest.update(personal);
            }
            None => digest.update(ABSENT),
        }
        digest.finalize().into()
    }
}

const ABSENT: [u8; 8] = u64::MAX.to_be_bytes();

/// Gathers the small fields, so that the digest is fed in few pieces.
struct Encoder(Vec<u8>);

impl Encoder {
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u64).to_be_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: u64) {
        self.field(&number.to_be_bytes());
    }

    fn optional_id(&mut self, id: Option<Uuid>) {
        match id {
            Some(id) => self.field(id.as_bytes()),
            None => self.0.extend_from_slice(&ABSENT),
        }
    }
}

/// The personal part of an event that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal {
    /// The event has none.
    None,
    /// JSON in the clear.
    Clear(Vec<u8>),
    /// Its key was destroyed: the person was forgotten.
    Erased,
}

/// An event as readers get it: opened, and upcast to the newest schema of its type.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    /// Beside the payload; `schema_version` is the stored one.
    pub envelope: Envelope,
    /// JSON without personal data, in the newest schema version of this type.
    pub data: Vec<u8>,
    /// The personal part, in the newest schema version of this type.
    pub personal: Personal,
}
