//! The blob store: what is too large for an event, sealed with the key of the person whom it is about.
//!
//! A blob is written before the event that refers to it, and is on the disk when [`Sealing::finish`] returns; once the event
//! stands, [`Blobs::keep`] says so. What nobody kept is collected when it has grown old: the log decides whether an event
//! refers to it. Destroying the subject's key makes every blob of theirs unreadable, in backups too; [`Blobs::remove`]
//! then takes the rest away.
//!
//! Content is sealed in frames of [`CHUNK`] bytes, so that no more of it than one is held in memory. The associated data
//! of a frame names tenant, subject, blob, the frame's number and whether it is the last: frames cannot be exchanged,
//! reordered or cut off.

pub mod folder;
pub mod postgres;
mod sealing;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use sealing::{Blobs, Opening, Sealing, Written};

use crate::ids::{SubjectId, TenantId};
use crate::log::seal::OVERHEAD;
use crate::log::{LogError, Source};

/// How many bytes of content a frame holds; the last one may hold fewer.
pub const CHUNK: usize = 256 * 1024;

/// How many bytes a full frame takes in the store.
pub const FRAME: usize = CHUNK + OVERHEAD;

/// Which blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobRef {
    /// The tenant.
    pub tenant: TenantId,
    /// The subject whose key seals it.
    pub subject: SubjectId,
    /// Its id: random, or derived with the tenant's secret; never a hash that others could compute.
    pub id: Uuid,
}

/// Why the blob store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The file system or the database failed; `doing` says what was tried.
    #[error("the blob store at {url} could not {doing}")]
    Store {
        /// Its URL without credentials.
        url: String,
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Source,
    },
    /// The store is not one of ours, or of a version that this binary does not know.
    #[error("{url} cannot be used as a commlog blob store: {reason}")]
    Foreign {
        /// Its URL without credentials.
        url: String,
        /// What was found instead, in words.
        reason: String,
    },
    /// A blob does not open: bytes were changed, or are missing.
    #[error("blob {id} is damaged")]
    Damaged {
        /// The blob's id.
        id: Uuid,
    },
    /// The key store did not answer.
    #[error("the key of a blob is unavailable")]
    Keys(#[from] LogError),
}

/// Where sealed frames are kept. Times are those of the caller's clock.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins to write a blob. `write_id` is new for each writing.
    async fn begin(&self, blob: BlobRef, write_id: Uuid, now: DateTime<Utc>)
    -> Result<Box<dyn FrameWriter>, BlobError>;

    /// How many bytes a whole blob takes here; [`None`] if there is none.
    async fn bytes(&self, blob: BlobRef) -> Result<Option<u64>, BlobError>;

    /// A frame, numbered from 0.
    async fn frame(&self, blob: BlobRef, number: u32) -> Result<Vec<u8>, BlobError>;

    /// Makes a blob as young as a new one; false if there is none.
    async fn touch(&self, blob: BlobRef, now: DateTime<Utc>) -> Result<bool, BlobError>;

    /// Notes that an event refers to it.
    async fn keep(&self, blob: BlobRef) -> Result<(), BlobError>;

    /// Blobs that nobody kept and that were touched last before a time; takes away what was never finished.
    async fn unkept(&self, before: DateTime<Utc>, most: usize) -> Result<Vec<BlobRef>, BlobError>;

    /// Takes a blob away unless it was kept, or touched since; whether it did.
    async fn collect(&self, blob: BlobRef, before: DateTime<Utc>) -> Result<bool, BlobError>;

    /// All whole blobs, in no order, also those that nobody kept yet.
    async fn list(&self) -> Result<Vec<BlobRef>, BlobError>;

    /// Takes all blobs of a subject away.
    async fn remove(&self, tenant: TenantId, subject: SubjectId) -> Result<(), BlobError>;
}

/// Takes the frames of one blob, in order. Dropped before its end, it leaves nothing that could be read.
#[async_trait]
pub trait FrameWriter: Send {
    /// Takes the next frame: a full one, except for the last.
    async fn append(&mut self, sealed: Vec<u8>) -> Result<(), BlobError>;

    /// Ends: what was taken is on the disk. Where the blob was written already, that one stays, and is young again.
    async fn finish(self: Box<Self>, now: DateTime<Utc>) -> Result<(), BlobError>;
}

/// Turns a cause into ours.
fn failed<E>(url: &str, doing: &'static str) -> impl FnOnce(E) -> BlobError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let url = url.to_owned();
    move |source| BlobError::Store { url, doing, source: Arc::new(source) }
}
