//! The log's last events, kept in memory for those who follow it.
//!
//! The projector, the lists, the dispatcher's lanes and the watches over merges and erasures each follow the log and wake at
//! each commit. The first to ask for what is new reads it; the others are given what it read. Nothing is opened here: events
//! stay sealed, and what a destroyed key sealed stays closed.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::Position;
use crate::log::{LogError, ReadLimit, SealedEvent};

/// Bytes of events that are kept: some seconds of a campaign at full speed. Followers further behind read the log.
const KEPT: usize = 8 * 1024 * 1024;

/// About what an event takes beside its data.
const ENVELOPE: usize = 400;

/// The last events that were read, without a gap between them.
#[derive(Default)]
pub(super) struct Tail {
    recent: Mutex<Recent>,
    /// Held by the one who reads what is new.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Recent {
    /// Every event after this position and up to the last kept one is kept.
    after: Position,
    events: VecDeque<Arc<SealedEvent>>,
    bytes: usize,
}

impl Tail {
    /// The events after a position, from what is kept or else by `reading` them: those after the same position, within the
    /// same limit.
    pub async fn read(
        &self,
        after: Position,
        limit: ReadLimit,
        reading: impl Future<Output = Result<Vec<SealedEvent>, LogError>>,
    ) -> Result<Vec<Arc<SealedEvent>>, LogError> {
        if let Some(events) = self.recent().find(after, limit) {
            return Ok(events);
        }
        if after < self.recent().end() {
            return Ok(reading.await?.into_iter().map(Arc::new).collect());
        }
        let _turn = self.turn.lock().await;
        if let Some(events) = self.recent().find(after, limit) {
            return Ok(events);
        }
        let events: Vec<_> = reading.await?.into_iter().map(Arc::new).collect();
        self.recent().extend(after, &events);
        Ok(events)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn end(&self) -> Position {
        self.events.back().map_or(self.after, |event| event.envelope.position)
    }

    /// The events after a position, if they are kept and there is one.
    fn find(&self, after: Position, limit: ReadLimit) -> Option<Vec<Arc<SealedEvent>>> {
        if after < self.after {
            return None;
        }
        let first = self.events.partition_point(|event| event.envelope.position <= after);
        let mut bytes = 0;
        let within = self.events.range(first..).take(limit.events.max(1)).take_while(|event| {
            let is_within = bytes < limit.bytes || bytes == 0;
            bytes += size(event);
            is_within
        });
        let events: Vec<_> = within.cloned().collect();
        (!events.is_empty()).then_some(events)
    }

    /// Adds what was read after a position, unless newer events are kept.
    fn extend(&mut self, after: Position, events: &[Arc<SealedEvent>]) {
        match after.cmp(&self.end()) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => *self = Self { after, ..Self::default() },
        }
        for event in events {
            self.bytes += size(event) + ENVELOPE;
            self.events.push_back(Arc::clone(event));
        }
        while self.bytes > KEPT
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= size(&oldest) + ENVELOPE;
            self.after = oldest.envelope.position;
        }
    }
}

/// Bytes of an event's data, as [`ReadLimit`] counts them.
fn size(event: &SealedEvent) -> usize {
    event.data.len() + event.personal.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests;
