//! What a clause starts from: an empty log and key store of one backend, with a clock of its own.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use commlog::clock::{Ambient, ManualClock, SystemEntropy};
use commlog::ids::{CommandId, CustomerId, EventId, Position, SubjectId, TenantId};
use commlog::log::keys::{KeyStore, KeyStoreError};
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::seal::MasterKey;
use commlog::log::sql::postgres::PostgresLog;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::upcast::Upcasters;
use commlog::log::{
    Append, AppendError, Appended, Category, Cause, CommandKey, EventLog, Expected, Journal, LogError, NewEvent,
    ReadLimit, RecordedEvent, SealedAppend, SealedEvent, SealedNewEvent, StreamId,
};
use uuid::Uuid;

/// One backend's pair of log and key store.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Where the log is, as a process is told.
    fn url(&self) -> String;

    /// Opens the log as one more process would.
    async fn log(&self, ambient: Ambient) -> Result<Arc<dyn EventLog>, LogError>;

    /// Opens the key store as one more process would.
    async fn keys(&self, master: &MasterKey, ambient: Ambient) -> Result<Arc<dyn KeyStore>, KeyStoreError>;

    /// Runs SQL on the log, as somebody who has access to the database could. Tables are named without schema.
    async fn tamper(&self, sql: &str) -> Result<(), String>;

    /// As [`Self::tamper`], with the append-only triggers out of force.
    async fn tamper_without_triggers(&self, sql: &str) -> Result<(), String>;

    /// Runs SQL on the key store.
    async fn tamper_keys(&self, sql: &str) -> Result<(), String>;

    /// Everything that is stored of the log, as it lies on the disk.
    async fn raw(&self) -> Vec<u8>;

    /// Bytes as a literal of this SQL.
    fn literal(&self, bytes: &[u8]) -> String;

    /// An id as a literal of this SQL.
    fn id_literal(&self, id: Uuid) -> String;

    /// Statements that let two events have the same stream and version.
    fn without_uniqueness(&self) -> &'static str;

    /// Statements that make the log believe that it ends at a position.
    fn set_end(&self, position: u64) -> String;

    /// Statements that would replace an event.
    fn replacements(&self) -> Vec<String>;

    /// Statements that would empty the table of events.
    fn truncations(&self) -> Vec<String>;
}

/// Opens the log at a URL: what a helper process does. Behind a `#` stands the folder for an index.
pub(crate) async fn open_log(url: &str) -> Arc<dyn EventLog> {
    if let Some((address, folder)) = url.split_once('#') {
        let index = std::path::Path::new(folder).join(format!("index-of-{}.db", std::process::id()));
        Arc::new(KurrentLog::connect(address, &index, Ambient::system()).await.expect("the log opens"))
    } else if url.starts_with("postgres:") {
        Arc::new(PostgresLog::connect(url, Ambient::system()).await.expect("the log opens"))
    } else {
        Arc::new(SqliteLog::open(url, Ambient::system()).await.expect("the log opens"))
    }
}

/// An append of one plain event, as a backend takes it.
pub(crate) fn plain(ambient: &Ambient, stream: StreamId, expected: Expected, data: Vec<u8>) -> SealedAppend {
    let event = SealedNewEvent {
        id: EventId(ambient.uuid()),
        event_type: "Counted",
        schema_version: 1,
        occurred_at: ambient.now(),
        data,
        personal: None,
        subject: None,
    };
    let cause = Cause { actor: "cli".into(), command: None, correlation: None, causation: None };
    SealedAppend { stream, expected, preconditions: Vec::new(), cause, events: vec![event] }
}

pub(crate) struct World {
    pub store: Box<dyn Store>,
    pub clock: Arc<ManualClock>,
    pub ambient: Ambient,
    pub master: MasterKey,
    pub log: Arc<dyn EventLog>,
    pub journal: Journal,
    pub tenant: TenantId,
}

impl World {
    pub(crate) async fn new(store: Box<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::new(at(0)));
        let ambient = Ambient::new(clock.clone(), Arc::new(SystemEntropy));
        let master = MasterKey::generate(&ambient);
        let log = store.log(ambient.clone()).await.expect("an empty log opens");
        let keys = store.keys(&master, ambient.clone()).await.expect("an empty key store opens");
        let journal = Journal::new(log.clone(), keys, Upcasters::none(), ambient.clone());
        let tenant = ambient.uuid().into();
        Self { store, clock, ambient, master, log, journal, tenant }
    }

    /// The same store as another process sees it.
    pub(crate) async fn elsewhere(&self) -> Journal {
        let log = self.store.log(self.ambient.clone()).await.expect("the log opens twice");
        let keys = self.store.keys(&self.master, self.ambient.clone()).await.expect("the key store opens twice");
        Journal::open(log, keys, Upcasters::none(), self.ambient.clone()).await.expect("they fit")
    }

    pub(crate) fn customer(&self) -> CustomerId {
        self.ambient.uuid().into()
    }

    pub(crate) fn stream(&self) -> StreamId {
        self.stream_of(self.customer())
    }

    pub(crate) fn stream_of(&self, customer: CustomerId) -> StreamId {
        StreamId::new(self.tenant, Category::Customer, customer.uuid())
    }

    pub(crate) fn command(&self) -> CommandKey {
        CommandKey { id: CommandId(self.ambient.uuid()), fingerprint: self.ambient.bytes() }
    }

    /// An event without personal data.
    pub(crate) fn event(&self, number: u64) -> NewEvent {
        NewEvent {
            id: EventId(self.ambient.uuid()),
            event_type: "Counted",
            schema_version: 1,
            occurred_at: at(0),
            data: format!(r#"{{"number":{number}}}"#).into_bytes(),
            personal: None,
            subject: None,
        }
    }

    /// An event about somebody.
    pub(crate) fn personal_event(&self, subject: impl Into<SubjectId>, personal: &str) -> NewEvent {
        NewEvent { personal: Some(personal.as_bytes().to_vec()), subject: Some(subject.into()), ..self.event(0) }
    }

    pub(crate) fn append(&self, stream: StreamId, expected: Expected, events: usize) -> Append {
        self.append_of(stream, expected, (0..events as u64).map(|number| self.event(number)).collect())
    }

    pub(crate) fn append_of(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Append {
        let cause = Cause { actor: "cli".into(), command: None, correlation: None, causation: None };
        Append { stream, expected, preconditions: Vec::new(), cause, events }
    }

    /// Appends events that must be accepted.
    pub(crate) async fn add(&self, stream: StreamId, events: usize) -> Appended {
        self.journal.append(self.append(stream, Expected::Any, events)).await.expect("is appended")
    }

    pub(crate) async fn all(&self) -> Vec<SealedEvent> {
        self.log.read_all(Position::START, ReadLimit::events(100_000)).await.expect("the log is read")
    }

    pub(crate) async fn opened(&self, stream: StreamId) -> Vec<RecordedEvent> {
        self.journal.read_stream(stream, 0, ReadLimit::events(10_000)).await.expect("the stream is read")
    }
}

pub(crate) trait WithCommand {
    fn under(self, command: CommandKey) -> Self;
}

impl WithCommand for Append {
    fn under(mut self, command: CommandKey) -> Self {
        self.cause.command = Some(command);
        self
    }
}

/// Seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

/// The versions of an append that was made just now.
pub(crate) fn fresh(result: &Result<Appended, AppendError>) -> (u64, u64) {
    let appended = result.as_ref().expect("is appended");
    assert!(!appended.already, "is new");
    (appended.first_version, appended.last_version)
}
