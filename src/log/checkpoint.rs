//! Signed checkpoints: kept elsewhere, they catch a log that was shortened or rewritten from some event on, hashes and
//! all, which its own chains cannot show.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::ids::Position;
use crate::log::chain::{self, Verified, VerifyError};
use crate::log::merkle::TreeHash;
use crate::log::seal::{self, MasterKey, Purpose};
use crate::log::{EventLog, LogError};

/// What a log was at some time, signed with a key derived from the master key. Written as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The last event's position.
    pub position: Position,
    /// How many events there were.
    pub events: u64,
    /// When the last event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The Merkle root (RFC 6962) of the hashes of all events, in position order.
    #[serde(with = "in_hex")]
    pub root: TreeHash,
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
        let mut checkpoint = Self { position, events, recorded_at, root, signature: [0; 32] };
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
        if (then.events, then.root) == (self.events, self.root) {
            Ok(())
        } else {
            Err(CheckpointError::Rewritten { position })
        }
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
        if verified.noted == Some(self.root) { Ok(()) } else { Err(CheckpointError::Rewritten { position }) }
    }

    /// Whether its signature was made with this master key.
    #[must_use]
    pub fn is_signed_with(&self, master: &MasterKey) -> bool {
        self.mac(master).ct_eq(&self.signature).into()
    }

    fn mac(&self, master: &MasterKey) -> [u8; 32] {
        let recorded_at = self.recorded_at.timestamp_micros().to_be_bytes();
        let key = master.derive(Purpose::SignCheckpoints);
        seal::hmac(&key, &[&self.position.bytes(), &self.events.to_be_bytes(), &recorded_at, &self.root])
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
mod in_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(String::deserialize(deserializer)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(bytes)
    }
}
