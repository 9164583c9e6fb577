//! Files of messages in a backup, in the frames in which they are sealed.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::encoding::{Decoder, Encoder, Unreadable};
use super::folder::{Folder, Part, Stored};
use super::manifest::{Manifest, Pack};
use super::{BackupError, Sources, blocking, frames};
use crate::log::blobs::{BlobRef, BlobStore, FRAME};

/// The first line of a file.
const KIND: &str = "commlog blobs 1\n";

/// Bytes after which a file is full.
const FULL: u64 = 256 * 1024 * 1024;

/// A blob begins: whose and which it is.
const BEGIN: u8 = 1;
/// A frame of it.
const FRAME_TAG: u8 = 2;
/// It is whole.
const END: u8 = 3;
/// It was removed while it was read.
const GONE: u8 = 4;

/// Adds the blobs that the backup does not have. What was removed since stays in it: its key is destroyed.
pub(super) async fn back_up(sources: &Sources, folder: &Folder, manifest: &mut Manifest) -> Result<(), BackupError> {
    let store = sources.blobs.as_ref();
    let known = known(folder, manifest)?;
    let missing: Vec<BlobRef> = store.list().await?.into_iter().filter(|blob| !known.contains(blob)).collect();
    let mut writing: Option<Writing> = None;
    for blob in missing {
        let open = match writing.take() {
            Some(open) => open,
            None => Writing::begin(folder, manifest.packs.len() + 1)?,
        };
        let open = open.copy(store, blob).await?;
        if open.bytes >= FULL {
            manifest.packs.push(open.finish()?);
            manifest.write(folder)?;
        } else {
            writing = Some(open);
        }
    }
    if let Some(open) = writing {
        manifest.packs.push(open.finish()?);
        manifest.write(folder)?;
    }
    Ok(())
}

/// The blobs that the backup has.
fn known(folder: &Folder, manifest: &Manifest) -> Result<HashSet<BlobRef>, BackupError> {
    let mut known = HashSet::new();
    for pack in &manifest.packs {
        let path = folder.path(&pack.file.name);
        let mut file = match File::open(&path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(BackupError::Missing { path }),
            Err(source) => return Err(BackupError::File { doing: "read", path, source }),
        };
        let damaged = |error: std::io::Error| BackupError::damaged(&path, error.to_string());
        frames::read_kind(&mut file, KIND).map_err(damaged)?;
        let mut current = None;
        while let Some((tag, length)) = frames::read_head(&mut file).map_err(damaged)? {
            if tag == BEGIN {
                let mut head = vec![0; length as usize];
                file.read_exact(&mut head).map_err(damaged)?;
                current = Some(read_ref(&head).map_err(|error| BackupError::damaged(&path, error.to_string()))?);
                continue;
            }
            file.seek_relative(i64::from(length)).map_err(damaged)?;
            if tag == END {
                known.extend(current.take());
            }
        }
    }
    Ok(known)
}

/// A file that is being written.
struct Writing {
    part: Part,
    bytes: u64,
    blobs: u64,
}

impl Writing {
    fn begin(folder: &Folder, number: usize) -> Result<Self, BackupError> {
        let mut part = folder.begin(&format!("blobs/{number:06}.blobs"))?;
        frames::write_kind(&mut part, KIND).map_err(BackupError::file("write", part.path()))?;
        Ok(Self { part, bytes: 0, blobs: 0 })
    }

    async fn copy(mut self, store: &dyn BlobStore, blob: BlobRef) -> Result<Self, BackupError> {
        let Some(bytes) = store.bytes(blob).await? else { return Ok(self) };
        self = self.put(BEGIN, write_ref(blob)).await?;
        for number in 0..bytes.div_ceil(FRAME as u64) {
            let frame = match store.frame(blob, u32::try_from(number).unwrap_or(u32::MAX)).await {
                Ok(frame) => frame,
                // Its subject was forgotten, or nothing refers to it.
                Err(_) if store.bytes(blob).await?.is_none() => return self.put(GONE, Vec::new()).await,
                Err(error) => return Err(error.into()),
            };
            self = self.put(FRAME_TAG, frame).await?;
        }
        self.blobs += 1;
        self.put(END, Vec::new()).await
    }

    async fn put(mut self, tag: u8, body: Vec<u8>) -> Result<Self, BackupError> {
        blocking(move || {
            let path = self.part.path().to_owned();
            frames::write(&mut self.part, tag, &body).map_err(BackupError::file("write", path))?;
            self.bytes += body.len() as u64;
            Ok(self)
        })
        .await
    }

    fn finish(self) -> Result<Pack, BackupError> {
        Ok(Pack { file: self.part.finish()?, blobs: self.blobs })
    }
}

/// Reads the blobs of a file, one after the other.
pub(super) struct Blobs {
    file: BufReader<File>,
    stored: Stored,
    path: std::path::PathBuf,
}

impl Blobs {
    /// Opens a file after making sure that it is what was written.
    pub fn open(folder: &Folder, stored: &Stored) -> Result<Self, BackupError> {
        let (mut file, path) = (BufReader::new(folder.open_checked(stored)?), folder.path(&stored.name));
        frames::read_kind(&mut file, KIND).map_err(|error| BackupError::damaged(&path, error.to_string()))?;
        Ok(Self { file, stored: stored.clone(), path })
    }

    /// The next blob that is whole; [`None`] at the end. Its frames follow.
    pub fn next(&mut self) -> Result<Option<BlobRef>, BackupError> {
        while let Some((tag, body)) = self.frame()? {
            if tag != BEGIN {
                continue;
            }
            let blob = read_ref(&body).map_err(|error| BackupError::damaged(&self.path, error.to_string()))?;
            if self.is_whole()? {
                return Ok(Some(blob));
            }
        }
        Ok(None)
    }

    /// The next frame of the blob; [`None`] at its end.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        match self.frame()? {
            Some((FRAME_TAG, body)) => Ok(Some(body)),
            Some((END, _)) => Ok(None),
            _ => Err(BackupError::damaged(&self.path, format!("a blob in {} has no end", self.stored.name))),
        }
    }

    fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>, BackupError> {
        frames::read(&mut self.file).map_err(|error| BackupError::damaged(&self.path, error.to_string()))
    }

    /// Looks ahead for the end of a blob.
    fn is_whole(&mut self) -> Result<bool, BackupError> {
        let failed = |error: std::io::Error| BackupError::damaged(&self.path, error.to_string());
        let here = self.file.stream_position().map_err(failed)?;
        let mut last = None;
        while let Some((tag, length)) = frames::read_head(&mut self.file).map_err(failed)? {
            last = Some(tag);
            if tag != FRAME_TAG {
                break;
            }
            self.file.seek_relative(i64::from(length)).map_err(failed)?;
        }
        self.file.seek(SeekFrom::Start(here)).map_err(failed)?;
        Ok(last == Some(END))
    }
}

fn write_ref(blob: BlobRef) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.id(blob.tenant.0);
    encoder.id(blob.subject.0);
    encoder.id(blob.id);
    encoder.0
}

fn read_ref(bytes: &[u8]) -> Result<BlobRef, Unreadable> {
    let mut decoder = Decoder(bytes);
    let blob = BlobRef { tenant: decoder.id()?, subject: decoder.id()?, id: decoder.id()? };
    decoder.end()?;
    Ok(blob)
}
