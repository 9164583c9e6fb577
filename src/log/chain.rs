//! Verification: recomputes every chain of hashes, in one pass in position order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::ids::{EventId, Position};
use crate::log::cover::{Cover, Covered, Origin, Step, UnknownCommand};
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
    /// The commands and streams up to the end.
    pub covered: Covered,
    /// The log's id and epochs.
    pub origin: Origin,
    /// At the position that was to be noted: the root, and the commands and streams up to there.
    pub noted: Option<(TreeHash, Covered)>,
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

impl Broken {
    /// What is wrong with an event that can be read.
    pub(super) fn of(event: &SealedEvent, reason: String) -> Self {
        let envelope = &event.envelope;
        let says = BrokenEvent {
            id: envelope.id,
            stream: envelope.stream,
            version: envelope.version,
            event_type: envelope.event_type.clone(),
        };
        Self { position: envelope.position, event: Some(Box::new(says)), reason }
    }
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
    /// What makes the repetition of a command harmless.
    #[error(transparent)]
    Command(#[from] UnknownCommand),
    /// Nothing: commands were added that no event was appended by.
    #[error("the log knows of {0} appends under commands of which it has no events")]
    Forged(u64),
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
    let verified = walk(log, note, end, progress).await?;
    if verified.head != end {
        return Err(Incomplete::Shortened { claimed: end, last: verified.head }.into());
    }
    let forged = log.count_commands(end).await?.saturating_sub(verified.covered.commands.entries);
    if forged > 0 {
        return Err(Incomplete::Forged(forged).into());
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
    walk(log, None, until, progress).await
}

fn begin(log: &dyn EventLog, note: Option<Position>) -> Walk {
    Walk::new(log.counts_positions(), log.orders_times(), note)
}

async fn walk(
    log: &dyn EventLog,
    note: Option<Position>,
    until: Position,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Verified, VerifyError> {
    let (mut walk, mut cover, mut noted, mut unknown) = (begin(log, note), Cover::default(), None, None);
    let mut batch = match read(log, Position::START, until).await {
        Ok(batch) => batch,
        Err(LogError::Damaged { .. }) => return Err(first_damaged(log, walk, until).await),
        Err(error) => return Err(error.into()),
    };
    while let Some(last) = batch.last() {
        let after = last.envelope.position;
        let steps: Vec<Step> = batch.iter().map(Step::from).collect();
        // The next batch is read, and the commands of this one, while this one is hashed.
        let (walked, covered, next) = tokio::join!(
            tokio::task::spawn_blocking(move || walk.events(&batch).map(|()| walk)),
            cover.extend(log, &steps, note),
            read(log, after, until)
        );
        walk = walked.map_err(|_| LogError::Closed)??;
        // A broken event is the first thing to report, wherever a command is missing.
        let (found, missing) = covered?;
        noted = noted.or(found);
        unknown = unknown.or(missing);
        batch = match next {
            Ok(next) => next,
            Err(LogError::Damaged { .. }) => return Err(first_damaged(log, walk, until).await),
            Err(error) => return Err(error.into()),
        };
        progress(walk.tree.size());
    }
    if let Some(unknown) = unknown {
        return Err(Incomplete::from(unknown).into());
    }
    Ok(walk.end(cover.covered(), noted, log.origin().await?))
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
        match log.read_all(walk.head, ReadLimit::events(1)).await {
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

/// What was seen up to an event, where events come in position order from the log's first on.
#[derive(Debug, Clone)]
pub struct Walk {
    counts_positions: bool,
    orders_times: bool,
    note: Option<Position>,
    heads: HashMap<StreamId, (u64, EventHash)>,
    tree: Tree,
    /// The last event, from which the next one must follow.
    head: Position,
    recorded_at: DateTime<Utc>,
    noted: Option<TreeHash>,
}

impl Walk {
    /// Before the first event of a log that counts positions and orders times, or not ([`EventLog::counts_positions`],
    /// [`EventLog::orders_times`]); the root at `note` is remembered.
    #[must_use]
    pub fn new(counts_positions: bool, orders_times: bool, note: Option<Position>) -> Self {
        let (head, recorded_at) = (Position::START, DateTime::<Utc>::UNIX_EPOCH);
        let (heads, tree) = (HashMap::new(), Tree::default());
        Self { counts_positions, orders_times, note, heads, tree, head, recorded_at, noted: None }
    }

    /// Takes the next events.
    ///
    /// # Errors
    /// The first that is not what was appended, or not where it was.
    pub fn events(&mut self, events: &[SealedEvent]) -> Result<(), Broken> {
        events.iter().try_for_each(|event| self.event(event).map_err(|reason| Broken::of(event, reason)))
    }

    fn event(&mut self, event: &SealedEvent) -> Result<(), String> {
        let envelope = &event.envelope;
        let expected = self.head.counter() + 1;
        if envelope.position <= self.head
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
        if self.orders_times && envelope.recorded_at < self.recorded_at {
            return Err("it was recorded before the event that precedes it".to_owned());
        }
        self.heads.insert(envelope.stream, (envelope.version, envelope.hash));
        self.tree.add(&envelope.hash);
        if self.note == Some(envelope.position) {
            self.noted = Some(self.tree.root());
        }
        self.head = envelope.position;
        self.recorded_at = self.recorded_at.max(envelope.recorded_at);
        Ok(())
    }

    /// What was verified, with what the trees over commands and streams stand for.
    #[must_use]
    pub fn end(self, covered: Covered, noted: Option<Covered>, origin: Origin) -> Verified {
        Verified {
            events: self.tree.size(),
            streams: self.heads.len() as u64,
            head: self.head,
            recorded_at: self.recorded_at,
            root: self.tree.root(),
            covered,
            origin,
            noted: self.noted.zip(noted),
        }
    }
}
