//! Signed checkpoints: kept elsewhere, they catch a log that was shortened or rewritten from some event on, hashes and
//! all, which its own chains cannot show.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::ids::Position;
use crate::log::chain::{self, Verified, VerifyError};
use crate::log::cover::{Covered, Origin, Rooted};
use crate::log::merkle::TreeHash;
use crate::log::seal::{self, MasterKey, Purpose};
use crate::log::{EventLog, LogError};

/// What a log was at some time, signed with a key derived from the master key. Written as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The log's id.
    pub log_id: Uuid,
    /// The last event's position.
    pub position: Position,
    /// How many events there were.
    pub events: u64,
    /// When the last event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The Merkle root (RFC 6962) of the hashes of all events, in position order.
    #[serde(with = "in_hex")]
    pub root: TreeHash,
    /// The appends that were made under commands, in position order.
    pub commands: Rooted,
    /// The streams, in the order in which they were opened.
    pub streams: Rooted,
    /// The log's epochs.
    pub epochs: Rooted,
    /// HMAC-SHA-256 of the rest.
    #[serde(with = "in_hex")]
    pub signature: [u8; 32],
}

/// Why a log does not fit a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Somebody else wrote the checkpoint, or changed it.
    #[error("the checkpoint was not signed with this master key, or was changed since")]
    Forged,
    /// Events at its end are gone.
    #[error("the log was shortened: it ends at position {end}, and the checkpoint was made at {position}")]
    Shortened {
        /// The position of the log's last event.
        end: Position,
        /// Where it ended when the checkpoint was made.
        position: Position,
    },
    /// Its chains hold, but they are not the ones of then.
    #[error("the log was rewritten: its events up to position {position} are not those of the checkpoint")]
    Rewritten {
        /// Where the log ended when the checkpoint was made.
        position: Position,
    },
    /// It has another id: the checkpoint was made of another log.
    #[error("the checkpoint was made of another log: its id is {}, and this one's is {found}", .expected.hyphenated())]
    Other {
        /// In the checkpoint.
        expected: Uuid,
        /// In the log.
        found: Uuid,
    },
    /// Something beside its events was changed or removed.
    #[error("the log's {what} up to position {position} are not those of the checkpoint")]
    Changed {
        /// What was changed: `commands`, `streams` or `epochs`.
        what: &'static str,
        /// Where the log ended when the checkpoint was made.
        position: Position,
    },
    /// It does not even hold by itself.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl From<LogError> for CheckpointError {
    fn from(error: LogError) -> Self {
        Self::Verify(error.into())
    }
}

impl Checkpoint {
    /// Signs what [`chain::verify`] found.
    #[must_use]
    pub fn sign(verified: &Verified, master: &MasterKey) -> Self {
        let &Verified { events, head: position, recorded_at, root, .. } = verified;
        let Verified { covered: Covered { commands, streams }, ref origin, .. } = *verified;
        let epochs = origin.rooted(u64::MAX);
        let log_id = origin.log_id;
        let mut checkpoint =
            Self { log_id, position, events, recorded_at, root, commands, streams, epochs, signature: [0; 32] };
        checkpoint.signature = checkpoint.mac(master);
        checkpoint
    }

    /// Verifies a log up to the checkpoint, and that it is still the same log there.
    ///
    /// # Errors
    /// Each variant of [`CheckpointError`].
    pub async fn check(
        &self,
        log: &dyn EventLog,
        master: &MasterKey,
        progress: impl FnMut(u64) + Send,
    ) -> Result<(), CheckpointError> {
        let position = self.position;
        if !self.is_signed_with(master) {
            return Err(CheckpointError::Forged);
        }
        let end = log.head().await?.position;
        if end < position {
            return Err(CheckpointError::Shortened { end, position });
        }
        let then = chain::verify_until(log, position, progress).await?;
        self.compare_with(then.root, &then.covered, &then.origin)
    }

    /// Compares with a log that was verified, and whose root at the checkpoint's position was noted.
    ///
    /// # Errors
    /// [`CheckpointError::Shortened`] or [`CheckpointError::Rewritten`].
    pub fn compare(&self, verified: &Verified) -> Result<(), CheckpointError> {
        let (position, end) = (self.position, verified.head);
        if end < position {
            return Err(CheckpointError::Shortened { end, position });
        }
        let (root, covered) = verified.noted.ok_or(CheckpointError::Rewritten { position })?;
        self.compare_with(root, &covered, &verified.origin)
    }

    /// Compares with what stood at the checkpoint's position.
    fn compare_with(&self, root: TreeHash, covered: &Covered, origin: &Origin) -> Result<(), CheckpointError> {
        let position = self.position;
        if origin.log_id != self.log_id {
            return Err(CheckpointError::Other { expected: self.log_id, found: origin.log_id });
        }
        if root != self.root {
            return Err(CheckpointError::Rewritten { position });
        }
        let epochs = origin.rooted(self.epochs.entries);
        let parts = [
            ("commands", self.commands, covered.commands),
            ("streams", self.streams, covered.streams),
            ("epochs", self.epochs, epochs),
        ];
        match parts.into_iter().find(|(_, then, now)| then != now) {
            Some((what, ..)) => Err(CheckpointError::Changed { what, position }),
            None => Ok(()),
        }
    }

    /// Whether its signature was made with this master key.
    #[must_use]
    pub fn is_signed_with(&self, master: &MasterKey) -> bool {
        self.mac(master).ct_eq(&self.signature).into()
    }

    fn mac(&self, master: &MasterKey) -> [u8; 32] {
        let recorded_at = self.recorded_at.timestamp_micros().to_be_bytes();
        let key = master.derive(Purpose::SignCheckpoints);
        let numbers = [self.events, self.commands.entries, self.streams.entries, self.epochs.entries];
        let numbers = numbers.map(u64::to_be_bytes);
        let roots = [self.root, self.commands.root, self.streams.root, self.epochs.root];
        let parts = [&self.log_id.as_bytes()[..], &self.position.bytes(), &recorded_at];
        seal::hmac(&key, &[parts.concat().as_slice(), numbers.concat().as_slice(), roots.concat().as_slice()])
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Checkpoint {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// 32 bytes as hex digits.
pub(super) mod in_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::log) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(in crate::log) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(String::deserialize(deserializer)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(bytes)
    }
}
