//! Writing a log as it stands: what a copy or a backup holds goes into an empty store, event by event as it was appended.
//!
//! Nothing is decided and nothing is sealed here: ids, versions, times, epochs, causes and hashes are those of the original, and so
//! are positions, because every backend counts events from 1. While it is loaded, a log has no epoch: that is the sign by which
//! every ordinary opening refuses it ([`LogError::Loading`]). [`LogLoader::finish`] gives it those of the original, and remembers
//! that it was loaded: it sends nothing until an operator starts an epoch on it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::ids::{CommandId, Position};
use crate::log::chain::Broken;
use crate::log::cover::{CommandRecord, Origin};
use crate::log::{EventLog, LogError, ReadLimit, SealedEvent, StreamHead, StreamId};

/// As much as is loaded at once: 4,096 events or 8 MiB.
pub const PORTION: ReadLimit = ReadLimit { events: 4_096, bytes: 8 * 1024 * 1024 };

/// Events that follow each other in a log, with what commands made of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portion {
    /// The position that they follow.
    pub after: Position,
    /// In the order of their positions, as they stand.
    pub events: Vec<SealedEvent>,
    /// The appends under commands whose last event is among these.
    pub commands: Vec<CommandRecord>,
}

impl Portion {
    /// Reads the events of a log after a position, and their commands; none at the log's end.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if one of the first events cannot be read.
    pub async fn read(log: &dyn EventLog, after: Position, limit: ReadLimit) -> Result<Self, LogError> {
        // What is there by now is there with its commands.
        let end = log.head().await?.position;
        let mut events = if after < end { log.read_all(after, limit).await? } else { Vec::new() };
        events.truncate(events.partition_point(|event| event.envelope.position <= end));
        let asked: HashSet<_> = events.iter().filter_map(command_of).collect();
        let asked: Vec<_> = asked.into_iter().collect();
        let mut commands = if asked.is_empty() { Vec::new() } else { log.commands(&asked).await? };
        let last = last_position(&events, after);
        commands.retain(|record| after < record.position && record.position <= last);
        commands.sort_unstable_by_key(|record| (record.position, record.ordinal));
        // A command that two nodes of a KurrentDB set about, and that one carried out, is known twice.
        commands.dedup();
        Ok(Self { after, events, commands })
    }

    /// As [`Self::read`], without the beginning of an append at its end whose rest comes later.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_whole(log: &dyn EventLog, after: Position, limit: ReadLimit) -> Result<Self, LogError> {
        let (mut limit, mut before) = (limit, 0);
        loop {
            let mut portion = Self::read(log, after, limit).await?;
            let (read, unfinished) = (portion.events.len(), portion.unfinished());
            if unfinished < read {
                portion.events.truncate(read - unfinished);
                return Ok(portion);
            }
            // A log that does not know the command of its last events has no more of them.
            if read == before {
                return Ok(portion);
            }
            // One append is larger than what was read.
            before = read;
            limit = ReadLimit { events: limit.events.saturating_mul(2), bytes: limit.bytes.saturating_mul(2) };
        }
    }

    /// How many events at its end are of an append under a command that does not end here. One stream's events of one command
    /// stand together, and its append is known by the last of them.
    fn unfinished(&self) -> usize {
        let Some(last) = self.events.last() else { return 0 };
        let (position, stream, command) = (last.envelope.position, last.envelope.stream, last.envelope.command_id);
        if command.is_none() || self.commands.iter().any(|record| record.position == position) {
            return 0;
        }
        let is_its = |event: &&SealedEvent| (event.envelope.stream, event.envelope.command_id) == (stream, command);
        self.events.iter().rev().take_while(is_its).count()
    }

    /// Leaves out what follows a position.
    pub fn cut_after(&mut self, until: Position) {
        self.events.retain(|event| event.envelope.position <= until);
        self.commands.retain(|record| record.position <= until);
    }

    /// The position of its last event; that which it follows, if it has none.
    #[must_use]
    pub fn last(&self) -> Position {
        last_position(&self.events, self.after)
    }

    /// Leaves only its first events, and their commands.
    pub fn cut(&mut self, events: usize) {
        self.events.truncate(events);
        let last = self.last();
        self.commands.retain(|record| record.position <= last);
    }

    /// The streams that its events are in, each once, in the order of their first events.
    pub(super) fn streams(&self) -> Vec<StreamId> {
        let mut seen = HashSet::new();
        self.events.iter().map(|event| event.envelope.stream).filter(|stream| seen.insert(*stream)).collect()
    }
}

fn command_of(event: &SealedEvent) -> Option<(crate::ids::TenantId, CommandId)> {
    Some((event.envelope.stream.tenant, event.envelope.command_id?))
}

fn last_position(events: &[SealedEvent], after: Position) -> Position {
    events.last().map_or(after, |event| event.envelope.position)
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store holds a log that is complete.
    #[error("{url} already holds a log, {log_id}, which ends at position {end}: choose an empty place")]
    Occupied {
        /// The store's URL without credentials.
        url: String,
        /// The log's id.
        log_id: Uuid,
        /// Its end.
        end: Position,
    },
    /// The store is being loaded with another log.
    #[error("{url} holds a part of the log {found}, not of {expected}: choose an empty place")]
    Other {
        /// The store's URL without credentials.
        url: String,
        /// The log that was to be loaded.
        expected: Uuid,
        /// The log that it holds.
        found: Uuid,
    },
    /// The portion does not follow what is there.
    #[error("the log that is loaded ends at position {end}, and what is to be loaded follows position {after}")]
    Apart {
        /// Where the log ends.
        end: Position,
        /// What the portion follows.
        after: Position,
    },
    /// An event is not what was appended, or not in its place.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A command is said to have made what it did not make.
    #[error("command {command} did not make the event at position {position}, as it is said to have")]
    Command {
        /// The command.
        command: CommandId,
        /// Where its append is said to end.
        position: Position,
    },
    /// The original has no epoch, or is another log.
    #[error("the log that was loaded is {expected}, and cannot have the epochs of {found}")]
    Origin {
        /// The log that was loaded.
        expected: Uuid,
        /// Whose epochs were given.
        found: Uuid,
    },
    /// The store failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A store that a log is loaded into, one process at a time. What is returned as loaded is durable.
#[async_trait]
pub trait LogLoader: Send + Sync {
    /// Where the load stands: the position of the last event; [`Position::START`] if there is none.
    async fn loaded(&self) -> Result<Position, LoadError>;

    /// Appends a portion. In SQL all of it is loaded or nothing; in KurrentDB a failure may leave its first events loaded, and
    /// [`Self::loaded`] says which.
    ///
    /// # Errors
    /// [`LoadError::Apart`] if it does not follow what is loaded; [`LoadError::Broken`] if positions or versions have a gap, or if a
    /// hash does not follow from its event and the one before it; [`LoadError::Command`].
    async fn load(&self, portion: Portion) -> Result<(), LoadError>;

    /// What is loaded, to read it and to compare it. Refuses appends; is to be asked for again once more is loaded.
    async fn log(&self) -> Result<Arc<dyn EventLog>, LoadError>;

    /// Gives the log the epochs of the original, and ends the load: the log can be opened, and sends nothing until an
    /// operator has confirmed it.
    ///
    /// # Errors
    /// [`LoadError::Origin`] if they are those of another log.
    async fn finish(&self, origin: &Origin) -> Result<(), LoadError>;
}

/// Where a log stands before a portion.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// Of the last event.
    pub position: Position,
    /// The latest time of all events.
    pub recorded_at: DateTime<Utc>,
    /// The streams of the portion that exist.
    pub heads: HashMap<StreamId, StreamHead>,
}

/// What a portion makes of a log.
#[derive(Debug)]
pub(super) struct Continued {
    /// The streams that it opens, in order.
    pub opened: Vec<StreamId>,
    /// The streams that move, as they stand afterwards.
    pub heads: HashMap<StreamId, StreamHead>,
    /// The latest time of all events.
    pub recorded_at: DateTime<Utc>,
    /// False if an event was recorded before one that precedes it.
    pub orders_times: bool,
}

/// Makes sure that a portion continues a log: every event follows the one before it, and is what its hash says.
pub(super) fn continue_with(standing: &Standing, portion: &Portion) -> Result<Continued, LoadError> {
    if portion.after != standing.position {
        return Err(LoadError::Apart { end: standing.position, after: portion.after });
    }
    let mut continued = Continued {
        opened: Vec::new(),
        heads: HashMap::with_capacity(standing.heads.len()),
        recorded_at: standing.recorded_at,
        orders_times: true,
    };
    let mut position = standing.position;
    for event in &portion.events {
        let expected = Position::from_counter(position.counter() + 1);
        if event.envelope.position != expected {
            return Err(Broken::of(event, format!("position {expected} follows")).into());
        }
        position = expected;
        continued.add(standing, event)?;
    }
    portion.commands.iter().try_for_each(|record| check_command(portion, record))?;
    Ok(continued)
}

impl Continued {
    fn add(&mut self, standing: &Standing, event: &SealedEvent) -> Result<(), LoadError> {
        let envelope = &event.envelope;
        let stream = envelope.stream;
        let head = self.heads.get(&stream).or_else(|| standing.heads.get(&stream)).copied();
        let StreamHead { version, hash } = head.unwrap_or(StreamHead { version: 0, hash: Default::default() });
        if envelope.version != version + 1 {
            let found = envelope.version;
            let reason = format!("it has version {found}, where {} follows in its stream", version + 1);
            return Err(Broken::of(event, reason).into());
        }
        if event.compute_hash(&hash) != envelope.hash {
            let reason = "its hash does not fit its content and the event before it in its stream";
            return Err(Broken::of(event, reason.to_owned()).into());
        }
        if head.is_none() {
            self.opened.push(stream);
        }
        self.orders_times &= envelope.recorded_at >= self.recorded_at;
        self.recorded_at = self.recorded_at.max(envelope.recorded_at);
        self.heads.insert(stream, StreamHead { version: envelope.version, hash: envelope.hash });
        Ok(())
    }
}

fn check_command(portion: &Portion, record: &CommandRecord) -> Result<(), LoadError> {
    let number = record.position.counter().checked_sub(portion.after.counter() + 1);
    let event = number.and_then(|number| portion.events.get(usize::try_from(number).ok()?));
    let is_its = event.is_some_and(|event| {
        command_of(event) == Some(record.command)
            && event.envelope.stream == record.stream
            && event.envelope.version == record.last_version
            && (1..=record.last_version).contains(&record.first_version)
    });
    if is_its { Ok(()) } else { Err(LoadError::Command { command: record.command.1, position: record.position }) }
}

/// Whether epochs can be given to a loaded log.
pub(super) fn check_origin(log_id: Uuid, origin: &Origin) -> Result<(), LoadError> {
    if origin.log_id == log_id && !origin.epochs.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Origin { expected: log_id, found: origin.log_id })
    }
}
