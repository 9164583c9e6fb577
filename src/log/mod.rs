//! The log: immutable events in streams, appended atomically, read in commit order.
//!
//! This module knows nothing of CRM: payloads are opaque bytes with a type name. [`EventLog`] is what a backend
//! provides and deals in sealed events only; [`Journal`] stands before it and seals personal data on the way in, and
//! opens and upcasts it on the way out. `app` is the only place that appends.

pub mod blobs;
pub mod chain;
pub mod checkpoint;
pub mod copy;
pub mod cover;
pub(crate) mod durable;
pub mod envelope;
pub mod format;
pub mod grown;
pub mod journal;
pub mod keeper;
pub mod keys;
pub mod kurrentdb;
pub mod load;
pub mod mark;
pub mod merkle;
mod plan;
pub mod seal;
pub mod sql;
mod tail;
pub mod upcast;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

pub use envelope::{Category, Envelope, EventHash, Personal, RecordedEvent, SealedEvent, StreamId};
pub use journal::{Journal, JournalError, Pages};

use crate::ids::{CommandId, CorrelationId, EventId, Position, SubjectId, TenantId};
use crate::log::cover::{CommandRecord, Origin};

/// The largest event, `data` and sealed `personal` together, in bytes. Larger content goes to the blob store.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// What an append demands of a stream's version. The first event of a stream has version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever the version is: for facts, which need no decision. Only the head is read, never the history.
    Any,
    /// The stream holds exactly this many events; 0 means that it must not exist.
    Exact(u64),
}

/// A further stream that must stand at a version in the same transaction, though nothing is appended to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precondition {
    /// The stream that was judged.
    pub stream: StreamId,
    /// The version at which it was judged; 0 means that it must not exist.
    pub version: u64,
}

/// Identifies a command, so that its repetition is found instead of carried out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandKey {
    /// Derived from the tenant's secret and the caller's idempotency key.
    pub id: CommandId,
    /// HMAC of the canonical input: the same key with other input is an error.
    pub fingerprint: [u8; 32],
}

/// Who and what led to an append; copied into each of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who acted, as an identifier: `key:<id>`, `process:dispatcher`, `provider:twilio`, `cli`.
    pub actor: String,
    /// The command, where it can be repeated.
    pub command: Option<CommandKey>,
    /// The piece of work that this belongs to, such as an import.
    pub correlation: Option<CorrelationId>,
    /// The event that led to this one.
    pub causation: Option<EventId>,
}

/// An event as `app` hands it in: personal data still in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// New, or derived from what the event reports.
    pub id: EventId,
    /// The type's name, never reused for something else.
    pub event_type: &'static str,
    /// The version of the payload's schema.
    pub schema_version: u16,
    /// When it happened, e.g. by the provider's clock.
    pub occurred_at: DateTime<Utc>,
    /// JSON without personal data.
    pub data: Vec<u8>,
    /// JSON with the personal data, sealed with the subject's key before it reaches a backend.
    pub personal: Option<Vec<u8>>,
    /// Whose key seals `personal`; must be set if `personal` is.
    pub subject: Option<SubjectId>,
}

/// Events for one stream: all are appended or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where they go.
    pub stream: StreamId,
    /// What the stream's version must be.
    pub expected: Expected,
    /// Other streams that must not have moved.
    pub preconditions: Vec<Precondition>,
    /// Who and what led to them.
    pub cause: Cause,
    /// The events, in order; never empty.
    pub events: Vec<NewEvent>,
}

/// An append whose events a backend can store as they are. Hash, version, position and `recorded_at` come from the
/// backend, under its append lock.
#[derive(Debug, Clone)]
pub struct SealedAppend {
    /// Where the events go.
    pub stream: StreamId,
    /// What the stream's version must be.
    pub expected: Expected,
    /// Other streams that must not have moved.
    pub preconditions: Vec<Precondition>,
    /// Who and what led to them.
    pub cause: Cause,
    /// The events, in order; never empty.
    pub events: Vec<SealedNewEvent>,
}

/// A [`NewEvent`] whose personal part is sealed.
#[derive(Debug, Clone)]
pub struct SealedNewEvent {
    /// See [`NewEvent::id`].
    pub id: EventId,
    /// See [`NewEvent::event_type`].
    pub event_type: &'static str,
    /// See [`NewEvent::schema_version`].
    pub schema_version: u16,
    /// See [`NewEvent::occurred_at`].
    pub occurred_at: DateTime<Utc>,
    /// JSON without personal data, stored as these bytes.
    pub data: Vec<u8>,
    /// The sealed personal part.
    pub personal: Option<Vec<u8>>,
    /// Whose key sealed it.
    pub subject: Option<SubjectId>,
}

/// Where the events of a successful append stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The stream they are in.
    pub stream: StreamId,
    /// Version of the first of them.
    pub first_version: u64,
    /// Version of the last of them.
    pub last_version: u64,
    /// Position of the last of them: what a reader waits for.
    pub position: Position,
    /// True if an earlier append (the same command, or the same derived event ids) stands, and this one added nothing.
    pub already: bool,
}

/// Why one append of a group was not made. The others are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first; decide again.
    #[error("stream {stream} stands at version {actual}, not at {expected}")]
    Conflict {
        /// The stream, the appended one or that of a precondition.
        stream: StreamId,
        /// What the append demanded.
        expected: u64,
        /// What the log holds.
        actual: u64,
    },
    /// The command id was used for other input.
    #[error("this idempotency key was used for another command")]
    CommandReused,
    /// An event id is taken by an event with another content or in another stream.
    #[error("event id {id} is taken by another event")]
    EventIdTaken {
        /// The id.
        id: EventId,
    },
    /// Some of the events were appended before and some were not.
    #[error("event id {id} was appended before, others of the same append were not")]
    PartlyAppended {
        /// The first id that was found.
        id: EventId,
    },
    /// The event is larger than [`MAX_EVENT_BYTES`].
    #[error("an event of type {event_type} has {bytes} bytes; at most {MAX_EVENT_BYTES} are allowed")]
    TooLarge {
        /// The event's type, such as `MessageSent`.
        event_type: &'static str,
        /// The size of the payload in bytes.
        bytes: usize,
    },
    /// The subject was forgotten: there is no key to seal its data with, and there never will be.
    #[error("the key of subject {subject} was destroyed")]
    SubjectErased {
        /// The forgotten customer or address.
        subject: SubjectId,
    },
    /// The append holds no event.
    #[error("an append without events")]
    Empty,
    /// The event has personal data, but names nobody whose key could seal it.
    #[error("an event of type {event_type} has personal data, but no subject")]
    NoSubject {
        /// The event's type, such as `MessageSent`.
        event_type: &'static str,
    },
}

/// A driver's error, shared by all callers of a group that failed together.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why the log as a whole did not answer. Nothing of the call was acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The database failed or refused; `doing` says what was tried.
    #[error("the log at {url} could not {doing}")]
    Database {
        /// The store's URL without credentials.
        url: String,
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: Source,
    },
    /// Another process holds the store's write lock, and did not let go for longer than an append waits.
    #[error("the log at {url} is locked by another process")]
    Locked {
        /// The store's URL without credentials.
        url: String,
    },
    /// The store is not one of ours, or of a version that this binary does not know.
    #[error("{url} cannot be used as a commlog log: {reason}")]
    Foreign {
        /// The store's URL without credentials.
        url: String,
        /// What was found instead, in words.
        reason: String,
    },
    /// The log is not complete: a copy or a backup is still being loaded into it.
    #[error(
        "the log at {url} is not complete: a copy or a backup is still being loaded into it. Let that command end, or run it again"
    )]
    Loading {
        /// The store's URL without credentials.
        url: String,
    },
    /// A stored row is damaged.
    #[error("the event at position {position} is damaged: {reason}")]
    Damaged {
        /// The position in the log.
        position: Position,
        /// What is wrong with it.
        reason: String,
    },
    /// The key store failed.
    #[error(transparent)]
    Keys(#[from] keys::KeyStoreError),
    /// The writer has stopped: the process is shutting down.
    #[error("the log is closed")]
    Closed,
}

/// The last event of a stream, as far as an append needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// How many events the stream holds.
    pub version: u64,
    /// The last event's hash.
    pub hash: EventHash,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Of the last event; [`Position::START`] if there is none.
    pub position: Position,
    /// When it was recorded; the epoch's start of UNIX time if there is none.
    pub recorded_at: DateTime<Utc>,
    /// The log's epoch: raised when a restored or copied log is confirmed for sending.
    pub epoch: u32,
}

/// A time in which one store, and no copy of it, sends what the log asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Counted from 1.
    pub number: u32,
    /// When it was started: with the log, or by an operator.
    pub started_at: DateTime<Utc>,
    /// True if it was started on another store than this one: a restored or copied log, which must not send what the
    /// original has sent. Starting an epoch says that it may.
    pub is_copy: bool,
    /// True if the log was loaded out of another one or a backup, and no epoch was started since: then no mark proves that it may
    /// send.
    pub is_loaded: bool,
}

/// How many events and bytes one read returns at most: whichever is reached first, but at least one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Events.
    pub events: usize,
    /// Bytes of `data` and sealed `personal`.
    pub bytes: usize,
}

impl ReadLimit {
    /// No limit.
    pub const NONE: Self = Self { events: usize::MAX, bytes: usize::MAX };

    /// `events` events, 16 MiB.
    #[must_use]
    pub const fn events(events: usize) -> Self {
        Self { events, bytes: 16 * 1024 * 1024 }
    }
}

/// A folded state, stored to open a long stream fast. Disposable: it is only ever a short-cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream's version up to which events are folded in.
    pub version: u64,
    /// The version of the fold's code; a snapshot of another version is ignored.
    pub fold_version: u32,
    /// The state, sealed by [`Journal`] when it belongs to a subject.
    pub state: Vec<u8>,
}

/// A backend that stores sealed events. The contract suite (`tests/it/log_contract`) runs on every implementation.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends a group and returns a result for each append, in order. Each append is atomic; all successful ones are
    /// durable when this returns. An append fails without the others, except that those of one call under one command
    /// stand or fall together, because a command that is found again counts as carried out. Concurrent calls share a
    /// commit. Dropping the future does not take back what was handed in.
    async fn append(&self, appends: Vec<SealedAppend>) -> Result<Vec<Result<Appended, AppendError>>, LogError>;

    /// Events after a position, in commit order. A later call never finds an event before one that was returned.
    async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError>;

    /// The events before a position, newest first. [`None`] starts at the end.
    async fn read_all_backwards(
        &self,
        before: Option<Position>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError>;

    /// A stream's events after a version, in order.
    async fn read_stream(&self, stream: StreamId, after: u64, limit: ReadLimit) -> Result<Vec<SealedEvent>, LogError>;

    /// Events of many streams at once, of each up to a version, all or those of some types: each stream's together and in
    /// order, in no order among the streams. Streams that do not exist have none.
    async fn read_streams(
        &self,
        streams: &[StreamId],
        up_to: u64,
        types: Option<&[&str]>,
    ) -> Result<Vec<SealedEvent>, LogError>;

    /// A stream's events before a version, newest first. [`None`] starts at the end.
    async fn read_stream_backwards(
        &self,
        stream: StreamId,
        before: Option<u64>,
        limit: ReadLimit,
    ) -> Result<Vec<SealedEvent>, LogError>;

    /// The heads of streams, in the order asked; [`None`] for one that does not exist.
    async fn stream_heads(&self, streams: &[StreamId]) -> Result<Vec<Option<StreamHead>>, LogError>;

    /// The tenants that have a stream of their own.
    async fn tenants(&self) -> Result<Vec<TenantId>, LogError>;

    /// What an earlier append under this command id made, with the fingerprint of its input.
    async fn find_command(&self, tenant: TenantId, id: CommandId) -> Result<Option<(CommandKey, Appended)>, LogError>;

    /// The stream that an event stands in, and its version there.
    async fn find_event(&self, id: EventId) -> Result<Option<(StreamId, u64)>, LogError>;

    /// The end of the log.
    async fn head(&self) -> Result<LogHead, LogError>;

    /// The position of the last event recorded at or before `time`; [`Position::START`] if there is none.
    async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError>;

    /// The subject of the log's first event that has one: the key store that a log is opened with must know it.
    async fn first_subject(&self) -> Result<Option<SubjectId>, LogError>;

    /// True if positions count the events without a gap, so that a missing event can be detected.
    fn counts_positions(&self) -> bool {
        false
    }

    /// True if no event was recorded before one that precedes it. Where several nodes append without a common lock, their clocks
    /// may differ by a little.
    fn orders_times(&self) -> bool {
        true
    }

    /// How many bytes one append may hold, roughly.
    fn largest_append(&self) -> usize {
        usize::MAX
    }

    /// How many events lie after a position and up to another, where positions count them.
    async fn count_between(&self, after: Position, until: Position) -> Result<u64, LogError> {
        let end = self.head().await?.position;
        Ok(until.min(end).counter().saturating_sub(after.counter()))
    }

    /// Announces each new end of the log, appended by this process or another one. A hint: readers read to see what is there.
    fn watch(&self) -> watch::Receiver<Position>;

    /// The stored snapshot of a fold, if there is one.
    async fn load_snapshot(&self, stream: StreamId, fold: &str) -> Result<Option<Snapshot>, LogError>;

    /// Stores or replaces the snapshot of a fold.
    async fn save_snapshot(&self, stream: StreamId, fold: &str, snapshot: Snapshot) -> Result<(), LogError>;

    /// Removes all snapshots of a stream.
    async fn drop_snapshots(&self, stream: StreamId) -> Result<(), LogError>;

    /// The log's epoch, and the hashes of the events at positions, in the order asked; [`None`] where there is no event.
    async fn hashes_at(&self, positions: &[Position]) -> Result<(u32, Vec<Option<EventHash>>), LogError>;

    /// What these commands made, in no order; nothing for one that was not carried out.
    async fn commands(&self, commands: &[(TenantId, CommandId)]) -> Result<Vec<CommandRecord>, LogError>;

    /// How many appends of commands the log keeps up to a position. Reads them all.
    async fn count_commands(&self, until: Position) -> Result<u64, LogError>;

    /// The streams in the order in which they were opened, from the one after so many.
    async fn streams_after(&self, count: u64, most: usize) -> Result<Vec<StreamId>, LogError>;

    /// The log's id and epochs.
    async fn origin(&self) -> Result<Origin, LogError>;

    /// The triggers that refuse changes of the log, and are missing or were changed.
    async fn missing_guards(&self) -> Result<Vec<String>, LogError>;

    /// The epoch that the log is in.
    async fn epoch(&self) -> Result<Epoch, LogError>;

    /// Raises the epoch and returns it.
    async fn start_epoch(&self) -> Result<u32, LogError>;

    /// Finishes what was accepted, then closes the store.
    async fn close(&self);
}
