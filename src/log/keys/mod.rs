//! The key store: one key per subject, wrapped by the master key, in a store of its own.
//!
//! It has its own URL, because it must be kept out of the log's backups: a destroyed key makes the subject's personal
//! data unreadable in every copy of the log. A destroyed key or secret leaves a tombstone, which a restored row cannot undo.

pub mod copy;
pub mod lease;
pub mod postgres;
mod ring;
pub mod secrets;
pub mod sqlite;
mod wrap;

use std::sync::Arc;

use async_trait::async_trait;

pub use copy::{KeyCopies, KeyCopy, Merged, SealedSecret, Tombstone, WrappedKey};
pub use lease::{Lease, Leases, Term};
pub(super) use ring::{KeyRing, Keys};
pub use secrets::{SecretBytes, SecretPlace, StoredSecret};

use crate::ids::{SecretId, SubjectId, TenantId};
use crate::log::Source;
use crate::log::mark::{LogMark, StoredMark};
use crate::log::seal::SubjectKey;

/// Why the key store did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyStoreError {
    /// The database failed; `doing` says what was tried.
    #[error("the key store at {url} could not {doing}")]
    Database {
        /// Its URL without credentials.
        url: String,
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: Source,
    },
    /// The store is not one of ours, or of a version that this binary does not know.
    #[error("{url} cannot be used as a commlog key store: {reason}")]
    Foreign {
        /// Its URL without credentials.
        url: String,
        /// What was found instead, in words.
        reason: String,
    },
    /// Another process holds the store's write lock, and did not let go.
    #[error("the key store at {url} is locked by another process")]
    Locked {
        /// Its URL without credentials.
        url: String,
    },
    /// The master key is not the one that the store's keys were wrapped with.
    #[error("the master key does not fit the key store at {url}: it was made with another one")]
    WrongMasterKey {
        /// Its URL without credentials.
        url: String,
    },
    /// The log has sealed events of a subject whose key this store never held.
    #[error(
        "the key store at {url} has never held the key of subject {subject}, whose events are in the log: \
         it is missing, or belongs to another log"
    )]
    Missing {
        /// Its URL without credentials.
        url: String,
        /// The subject.
        subject: SubjectId,
    },
    /// A stored key does not unwrap, though the master key fits.
    #[error("the key of subject {subject} in the key store at {url} is damaged")]
    Damaged {
        /// Its URL without credentials.
        url: String,
        /// The subject.
        subject: SubjectId,
    },
    /// A stored secret does not open, though the master key fits.
    #[error("the secret {name} of {owner} in the key store at {url} is damaged")]
    DamagedSecret {
        /// Its URL without credentials.
        url: String,
        /// Whose it is.
        owner: String,
        /// Which one.
        name: String,
    },
    /// A copy has another key of a subject than the store: it is of another key store.
    #[error("the key store at {url} has another key of subject {subject} than the copy: they are of two key stores")]
    Different {
        /// Its URL without credentials.
        url: String,
        /// The subject.
        subject: SubjectId,
    },
    /// Another node has begun a later term of the lease.
    #[error("the term {} of the lease {:?} is over, by the key store at {url}", term.number, term.lease)]
    Fenced {
        /// Its URL without credentials.
        url: String,
        /// Whose term.
        term: Term,
    },
    /// The store was closed: the process is shutting down.
    #[error("the key store is closed")]
    Closed,
}

/// What the store holds for a subject.
#[derive(Debug, Clone)]
pub enum KeyState {
    /// The key.
    Live(SubjectKey),
    /// A tombstone: the subject was forgotten, and never gets a key again.
    Destroyed,
}

/// Where subjects' keys are kept.
#[async_trait]
pub trait KeyStore: Leases + KeyCopies {
    /// The keys of subjects, in the order asked; those that never were are made, durably before this returns.
    async fn get_or_create(&self, subjects: &[SubjectId]) -> Result<Vec<KeyState>, KeyStoreError>;

    /// The keys of subjects, in the order asked; [`None`] for one that the store never held.
    async fn get(&self, subjects: &[SubjectId]) -> Result<Vec<Option<KeyState>>, KeyStoreError>;

    /// The keys of subjects as they are stored: bytes that must not be left anywhere once they are destroyed.
    async fn wrapped(&self, subjects: &[SubjectId]) -> Result<Vec<Vec<u8>>, KeyStoreError>;

    /// Destroys a subject's key for good, also one that was not made yet. Repeating it changes nothing.
    async fn destroy(&self, subject: SubjectId) -> Result<(), KeyStoreError>;

    /// The subjects whose keys were destroyed, and the ids of destroyed secrets, by any process, since the mark that an earlier
    /// call returned; 0 is the beginning. What a cache must forget.
    async fn destroyed_since(&self, mark: i64) -> Result<(i64, Vec<SubjectId>), KeyStoreError>;

    /// Keeps secrets, sealed, durably before this returns. Their ids must be new.
    async fn keep_secrets(&self, secrets: &[(SecretPlace, SecretBytes)]) -> Result<(), KeyStoreError>;

    /// Secrets, in the order asked; [`None`] for one that was destroyed or never kept. One that was moved to another
    /// place does not open.
    async fn secrets(&self, places: &[SecretPlace]) -> Result<Vec<Option<SecretBytes>>, KeyStoreError>;

    /// Which secrets of a tenant are kept.
    async fn secrets_of(&self, tenant: TenantId) -> Result<Vec<StoredSecret>, KeyStoreError>;

    /// Destroys secrets for good. Repeating it changes nothing.
    async fn destroy_secrets(&self, ids: &[SecretId]) -> Result<(), KeyStoreError>;

    /// The mark of the log; [`None`] if there is none yet.
    async fn log_mark(&self) -> Result<Option<StoredMark>, KeyStoreError>;

    /// Moves the mark of the log to a later epoch or position, durably before this returns; never back. Returns the mark that
    /// stands then.
    ///
    /// # Errors
    /// [`KeyStoreError::Fenced`] if a later one than one of `terms` has begun.
    async fn advance_log_mark(&self, mark: LogMark, terms: &[Term]) -> Result<LogMark, KeyStoreError>;

    /// The text that was kept last; [`None`] if there is none yet.
    async fn kept_checkpoint(&self) -> Result<Option<String>, KeyStoreError>;

    /// Keeps a text about the log instead of the one before, durably before this returns.
    async fn keep_checkpoint(&self, text: &str) -> Result<(), KeyStoreError>;

    /// Its URL without credentials, for messages.
    fn url(&self) -> &str;
}

/// Turns a driver's error into ours.
fn database<E>(url: &str, doing: &'static str) -> impl FnOnce(E) -> KeyStoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let url = url.to_owned();
    move |source| KeyStoreError::Database { url, doing, source: Arc::new(source) }
}
