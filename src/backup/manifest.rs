//! The manifest of a log's backup: which files it has, and the checkpoint up to which it has the log.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::BackupError;
use super::folder::{Folder, Stored};
use crate::ids::Position;
use crate::log::cover::{EpochRecord, Origin};
use crate::log::format;
use crate::log::grown::Kept;
use crate::log::seal::MasterKey;

/// The format of backups that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The name of every manifest.
pub(super) const NAME: &str = "manifest.json";

/// What a backup of a log consists of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The format of the log ([`format::FORMAT`]).
    pub log_format: u32,
    /// When the last run ended.
    pub made_at: DateTime<Utc>,
    /// Where the last run ended in the log: log id, position, number of events, Merkle root, signed.
    pub log: Kept,
    /// The log's epochs.
    pub epochs: Vec<EpochRecord>,
    /// Whether the log's positions count its events.
    pub counts_positions: bool,
    /// Whether its times never decrease.
    pub orders_times: bool,
    /// The events, in order.
    pub segments: Vec<Segment>,
    /// The files of messages.
    pub packs: Vec<Pack>,
}

/// A file of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The file.
    pub file: Stored,
    /// The position of its first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
    /// How many events it has.
    pub events: u64,
    /// When its last event was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// A file of messages' files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The file.
    pub file: Stored,
    /// How many of them it has.
    pub blobs: u64,
}

impl Manifest {
    /// Reads the manifest of a folder; [`None`] if there is none.
    ///
    /// # Errors
    /// [`BackupError::Format`], or [`BackupError::Damaged`] if it is not a manifest.
    pub(super) fn find(folder: &Folder) -> Result<Option<Self>, BackupError> {
        let found: Option<Self> = find(folder, "segments", "it is not the manifest of a log's backup")?;
        match found {
            Some(manifest) if manifest.log_format != format::FORMAT => Err(BackupError::Format {
                path: folder.path(NAME),
                found: manifest.log_format,
                expected: format::FORMAT,
            }),
            found => Ok(found),
        }
    }

    /// Makes sure that it was signed with a master key.
    ///
    /// # Errors
    /// [`BackupError::MasterKey`].
    pub(super) fn check_signature(&self, folder: &Folder, master: &MasterKey) -> Result<(), BackupError> {
        if self.log.checkpoint.is_signed_with(master) {
            return Ok(());
        }
        Err(BackupError::MasterKey { path: folder.path(NAME) })
    }

    /// Writes it in place of the one before.
    pub(super) fn write(&self, folder: &Folder) -> Result<(), BackupError> {
        write(folder, self)
    }

    /// The names of all files that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files().map(|file| file.name.as_str())
    }

    /// How many bytes these have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }

    /// How many files of messages it has.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.packs.iter().map(|pack| pack.blobs).sum()
    }

    fn files(&self) -> impl Iterator<Item = &Stored> {
        self.segments.iter().map(|segment| &segment.file).chain(self.packs.iter().map(|pack| &pack.file))
    }

    /// The log's id and epochs.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { log_id: self.log.checkpoint.log_id, epochs: self.epochs.clone() }
    }
}

/// Reads a manifest that has this field, which marks its kind; [`None`] if the folder has no manifest.
pub(super) fn find<M: DeserializeOwned>(
    folder: &Folder,
    field: &str,
    otherwise: &str,
) -> Result<Option<M>, BackupError> {
    let path: PathBuf = folder.path(NAME);
    let Some(bytes) = folder.read(NAME)? else { return Ok(None) };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| BackupError::damaged(&path, error.to_string()))?;
    // What another format has beside its number is not known here.
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(FORMAT) => {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(BackupError::Format { path, found, expected: FORMAT });
        }
        Some(_) if value.get(field).is_some() => {}
        _ => return Err(BackupError::damaged(path, otherwise)),
    }
    let manifest = serde_json::from_value(value).map_err(|error| BackupError::damaged(path, error.to_string()))?;
    Ok(Some(manifest))
}

/// Writes a manifest.
pub(super) fn write(folder: &Folder, manifest: &impl Serialize) -> Result<(), BackupError> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| BackupError::damaged(folder.path(NAME), error.to_string()))?;
    folder.write(NAME, text.as_bytes()).map(drop)
}
