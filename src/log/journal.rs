//! The journal: the log as the rest of commlog uses it. Seals on the way in; opens and upcasts on the way out.

use std::collections::HashSet;
use std::sync::Arc;

use moka::sync::Cache;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::clock::{Ambient, to_micros};
use crate::ids::{Position, SubjectId, TenantId, TenantSecret};
use crate::log::keys::{KeyRing, KeyState, KeyStore, KeyStoreError, Keys, Term};
use crate::log::mark::{self, LogStanding, MarkError, Marker};
use crate::log::seal::{self, SubjectKey};
use crate::log::tail::Tail;
use crate::log::upcast::Upcasters;
use crate::log::{
    Append, AppendError, Appended, EventLog, Expected, LogError, NewEvent, Personal, ReadLimit, RecordedEvent,
    SealedAppend, SealedEvent, SealedNewEvent, Snapshot, StreamId,
};
use crate::offload;

/// Marks a snapshot that belongs to no subject, in place of a sealed text's format version.
const CLEAR: u8 = 0;

/// Why one append was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// This append was refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log did not answer.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The log with keys and upcasters; cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    log: Arc<dyn EventLog>,
    ring: KeyRing,
    upcasters: Upcasters,
    ambient: Ambient,
    secrets: Cache<TenantId, TenantSecret>,
    marker: Marker,
    tail: Tail,
}

impl Journal {
    /// Combines a backend with the key store and the upcasters of the domain.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        keys: Arc<dyn KeyStore>,
        upcasters: impl Into<Upcasters>,
        ambient: Ambient,
    ) -> Self {
        let ring = KeyRing::new(keys);
        Self(Arc::new(Inner {
            log,
            ring,
            upcasters: upcasters.into(),
            ambient,
            secrets: Cache::new(10_000),
            marker: Marker::default(),
            tail: Tail::default(),
        }))
    }

    /// As [`Self::new`], after making sure that the key store is the one that the log's events were sealed with.
    ///
    /// # Errors
    /// [`KeyStoreError::Missing`] for a log with sealed events and a key store that does not know them.
    pub async fn open(
        log: Arc<dyn EventLog>,
        keys: Arc<dyn KeyStore>,
        upcasters: impl Into<Upcasters>,
        ambient: Ambient,
    ) -> Result<Self, LogError> {
        if let Some(subject) = log.first_subject().await?
            && keys.get(&[subject]).await?.iter().all(Option::is_none)
        {
            return Err(KeyStoreError::Missing { url: keys.url().to_owned(), subject }.into());
        }
        Ok(Self::new(log, keys, upcasters, ambient))
    }

    /// See [`KeyStore::wrapped`].
    pub async fn wrapped_keys(&self, subjects: &[SubjectId]) -> Result<Vec<Vec<u8>>, LogError> {
        Ok(self.0.ring.store().wrapped(subjects).await?)
    }

    /// Appends events to one stream; shares its commit with concurrent callers.
    pub async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        match self.append_all(vec![append]).await?.pop() {
            Some(result) => Ok(result?),
            None => Err(LogError::Closed.into()),
        }
    }

    /// Appends to many streams at once and returns a result for each append, in order; see [`EventLog::append`].
    ///
    /// A subject whose key was destroyed gets no personal data any more: a decided append
    /// ([`Expected::Exact`]) is refused, a fact ([`Expected::Any`]) is kept without its personal part.
    pub async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        let span = tracing::debug_span!("append", streams = appends.len());
        self.seal_and_append(appends).instrument(span).await
    }

    async fn seal_and_append(&self, appends: Vec<Append>) -> Result<Vec<Result<Appended, AppendError>>, LogError> {
        let subjects: HashSet<SubjectId> = appends
            .iter()
            .flat_map(|append| &append.events)
            .filter(|event| event.personal.is_some())
            .filter_map(|event| event.subject)
            .collect();
        let keys =
            if subjects.is_empty() { keys_of_none() } else { Arc::new(self.0.ring.for_sealing(&subjects).await?) };

        let events = appends.iter().map(|append| append.events.len()).sum();
        let ambient = self.0.ambient.clone();
        let sealed = offload::map(events, appends, move |append| seal_append(append, &keys, &ambient)).await;

        let mut results = Vec::with_capacity(sealed.len());
        let mut group = Vec::with_capacity(sealed.len());
        for sealed in sealed {
            match sealed {
                Ok(append) => {
                    group.push(append);
                    results.push(None);
                }
                Err(refused) => results.push(Some(Err(refused))),
            }
        }
        let mut appended = if group.is_empty() { Vec::new() } else { self.0.log.append(group).await? }.into_iter();
        results.into_iter().map(|refused| refused.or_else(|| appended.next()).ok_or(LogError::Closed)).collect()
    }

    /// See [`EventLog::read_all`].
    pub async fn read_all(&self, after: Position, limit: ReadLimit) -> Result<Vec<RecordedEvent>, LogError> {
        self.open_events(self.0.log.read_all(after, limit).await?).await
    }

    /// As [`Self::read_all`], for those who follow the log: what several of them want is read once.
    pub async fn follow(&self, after: Position, limit: ReadLimit) -> Result<Vec<RecordedEvent>, LogError> {
        let sealed = self.follow_sealed(after, limit).await?;
        self.open_events(sealed.into_iter().map(Arc::unwrap_or_clone).collect()).await
    }

    /// As [`Self::follow`], for those who need nothing that is sealed.
    pub async fn follow_sealed(&self, after: Position, limit: ReadLimit) -> Result<Vec<Arc<SealedEvent>>, LogError> {
        self.0.tail.read(after, limit, self.0.log.read_all(after, limit)).await
    }

    /// Reads on from a position, page by page; see [`Pages::next`].
    #[must_use]
    pub fn pages(&self, after: Position, limit: ReadLimit) -> Pages {
        Pages { journal: self.clone(), after, limit, ahead: None }
    }

    /// See [`EventLog::read_all_backwards`].
    pub async fn read_all_backwards(
        &self,
        before: Option<Position>,
        limit: ReadLimit,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.open_events(self.0.log.read_all_backwards(before, limit).await?).await
    }

    /// See [`EventLog::read_stream`].
    pub async fn read_stream(
        &self,
        stream: StreamId,
        after: u64,
        limit: ReadLimit,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.open_events(self.0.log.read_stream(stream, after, limit).await?).await
    }

    /// See [`EventLog::read_streams`].
    pub async fn read_streams(
        &self,
        streams: &[StreamId],
        up_to: u64,
        types: Option<&[&str]>,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.open_events(self.0.log.read_streams(streams, up_to, types).await?).await
    }

    /// Events of some types of many streams, without what is personal in them: no key is needed, and none is asked for. See
    /// [`EventLog::read_streams`].
    pub async fn read_streams_without_personal(
        &self,
        streams: &[StreamId],
        types: &[&str],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut events = self.0.log.read_streams(streams, u64::MAX, Some(types)).await?;
        for event in &mut events {
            event.personal = None;
        }
        self.open_events(events).await
    }

    /// See [`EventLog::read_stream_backwards`].
    pub async fn read_stream_backwards(
        &self,
        stream: StreamId,
        before: Option<u64>,
        limit: ReadLimit,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.open_events(self.0.log.read_stream_backwards(stream, before, limit).await?).await
    }

    /// The version and state of a stored snapshot. [`None`] if there is none of this fold version, or if it cannot be
    /// opened: the subject was forgotten, or the bytes are damaged. The stream itself has everything that it held.
    pub async fn load_snapshot(
        &self,
        stream: StreamId,
        subject: Option<SubjectId>,
        fold: &str,
        fold_version: u32,
    ) -> Result<Option<(u64, Vec<u8>)>, LogError> {
        let Some(snapshot) = self.0.log.load_snapshot(stream, fold).await? else { return Ok(None) };
        if snapshot.fold_version != fold_version {
            return Ok(None);
        }
        let Some(subject) = subject else {
            let state = snapshot.state.split_first().filter(|(format, _)| **format == CLEAR);
            return Ok(state.map(|(_, state)| (snapshot.version, state.to_vec())));
        };
        let keys = self.0.ring.for_opening(&HashSet::from([subject])).await?;
        let Some(KeyState::Live(key)) = keys.get(&subject) else { return Ok(None) };
        let place = seal::snapshot_place(&stream, snapshot.version, fold_version, fold);
        Ok(key.open(&place, &snapshot.state).ok().map(|state| (snapshot.version, state)))
    }

    /// Stores a snapshot, sealed with the subject's key; not stored if the subject was forgotten.
    pub async fn save_snapshot(
        &self,
        stream: StreamId,
        subject: Option<SubjectId>,
        fold: &str,
        fold_version: u32,
        version: u64,
        state: Vec<u8>,
    ) -> Result<(), LogError> {
        let state = match subject {
            None => [&[CLEAR], &state[..]].concat(),
            Some(subject) => match self.0.ring.for_sealing(&HashSet::from([subject])).await?.get(&subject) {
                Some(KeyState::Live(key)) => {
                    key.seal(&self.0.ambient, &seal::snapshot_place(&stream, version, fold_version, fold), &state)
                }
                Some(KeyState::Destroyed) | None => return Ok(()),
            },
        };
        self.0.log.save_snapshot(stream, fold, Snapshot { version, fold_version, state }).await
    }

    /// A tenant's secret for deriving ids and fingerprints; made on first use.
    pub async fn tenant_secret(&self, tenant: TenantId) -> Result<TenantSecret, LogError> {
        if let Some(secret) = self.0.secrets.get(&tenant) {
            return Ok(secret);
        }
        // An entry of its own in the key store, so that it outlives the key of the tenant's personal data.
        let entry = SubjectId(uuid::Uuid::new_v8(
            seal::hmac(&[0; 32], &[b"tenant secret", tenant.0.as_bytes()])[..16].try_into().unwrap_or_default(),
        ));
        match self.0.ring.for_sealing(&HashSet::from([entry])).await?.get(&entry) {
            Some(KeyState::Live(key)) => {
                let secret = TenantSecret::new(*key.bytes());
                self.0.secrets.insert(tenant, secret.clone());
                Ok(secret)
            }
            Some(KeyState::Destroyed) | None => {
                Err(KeyStoreError::Missing { url: self.0.ring.store().url().to_owned(), subject: entry }.into())
            }
        }
    }

    /// The key to seal a subject's blobs with, made on first use; [`None`] if it was destroyed.
    pub(super) async fn key_for_sealing(&self, subject: SubjectId) -> Result<Option<SubjectKey>, LogError> {
        Ok(live(self.0.ring.for_sealing(&HashSet::from([subject])).await?, subject))
    }

    /// The key to open a subject's blobs with; [`None`] if there is none, or it was destroyed.
    pub(super) async fn key_for_opening(&self, subject: SubjectId) -> Result<Option<SubjectKey>, LogError> {
        Ok(live(self.0.ring.for_opening(&HashSet::from([subject])).await?, subject))
    }

    /// Clock and randomness.
    pub(super) fn ambient(&self) -> &Ambient {
        &self.0.ambient
    }

    /// Destroys a subject's key, here and in the store, for good. Nothing sealed with it can be read again, in no copy
    /// of the log. Other processes notice within a second.
    pub async fn destroy_key(&self, subject: SubjectId) -> Result<(), LogError> {
        Ok(self.0.ring.destroy(subject).await?)
    }

    /// Marks a position in the key store, durably, after making sure that the log contains what was marked before;
    /// concurrent callers share a write. Refused if a later one than `term` has begun. See [`mark`].
    pub async fn reach_mark(&self, position: Position, term: Option<&Term>) -> Result<(), MarkError> {
        self.0.marker.reach(&self.0.log, self.0.ring.store(), position, term).await
    }

    /// Whether the log contains the event that was marked last.
    pub async fn standing(&self) -> Result<LogStanding, LogError> {
        mark::standing(&self.0.log, self.0.ring.store()).await
    }

    /// Starts an epoch in which the log counts as it is now, whatever was marked before. Returns its number.
    pub async fn confirm(&self) -> Result<u32, LogError> {
        mark::confirm(&self.0.log, self.0.ring.store()).await
    }

    /// The key store: where secrets are kept that the log only names.
    #[must_use]
    pub fn key_store(&self) -> &Arc<dyn KeyStore> {
        self.0.ring.store()
    }

    /// The backend: heads, commands, positions, the end of the log.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn EventLog> {
        &self.0.log
    }

    /// Opens and upcasts events that were read from the backend.
    pub async fn open_events(&self, events: Vec<SealedEvent>) -> Result<Vec<RecordedEvent>, LogError> {
        let subjects: HashSet<SubjectId> =
            events.iter().filter(|event| event.personal.is_some()).filter_map(|event| event.envelope.subject).collect();
        let keys = Arc::new(self.0.ring.for_opening(&subjects).await?);
        let inner = Arc::clone(&self.0);
        offload::map(events.len(), events, move |event| inner.open_event(event, &keys)).await.into_iter().collect()
    }
}

/// The log from a position on. While a page is opened and used, the next one is read.
pub struct Pages {
    journal: Journal,
    after: Position,
    limit: ReadLimit,
    ahead: Option<AbortOnDropHandle<Result<Vec<SealedEvent>, LogError>>>,
}

impl Pages {
    /// The next events, in log order; none at the end of the log. What is appended later comes with later calls.
    ///
    /// # Errors
    /// As [`Journal::read_all`]. The next call tries the same page again.
    pub async fn next(&mut self) -> Result<Vec<RecordedEvent>, LogError> {
        let mut sealed = match self.ahead.take() {
            Some(reading) => reading.await.map_err(|_| LogError::Closed)??,
            None => Vec::new(),
        };
        if sealed.is_empty() {
            // What was read ahead ended where the log did then.
            sealed = self.journal.0.log.read_all(self.after, self.limit).await?;
        }
        let Some(last) = sealed.last() else { return Ok(Vec::new()) };
        let (log, after, limit) = (Arc::clone(&self.journal.0.log), last.envelope.position, self.limit);
        let ahead = tokio::spawn(async move { log.read_all(after, limit).await });
        self.ahead = Some(AbortOnDropHandle::new(ahead));
        let opened = self.journal.open_events(sealed).await;
        match opened {
            Ok(_) => self.after = after,
            Err(_) => self.ahead = None,
        }
        opened
    }
}

impl Inner {
    fn open_event(&self, event: SealedEvent, keys: &Keys) -> Result<RecordedEvent, LogError> {
        let SealedEvent { envelope, mut data, personal } = event;
        let damaged = |reason: String| LogError::Damaged { position: envelope.position, reason };
        let mut personal = match (personal, envelope.subject) {
            (None, _) => Personal::None,
            (Some(_), None) => return Err(damaged("it is sealed, but names no subject".to_owned())),
            (Some(sealed), Some(subject)) => match keys.get(&subject) {
                Some(KeyState::Live(key)) => Personal::Clear(
                    key.open(&seal::event_place(&envelope.stream, envelope.id, &envelope.event_type), &sealed)
                        .map_err(|error| damaged(error.to_string()))?,
                ),
                Some(KeyState::Destroyed) => Personal::Erased,
                None => {
                    let url = self.ring.store().url().to_owned();
                    return Err(KeyStoreError::Missing { url, subject }.into());
                }
            },
        };
        let clear = match &mut personal {
            Personal::Clear(bytes) => Some(bytes),
            Personal::None | Personal::Erased => None,
        };
        self.upcasters
            .apply(&envelope.event_type, envelope.schema_version, &mut data, clear)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(RecordedEvent { envelope, data, personal })
    }
}

fn live(mut keys: Keys, subject: SubjectId) -> Option<SubjectKey> {
    match keys.remove(&subject) {
        Some(KeyState::Live(key)) => Some(key),
        Some(KeyState::Destroyed) | None => None,
    }
}

fn keys_of_none() -> Arc<Keys> {
    Arc::default()
}

fn seal_append(append: Append, keys: &Keys, ambient: &Ambient) -> Result<SealedAppend, AppendError> {
    let Append { stream, expected, preconditions, cause, events } = append;
    if events.is_empty() {
        return Err(AppendError::Empty);
    }
    let events = events
        .into_iter()
        .map(|event| seal_event(&stream, expected, event, keys, ambient))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(SealedAppend { stream, expected, preconditions, cause, events })
}

fn seal_event(
    stream: &StreamId,
    expected: Expected,
    event: NewEvent,
    keys: &Keys,
    ambient: &Ambient,
) -> Result<SealedNewEvent, AppendError> {
    let NewEvent { id, event_type, schema_version, occurred_at, data, personal, subject } = event;
    let seal = |key: &SubjectKey, plain: &[u8]| key.seal(ambient, &seal::event_place(stream, id, event_type), plain);
    let personal = match (personal, subject) {
        (None, _) => None,
        (Some(_), None) => return Err(AppendError::NoSubject { event_type }),
        (Some(plain), Some(subject)) => match (keys.get(&subject), expected) {
            (Some(KeyState::Live(key)), _) => Some(seal(key, &plain)),
            (_, Expected::Any) => None,
            (_, Expected::Exact(_)) => return Err(AppendError::SubjectErased { subject }),
        },
    };
    let bytes = data.len() + personal.as_ref().map_or(0, Vec::len);
    if bytes > crate::log::MAX_EVENT_BYTES {
        return Err(AppendError::TooLarge { event_type, bytes });
    }
    Ok(SealedNewEvent { id, event_type, schema_version, occurred_at: to_micros(occurred_at), data, personal, subject })
}
