//! The last checkpoint, signed while the log grows and kept in the key store, beside the keys: `commlog verify` compares the log
//! with it without being told. Signing reads only what came since.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::ids::Position;
use crate::log::chain::{self, Incomplete, Verified, VerifyError};
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::cover::{Cover, Rooted, Step};
use crate::log::keys::KeyStore;
use crate::log::merkle::{Tree, TreeHash};
use crate::log::seal::MasterKey;
use crate::log::{EventHash, EventLog, LogError, ReadLimit};

/// Events per read.
const BATCH: usize = 4_096;

/// A checkpoint, and what the next one continues from. The key store is trusted with the unsigned rest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    checkpoint: Checkpoint,
    /// The epoch that an operator had confirmed last.
    epoch: u32,
    /// The last event's hash, in hex.
    last: String,
    /// The peaks of the tree of events, in hex, one after the other.
    peaks: String,
    /// As well, of the tree of commands.
    command_peaks: String,
    /// As well, of the tree of streams.
    stream_peaks: String,
}

/// Signs and keeps checkpoints of one log.
#[derive(Clone)]
pub struct Keeper {
    log: Arc<dyn EventLog>,
    keys: Arc<dyn KeyStore>,
    master: MasterKey,
    signed: watch::Sender<Position>,
}

/// What a checkpoint is made of.
struct Grown {
    tree: Tree,
    cover: Cover,
    position: Position,
    recorded_at: DateTime<Utc>,
    last: EventHash,
}

impl Default for Grown {
    fn default() -> Self {
        let (tree, cover, last) = (Tree::default(), Cover::default(), EventHash::default());
        Self { tree, cover, position: Position::START, recorded_at: DateTime::UNIX_EPOCH, last }
    }
}

impl Keeper {
    /// For a log whose keys are in this store.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, keys: Arc<dyn KeyStore>, master: MasterKey) -> Self {
        Self { log, keys, master, signed: watch::Sender::new(Position::START) }
    }

    /// Each new end of the log, for who signs by their number.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.log.watch()
    }

    /// Each position that this process signed.
    #[must_use]
    pub fn signed(&self) -> watch::Receiver<Position> {
        self.signed.subscribe()
    }

    /// The checkpoint that the log must contain; [`None`] if none was kept, or an operator has since confirmed that another
    /// log takes the place of the one that it was made of.
    ///
    /// # Errors
    /// [`CheckpointError::Forged`] if it cannot be read or was not signed with the master key.
    pub async fn last(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let kept = self.read().await?;
        let epoch = self.confirmed_epoch().await?;
        Ok(kept.filter(|kept| kept.epoch >= epoch).map(|kept| kept.checkpoint))
    }

    /// How many events the log has; [`None`] if its positions do not count them.
    ///
    /// # Errors
    /// [`LogError`] if it does not respond.
    pub async fn events(&self) -> Result<Option<u64>, LogError> {
        let head = self.log.head().await?.position;
        Ok(self.log.counts_positions().then(|| head.counter()))
    }

    /// Verifies the whole log, and that it contains what the kept checkpoint covers, which is returned. `progress` receives the
    /// number of events so far.
    ///
    /// # Errors
    /// Each variant of [`CheckpointError`].
    pub async fn verify(
        &self,
        progress: impl FnMut(u64) + Send,
    ) -> Result<(Verified, Option<Checkpoint>), CheckpointError> {
        let kept = self.last().await?;
        let note = kept.as_ref().map(|checkpoint| checkpoint.position);
        let verified = chain::verify_noting(self.log.as_ref(), note, progress).await?;
        if let Some(kept) = &kept {
            kept.compare(&verified)?;
        }
        Ok((verified, kept))
    }

    /// Signs what was verified. It is not kept.
    #[must_use]
    pub fn sign(&self, verified: &Verified) -> Checkpoint {
        Checkpoint::sign(verified, &self.master)
    }

    /// As [`Self::last`], after making sure that the log still has the event there: a look, not a verification.
    ///
    /// # Errors
    /// [`CheckpointError::Shortened`] or [`CheckpointError::Rewritten`] if it has not.
    pub async fn glance(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let epoch = self.confirmed_epoch().await?;
        let Some(kept) = self.read().await?.filter(|kept| kept.epoch >= epoch) else { return Ok(None) };
        self.continued(&kept).await?;
        Ok(Some(kept.checkpoint))
    }

    /// Signs a checkpoint at the log's end and keeps it; returns it if there was something new.
    ///
    /// # Errors
    /// [`CheckpointError::Shortened`] or [`CheckpointError::Rewritten`] if the log lacks what was kept, which stays then.
    pub async fn advance(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let epoch = self.confirmed_epoch().await?;
        let mut grown = match self.read().await? {
            None => Grown::default(),
            Some(kept) => match self.continued(&kept).await {
                // Another log takes the place of the one that it was made of.
                Err(
                    CheckpointError::Shortened { .. }
                    | CheckpointError::Rewritten { .. }
                    | CheckpointError::Other { .. }
                    | CheckpointError::Changed { .. },
                ) if epoch > kept.epoch => Grown::default(),
                grown => grown?,
            },
        };
        let before = grown.position;
        loop {
            let events = self.log.read_all(grown.position, ReadLimit::events(BATCH)).await?;
            let Some(last) = events.last() else { break };
            let steps: Vec<Step> = events.iter().map(Step::from).collect();
            if let (_, Some(unknown)) = grown.cover.extend(self.log.as_ref(), &steps, None).await? {
                return Err(VerifyError::from(Incomplete::from(unknown)).into());
            }
            events.iter().for_each(|event| grown.tree.add(&event.envelope.hash));
            (grown.position, grown.recorded_at) = (last.envelope.position, last.envelope.recorded_at);
            grown.last = last.envelope.hash;
        }
        if grown.position == before {
            return Ok(None);
        }
        let verified = Verified {
            events: grown.tree.size(),
            streams: 0,
            head: grown.position,
            recorded_at: grown.recorded_at,
            root: grown.tree.root(),
            covered: grown.cover.covered(),
            origin: self.log.origin().await?,
            noted: None,
        };
        let checkpoint = Checkpoint::sign(&verified, &self.master);
        let kept = Kept {
            checkpoint: checkpoint.clone(),
            epoch,
            last: hex::encode(grown.last),
            peaks: hex::encode(grown.tree.peaks().concat()),
            command_peaks: hex::encode(grown.cover.commands.peaks().concat()),
            stream_peaks: hex::encode(grown.cover.streams.peaks().concat()),
        };
        let text = serde_json::to_string(&kept).map_err(|_| CheckpointError::Forged)?;
        self.keys.keep_checkpoint(&text).await.map_err(LogError::from)?;
        self.signed.send_replace(checkpoint.position);
        Ok(Some(checkpoint))
    }

    /// Where a kept checkpoint left off, if the log still has the event there.
    async fn continued(&self, kept: &Kept) -> Result<Grown, CheckpointError> {
        let Checkpoint { log_id, position, recorded_at, events, root, commands, streams, epochs, .. } = kept.checkpoint;
        let mut last = EventHash::default();
        hex::decode_to_slice(&kept.last, &mut last).map_err(|_| CheckpointError::Forged)?;
        let tree = read_tree(&kept.peaks, Rooted { entries: events, root })?;
        let cover = Cover {
            commands: read_tree(&kept.command_peaks, commands)?,
            streams: read_tree(&kept.stream_peaks, streams)?,
        };
        let end = self.log.head().await?.position;
        if end < position {
            return Err(CheckpointError::Shortened { end, position });
        }
        let (_, hashes) = self.log.hashes_at(&[position]).await?;
        if hashes.first().copied().flatten() != Some(last) {
            return Err(CheckpointError::Rewritten { position });
        }
        let origin = self.log.origin().await?;
        if origin.log_id != log_id {
            return Err(CheckpointError::Other { expected: log_id, found: origin.log_id });
        }
        if origin.rooted(epochs.entries) != epochs {
            return Err(CheckpointError::Changed { what: "epochs", position });
        }
        Ok(Grown { tree, cover, position, recorded_at, last })
    }

    async fn read(&self) -> Result<Option<Kept>, CheckpointError> {
        let Some(text) = self.keys.kept_checkpoint().await.map_err(LogError::from)? else { return Ok(None) };
        let kept: Kept = serde_json::from_str(&text).map_err(|_| CheckpointError::Forged)?;
        if kept.checkpoint.is_signed_with(&self.master) { Ok(Some(kept)) } else { Err(CheckpointError::Forged) }
    }

    /// The epoch that the key store knows of; what the log says of itself is not believed.
    async fn confirmed_epoch(&self) -> Result<u32, CheckpointError> {
        Ok(self.keys.log_mark().await.map_err(LogError::from)?.map_or(0, |stored| stored.mark.epoch))
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
