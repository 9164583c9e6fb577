//! The mark: which event the log is known to have contained, kept outside of it, in the key store.
//!
//! Before a provider is called, the mark reaches the `DispatchStarted` of that call. So a log that lacks the marked event was
//! restored from a backup, cut short or replaced since, and asks for sends that were made already. The place of a
//! log proves nothing: a backup copied over the file keeps its inode, one loaded into the database keeps the database.
//!
//! The event is durable before the mark: whatever a crash leaves, the mark is not ahead of the log. Concurrent dispatches
//! share one write. What it cannot detect is a log that was restored together with its key store.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ids::Position;
use crate::log::keys::{KeyStore, KeyStoreError, Term};
use crate::log::{EventHash, EventLog, LogError};

/// An event that the log contained in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMark {
    /// The log's epoch when the mark was made.
    pub epoch: u32,
    /// The event's position.
    pub position: Position,
    /// The event's hash.
    pub hash: EventHash,
}

/// The mark as the key store holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredMark {
    /// The mark.
    pub mark: LogMark,
    /// False if the key store is a copy of the one that the mark was written to.
    pub is_at_home: bool,
}

/// What the mark says about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStanding {
    /// It contains the marked event.
    Contained {
        /// False if the key store was copied.
        is_at_home: bool,
    },
    /// Nothing was marked yet: nothing was sent with this key store.
    Unmarked,
    /// It does not contain the marked event, or is in an earlier epoch.
    Missing(LogMark),
}

/// Why a position was not marked. No provider may be called.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MarkError {
    /// The log lost events since they were appended: it was restored or replaced while this process runs.
    #[error("the log does not contain the event at position {0}: it was restored from a backup, or replaced")]
    Missing(Position),
    /// The log did not respond.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key store did not respond.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
}

/// Positions that wait to be marked together.
#[derive(Default)]
struct Wanted {
    /// How many calls have asked.
    calls: u64,
    /// The highest position among those that are not marked.
    position: Option<Position>,
    /// The terms in which they are asked for: one for each lease that this process acts by.
    terms: Vec<Term>,
}

/// What has been marked.
#[derive(Default)]
struct Marked {
    /// Calls up to this number are done, but for those that failed.
    calls: u64,
    /// Calls up to this number may have failed together.
    failed: u64,
    /// The newest mark known.
    mark: Option<LogMark>,
}

/// Advances the mark for concurrent callers together.
#[derive(Default)]
pub(super) struct Marker {
    wanted: Mutex<Wanted>,
    turn: tokio::sync::Mutex<Marked>,
}

impl Marker {
    /// Makes sure, durably, that the mark has reached a position, and that no later term of a lease has begun. Callers in terms
    /// of different leases share a write, too.
    pub async fn reach(
        &self,
        log: &Arc<dyn EventLog>,
        keys: &Arc<dyn KeyStore>,
        position: Position,
        term: Option<&Term>,
    ) -> Result<(), MarkError> {
        let call = {
            let mut wanted = self.wanted();
            wanted.calls += 1;
            wanted.position = wanted.position.max(Some(position));
            let is_new = |term: &&Term| !wanted.terms.contains(term);
            let new = term.filter(is_new).cloned();
            wanted.terms.extend(new);
            wanted.calls
        };
        let mut marked = self.turn.lock().await;
        // Who comes first writes for all who wait. If that fails, each of them tries for itself.
        if call > marked.failed {
            if marked.calls >= call {
                return Ok(());
            }
            match marked.write(log, keys, self.take(), position).await {
                // Nothing is said of this caller's own term.
                Err(MarkError::Keys(KeyStoreError::Fenced { term: fenced, .. })) if Some(&fenced) != term => {}
                written => return written,
            }
        }
        let before = marked.mark.take();
        marked.mark = Some(advance(log, keys, before, position, term.map_or(&[], std::slice::from_ref)).await?);
        Ok(())
    }

    /// What is asked for up to now. Nobody else will ask for it.
    fn take(&self) -> Wanted {
        let mut wanted = self.wanted();
        Wanted { calls: wanted.calls, position: wanted.position.take(), terms: std::mem::take(&mut wanted.terms) }
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marked {
    /// Writes for all calls of a group, and for the one whose turn it is.
    async fn write(
        &mut self,
        log: &Arc<dyn EventLog>,
        keys: &Arc<dyn KeyStore>,
        wanted: Wanted,
        position: Position,
    ) -> Result<(), MarkError> {
        let Wanted { calls, position: highest, terms } = wanted;
        let target = highest.map_or(position, |highest| highest.max(position));
        // Until it has succeeded, also if its caller goes away.
        let failed = std::mem::replace(&mut self.failed, calls);
        let before = self.mark.take();
        self.mark = Some(advance(log, keys, before, target, &terms).await?);
        (self.calls, self.failed) = (calls, failed);
        Ok(())
    }
}

/// Moves the mark forward to a position of the log that contains what was marked before.
async fn advance(
    log: &Arc<dyn EventLog>,
    keys: &Arc<dyn KeyStore>,
    before: Option<LogMark>,
    position: Position,
    terms: &[Term],
) -> Result<LogMark, MarkError> {
    let before = match before {
        Some(mark) => Some(mark),
        None => keys.log_mark().await?.map(|stored| stored.mark),
    };
    let marked = before.map_or(position, |mark| mark.position);
    let (epoch, hashes) = log.hashes_at(&[position, marked]).await?;
    if let Some(before) = before
        && !contains(&before, epoch, hashes.get(1).copied().flatten())
    {
        return Err(MarkError::Missing(before.position));
    }
    let hash = hashes.first().copied().flatten().ok_or(MarkError::Missing(position))?;
    let mark = LogMark { epoch, position, hash };
    let stored = keys.advance_log_mark(mark, terms).await?;
    if stored != mark {
        // Another node came further, or an operator confirmed the log.
        let (epoch, hashes) = log.hashes_at(&[stored.position]).await?;
        if !contains(&stored, epoch, hashes.first().copied().flatten()) {
            return Err(MarkError::Missing(stored.position));
        }
    }
    Ok(stored)
}

/// What the stored mark says about a log.
pub(super) async fn standing(log: &Arc<dyn EventLog>, keys: &Arc<dyn KeyStore>) -> Result<LogStanding, LogError> {
    let Some(StoredMark { mark, is_at_home }) = keys.log_mark().await? else { return Ok(LogStanding::Unmarked) };
    let (epoch, hashes) = log.hashes_at(&[mark.position]).await?;
    Ok(match contains(&mark, epoch, hashes.first().copied().flatten()) {
        true => LogStanding::Contained { is_at_home },
        false => LogStanding::Missing(mark),
    })
}

/// Starts an epoch above the marked one and marks the end of the log in it: what the log contains now is what counts.
pub(super) async fn confirm(log: &Arc<dyn EventLog>, keys: &Arc<dyn KeyStore>) -> Result<u32, LogError> {
    let marked = keys.log_mark().await?.map_or(0, |stored| stored.mark.epoch);
    let mut epoch = log.start_epoch().await?;
    while epoch <= marked {
        epoch = log.start_epoch().await?;
    }
    let position = log.head().await?.position;
    let (epoch, hashes) = log.hashes_at(&[position]).await?;
    let hash = hashes.first().copied().flatten().unwrap_or_default();
    keys.advance_log_mark(LogMark { epoch, position, hash }, &[]).await?;
    Ok(epoch)
}

/// Whether a log in this epoch, with this hash at the marked position, contains what was marked. Every log contains its
/// beginning.
fn contains(mark: &LogMark, epoch: u32, hash: Option<EventHash>) -> bool {
    let hash = if mark.position == Position::START { Some(EventHash::default()) } else { hash };
    epoch >= mark.epoch && hash == Some(mark.hash)
}
