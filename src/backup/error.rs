//! Why a backup was not made, or cannot be used.

use std::io;
use std::path::PathBuf;

use uuid::Uuid;

use crate::ids::{Position, SubjectId};
use crate::log::LogError;
use crate::log::blobs::BlobError;
use crate::log::chain::{Broken, VerifyError};
use crate::log::checkpoint::CheckpointError;
use crate::log::keys::KeyStoreError;
use crate::log::load::LoadError;

/// Why a backup was not made, checked or restored; names the file or the store.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system refused.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another process adds to the backup.
    #[error("another backup to {} is under way", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// Keys would be in the log's backup.
    #[error(
        "the keys would lie beside what they seal, in {} and {}: whoever is forgotten later could be read from the two. Choose \
         folders of which neither is in the other", to.display(), keys_to.display()
    )]
    Together {
        /// The folder of the log.
        to: PathBuf,
        /// The folder of the keys.
        keys_to: PathBuf,
    },
    /// There is no manifest.
    #[error("there is no backup of {what} in {}: it has no manifest.json", folder.display())]
    None {
        /// `a log` or `a key store`.
        what: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// A file was written in another format.
    #[error("{} has format {found}, and this program reads format {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// A file that the manifest names is not there.
    #[error("{} is missing, which the manifest names", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, in words.
        reason: String,
    },
    /// An event is not what was appended, though the file is what was written.
    #[error("{} holds a log that was changed", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The event.
        #[source]
        source: Broken,
    },
    /// What the manifest names is not what was signed.
    #[error("{} does not fit the events beside it", path.display())]
    Unfit {
        /// The manifest.
        path: PathBuf,
        /// The difference.
        #[source]
        source: CheckpointError,
    },
    /// The backup's checkpoint, or its keys, were made with another master key.
    #[error("the master key does not fit {}: it was written with another one, or changed since", path.display())]
    MasterKey {
        /// The manifest.
        path: PathBuf,
    },
    /// The folder holds a backup of another log, or of one that has since been restored.
    #[error(
        "{} holds a backup of another log than this one, or of what this one was before it was restored: choose another folder",
        folder.display()
    )]
    OtherLog {
        /// The folder.
        folder: PathBuf,
        /// How they differ.
        #[source]
        source: CheckpointError,
    },
    /// The keys are those of another log.
    #[error("the keys in {} belong to the log {keys}, not to {log}", folder.display())]
    OtherKeys {
        /// The folder of the keys.
        folder: PathBuf,
        /// Whose keys they are.
        keys: Uuid,
        /// The log.
        log: Uuid,
    },
    /// What is sealed in the log could not be read.
    #[error(
        "the key of subject {subject} is neither in the key store nor in a copy of it: they are older than the log, or another \
         log's. Give the newest copy in --keys-from and run this again; if there is none, --until {before} restores the log up \
         to the first event that has no key"
    )]
    WithoutKey {
        /// Whose key.
        subject: SubjectId,
        /// The position before the first event that is sealed with it.
        before: Position,
    },
    /// There is nothing at the moment that was asked for.
    #[error("the backup in {} has no event up to then: its first was recorded later", folder.display())]
    Before {
        /// The folder.
        folder: PathBuf,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log is not intact.
    #[error("the log is not intact")]
    Verify(#[from] VerifyError),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The blob store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The log that is restored to.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A part of this process ended.
    #[error("a part of the backup ended before it was done")]
    Interrupted {
        /// How.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl BackupError {
    /// A failure of the file system, for `map_err`.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// A file with bytes that nobody wrote.
    pub(super) fn damaged(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), reason: reason.into() }
    }

    /// Whether it is about the content of a backup or of a store, rather than about reaching it.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::Damaged { .. }
                | Self::Broken { .. }
                | Self::Unfit { .. }
                | Self::Verify(VerifyError::Broken(_) | VerifyError::Incomplete(_))
        )
    }

    /// Whether what was asked for is refused as it stands.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Together { .. }
                | Self::None { .. }
                | Self::Format { .. }
                | Self::MasterKey { .. }
                | Self::OtherLog { .. }
                | Self::OtherKeys { .. }
                | Self::Before { .. }
                | Self::WithoutKey { .. }
                | Self::Load(LoadError::Occupied { .. } | LoadError::Other { .. })
                | Self::Keys(KeyStoreError::Different { .. } | KeyStoreError::Missing { .. })
        )
    }
}
