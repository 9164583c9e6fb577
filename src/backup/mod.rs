//! Backups: the log with its files in one folder, the key store in another.
//!
//! A folder has a `manifest.json`, which names every other file with its size and hash, and a `lock`. Files are written beside
//! their name and renamed when they are on the disk, the manifest last: whatever interrupts a backup, the one before stands, and
//! the next run goes on from it. Each run adds what came since.
//!
//! - `log/000001.events` and so on: events as they stand in the log, in order, with the appends that commands made; compressed.
//! - `blobs/000001.blobs`: files of messages, in the frames in which they are sealed.
//! - `000001.keys`, in the folder for keys: keys wrapped and secrets sealed, as they are stored, and the tombstones of those that were
//!   destroyed. Each run writes it anew, so that a destroyed key is gone from the copy as well.
//!
//! The manifest holds a checkpoint of the log, signed with a key that derives from the master key: neither a file nor the
//! manifest can be exchanged for another unnoticed.

mod blobs;
mod encoding;
mod error;
mod events;
mod folder;
mod frames;
mod keys;
mod log;
mod manifest;
mod reader;
mod restore;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use error::BackupError;
pub use keys::{KeysBackup, KeysReport};
pub use log::LogReport;
pub use manifest::{FORMAT, Manifest};
pub use reader::LogBackup;
pub use restore::{Restored, Stage, Targets, Until, restore};

use crate::clock::Ambient;
use crate::log::EventLog;
use crate::log::blobs::BlobStore;
use crate::log::keys::KeyStore;
use crate::log::seal::MasterKey;

/// The stores that are backed up.
pub struct Sources {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The files of its messages.
    pub blobs: Arc<dyn BlobStore>,
    /// Its keys.
    pub keys: Arc<dyn KeyStore>,
    /// What the keys are wrapped with, and checkpoints are signed with.
    pub master: MasterKey,
    /// Clock and randomness.
    pub ambient: Ambient,
}

/// What a backup added; absent for a part that was not asked for.
#[derive(Debug, Clone)]
pub struct Report {
    /// Of the log and its files.
    pub log: Option<LogReport>,
    /// Of the key store.
    pub keys: Option<KeysReport>,
}

/// Adds to a backup of the log in `to`, and of the key store in `keys_to`, what they lack. Everything that was acknowledged when
/// this was called is in them afterwards. `progress` receives the number of events so far.
///
/// # Errors
/// Each variant of [`BackupError`] that speaks of a backup. What was there before is still usable.
pub async fn back_up(
    sources: &Sources,
    to: Option<&Path>,
    keys_to: Option<&Path>,
    progress: impl FnMut(u64) + Send,
) -> Result<Report, BackupError> {
    if let (Some(to), Some(keys_to)) = (to, keys_to) {
        apart(to, keys_to)?;
    }
    // Keys and files are on the disk before the events that need them: those up to this position find theirs in a copy that
    // is made afterwards.
    let until = sources.log.head().await?.position;
    let keys = match keys_to {
        Some(folder) => Some(keys::back_up(sources, folder).await?),
        None => None,
    };
    let log = match to {
        Some(folder) => Some(log::back_up(sources, folder, until, progress).await?),
        None => None,
    };
    Ok(Report { log, keys })
}

/// Keys must not lie beside what they seal.
fn apart(to: &Path, keys_to: &Path) -> Result<(), BackupError> {
    let (log, keys) = (plain(to), plain(keys_to));
    if log.starts_with(&keys) || keys.starts_with(&log) {
        return Err(BackupError::Together { to: to.to_owned(), keys_to: keys_to.to_owned() });
    }
    Ok(())
}

/// A path from the root, as far as it exists without links, and without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, real) = known.unwrap_or((Path::new(""), PathBuf::new()));
    let rest = path.strip_prefix(above).unwrap_or(&path);
    rest.components().fold(real, |path, component| match component {
        Component::ParentDir => path.parent().map(Path::to_owned).unwrap_or(path),
        Component::CurDir => path,
        component => path.join(component),
    })
}

/// Runs what waits for a disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => Err(BackupError::Interrupted { source: ended }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beside_the_log_are_refused_by_whatever_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        assert!(apart(&at("log"), &at("keys")).is_ok());
        for (log, keys) in [("a", "a"), ("a", "a/keys"), ("b/../a/log", "a"), ("./a", "a/./b")] {
            assert!(matches!(apart(&at(log), &at(keys)), Err(BackupError::Together { .. })), "{log} {keys}");
        }
    }
}
