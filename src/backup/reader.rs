//! Reads the backup of a log from its beginning, and verifies what it reads: every file, every chain of hashes, and at the end that
//! all of it is what was signed.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::blobs::Blobs;
use super::folder::Folder;
use super::manifest::{self, Manifest};
use super::{BackupError, blocking, events, frames};
use crate::ids::Position;
use crate::log::chain::{Incomplete, Walk};
use crate::log::checkpoint::CheckpointError;
use crate::log::cover::{Beside, Cover, Covered, Step};
use crate::log::load::Portion;
use crate::log::seal::MasterKey;

/// A backup of a log.
pub struct LogBackup {
    root: PathBuf,
    manifest: Manifest,
}

impl LogBackup {
    /// Opens the backup in a folder; makes sure that it was signed with the master key, if that is given.
    ///
    /// # Errors
    /// [`BackupError::None`], [`BackupError::Format`], [`BackupError::MasterKey`].
    pub fn open(root: &Path, master: Option<&MasterKey>) -> Result<Self, BackupError> {
        let folder = Folder::open(root);
        let none = || BackupError::None { what: "a log", folder: root.to_owned() };
        let manifest = Manifest::find(&folder)?.ok_or_else(none)?;
        if let Some(master) = master {
            manifest.check_signature(&folder, master)?;
        }
        Ok(Self { root: root.to_owned(), manifest })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What it consists of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads all of it and verifies it. `progress` receives the number of events so far.
    ///
    /// # Errors
    /// The first file, or event, that is not what was written.
    pub async fn check(&self, mut progress: impl FnMut(u64) + Send) -> Result<(), BackupError> {
        let mut reading = self.read();
        let mut events = 0;
        loop {
            let portion;
            (reading, portion) = reading.next().await?;
            let Some(portion) = portion else { break };
            events += portion.events.len() as u64;
            progress(events);
        }
        for pack in &self.manifest.packs {
            let (root, file) = (self.root.clone(), pack.file.clone());
            blocking(move || {
                let mut blobs = Blobs::open(&Folder::open(&root), &file)?;
                while blobs.next()?.is_some() {
                    while blobs.next_frame()?.is_some() {}
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Reads from the beginning.
    #[must_use]
    pub(super) fn read(&self) -> Reading {
        let Manifest { counts_positions, orders_times, ref log, .. } = self.manifest;
        Reading {
            folder: Folder::open(&self.root),
            manifest: self.manifest.clone(),
            next_segment: 0,
            open: None,
            after: Position::START,
            walk: Walk::new(counts_positions, orders_times, Some(log.checkpoint.position)),
            cover: Cover::default(),
            noted: None,
        }
    }
}

/// A backup of a log as it is read.
pub(super) struct Reading {
    folder: Folder,
    manifest: Manifest,
    next_segment: usize,
    open: Option<(PathBuf, GzDecoder<BufReader<File>>)>,
    after: Position,
    walk: Walk,
    cover: Cover,
    /// What commands and streams stood for at the signed end.
    noted: Option<Covered>,
}

impl Reading {
    /// The next portion; [`None`] at the end, which is what was signed.
    pub async fn next(mut self) -> Result<(Self, Option<Portion>), BackupError> {
        blocking(move || {
            let portion = self.take()?;
            if portion.is_none() {
                self.end()?;
            }
            Ok((self, portion))
        })
        .await
    }

    fn take(&mut self) -> Result<Option<Portion>, BackupError> {
        loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some((path, input)) = &mut self.open else { return Ok(None) };
            let path = path.clone();
            let damaged = |error: &dyn std::error::Error| BackupError::damaged(&path, error.to_string());
            match frames::read(input).map_err(|error| damaged(&error))? {
                Some((super::log::PORTION_TAG, bytes)) => {
                    let portion = events::decode(&bytes).map_err(|error| damaged(&error))?;
                    self.verify(&path, &portion)?;
                    return Ok(Some(portion));
                }
                Some(_) => return Err(BackupError::damaged(path, "it has a frame of an unknown kind")),
                None => self.open = None,
            }
        }
    }

    /// Opens the next file; false if there is none.
    fn open_next(&mut self) -> Result<bool, BackupError> {
        let Some(segment) = self.manifest.segments.get(self.next_segment) else { return Ok(false) };
        let path = self.folder.path(&segment.file.name);
        let mut file = BufReader::new(self.folder.open_checked(&segment.file)?);
        frames::read_kind(&mut file, super::log::KIND)
            .map_err(|error| BackupError::damaged(&path, error.to_string()))?;
        self.open = Some((path, GzDecoder::new(file)));
        self.next_segment += 1;
        Ok(true)
    }

    fn verify(&mut self, path: &Path, portion: &Portion) -> Result<(), BackupError> {
        if portion.after != self.after {
            let reason =
                format!("it follows position {}, and the file before it ends at {}", portion.after, self.after);
            return Err(BackupError::damaged(path, reason));
        }
        let broken = |source| BackupError::Broken { path: path.to_owned(), source };
        self.walk.events(&portion.events).map_err(broken)?;
        let steps: Vec<Step> = portion.events.iter().map(Step::from).collect();
        let note = self.manifest.log.checkpoint.position;
        let (noted, unknown) = self.cover.take(&steps, &Beside::of(portion), Some(note));
        if let Some(unknown) = unknown {
            return Err(BackupError::damaged(path, Incomplete::from(unknown).to_string()));
        }
        self.noted = self.noted.or(noted);
        self.after = portion.last();
        Ok(())
    }

    /// Compares what was read with what was signed.
    fn end(&mut self) -> Result<(), BackupError> {
        let checkpoint = &self.manifest.log.checkpoint;
        let unfit = |source| BackupError::Unfit { path: self.folder.path(manifest::NAME), source };
        let (position, end) = (checkpoint.position, self.after);
        if end != position {
            return Err(unfit(CheckpointError::Shortened { end, position }));
        }
        let covered = self.cover.covered();
        let walk = std::mem::replace(&mut self.walk, Walk::new(true, true, None));
        let mut verified = walk.end(covered, self.noted, self.manifest.origin());
        if position == Position::START {
            verified.noted = Some((verified.root, covered));
        }
        checkpoint.compare(&verified).map_err(unfit)
    }
}
