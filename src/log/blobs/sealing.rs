//! Sealing on the way into the blob store, opening on the way out.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{BlobError, BlobRef, BlobStore, CHUNK, FRAME, FrameWriter};
use crate::ids::{SubjectId, TenantId};
use crate::log::Journal;
use crate::log::seal::{OVERHEAD, Place, SubjectKey};

/// The blob store with keys; cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn BlobStore>,
    journal: Journal,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many bytes of content.
    pub size: u64,
    /// SHA-256 of the content; to be keyed before it is kept anywhere.
    pub digest: [u8; 32],
}

impl Blobs {
    /// A store, with the keys of a journal.
    #[must_use]
    pub fn new(store: Arc<dyn BlobStore>, journal: Journal) -> Self {
        Self { store, journal }
    }

    /// Begins to write a blob; [`None`] if its subject was forgotten.
    pub async fn write(&self, blob: BlobRef) -> Result<Option<Sealing>, BlobError> {
        let Some(key) = self.journal.key_for_sealing(blob.subject).await? else { return Ok(None) };
        let ambient = self.journal.ambient();
        let writer = self.store.begin(blob, ambient.uuid(), ambient.now()).await?;
        Ok(Some(Sealing {
            journal: self.journal.clone(),
            blob,
            key,
            writer,
            pending: Vec::new(),
            number: 0,
            size: 0,
            hash: Sha256::new(),
        }))
    }

    /// Begins to read a blob; [`None`] if there is none, or its subject was forgotten.
    pub async fn read(&self, blob: BlobRef) -> Result<Option<Opening>, BlobError> {
        let Some(bytes) = self.store.bytes(blob).await? else { return Ok(None) };
        let Some(key) = self.journal.key_for_opening(blob.subject).await? else { return Ok(None) };
        let damaged = BlobError::Damaged { id: blob.id };
        let frames = bytes.div_ceil(FRAME as u64);
        let size = bytes.checked_sub(frames * OVERHEAD as u64);
        let (Ok(frames), Some(size)) = (u32::try_from(frames), size.filter(|_| frames > 0)) else {
            return Err(damaged);
        };
        Ok(Some(Opening { store: Arc::clone(&self.store), blob, key, next: 0, frames, size }))
    }

    /// Seals a short text for a subject, such as what an upload is; `purpose` must be given again to open it. [`None`] if
    /// the subject was forgotten.
    pub async fn seal_note(
        &self,
        tenant: TenantId,
        subject: SubjectId,
        purpose: &str,
        note: &[u8],
    ) -> Result<Option<Vec<u8>>, BlobError> {
        let key = self.journal.key_for_sealing(subject).await?;
        Ok(key.map(|key| key.seal(self.journal.ambient(), &note_place(tenant, subject, purpose), note)))
    }

    /// Opens what [`Self::seal_note`] sealed for the same; [`None`] for anything else.
    pub async fn open_note(
        &self,
        tenant: TenantId,
        subject: SubjectId,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, BlobError> {
        let Some(key) = self.journal.key_for_opening(subject).await? else { return Ok(None) };
        Ok(key.open(&note_place(tenant, subject, purpose), sealed).ok())
    }

    /// See [`BlobStore::touch`].
    pub async fn touch(&self, blob: BlobRef) -> Result<bool, BlobError> {
        self.store.touch(blob, self.journal.ambient().now()).await
    }

    /// See [`BlobStore::keep`].
    pub async fn keep(&self, blob: BlobRef) -> Result<(), BlobError> {
        self.store.keep(blob).await
    }

    /// See [`BlobStore::unkept`].
    pub async fn unkept(&self, before: DateTime<Utc>, most: usize) -> Result<Vec<BlobRef>, BlobError> {
        self.store.unkept(before, most).await
    }

    /// See [`BlobStore::collect`].
    pub async fn collect(&self, blob: BlobRef, before: DateTime<Utc>) -> Result<bool, BlobError> {
        self.store.collect(blob, before).await
    }

    /// See [`BlobStore::remove`].
    pub async fn remove(&self, tenant: TenantId, subject: SubjectId) -> Result<(), BlobError> {
        self.store.remove(tenant, subject).await
    }
}

/// A blob that is being written.
pub struct Sealing {
    journal: Journal,
    blob: BlobRef,
    key: SubjectKey,
    writer: Box<dyn FrameWriter>,
    pending: Vec<u8>,
    number: u32,
    size: u64,
    hash: Sha256,
}

impl Sealing {
    /// Takes the next bytes of the content.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            // A full frame waits until more comes: only then it is not the last.
            if self.pending.len() == CHUNK {
                self.seal(false).await?;
            }
            let (taken, rest) = bytes.split_at(bytes.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(())
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Ends the blob: it is on the disk.
    pub async fn finish(mut self) -> Result<Written, BlobError> {
        self.seal(true).await?;
        self.writer.finish(self.journal.ambient().now()).await?;
        Ok(Written { size: self.size, digest: self.hash.finalize().into() })
    }

    async fn seal(&mut self, is_last: bool) -> Result<(), BlobError> {
        let place = frame_place(self.blob, self.number, is_last);
        let sealed = self.key.seal(self.journal.ambient(), &place, &self.pending);
        self.pending.clear();
        self.number += 1;
        self.writer.append(sealed).await
    }
}

/// A blob that is being read.
pub struct Opening {
    store: Arc<dyn BlobStore>,
    blob: BlobRef,
    key: SubjectKey,
    next: u32,
    frames: u32,
    size: u64,
}

impl Opening {
    /// How many bytes of content it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes of the content; [`None`] at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.next == self.frames {
            return Ok(None);
        }
        let sealed = self.store.frame(self.blob, self.next).await?;
        let place = frame_place(self.blob, self.next, self.next + 1 == self.frames);
        let plain = self.key.open(&place, &sealed).map_err(|_| BlobError::Damaged { id: self.blob.id })?;
        self.next += 1;
        Ok(Some(Bytes::from(plain)))
    }

    /// All of it at once.
    pub async fn whole(mut self) -> Result<Bytes, BlobError> {
        let mut whole = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(Bytes::from(whole))
    }
}

fn frame_place(blob: BlobRef, number: u32, is_last: bool) -> Vec<u8> {
    let mut place = owned_place(Place::Blob, blob.tenant, blob.subject, blob.id);
    place.extend_from_slice(&number.to_be_bytes());
    place.push(u8::from(is_last));
    place
}

fn note_place(tenant: TenantId, subject: SubjectId, purpose: &str) -> Vec<u8> {
    let mut place = owned_place(Place::Note, tenant, subject, Uuid::nil());
    place.extend_from_slice(purpose.as_bytes());
    place
}

fn owned_place(kind: Place, tenant: TenantId, subject: SubjectId, id: Uuid) -> Vec<u8> {
    let mut place = Vec::with_capacity(64);
    place.push(kind.byte());
    for uuid in [tenant.0, subject.0, id] {
        place.extend_from_slice(uuid.as_bytes());
    }
    place
}
