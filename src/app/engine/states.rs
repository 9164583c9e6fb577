//! Folded states, kept in memory: bounded by weight, loaded from the log when they are missing.
//!
//! A cached state may be out of date, as other processes append too. That does no harm: what is decided on it is
//! appended with the version that it was decided at, and a conflict drops it.

use std::any::Any;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::{StreamExt, TryStreamExt};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::{Mutex, MutexGuard};

use crate::app::AppError;
use crate::app::engine::aggregate::Aggregate;
use crate::domain::decision::{Decided, Meta};
use crate::log::{Journal, LogError, Personal, ReadLimit, RecordedEvent, StreamId};
use crate::offload;

/// How many events a stream grows before its state is stored again.
pub(crate) const SNAPSHOT_EVERY: u64 = 256;

/// How many events are read at once: many streams may be folded at the same time.
const PAGE: usize = 512;

/// How many short streams are read at once: most have a few events, all together 512 times [`SNAPSHOT_EVERY`] at most.
const STREAMS_AT_ONCE: usize = 512;
/// How many of such reads run at the same time.
const READS: usize = 2;

/// The name under which states are stored.
const FOLD: &str = "state";

/// A state at a version of its stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct StateAt<A> {
    /// How many events are folded in.
    pub version: u64,
    /// The fold.
    pub state: A,
    /// The version of the newest snapshot, as far as this process knows.
    pub snapshot: u64,
}

impl<A: Aggregate> StateAt<A> {
    /// Folds in an event that follows.
    pub fn apply(&mut self, event: &Decided<A::Event>) {
        self.version += 1;
        self.state.apply(&event.event, Meta { id: event.id, version: self.version, occurred_at: event.occurred_at });
    }
}

/// The place of one stream's state. A decision on the stream holds its lock, so that commands of this process on
/// one stream queue up instead of conflicting.
pub(crate) struct Cell<A> {
    slot: Mutex<Option<StateAt<A>>>,
    weight: AtomicU32,
}

impl<A: Aggregate> Cell<A> {
    fn empty() -> Self {
        Self { slot: Mutex::new(None), weight: AtomicU32::new(Self::own_bytes()) }
    }

    fn own_bytes() -> u32 {
        u32::try_from(size_of::<Self>() + 128).unwrap_or(u32::MAX)
    }

    /// Waits for the place to be free.
    pub async fn lock(&self) -> MutexGuard<'_, Option<StateAt<A>>> {
        self.slot.lock().await
    }

    /// Takes the place if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, Option<StateAt<A>>>> {
        self.slot.try_lock().ok()
    }
}

/// A place, whatever its stream is of.
trait Place: Any + Send + Sync {
    /// In bytes.
    fn weight(&self) -> u32;
    fn any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<A: Aggregate> Place for Cell<A> {
    fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    fn any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Places of one kind of stream. The cache is the same code for all kinds: it is much code.
type Places = Cache<StreamId, Arc<dyn Place>>;

fn places(bytes: u64) -> Places {
    let weigh = |_: &StreamId, place: &Arc<dyn Place>| place.weight();
    // What was used last is used next, between a message's queue and its dispatch; how often does not matter.
    Cache::builder().max_capacity(bytes).weigher(weigh).eviction_policy(EvictionPolicy::lru()).build()
}

fn place(places: &Places, stream: StreamId, empty: fn() -> Arc<dyn Place>) -> Arc<dyn Place> {
    places.get_with(stream, empty)
}

/// The states of one kind of stream.
pub(crate) struct States<A> {
    places: Places,
    of: PhantomData<fn() -> A>,
}

impl<A: Aggregate> States<A> {
    /// Keeps states of about `bytes` bytes.
    pub fn new(bytes: u64) -> Self {
        Self { places: places(bytes), of: PhantomData }
    }

    /// The place of a stream's state, empty at first.
    pub fn cell(&self, stream: StreamId) -> Arc<Cell<A>> {
        Self::own(place(&self.places, stream, || Arc::new(Cell::<A>::empty())))
    }

    /// The place of a stream's state, if there is one.
    pub fn existing(&self, stream: StreamId) -> Option<Arc<Cell<A>>> {
        self.places.get(&stream).map(Self::own)
    }

    fn own(place: Arc<dyn Place>) -> Arc<Cell<A>> {
        place.any().downcast().unwrap_or_else(|_| unreachable!("nothing else puts places here"))
    }

    /// Forgets a stream's state.
    pub fn forget(&self, stream: StreamId) {
        self.places.invalidate(&stream);
    }

    /// Weighs a state that has changed; the cache learns of it once it has doubled or halved.
    pub fn weigh(&self, stream: StreamId, cell: &Arc<Cell<A>>, loaded: &StateAt<A>) {
        let weight =
            Cell::<A>::own_bytes().saturating_add(u32::try_from(loaded.state.heap_bytes()).unwrap_or(u32::MAX));
        let before = cell.weight.load(Ordering::Relaxed);
        if weight > before.saturating_mul(2) || weight < before / 2 {
            cell.weight.store(weight, Ordering::Relaxed);
            self.places.insert(stream, Arc::clone(cell) as Arc<dyn Place>);
        }
    }
}

/// Folds a stream from its start, or from a snapshot if it is long.
pub(crate) async fn load<A: Aggregate>(journal: &Journal, stream: StreamId) -> Result<StateAt<A>, AppError> {
    // A stream that is shorter than the interval has no snapshot: one read is enough.
    let page = usize::try_from(SNAPSHOT_EVERY).unwrap_or(usize::MAX);
    let first = journal.read_stream(stream, 0, ReadLimit::events(page)).await?;
    let is_long = first.len() == page;
    let snapshot = if is_long {
        journal.load_snapshot(stream, Some(A::subject(&stream)), FOLD, A::FOLD_VERSION).await?
    } else {
        None
    };
    // A snapshot is only a short-cut: one that cannot be read is left alone.
    let mut loaded = match snapshot.and_then(|(version, state)| Some((version, serde_json::from_slice(&state).ok()?))) {
        Some((version, state)) if version > SNAPSHOT_EVERY => StateAt { version, state, snapshot: version },
        _ => fold(StateAt::default(), first).await?,
    };
    if !is_long {
        return Ok(loaded);
    }
    loop {
        let events = journal.read_stream(stream, loaded.version, ReadLimit::events(PAGE)).await?;
        if events.is_empty() {
            return Ok(loaded);
        }
        loaded = fold(loaded, events).await?;
    }
}

/// What was found of streams that may be short.
pub(crate) struct Short<A> {
    /// The states of those that are, with their versions as they were found; of a stream that does not exist the first state.
    pub found: Vec<(StreamId, StateAt<A>)>,
    /// Those that have to be loaded by themselves.
    pub too_long: Vec<StreamId>,
}

/// Folds many streams, those that are shorter than a snapshot's interval: a few reads for all of them.
pub(crate) async fn load_short<A: Aggregate>(journal: &Journal, streams: &[StreamId]) -> Result<Short<A>, AppError> {
    let mut all = Short { found: Vec::with_capacity(streams.len()), too_long: vec![] };
    let mut read = futures::stream::iter(streams.chunks(STREAMS_AT_ONCE).map(<[_]>::to_vec))
        .map(|slice| async move {
            let recorded = journal.read_streams(&slice, SNAPSHOT_EVERY, None).await?;
            offload::run(recorded.len(), move || fold_short::<A>(&recorded, slice)).await
        })
        .buffered(READS);
    while let Some(Short { found, too_long }) = read.try_next().await? {
        all.found.extend(found);
        all.too_long.extend(too_long);
    }
    drop(read);
    Ok(all)
}

fn fold_short<A: Aggregate>(recorded: &[RecordedEvent], streams: Vec<StreamId>) -> Result<Short<A>, AppError> {
    let mut short = Short { found: Vec::with_capacity(streams.len()), too_long: vec![] };
    let mut unwritten: HashSet<StreamId> = streams.into_iter().collect();
    for events in recorded.chunk_by(|before, after| before.envelope.stream == after.envelope.stream) {
        let stream = events[0].envelope.stream;
        unwritten.remove(&stream);
        if events.len() as u64 == SNAPSHOT_EVERY {
            short.too_long.push(stream);
            continue;
        }
        let mut loaded = StateAt::default();
        for event in events {
            loaded.apply(&decode::<A>(event)?);
        }
        short.found.push((stream, loaded));
    }
    short.found.extend(unwritten.into_iter().map(|stream| (stream, StateAt::default())));
    Ok(short)
}

async fn fold<A: Aggregate>(mut loaded: StateAt<A>, events: Vec<RecordedEvent>) -> Result<StateAt<A>, AppError> {
    offload::run(events.len(), move || {
        for event in events {
            loaded.apply(&decode::<A>(&event)?);
        }
        Ok(loaded)
    })
    .await
}

/// Reads a stored event.
pub(crate) fn decode<A: Aggregate>(recorded: &RecordedEvent) -> Result<Decided<A::Event>, AppError> {
    let personal = match &recorded.personal {
        Personal::Clear(bytes) => Some(bytes.as_slice()),
        Personal::None | Personal::Erased => None,
    };
    let envelope = &recorded.envelope;
    let event = A::decode(&envelope.event_type, &recorded.data, personal).map_err(|source| AppError::Decode {
        stream: envelope.stream,
        event_id: envelope.id,
        source,
    })?;
    Ok(Decided { id: envelope.id, occurred_at: envelope.occurred_at, event })
}

/// Stores a state, as a short-cut for the next load.
pub(crate) async fn save<A: Aggregate>(
    journal: &Journal,
    stream: StreamId,
    loaded: &StateAt<A>,
) -> Result<(), LogError> {
    let Ok(state) = serde_json::to_vec(&loaded.state) else { return Ok(()) };
    let subject = Some(A::subject(&stream));
    journal.save_snapshot(stream, subject, FOLD, A::FOLD_VERSION, loaded.version, state).await
}
