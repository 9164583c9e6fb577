//! Copying a log into another store as it stands, and comparing the two.
//!
//! The original may be written to meanwhile: a copy reaches the end that it finds, and can be continued from there at any time. That
//! the two are equal is seen by reading both: every event with all that is stored of it, what commands made, and the streams in
//! their order.

use std::fmt;

use crate::ids::Position;
use crate::log::load::{LoadError, LogLoader, PORTION, Portion};
use crate::log::{EventLog, LogError, SealedEvent};

/// Streams per read.
const STREAMS: usize = 4_096;

/// Where two logs are not the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Another event, or the same one with other content.
    #[error("at position {position} the original has {original}, and the copy has {copy}")]
    Event {
        /// The first position at which they differ.
        position: Position,
        /// What the original has there.
        original: What,
        /// What the copy has there.
        copy: What,
    },
    /// What commands made of the events up to a position.
    #[error("up to position {position} the two do not know the same commands")]
    Commands {
        /// The last position of a portion in which they differ.
        position: Position,
    },
    /// The streams in the order in which they were opened.
    #[error("the two do not have the same streams: after {equal} that are equal, they differ")]
    Streams {
        /// How many are equal.
        equal: u64,
    },
    /// The log's id or epochs.
    #[error("the two do not have the same id and epochs")]
    Origin,
}

/// What a log has at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Nothing: it ends before.
    Nothing,
    /// An event: its type, version and stream, its id and the beginning of its hash.
    Event(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Event(text) => text,
        })
    }
}

impl From<Option<&SealedEvent>> for What {
    fn from(event: Option<&SealedEvent>) -> Self {
        let Some(SealedEvent { envelope, .. }) = event else { return Self::Nothing };
        Self::Event(format!(
            "{} (version {} of {}, id {}, hash {}…)",
            envelope.event_type,
            envelope.version,
            envelope.stream,
            envelope.id,
            hex::encode(&envelope.hash[..4])
        ))
    }
}

/// Why a log is not copied, or not the same as its copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The original could not be read.
    #[error("the original cannot be read")]
    Original(#[source] LogError),
    /// The copy could not be written or read.
    #[error("the copy cannot be written")]
    Copy(#[source] LoadError),
    /// The two part.
    #[error(transparent)]
    Differ(#[from] Difference),
}

/// Two logs that are the same up to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Number of events.
    pub events: u64,
    /// Number of streams.
    pub streams: u64,
    /// Number of appends under commands.
    pub commands: u64,
    /// The last event's position.
    pub end: Position,
}

/// Copies what the copy does not have yet, up to the end of the original as it is found. `progress` receives each position
/// reached, first that where the copy stands, and says whether to go on. Returns the last one.
///
/// # Errors
/// [`CopyError::Differ`] if the copy does not have the original's event where it ends.
pub async fn catch_up(
    original: &dyn EventLog,
    copy: &dyn LogLoader,
    mut progress: impl FnMut(Position) -> bool + Send,
) -> Result<Position, CopyError> {
    let mut reached = copy.loaded().await.map_err(CopyError::Copy)?;
    check_continues(original, copy, reached).await?;
    let mut goes_on = progress(reached);
    let mut portion = read(original, reached).await?;
    while goes_on && !portion.events.is_empty() {
        let next = portion.last();
        // The next portion is read while this one is loaded. What was loaded stays, whatever the reading comes to.
        let (loaded, read) = tokio::join!(copy.load(portion), read(original, next));
        loaded.map_err(CopyError::Copy)?;
        reached = next;
        goes_on = progress(reached);
        portion = read?;
    }
    Ok(reached)
}

async fn read(original: &dyn EventLog, after: Position) -> Result<Portion, CopyError> {
    Portion::read(original, after, PORTION).await.map_err(CopyError::Original)
}

/// Makes sure that the last event of a copy is the original's; otherwise looks for the first one that is not.
async fn check_continues(original: &dyn EventLog, copy: &dyn LogLoader, end: Position) -> Result<(), CopyError> {
    if end == Position::START {
        return Ok(());
    }
    let copied = copy.log().await.map_err(CopyError::Copy)?;
    let (_, expected) = original.hashes_at(&[end]).await.map_err(CopyError::Original)?;
    let (_, found) = copied.hashes_at(&[end]).await.map_err(|error| CopyError::Copy(error.into()))?;
    if expected == found && expected.iter().all(Option::is_some) {
        return Ok(());
    }
    compare(original, copied.as_ref(), end, |_| ()).await?;
    Ok(())
}

/// Compares two logs up to a position: every byte of every event, what commands made, the streams in their order. Positions are
/// those of both. `progress` receives the position reached.
///
/// # Errors
/// [`CopyError::Differ`] with the first difference.
pub async fn compare(
    original: &dyn EventLog,
    copy: &dyn EventLog,
    until: Position,
    mut progress: impl FnMut(Position) + Send,
) -> Result<Compared, CopyError> {
    let mut compared = Compared { events: 0, streams: 0, commands: 0, end: Position::START };
    while compared.end < until {
        let (left, right) = tokio::join!(read(original, compared.end), Portion::read(copy, compared.end, PORTION));
        let (mut left, mut right) = (left?, right.map_err(|error| CopyError::Copy(error.into()))?);
        // Neither may have ended its read where the other one did.
        let most = left.events.len().min(right.events.len());
        let most = most.min(left.events.partition_point(|event| event.envelope.position <= until));
        let differs = left.events.iter().zip(&right.events).position(|(one, other)| one != other);
        if let Some(place) = differs.filter(|place| *place < most).or((most == 0).then_some(0)) {
            return Err(difference(&left, &right, place).into());
        }
        left.cut(most);
        right.cut(most);
        if left.commands != right.commands {
            return Err(Difference::Commands { position: left.last() }.into());
        }
        compared.events += most as u64;
        compared.commands += left.commands.len() as u64;
        compared.end = left.last();
        progress(compared.end);
    }
    let known = copy.count_commands(until).await.map_err(|error| CopyError::Copy(error.into()))?;
    if known != compared.commands {
        return Err(Difference::Commands { position: until }.into());
    }
    compared.streams = compare_streams(original, copy).await?;
    Ok(compared)
}

fn difference(left: &Portion, right: &Portion, place: usize) -> Difference {
    let (original, copy) = (left.events.get(place), right.events.get(place));
    let position = original.or(copy).map_or(left.after, |event| event.envelope.position);
    Difference::Event { position, original: original.into(), copy: copy.into() }
}

/// Compares the streams that the copy has, in their order; their number is returned. The original may have opened more since.
async fn compare_streams(original: &dyn EventLog, copy: &dyn EventLog) -> Result<u64, CopyError> {
    let mut equal = 0;
    loop {
        let left = original.streams_after(equal, STREAMS).await.map_err(CopyError::Original)?;
        let right = copy.streams_after(equal, STREAMS).await.map_err(|error| CopyError::Copy(error.into()))?;
        let same = left.iter().zip(&right).take_while(|(one, other)| one == other).count();
        equal += same as u64;
        if same < right.len() {
            return Err(Difference::Streams { equal }.into());
        }
        if right.len() < STREAMS {
            return Ok(equal);
        }
    }
}
