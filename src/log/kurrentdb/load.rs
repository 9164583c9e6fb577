//! Loading a log into KurrentDB: events go into their streams in the order of the log, as many at a time as the server can append
//! without changing that order.
//!
//! Servers from 26.1 on take events of several streams as they come. In a session, as servers from 25.1 on offer it, each stream's events
//! stand together: a transaction ends before a stream that occurs in it for the second time. Older servers take one stream at a time.
//! A transaction whose answer is lost is looked for by the end of the log before it is made again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventstore::StreamState;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tonic::Code;
use uuid::Uuid;

use super::connection::{CallError, Connection};
use super::follower::Reached;
use super::record::{COMMAND_CARRIED_OUT, Claim, EPOCH_STARTED, EpochStarted, Proposed, micros};
use super::transaction::{EVENT_BYTES, Mode, TRANSACTION_BYTES, check, is_lost, revision, state};
use super::{KurrentLog, index, open, wire};
use crate::clock::Ambient;
use crate::ids::Position;
use crate::log::cover::{CommandRecord, Origin};
use crate::log::load::{LoadError, LogLoader, Portion, Standing, check_origin, continue_with};
use crate::log::plan::CommandRef;
use crate::log::{EventLog, LogError, SealedEvent, StreamId};
use crate::offload;

/// How long a transaction is tried while the server cannot be reached.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a transaction is made again that the server refuses because a stream has moved: by one that was taken to be lost.
const ATTEMPTS: u32 = 5;

/// A KurrentDB that a log is loaded into.
pub struct KurrentLoader {
    log: Arc<KurrentLog>,
    /// How appends to several streams are made; what the server does not offer is tried once.
    mode: Mutex<Mode>,
}

/// Events that are appended together, and what commands made with them.
struct Batch<'p> {
    events: &'p [SealedEvent],
    commands: BTreeMap<CommandRef, Vec<&'p CommandRecord>>,
}

/// The next event of a command's stream.
struct NextClaim {
    name: String,
    /// How many the stream holds.
    claims: u64,
    claim: Proposed,
}

/// Whether a batch was stored, or the server offers less than was thought.
enum Stored {
    All,
    Again,
}

impl KurrentLoader {
    /// Opens the place at an address for the log with this id. `index` is a file of this node, made when it is missing.
    ///
    /// # Errors
    /// [`LoadError::Occupied`] or [`LoadError::Other`] if it holds something else; as [`KurrentLog::connect`].
    pub async fn connect(address: &str, index: &Path, log_id: Uuid, ambient: Ambient) -> Result<Self, LoadError> {
        let connection = Arc::new(open::prepare(address)?);
        let found = match open::log_id(&connection).await? {
            Some(found) => found,
            None => open::begin_load(&connection, &ambient, log_id).await?,
        };
        let is_loading = open::is_loading(&connection).await?;
        let url = connection.address.url.clone();
        if is_loading && found != log_id {
            return Err(LoadError::Other { url, expected: log_id, found });
        }
        let log = KurrentLog::follow(connection, index, found, ambient).await?;
        if !is_loading {
            return Err(LoadError::Occupied { url, log_id: found, end: log.head().await?.position });
        }
        Ok(Self { log: Arc::new(log), mode: Mutex::new(Mode::Checked) })
    }

    fn connection(&self) -> &Connection {
        &self.log.connection
    }

    fn reached(&self) -> &Reached {
        &self.log.reached
    }

    /// Where the log stands, and those of these streams that exist.
    async fn standing(&self, streams: Vec<StreamId>) -> Result<Standing, LogError> {
        self.reached().reach_end().await?;
        let look = move |connection: &rusqlite::Connection| {
            let heads = index::heads(connection, &streams)?;
            Ok((index::head(connection)?, streams.into_iter().zip(heads)))
        };
        let (head, heads) = self.reached().index().run("be read", look).await?;
        let heads = heads.filter_map(|(stream, head)| Some((stream, head?))).collect();
        Ok(Standing { position: head.position, recorded_at: head.recorded_at, heads })
    }

    /// Stores a batch, and makes sure that it stands.
    async fn store(&self, batch: &Batch<'_>, mode: &mut Mode) -> Result<Stored, LoadError> {
        let (began, mut lost) = (Instant::now(), 0);
        loop {
            let error = match self.append(batch, *mode).await {
                Ok(()) => return Ok(Stored::All),
                Err(CallError::Status(status)) if status.code() == Code::Unimplemented && *mode != Mode::Single => {
                    *mode = if *mode == Mode::Checked { Mode::Atomic } else { Mode::Single };
                    return Ok(Stored::Again);
                }
                Err(error) => error,
            };
            if is_lost(&error) && lost < ATTEMPTS {
                lost += 1;
            } else if error.is_passing() && began.elapsed() < PATIENCE {
                tracing::debug!(url = self.connection().address.url, %error, "a part of the log is loaded again");
                self.connection().forget();
                sleep(PAUSE).await;
            } else {
                return Err(self.connection().failed("load events", error).into());
            }
            let end = self.loaded().await?;
            if end == batch.last() {
                return Ok(Stored::All);
            }
            if end != batch.after() {
                return Err(LoadError::Apart { end, after: batch.after() });
            }
        }
    }

    async fn append(&self, batch: &Batch<'_>, mode: Mode) -> Result<(), CallError> {
        let claims = self.claims(batch).await.map_err(|error| CallError::Log(Box::new(error)))?;
        match mode {
            Mode::Checked => self.append_records(batch, claims).await,
            Mode::Atomic => self.append_session(batch, claims).await,
            Mode::Single => self.append_one_stream(batch, claims).await,
        }
    }

    async fn append_records(&self, batch: &Batch<'_>, claims: Vec<NextClaim>) -> Result<(), CallError> {
        let names = &self.connection().address.names;
        let record = |event: &SealedEvent| Proposed::of_stored(event).into_record(names.stream(&event.envelope.stream));
        let mut records: Vec<_> = batch.events.iter().map(record).collect();
        let mut checks: Vec<_> =
            batch.streams().map(|first| check(names.stream(&first.envelope.stream), before(first))).collect();
        for NextClaim { name, claims, claim } in claims {
            checks.push(check(name.clone(), claims));
            records.push(claim.into_record(name));
        }
        Ok(self.connection().channel().await?.append_records(wire::AppendRecords { records, checks }).await?)
    }

    async fn append_session(&self, batch: &Batch<'_>, claims: Vec<NextClaim>) -> Result<(), CallError> {
        let names = &self.connection().address.names;
        let mut streams = Vec::new();
        for first in batch.streams() {
            let stream = first.envelope.stream;
            let name = names.stream(&stream);
            let of_stream = batch.events.iter().filter(|event| event.envelope.stream == stream);
            let records = of_stream.map(|event| Proposed::of_stored(event).into_record(name.clone())).collect();
            streams.push(wire::StreamRecords { stream: name, records, expected: Some(revision(before(first))) });
        }
        for NextClaim { name, claims, claim } in claims {
            let records = vec![claim.into_record(name.clone())];
            streams.push(wire::StreamRecords { stream: name, records, expected: Some(revision(claims)) });
        }
        Ok(self.connection().channel().await?.append_session(streams).await?)
    }

    /// A claim counts once its events are there, so it comes first: a load that is interrupted in between finds it, and goes on.
    async fn append_one_stream(&self, batch: &Batch<'_>, claims: Vec<NextClaim>) -> Result<(), CallError> {
        for NextClaim { name, claims, claim } in claims {
            self.connection().append(&name, state(claims), vec![claim]).await?;
        }
        let Some(first) = batch.events.first() else { return Ok(()) };
        let name = self.connection().address.names.stream(&first.envelope.stream);
        let events = batch.events.iter().map(Proposed::of_stored).collect();
        self.connection().append(&name, state(before(first)), events).await
    }

    /// What commands' streams must hold for a batch, and do not yet.
    async fn claims(&self, batch: &Batch<'_>) -> Result<Vec<NextClaim>, LogError> {
        if batch.commands.is_empty() {
            return Ok(Vec::new());
        }
        let commands: Vec<CommandRef> = batch.commands.keys().copied().collect();
        let look = move |connection: &rusqlite::Connection| {
            let counts = commands.iter().map(|command| Ok((*command, index::claims_under(connection, *command)?)));
            let counts: HashMap<CommandRef, u64> = counts.collect::<Result<_, rusqlite::Error>>()?;
            Ok((counts, index::claimed(connection, &commands)?))
        };
        let (counts, claimed) = self.reached().index().run("be read", look).await?;
        let names = &self.connection().address.names;
        let mut claims = Vec::new();
        for (command, records) in &batch.commands {
            let is_new = |record: &&&CommandRecord| !claimed.contains(&(*command, record.ordinal));
            let records: Vec<&CommandRecord> = records.iter().filter(is_new).copied().collect();
            if !records.is_empty() {
                let (tenant, id) = *command;
                let claim = Claim::of_records(&records, |record| batch.id_at(record.position));
                claims.push(NextClaim {
                    name: names.command(tenant, id),
                    claims: counts.get(command).copied().unwrap_or_default(),
                    claim: Proposed::of_own(self.log.ambient.uuid(), COMMAND_CARRIED_OUT, &claim),
                });
            }
        }
        Ok(claims)
    }
}

#[async_trait]
impl LogLoader for KurrentLoader {
    async fn loaded(&self) -> Result<Position, LoadError> {
        self.reached().reach_end().await?;
        Ok(self.reached().index().run("be read", index::head).await?.position)
    }

    async fn load(&self, portion: Portion) -> Result<(), LoadError> {
        let mut mode = self.mode.lock().await;
        let standing = self.standing(portion.streams()).await?;
        let (portion, checked) = offload::run(portion.events.len(), move || {
            let checked = continue_with(&standing, &portion).map(drop);
            (portion, checked)
        })
        .await;
        checked?;
        let (mut rest, mut claimed) = (&portion.events[..], HashSet::new());
        while !rest.is_empty() {
            let (events, later) = rest.split_at(fitting(rest, *mode));
            let batch = Batch::new(events, &portion.commands);
            // A command whose earlier appends are in this portion, too: the index must know of them.
            if batch.commands.keys().any(|command| !claimed.insert(*command)) {
                self.reached().reach_end().await?;
            }
            if let Stored::All = self.store(&batch, &mut mode).await? {
                rest = later;
            }
        }
        let end = self.loaded().await?;
        if end == portion.last() { Ok(()) } else { Err(LoadError::Apart { end, after: portion.last() }) }
    }

    async fn log(&self) -> Result<Arc<dyn EventLog>, LoadError> {
        self.reached().reach_end().await?;
        Ok(self.log.clone())
    }

    async fn finish(&self, origin: &Origin) -> Result<(), LoadError> {
        check_origin(self.log.log_id, origin)?;
        let started = |epoch: &crate::log::cover::EpochRecord| {
            let (started_at, system_id) = (micros(epoch.started_at), epoch.system_id.clone());
            let started = EpochStarted { epoch: epoch.number, started_at, system_id, loaded: true };
            Proposed::of_own(self.log.ambient.uuid(), EPOCH_STARTED, &started)
        };
        let events = origin.epochs.iter().map(started).collect();
        // Behind the log's id.
        let (name, state) = (self.connection().address.names.log(), StreamState::StreamRevision(0));
        if let Err(error) = self.connection().append(&name, state, events).await {
            // An answer may be lost.
            if open::is_loading(self.connection()).await? {
                return Err(self.connection().failed("complete it", error).into());
            }
        }
        self.reached().reach_end().await?;
        Ok(())
    }
}

impl<'p> Batch<'p> {
    fn new(events: &'p [SealedEvent], commands: &'p [CommandRecord]) -> Self {
        let mut batch = Self { events, commands: BTreeMap::new() };
        let (after, last) = (batch.after(), batch.last());
        for record in commands.iter().filter(|record| after < record.position && record.position <= last) {
            batch.commands.entry(record.command).or_default().push(record);
        }
        batch
    }

    /// The position that it follows.
    fn after(&self) -> Position {
        let first = self.events.first().map_or(0, |event| event.envelope.position.counter());
        Position::from_counter(first.saturating_sub(1))
    }

    /// The position of its last event.
    fn last(&self) -> Position {
        self.events.last().map_or(Position::START, |event| event.envelope.position)
    }

    /// The id of the event at a position.
    fn id_at(&self, position: Position) -> Uuid {
        let found = self.events.iter().find(|event| event.envelope.position == position);
        found.map(|event| event.envelope.id.0).unwrap_or_default()
    }

    /// The first event of each stream, in their order.
    fn streams(&self) -> impl Iterator<Item = &'p SealedEvent> {
        let mut seen = HashSet::new();
        self.events.iter().filter(move |event| seen.insert(event.envelope.stream))
    }
}

/// How many events its stream holds before an event.
fn before(event: &SealedEvent) -> u64 {
    event.envelope.version.saturating_sub(1)
}

/// How many events can be appended together in their order; at least one.
fn fitting(events: &[SealedEvent], mode: Mode) -> usize {
    let (mut bytes, mut seen, mut last) = (0, HashSet::new(), None);
    for (count, event) in events.iter().enumerate() {
        bytes += size(event);
        let stream = event.envelope.stream;
        let is_same = last.is_none_or(|last| last == stream);
        let keeps_order = match mode {
            Mode::Checked => true,
            Mode::Atomic => seen.insert(stream) || is_same,
            Mode::Single => is_same,
        };
        if count > 0 && (bytes > TRANSACTION_BYTES || !keeps_order) {
            return count;
        }
        last = Some(stream);
    }
    events.len()
}

fn size(event: &SealedEvent) -> usize {
    // The sealed part is in base64. A command takes about as much again as an event beside its payload.
    let command = event.envelope.command_id.map_or(0, |_| EVENT_BYTES);
    let personal = event.personal.as_ref().map_or(0, |personal| personal.len().div_ceil(3) * 4);
    EVENT_BYTES + command + event.data.len() + personal
}
