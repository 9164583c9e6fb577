//! An event of ours as an event of KurrentDB: `data` is the payload as it is, everything else stands in its metadata, as texts.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::wire;
use crate::ids::{CommandId, EventId, Position};
use crate::log::cover::CommandRecord;
use crate::log::plan::{CommandRow, Known, Row};
use crate::log::{Envelope, EventHash, LogError, SealedEvent, StreamId};

/// The metadata of an event. A server adds keys of its own, which begin with `$`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Metadata {
    schema_version: String,
    occurred_at: String,
    pub recorded_at: String,
    actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Uuid>,
    epoch: String,
    /// In hex.
    hash: String,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<String>,
}

/// What a command's stream holds: one event for each time that somebody set about carrying it out. On servers that append to
/// several streams atomically there is one, which stands with the events; on older ones it comes before them, and counts
/// only for those that are there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claim {
    /// HMAC of the command's input, in hex.
    pub fingerprint: String,
    /// What its appends make, in their order.
    pub appends: Vec<ClaimedAppend>,
}

/// What one append of a command makes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClaimedAppend {
    pub category: String,
    pub key: Uuid,
    pub first_version: u64,
    pub last_version: u64,
    /// The last event's id: whether it stands there shows whether the append was made.
    pub last_event: Uuid,
    /// Which append of the command it is, in a log that was loaded; its place among the others, if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u64>,
}

/// The first event of a log's own stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogOpened {
    pub log_id: Uuid,
    pub format: u32,
}

/// The others.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EpochStarted {
    pub epoch: u64,
    pub started_at: String,
    pub system_id: String,
    /// True in a log that was loaded: the epoch began in the original.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loaded: bool,
}

/// The names of types of the events that are not of the domain.
pub(super) const COMMAND_CARRIED_OUT: &str = "CommandCarriedOut";
pub(super) const LOG_OPENED: &str = "LogOpened";
pub(super) const EPOCH_STARTED: &str = "EpochStarted";

/// An event that is about to be appended.
#[derive(Debug, Clone)]
pub(super) struct Proposed {
    pub id: Uuid,
    pub event_type: String,
    pub data: Bytes,
    /// A JSON object of texts.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

impl Proposed {
    /// An event of a plan.
    pub(super) fn of_row(row: &Row<'_>, known: &Known) -> Self {
        let (event, cause) = (row.event, &row.append.cause);
        let metadata = Metadata {
            schema_version: event.schema_version.to_string(),
            occurred_at: micros(event.occurred_at),
            recorded_at: micros(known.recorded_at),
            actor: cause.actor.clone(),
            command: cause.command.map(|command| command.id.0),
            correlation: cause.correlation.map(|id| id.0),
            causation: cause.causation.map(|id| id.0),
            subject: event.subject.map(|id| id.0),
            epoch: known.epoch.to_string(),
            hash: hex::encode(row.hash),
            personal: event.personal.as_ref().map(|bytes| STANDARD.encode(bytes)),
        };
        let data = Bytes::copy_from_slice(&event.data);
        Self { id: event.id.0, event_type: event.event_type.to_owned(), data, metadata: metadata.into_fields() }
    }

    /// An event as it stands in the log that is loaded.
    pub(super) fn of_stored(event: &SealedEvent) -> Self {
        let envelope = &event.envelope;
        let metadata = Metadata {
            schema_version: envelope.schema_version.to_string(),
            occurred_at: micros(envelope.occurred_at),
            recorded_at: micros(envelope.recorded_at),
            actor: envelope.actor.clone(),
            command: envelope.command_id.map(|id| id.0),
            correlation: envelope.correlation_id.map(|id| id.0),
            causation: envelope.causation_id.map(|id| id.0),
            subject: envelope.subject.map(|id| id.0),
            epoch: envelope.epoch.to_string(),
            hash: hex::encode(envelope.hash),
            personal: event.personal.as_ref().map(|bytes| STANDARD.encode(bytes)),
        };
        let data = Bytes::copy_from_slice(&event.data);
        let (id, event_type) = (envelope.id.0, envelope.event_type.clone());
        Self { id, event_type, data, metadata: metadata.into_fields() }
    }

    /// An event of a command's or the log's own stream.
    pub(super) fn of_own(id: Uuid, event_type: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_vec(data).unwrap_or_default().into();
        Self { id, event_type: event_type.to_owned(), data, metadata: serde_json::Map::new() }
    }

    /// As the client takes it.
    pub(super) fn into_event_data(self) -> EventData {
        let json = raw_json(&self.data).and_then(|raw| EventData::json(self.event_type.as_str(), &raw).ok());
        let data = json.unwrap_or_else(|| EventData::binary(self.event_type, self.data)).id(self.id);
        match serde_json::to_vec(&self.metadata) {
            Ok(metadata) if !self.metadata.is_empty() => data.metadata(metadata.into()),
            _ => data,
        }
    }

    /// As an atomic append takes it.
    pub(super) fn into_record(self, stream: String) -> wire::Record {
        let format = if raw_json(&self.data).is_some() { wire::Schema::JSON } else { wire::Schema::BYTES };
        let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
        wire::Record {
            id: Some(self.id.to_string()),
            properties: self
                .metadata
                .into_iter()
                .map(|(name, value)| (name, wire::Value { text: text(value) }))
                .collect(),
            schema: Some(wire::Schema { format, name: self.event_type }),
            data: self.data,
            stream,
        }
    }
}

/// JSON that comes back as the same bytes; [`None`] for other bytes, which are stored as such.
fn raw_json(data: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice::<&RawValue>(data).ok().filter(|raw| raw.get().len() == data.len())
}

impl Claim {
    /// What a plan's appends under one command make.
    pub(super) fn of_rows(rows: &[&CommandRow], last_event: impl Fn(&CommandRow) -> Uuid) -> Self {
        let append = |row: &&CommandRow| {
            ClaimedAppend::of(row.stream, row.first_version..=row.last_version, last_event(row), None)
        };
        Self::new(rows.first().map(|row| row.fingerprint), rows.iter().map(append).collect())
    }

    /// What a command made in the log that is loaded.
    pub(super) fn of_records(records: &[&CommandRecord], last_event: impl Fn(&CommandRecord) -> Uuid) -> Self {
        let append = |record: &&CommandRecord| {
            let versions = record.first_version..=record.last_version;
            ClaimedAppend::of(record.stream, versions, last_event(record), Some(record.ordinal))
        };
        Self::new(records.first().map(|record| record.fingerprint), records.iter().map(append).collect())
    }

    fn new(fingerprint: Option<[u8; 32]>, appends: Vec<ClaimedAppend>) -> Self {
        Self { fingerprint: fingerprint.map(hex::encode).unwrap_or_default(), appends }
    }
}

impl ClaimedAppend {
    fn of(stream: StreamId, versions: RangeInclusive<u64>, last_event: Uuid, ordinal: Option<u64>) -> Self {
        Self {
            category: stream.category.name().to_owned(),
            key: stream.key,
            first_version: *versions.start(),
            last_version: *versions.end(),
            last_event,
            ordinal,
        }
    }
}

/// A time with its microseconds.
pub(super) fn micros(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads a time of [`micros`].
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// Reads a hash in hex.
fn hash(text: &str) -> Option<EventHash> {
    let mut hash = EventHash::default();
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

impl Metadata {
    fn into_fields(self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        }
    }

    /// The event's hash; [`None`] if it is not one.
    pub(super) fn hash(&self) -> Option<EventHash> {
        hash(&self.hash)
    }
}

/// An event as it was appended.
///
/// # Errors
/// [`LogError::Damaged`] if its metadata is not ours.
pub(super) fn read(event: &RecordedEvent, stream: StreamId, position: Position) -> Result<SealedEvent, LogError> {
    let damaged = |what: &str| LogError::Damaged { position, reason: format!("its {what} cannot be read") };
    let metadata: Metadata =
        serde_json::from_slice(&event.custom_metadata).map_err(|error| damaged(&format!("metadata ({error})")))?;
    let personal = metadata.personal.as_ref().map(|text| STANDARD.decode(text)).transpose();
    let envelope = Envelope {
        position,
        stream,
        version: event.revision + 1,
        id: EventId(event.id),
        event_type: event.event_type.clone(),
        schema_version: metadata.schema_version.parse().map_err(|_| damaged("schema version"))?,
        occurred_at: time(&metadata.occurred_at).ok_or_else(|| damaged("time"))?,
        recorded_at: time(&metadata.recorded_at).ok_or_else(|| damaged("time"))?,
        hash: metadata.hash().ok_or_else(|| damaged("hash"))?,
        actor: metadata.actor,
        command_id: metadata.command.map(CommandId),
        correlation_id: metadata.correlation.map(Into::into),
        causation_id: metadata.causation.map(EventId),
        subject: metadata.subject.map(Into::into),
        epoch: metadata.epoch.parse().map_err(|_| damaged("epoch"))?,
    };
    Ok(SealedEvent { envelope, data: event.data.to_vec(), personal: personal.map_err(|_| damaged("personal part"))? })
}

/// The size of an event's sealed part, in bytes.
pub(super) fn personal_bytes(event: &RecordedEvent) -> usize {
    #[derive(Deserialize)]
    struct Sealed<'a> {
        #[serde(borrow, default)]
        personal: Option<std::borrow::Cow<'a, str>>,
    }
    let sealed = serde_json::from_slice::<Sealed<'_>>(&event.custom_metadata).ok().and_then(|found| found.personal);
    sealed.map_or(0, |text| text.len() / 4 * 3)
}
