//! Verification: recomputes every chain of hashes, in one pass in position order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::ids::{EventId, Position};
use crate::log::{EventHash, EventLog, LogError, ReadLimit, SealedEvent, StreamId};

/// Events per read.
const BATCH: usize = 4_096;

/// A log whose every event is what was appended, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many events were read.
    pub events: u64,
    /// How many streams they are in.
    pub streams: u64,
    /// The last event's position.
    pub head: Position,
    /// When the last event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// SHA-256 over the hashes of all events in position order: stands for the whole log.
    pub digest: [u8; 32],
}

/// The first event that is not what was appended, or not where it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event at position {position} is broken: {reason}")]
pub struct Broken {
    /// The position of the event in the log.
    pub position: Position,
    /// What it says of itself, if it can be read.
    pub event: Option<Box<BrokenEvent>>,
    /// What is wrong.
    pub reason: String,
}

/// What a broken event says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenEvent {
    /// The event's id.
    pub id: EventId,
    /// The event's stream.
    pub stream: StreamId,
    /// The event's version in its stream, from 1.
    pub version: u64,
    /// The event's type, such as `MessageSent`.
    pub event_type: String,
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was changed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Verifies the whole log as it stands. `progress` receives the number of events so far.
///
/// # Errors
/// [`VerifyError::Broken`] with the first bad event.
pub async fn verify(log: &dyn EventLog, progress: impl FnMut(u64) + Send) -> Result<Verified, VerifyError> {
    let end = log.head().await?.position;
    verify_until(log, end, progress).await
}

/// Verifies the log up to a position, the event there included.
///
/// # Errors
/// As [`verify`].
pub async fn verify_until(
    log: &dyn EventLog,
    until: Position,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Verified, VerifyError> {
    let mut walk = Walk::new(log.counts_positions());
    let mut batch = match read(log, Position::START, until).await {
        Ok(batch) => batch,
        Err(LogError::Damaged { .. }) => return Err(first_damaged(log, walk, until).await),
        Err(error) => return Err(error.into()),
    };
    while let Some(last) = batch.last() {
        let after = last.envelope.position;
        // The next batch is read while this one is hashed.
        let (walked, next) = tokio::join!(
            tokio::task::spawn_blocking(move || walk.events(&batch).map(|()| walk)),
            read(log, after, until)
        );
        walk = walked.map_err(|_| LogError::Closed)??;
        batch = match next {
            Ok(next) => next,
            Err(LogError::Damaged { .. }) => return Err(first_damaged(log, walk, until).await),
            Err(error) => return Err(error.into()),
        };
        progress(walk.verified.events);
    }
    Ok(walk.end())
}

async fn read(log: &dyn EventLog, after: Position, until: Position) -> Result<Vec<SealedEvent>, LogError> {
    if after >= until {
        return Ok(Vec::new());
    }
    let mut events = log.read_all(after, ReadLimit::events(BATCH)).await?;
    events.truncate(events.partition_point(|event| event.envelope.position <= until));
    Ok(events)
}

/// A batch with an unreadable event was not read at all: its events are walked one by one, because one before the
/// unreadable one may be broken.
async fn first_damaged(log: &dyn EventLog, mut walk: Walk, until: Position) -> VerifyError {
    loop {
        match log.read_all(walk.verified.head, ReadLimit::events(1)).await {
            Ok(events) if events.iter().all(|event| event.envelope.position <= until) && !events.is_empty() => {
                if let Err(broken) = walk.events(&events) {
                    return broken.into();
                }
            }
            Ok(_) => return LogError::Closed.into(),
            Err(LogError::Damaged { position, reason }) => return Broken { position, event: None, reason }.into(),
            Err(error) => return error.into(),
        }
    }
}

/// What was seen up to an event.
struct Walk {
    counts_positions: bool,
    heads: HashMap<StreamId, (u64, EventHash)>,
    digest: Sha256,
    verified: Verified,
}

impl Walk {
    fn new(counts_positions: bool) -> Self {
        let verified = Verified {
            events: 0,
            streams: 0,
            head: Position::START,
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
            digest: [0; 32],
        };
        Self { counts_positions, heads: HashMap::new(), digest: Sha256::new(), verified }
    }

    fn events(&mut self, events: &[SealedEvent]) -> Result<(), Broken> {
        events.iter().try_for_each(|event| {
            self.event(event).map_err(|reason| Broken {
                position: event.envelope.position,
                event: Some(Box::new(BrokenEvent {
                    id: event.envelope.id,
                    stream: event.envelope.stream,
                    version: event.envelope.version,
                    event_type: event.envelope.event_type.clone(),
                })),
                reason,
            })
        })
    }

    fn event(&mut self, event: &SealedEvent) -> Result<(), String> {
        let envelope = &event.envelope;
        let expected = self.verified.head.counter() + 1;
        if envelope.position <= self.verified.head
            || self.counts_positions && envelope.position != Position::from_counter(expected)
        {
            return Err(format!("an event is missing before it, at position {}", Position::from_counter(expected)));
        }
        let (version, previous) = self.heads.get(&envelope.stream).copied().unwrap_or_default();
        if envelope.version != version + 1 {
            return Err(format!("it has version {}, where {} follows in its stream", envelope.version, version + 1));
        }
        if event.compute_hash(&previous) != envelope.hash {
            return Err("its hash does not fit its content and the event before it in its stream".to_owned());
        }
        if envelope.recorded_at < self.verified.recorded_at {
            return Err("it was recorded before the event that precedes it".to_owned());
        }
        self.heads.insert(envelope.stream, (envelope.version, envelope.hash));
        self.digest.update(envelope.hash);
        self.verified.events += 1;
        self.verified.head = envelope.position;
        self.verified.recorded_at = envelope.recorded_at;
        Ok(())
    }

    fn end(mut self) -> Verified {
        self.verified.streams = self.heads.len() as u64;
        self.verified.digest = self.digest.finalize().into();
        self.verified
    }
}
