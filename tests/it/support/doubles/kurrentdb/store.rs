//! What the double's nodes share: events in the order of `$all`, and the rules of appending.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

/// An event that was appended.
#[derive(Debug, Clone)]
pub(crate) struct StoredEvent {
    pub(crate) id: Uuid,
    pub(crate) stream: String,
    /// Its number in its stream, from 0.
    pub(crate) revision: u64,
    /// Where it stands in the log: commit and prepare position.
    pub(crate) place: u64,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) custom_metadata: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// An event that is to be appended.
#[derive(Debug, Clone)]
pub(super) struct NewEvent {
    pub id: Uuid,
    pub metadata: HashMap<String, String>,
    pub custom_metadata: Vec<u8>,
    pub data: Vec<u8>,
}

/// The state that a stream must have: `-1` for none, `-2` for any, `-4` for some, else its last revision.
pub(super) type Required = i64;

pub(super) const NO_STREAM: Required = -1;
pub(super) const ANY: Required = -2;
pub(super) const EXISTS: Required = -4;

/// The revision of the event that says that a stream was deleted.
pub(super) const TOMBSTONE: u64 = i64::MAX.unsigned_abs();

/// A stream that is in another state than it must be; its last revision, or [`NO_STREAM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    pub actual: i64,
}

#[derive(Default)]
struct Inner {
    events: Vec<StoredEvent>,
    last: HashMap<String, u64>,
    end: u64,
}

/// Events, shared by nodes.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    pub(super) end: watch::Sender<u64>,
}

impl Store {
    /// Begins with an event of the server's own, as every real log does.
    pub(super) fn new() -> Self {
        let store = Self { inner: Mutex::default(), end: watch::Sender::new(0) };
        let own = NewEvent {
            id: Uuid::from_u128(1),
            metadata: HashMap::from([("type".to_owned(), "$stats".to_owned())]),
            custom_metadata: Vec::new(),
            data: b"{}".to_vec(),
        };
        store.append(&[("$stats-127.0.0.1:2113".to_owned(), own)], &[]).expect("the first event");
        store
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends events, all or none. Returns the last one's place and revision.
    pub(super) fn append(
        &self,
        events: &[(String, NewEvent)],
        required: &[(String, Required)],
    ) -> Result<(u64, u64), Moved> {
        let mut inner = self.inner();
        for (stream, state) in required {
            let actual = inner.last.get(stream).map_or(NO_STREAM, |last| last.cast_signed());
            let fits = match *state {
                ANY => true,
                EXISTS => actual >= 0,
                state => state == actual,
            };
            if !fits {
                return inner.repeated(events, stream, *state).ok_or(Moved { actual });
            }
        }
        for (stream, event) in events {
            let is_deletion = event.metadata.get("type").is_some_and(|kind| kind == "$streamDeleted");
            let next = inner.last.get(stream).map_or(0, |last| last + 1);
            let revision = if is_deletion { TOMBSTONE } else { next };
            let place = inner.end;
            inner.end += 64 + event.data.len() as u64 + event.custom_metadata.len() as u64;
            inner.last.insert(stream.clone(), revision);
            let event = event.clone();
            inner.events.push(StoredEvent {
                id: event.id,
                stream: stream.clone(),
                revision,
                place,
                metadata: event.metadata,
                custom_metadata: event.custom_metadata,
                data: event.data,
            });
        }
        let last = inner.events.last().expect("events were appended");
        let appended = (last.place, last.revision);
        self.end.send_replace(inner.end);
        Ok(appended)
    }

    /// Events in order, from a place on, which fit; at most so many.
    pub(super) fn forwards(&self, from: u64, most: usize, fits: impl Fn(&StoredEvent) -> bool) -> Vec<StoredEvent> {
        let inner = self.inner();
        let first = inner.events.partition_point(|event| event.place < from);
        inner.events[first..].iter().filter(|event| fits(event)).take(most).cloned().collect()
    }

    /// Events before a place, newest first.
    pub(super) fn backwards(&self, before: u64, most: usize, fits: impl Fn(&StoredEvent) -> bool) -> Vec<StoredEvent> {
        let inner = self.inner();
        let end = inner.events.partition_point(|event| event.place < before);
        inner.events[..end].iter().rev().filter(|event| fits(event)).take(most).cloned().collect()
    }

    /// Whether a stream was deleted for good.
    pub(super) fn is_entombed(&self, stream: &str) -> bool {
        self.inner().last.get(stream) == Some(&TOMBSTONE)
    }

    /// Whether a stream was ever appended to.
    pub(super) fn has(&self, stream: &str) -> bool {
        self.inner().last.contains_key(stream)
    }

    /// Changes what is stored, as somebody with access to the disk could.
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut Vec<StoredEvent>)) {
        change(&mut self.inner().events);
    }

    /// Everything that is stored.
    pub(crate) fn dump(&self) -> Vec<u8> {
        let inner = self.inner();
        let parts = inner.events.iter().flat_map(|event| {
            let kind = event.metadata.get("type").map(|text| text.as_bytes().to_vec()).unwrap_or_default();
            [event.stream.as_bytes().to_vec(), kind, event.custom_metadata.clone(), event.data.clone()]
        });
        parts.collect::<Vec<_>>().concat()
    }
}

impl Inner {
    /// Where the same events stand, if they were appended at this very version before: the server takes that for success.
    fn repeated(&self, events: &[(String, NewEvent)], stream: &str, state: Required) -> Option<(u64, u64)> {
        let first = u64::try_from(state + 1).ok()?;
        let mut last = None;
        for (number, (name, event)) in (0_u64..).zip(events) {
            let stored = self.events.iter().find(|stored| stored.stream == *name && stored.id == event.id)?;
            if name != stream || stored.revision != first + number {
                return None;
            }
            last = Some((stored.place, stored.revision));
        }
        last
    }
}
