//! The last checkpoint, signed while the log grows and kept in the key store, beside the keys: `commlog verify` compares the log
//! with it without being told. Signing reads only what came since.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ids::Position;
use crate::log::chain::{self, Verified};
use crate::log::checkpoint::{Checkpoint, CheckpointError};
use crate::log::grown::{Grown, Kept};
use crate::log::keys::KeyStore;
use crate::log::seal::MasterKey;
use crate::log::{EventLog, LogError, ReadLimit};

/// Events per read.
const BATCH: usize = 4_096;

/// Signs and keeps checkpoints of one log.
#[derive(Clone)]
pub struct Keeper {
    log: Arc<dyn EventLog>,
    keys: Arc<dyn KeyStore>,
    master: MasterKey,
    signed: watch::Sender<Position>,
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
        kept.continued(self.log.as_ref()).await?;
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
            Some(kept) => match kept.continued(self.log.as_ref()).await {
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
            if events.is_empty() {
                break;
            }
            grown.extend(self.log.as_ref(), &events).await?;
        }
        if grown.position == before {
            return Ok(None);
        }
        let kept = grown.keep(self.log.origin().await?, epoch, &self.master);
        let text = serde_json::to_string(&kept).map_err(|_| CheckpointError::Forged)?;
        self.keys.keep_checkpoint(&text).await.map_err(LogError::from)?;
        self.signed.send_replace(kept.checkpoint.position);
        Ok(Some(kept.checkpoint))
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
