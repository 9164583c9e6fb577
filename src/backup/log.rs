//! Adds to the backup of a log.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::folder::{Folder, Part};
use super::manifest::{FORMAT, Manifest, Segment};
use super::{BackupError, Sources, blobs, blocking, events, frames};
use crate::ids::Position;
use crate::log::checkpoint::Checkpoint;
use crate::log::grown::Grown;
use crate::log::load::{PORTION, Portion};
use crate::log::{EventLog, format};

/// The first line of a file of events.
pub(super) const KIND: &str = "commlog events 1\n";
/// The tag of a portion.
pub(super) const PORTION_TAG: u8 = 1;

/// Uncompressed bytes after which a file is full. Each full one is a place at which an interrupted backup goes on.
const FULL: u64 = 64 * 1024 * 1024;

/// What a run added.
#[derive(Debug, Clone)]
pub struct LogReport {
    /// What the backup has now, up to where.
    pub checkpoint: Checkpoint,
    /// How many events came.
    pub new_events: u64,
    /// How many files of messages came.
    pub new_blobs: u64,
    /// How many bytes were written.
    pub new_bytes: u64,
}

/// Adds what came up to a position, and all files of messages.
pub(super) async fn back_up(
    sources: &Sources,
    root: &Path,
    until: Position,
    mut progress: impl FnMut(u64) + Send,
) -> Result<LogReport, BackupError> {
    let folder = Folder::take(root)?;
    let log = sources.log.as_ref();
    let (mut manifest, mut grown) = continued(&folder, sources).await?;
    let named: HashSet<&str> = manifest.names().collect();
    folder.sweep("log", ".events", &named)?;
    folder.sweep("blobs", ".blobs", &named)?;
    let before = (manifest.log.checkpoint.events, manifest.blobs(), manifest.bytes());
    blobs::back_up(sources, &folder, &mut manifest).await?;

    let mut next = read(log, grown.position, until).await?;
    let mut writing: Option<Writing> = None;
    while !next.events.is_empty() {
        let portion = next;
        grown.extend_with(&portion)?;
        let open = match writing.take() {
            Some(open) => open,
            None => Writing::begin(&folder, manifest.segments.len() + 1)?,
        };
        let after = portion.last();
        let (written, following) = tokio::join!(blocking(move || open.add(&portion)), read(log, after, until));
        let open = written?;
        next = following?;
        if open.is_full() || next.events.is_empty() {
            manifest.segments.push(blocking(move || open.finish()).await?);
            seal(&mut manifest, &grown, sources).await?;
            manifest.write(&folder)?;
        } else {
            writing = Some(open);
        }
        progress(grown.events());
    }
    // Also where nothing came: the manifest says when it was looked for.
    seal(&mut manifest, &grown, sources).await?;
    manifest.write(&folder)?;
    Ok(LogReport {
        new_events: manifest.log.checkpoint.events - before.0,
        new_blobs: manifest.blobs() - before.1,
        new_bytes: manifest.bytes() - before.2,
        checkpoint: manifest.log.checkpoint,
    })
}

/// The backup in a folder, and the log up to where it goes.
async fn continued(folder: &Folder, sources: &Sources) -> Result<(Manifest, Grown), BackupError> {
    let log = sources.log.as_ref();
    let Some(manifest) = Manifest::find(folder)? else {
        let (grown, origin) = (Grown::default(), log.origin().await?);
        let manifest = Manifest {
            format: FORMAT,
            log_format: format::FORMAT,
            made_at: sources.ambient.now(),
            epochs: origin.epochs.clone(),
            log: grown.keep(origin, log.head().await?.epoch, &sources.master),
            counts_positions: log.counts_positions(),
            orders_times: log.orders_times(),
            segments: Vec::new(),
            packs: Vec::new(),
        };
        return Ok((manifest, grown));
    };
    manifest.check_signature(folder, &sources.master)?;
    let other = |source| BackupError::OtherLog { folder: folder.root().to_owned(), source };
    let grown = manifest.log.continued(log).await.map_err(other)?;
    Ok((manifest, grown))
}

/// Says in the manifest that it has the log up to here.
async fn seal(manifest: &mut Manifest, grown: &Grown, sources: &Sources) -> Result<(), BackupError> {
    let log = sources.log.as_ref();
    let origin = log.origin().await?;
    manifest.epochs.clone_from(&origin.epochs);
    manifest.log = grown.keep(origin, log.head().await?.epoch, &sources.master);
    manifest.orders_times = log.orders_times();
    manifest.made_at = sources.ambient.now();
    Ok(())
}

/// The next portion, up to a position at which an append ends.
async fn read(log: &dyn EventLog, after: Position, until: Position) -> Result<Portion, BackupError> {
    if after >= until {
        return Ok(Portion { after, ..Portion::default() });
    }
    let mut portion = Portion::read_whole(log, after, PORTION).await?;
    portion.cut_after(until);
    Ok(portion)
}

/// A file of events that is being written.
struct Writing {
    out: GzEncoder<Part>,
    written: u64,
    events: u64,
    /// The first event's position, the last one's, and when that was recorded.
    span: Option<(Position, Position, chrono::DateTime<chrono::Utc>)>,
}

impl Writing {
    fn begin(folder: &Folder, number: usize) -> Result<Self, BackupError> {
        let mut part = folder.begin(&format!("log/{number:06}.events"))?;
        frames::write_kind(&mut part, KIND).map_err(BackupError::file("write", part.path()))?;
        // What is sealed cannot be compressed: more effort gains little.
        Ok(Self { out: GzEncoder::new(part, Compression::fast()), written: 0, events: 0, span: None })
    }

    fn add(mut self, portion: &Portion) -> Result<Self, BackupError> {
        let bytes = events::encode(portion);
        let path = self.out.get_ref().path().to_owned();
        frames::write(&mut self.out, PORTION_TAG, &bytes).map_err(BackupError::file("write", path))?;
        self.written += bytes.len() as u64;
        self.events += portion.events.len() as u64;
        if let (Some(first), Some(last)) = (portion.events.first(), portion.events.last()) {
            let from = self.span.map_or(first.envelope.position, |(from, ..)| from);
            self.span = Some((from, last.envelope.position, last.envelope.recorded_at));
        }
        Ok(self)
    }

    const fn is_full(&self) -> bool {
        self.written >= FULL
    }

    fn finish(self) -> Result<Segment, BackupError> {
        let path = self.out.get_ref().path().to_owned();
        let mut part = self.out.finish().map_err(BackupError::file("write", &path))?;
        part.flush().map_err(BackupError::file("write", path))?;
        let (first, last, recorded_at) = self.span.unwrap_or_default();
        Ok(Segment { file: part.finish()?, first, last, events: self.events, recorded_at })
    }
}
