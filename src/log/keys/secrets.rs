//! Secrets that are kept beside the keys: tokens and passwords of services outside. The log names them by their ids; it
//! never holds them, not even sealed, so that destroying one destroys it everywhere.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::ids::{SecretId, TenantId};
use crate::log::seal::Place;

/// A secret in the clear; wiped when dropped.
pub type SecretBytes = Zeroizing<Vec<u8>>;

/// Where a secret belongs. It opens in this place only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPlace {
    /// Its id; a secret that replaces another one has a new one.
    pub id: SecretId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it is for, such as `twilio/main`.
    pub owner: String,
    /// Which of the owner's secrets it is, such as `auth_token`.
    pub name: String,
}

/// A secret that is kept, without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its id.
    pub id: SecretId,
    /// The time at which it began.
    pub stored_at: DateTime<Utc>,
}

impl StoredSecret {
    pub(super) fn new(id: SecretId, micros: i64) -> Self {
        Self { id, stored_at: DateTime::from_timestamp_micros(micros).unwrap_or_default() }
    }
}

impl SecretPlace {
    /// The associated data of the sealed secret.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.owner.len() + self.name.len());
        bytes.push(Place::Secret.byte());
        bytes.extend_from_slice(self.tenant.0.as_bytes());
        bytes.extend_from_slice(self.id.0.as_bytes());
        for text in [&self.owner, &self.name] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}
