//! What checkpoints are made of as a log grows: the trees over its events, commands and streams, each by its peaks, so that what
//! follows can be added without reading what was before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::Position;
use crate::log::chain::{Incomplete, Verified, VerifyError};
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::cover::{Beside, Cover, Origin, Rooted, Step};
use crate::log::load::Portion;
use crate::log::merkle::{Tree, TreeHash};
use crate::log::seal::MasterKey;
use crate::log::{EventHash, EventLog, SealedEvent};

/// A checkpoint, and what the next one continues from. Where it is kept is trusted with the unsigned rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The epoch that an operator had confirmed last.
    pub epoch: u32,
    /// The last event's hash, in hex.
    last: String,
    /// The peaks of the tree of events, in hex, one after the other.
    peaks: String,
    /// As well, of the tree of commands.
    command_peaks: String,
    /// As well, of the tree of streams.
    stream_peaks: String,
}

/// A log up to an event.
#[derive(Debug, Clone)]
pub struct Grown {
    /// Over the events.
    tree: Tree,
    /// Over commands and streams.
    cover: Cover,
    /// The last event's position.
    pub position: Position,
    recorded_at: DateTime<Utc>,
    last: EventHash,
}

impl Default for Grown {
    fn default() -> Self {
        let (tree, cover, last) = (Tree::default(), Cover::default(), EventHash::default());
        Self { tree, cover, position: Position::START, recorded_at: DateTime::UNIX_EPOCH, last }
    }
}

impl Grown {
    /// Takes the next events of a log, and reads what the log has beside them.
    ///
    /// # Errors
    /// [`Incomplete::Command`] if the log does not know the command of one.
    pub async fn extend(&mut self, log: &dyn EventLog, events: &[SealedEvent]) -> Result<(), VerifyError> {
        let steps: Vec<Step> = events.iter().map(Step::from).collect();
        let beside = Beside::read(log, &steps, self.cover.streams.size()).await?;
        self.take(events, &steps, &beside)
    }

    /// Takes the next portion of a log, which ends no append in its middle.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn extend_with(&mut self, portion: &Portion) -> Result<(), VerifyError> {
        let steps: Vec<Step> = portion.events.iter().map(Step::from).collect();
        self.take(&portion.events, &steps, &Beside::of(portion))
    }

    fn take(&mut self, events: &[SealedEvent], steps: &[Step], beside: &Beside) -> Result<(), VerifyError> {
        if let (_, Some(unknown)) = self.cover.take(steps, beside, None) {
            return Err(Incomplete::from(unknown).into());
        }
        events.iter().for_each(|event| self.tree.add(&event.envelope.hash));
        if let Some(last) = events.last() {
            (self.position, self.recorded_at) = (last.envelope.position, last.envelope.recorded_at);
            self.last = last.envelope.hash;
        }
        Ok(())
    }

    /// How many events were taken.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.tree.size()
    }

    /// Signs a checkpoint of what was taken, for a log of this origin.
    #[must_use]
    pub fn keep(&self, origin: Origin, epoch: u32, master: &MasterKey) -> Kept {
        let verified = Verified {
            events: self.tree.size(),
            streams: 0,
            head: self.position,
            recorded_at: self.recorded_at,
            root: self.tree.root(),
            covered: self.cover.covered(),
            origin,
            noted: None,
        };
        Kept {
            checkpoint: Checkpoint::sign(&verified, master),
            epoch,
            last: hex::encode(self.last),
            peaks: hex::encode(self.tree.peaks().concat()),
            command_peaks: hex::encode(self.cover.commands.peaks().concat()),
            stream_peaks: hex::encode(self.cover.streams.peaks().concat()),
        }
    }
}

impl Kept {
    /// The last event's hash; [`None`] if it is not one.
    #[must_use]
    pub fn last(&self) -> Option<EventHash> {
        let mut last = EventHash::default();
        hex::decode_to_slice(&self.last, &mut last).ok().map(|()| last)
    }

    /// Where it left off, if a log still has the event there.
    ///
    /// # Errors
    /// Each variant of [`CheckpointError`] but those of events that were not read.
    pub async fn continued(&self, log: &dyn EventLog) -> Result<Grown, CheckpointError> {
        let Checkpoint { log_id, position, recorded_at, events, root, commands, streams, epochs, .. } = self.checkpoint;
        let last = self.last().ok_or(CheckpointError::Forged)?;
        let tree = read_tree(&self.peaks, Rooted { entries: events, root })?;
        let cover = Cover {
            commands: read_tree(&self.command_peaks, commands)?,
            streams: read_tree(&self.stream_peaks, streams)?,
        };
        let end = log.head().await?.position;
        if end < position {
            return Err(CheckpointError::Shortened { end, position });
        }
        let (_, hashes) = log.hashes_at(&[position]).await?;
        // Every log contains its beginning.
        if position != Position::START && hashes.first().copied().flatten() != Some(last) {
            return Err(CheckpointError::Rewritten { position });
        }
        let origin = log.origin().await?;
        if origin.log_id != log_id {
            return Err(CheckpointError::Other { expected: log_id, found: origin.log_id });
        }
        if origin.rooted(epochs.entries) != epochs {
            return Err(CheckpointError::Changed { what: "epochs", position });
        }
        Ok(Grown { tree, cover, position, recorded_at, last })
    }
}

/// A tree by its peaks, in hex one after the other.
fn read_tree(peaks: &str, rooted: Rooted) -> Result<Tree, CheckpointError> {
    let bytes = hex::decode(peaks).map_err(|_| CheckpointError::Forged)?;
    let (peaks, rest) = bytes.as_chunks::<{ size_of::<TreeHash>() }>();
    let tree =
        Tree::from_peaks(rooted.entries, peaks.to_vec()).filter(|tree| rest.is_empty() && tree.root() == rooted.root);
    tree.ok_or(CheckpointError::Forged)
}
