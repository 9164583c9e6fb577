//! Verification: recomputes every chain of hashes, in one pass in position order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::ids::{EventId, Position};
use crate::log::merkle::{Prover, Tree, TreeHash};
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
    /// The Merkle root (RFC 6962) of the hashes of all events in position order: stands for the whole log.
    pub root: TreeHash,
    /// The root at the position that was to be noted.
    pub noted: Option<TreeHash>,
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

/// What is missing of a log whose events are intact one by one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Events at its end.
    #[error(
        "events are missing at the end of the log: it says that it ends at position {claimed}, and its last event is at {last}"
    )]
    Shortened {
        /// Where the log says that it ends.
        claimed: Position,
        /// Its last event's position.
        last: Position,
    },
    /// What refuses changes.
    #[error("the log is not protected against changes: triggers are missing or changed: {}", .0.join(", "))]
    Unguarded(Vec<String>),
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was changed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Something of it is missing.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// It could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Verifies the whole log as it stands, and that nothing lets it be changed. `progress` receives the number of events so far.
///
/// # Errors
/// [`VerifyError::Broken`] with the first bad event; [`VerifyError::Incomplete`].
pub async fn verify(log: &dyn EventLog, progress: impl FnMut(u64) + Send) -> Result<Verified, VerifyError> {
    verify_noting(log, None, progress).await
}

/// As [`verify`], noting the root at a position on the way.
///
/// # Errors
/// As [`verify`].
pub async fn verify_noting(
    log: &dyn EventLog,
    note: Option<Position>,
    progress: impl FnMut(u64) + Send,
) -> Result<Verified, VerifyError> {
    let end = log.head().await?.position;
    let verified = walk(log, Walk::new(log.counts_positions(), note), end, progress).await?;
    if verified.head != end {
        return Err(Incomplete::Shortened { claimed: end, last: verified.head }.into());
    }
    let missing = log.missing_guards().await?;
    if !missing.is_empty() {
        return Err(Incomplete::Unguarded(missing).into());
    }
    Ok(verified)
}

/// That an event is in the log: the audit path of RFC 6962, section 2.1.1, over the events' hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The event's position.
    pub position: Position,
    /// Its place in the tree, from 0.
    pub index: u64,
    /// Number of events in the tree.
    pub events: u64,
    /// The event's hash, which is the tree's entry.
    pub hash: EventHash,
    /// The hashes beside the way from the entry to the root.
    pub path: Vec<TreeHash>,
    /// The root.
    pub root: TreeHash,
}

/// Proves that an event is in the log up to a position; [`None`] if it is not.
pub async fn prove(log: &dyn EventLog, id: EventId, until: Position) -> Result<Option<Proof>, LogError> {
    let mut found = None;
    let mut tree = Tree::default();
    each(log, until, |event| {
        if event.envelope.id == id {
            found = Some((event.envelope.position, tree.size(), event.envelope.hash));
        }
        tree.add(&event.envelope.hash);
    })
    .await?;
    let Some((position, index, hash)) = found else { return Ok(None) };
    let (mut prover, mut at) = (Prover::new(index, tree.size()), 0);
    each(log, until, |event| {
        prover.add(at, &event.envelope.hash);
        at += 1;
    })
    .await?;
    Ok(Some(Proof { position, index, events: tree.size(), hash, path: prover.path(), root: tree.root() }))
}

async fn each(log: &dyn EventLog, until: Position, mut visit: impl FnMut(&SealedEvent) + Send) -> Result<(), LogError> {
    let mut after = Position::START;
    loop {
        let events = read(log, after, until).await?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.envelope.position;
        events.iter().for_each(&mut visit);
    }
}

/// Verifies the log up to a position, the event there included.
///
/// # Errors
/// As [`verify`].
pub async fn verify_until(
    log: &dyn EventLog,
    until: Position,
    progress: impl FnMut(u64) + Send,
) -> Result<Verified, VerifyError> {
    walk(log, Walk::new(log.counts_positions(), None), until, progress).await
}

async fn walk(
    log: &dyn EventLog,
    mut walk: Walk,
    until: Position,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Verified, VerifyError> {
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
    note: Option<Position>,
    heads: HashMap<StreamId, (u64, EventHash)>,
    tree: Tree,
    verified: Verified,
}

impl Walk {
    fn new(counts_positions: bool, note: Option<Position>) -> Self {
        let verified = Verified {
            events: 0,
            streams: 0,
            head: Position::START,
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
            root: TreeHash::default(),
            noted: None,
        };
        Self { counts_positions, note, heads: HashMap::new(), tree: Tree::default(), verified }
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
        self.tree.add(&envelope.hash);
        if self.note == Some(envelope.position) {
            self.verified.noted = Some(self.tree.root());
        }
        self.verified.events += 1;
        self.verified.head = envelope.position;
        self.verified.recorded_at = envelope.recorded_at;
        Ok(())
    }

    fn end(mut self) -> Verified {
        self.verified.streams = self.heads.len() as u64;
        self.verified.root = self.tree.root();
        self.verified
    }
}
