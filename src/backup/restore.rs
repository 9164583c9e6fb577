//! Restores a backup into empty stores.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::blobs::Blobs;
use super::folder::Folder;
use super::keys::KeysBackup;
use super::reader::LogBackup;
use super::{BackupError, blocking};
use crate::clock::Ambient;
use crate::ids::{Position, SubjectId};
use crate::log::blobs::BlobStore;
use crate::log::chain::{self, Verified};
use crate::log::keys::{KeyStore, Merged};
use crate::log::load::{LogLoader, Portion};

/// The stores that are restored to.
pub struct Targets {
    /// The log, empty or loaded in part.
    pub log: Arc<dyn LogLoader>,
    /// The files of its messages.
    pub blobs: Arc<dyn BlobStore>,
    /// Its keys, which may be there: what is destroyed in them stays so.
    pub keys: Arc<dyn KeyStore>,
    /// Clock and randomness.
    pub ambient: Ambient,
}

/// Up to which event a log is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The last one that was recorded by then.
    Time(DateTime<Utc>),
    /// The last one up to there.
    Position(Position),
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Events were loaded up to this number.
    Loading(u64),
    /// Events were verified up to this number.
    Verifying(u64),
}

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The log, every hash of which was computed again.
    pub log: Verified,
    /// Files of messages that were written.
    pub blobs: u64,
    /// What the copies of keys brought.
    pub keys: Merged,
}

/// Restores keys, files and log, verifies the log and ends its load. What an interrupted call did is not done again. The log sends
/// nothing until an operator has confirmed it. `progress` receives what is under way.
///
/// # Errors
/// Each variant of [`BackupError`] that speaks of a restore. The log cannot be opened then.
pub async fn restore(
    targets: &Targets,
    backup: &LogBackup,
    keys: &[KeysBackup],
    until: Option<Until>,
    mut progress: impl FnMut(Stage) + Send,
) -> Result<Restored, BackupError> {
    let log_id = backup.manifest().log.checkpoint.log_id;
    keys.iter().try_for_each(|copy| copy.check_log(log_id))?;
    let end = match until {
        Some(until) => Some(end_at(backup, until).await?),
        None => None,
    };
    let mut merged = Merged::default();
    for copy in keys {
        let brought = copy.restore(targets.keys.as_ref()).await?;
        merged.added += brought.added;
        merged.destroyed += brought.destroyed;
        merged.refused += brought.refused;
    }
    load(targets, backup, end, &mut progress).await?;
    let blobs = restore_blobs(targets, backup).await?;
    let log = targets.log.log().await?;
    let verified = chain::verify(log.as_ref(), |events| progress(Stage::Verifying(events))).await;
    let verified = verified?;
    targets.log.finish(&backup.manifest().origin()).await?;
    Ok(Restored { log: verified, blobs, keys: merged })
}

/// Loads what the log does not have.
async fn load(
    targets: &Targets,
    backup: &LogBackup,
    end: Option<Position>,
    progress: &mut (impl FnMut(Stage) + Send),
) -> Result<(), BackupError> {
    let loaded = targets.log.loaded().await?;
    let (mut reading, mut portion) = backup.read().next().await?;
    let (mut known, mut events) = (HashSet::new(), 0);
    while let Some(mut current) = portion {
        events += current.events.len() as u64;
        if let Some(end) = end {
            current.cut_after(end);
        }
        check_keys(targets, &current, &mut known).await?;
        begin_after(&mut current, loaded);
        let load = async {
            match current.events.is_empty() {
                true => Ok(()),
                false => targets.log.load(current).await.map_err(BackupError::from),
            }
        };
        // The next portion is read and verified while this one is loaded.
        let (done, next) = tokio::join!(load, reading.next());
        done?;
        (reading, portion) = next?;
        progress(Stage::Loading(events));
    }
    Ok(())
}

/// Leaves out what is loaded already.
fn begin_after(portion: &mut Portion, loaded: Position) {
    if portion.after < loaded {
        portion.after = portion.last().min(loaded);
        portion.events.retain(|event| event.envelope.position > loaded);
        portion.commands.retain(|record| record.position > loaded);
    }
}

/// Makes sure that there is, or was, a key for whatever is sealed in a portion: nothing could follow a log without. `known` are the
/// subjects that were looked for before.
async fn check_keys(targets: &Targets, portion: &Portion, known: &mut HashSet<SubjectId>) -> Result<(), BackupError> {
    let (mut new, mut befores, mut before) = (Vec::new(), Vec::new(), portion.after);
    for event in &portion.events {
        if let (Some(subject), Some(_)) = (event.envelope.subject, &event.personal)
            && known.insert(subject)
        {
            new.push(subject);
            befores.push(before);
        }
        before = event.envelope.position;
    }
    let keys = targets.keys.get(&new).await?;
    match keys.iter().position(Option::is_none) {
        Some(index) => Err(BackupError::WithoutKey { subject: new[index], before: befores[index] }),
        None => Ok(()),
    }
}

/// The last event of a backup up to a moment that ends a transaction: all events of one were recorded at the same time.
async fn end_at(backup: &LogBackup, until: Until) -> Result<Position, BackupError> {
    let mut reading = backup.read();
    // The last event of a transaction that is whole, and the last event.
    let (mut whole, mut last): (Option<Position>, Option<(Position, DateTime<Utc>)>) = (None, None);
    loop {
        let portion;
        (reading, portion) = reading.next().await?;
        let Some(portion) = portion else { break };
        for event in &portion.events {
            let (position, recorded_at) = (event.envelope.position, event.envelope.recorded_at);
            if let Some((before, at)) = last
                && at < recorded_at
            {
                whole = Some(before);
            }
            let is_later = match until {
                Until::Time(time) => recorded_at > time,
                Until::Position(end) => position > end,
            };
            if is_later {
                return whole.ok_or_else(|| BackupError::Before { folder: backup.root().to_owned() });
            }
            last = Some((position, recorded_at));
        }
    }
    // All of it was recorded by then.
    Ok(backup.manifest().log.checkpoint.position)
}

/// Writes the files that the store does not have, of everybody who is not forgotten.
async fn restore_blobs(targets: &Targets, backup: &LogBackup) -> Result<u64, BackupError> {
    let (store, mut written) = (targets.blobs.as_ref(), 0);
    let (_, destroyed) = targets.keys.destroyed_since(0).await?;
    let destroyed: HashSet<SubjectId> = destroyed.into_iter().collect();
    for pack in &backup.manifest().packs {
        let (root, file) = (backup.root().to_owned(), pack.file.clone());
        let mut blobs = blocking(move || Blobs::open(&Folder::open(&root), &file)).await?;
        while let Some(blob) = blobs.next()? {
            let is_wanted = !destroyed.contains(&blob.subject) && store.bytes(blob).await?.is_none();
            let mut writer = match is_wanted {
                true => Some(store.begin(blob, targets.ambient.uuid(), targets.ambient.now()).await?),
                false => None,
            };
            while let Some(frame) = blobs.next_frame()? {
                if let Some(writer) = &mut writer {
                    writer.append(frame).await?;
                }
            }
            if let Some(writer) = writer {
                writer.finish(targets.ambient.now()).await?;
                written += 1;
            }
        }
    }
    Ok(written)
}
