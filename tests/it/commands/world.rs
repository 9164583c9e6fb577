//! What a test of commands starts from: an empty log and key store, one tenant, a clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use commlog::app::{App, Caller, Done, Outcome};
use commlog::clock::{Ambient, Clock, ManualClock, SystemEntropy};
use commlog::domain::customer::decide::{AddressInput, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::ProfileEvent;
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::decision::Policy;
use commlog::domain::message::decide::SendMessage;
use commlog::domain::message::event::MessageClass;
use commlog::domain::refusal::Refusal;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{AddressId, CustomerId, Position, TenantId};
use commlog::log::keys::KeyStore;
use commlog::log::keys::postgres::PostgresKeyStore;
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::seal::MasterKey;
use commlog::log::sql::postgres::PostgresLog;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::upcast::Upcasters;
use commlog::log::{Category, EventLog, Journal, Personal, ReadLimit, RecordedEvent, StreamId};
use commlog::projections::{ReadStore, Registry};
use tempfile::TempDir;

use crate::support::doubles::kurrentdb::KurrentDouble;
use crate::support::{kurrentdb, postgres};

/// A clock that is set, and moves with each look if it is told to.
struct TestClock {
    manual: ManualClock,
    ticks: AtomicBool,
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        if self.ticks.load(Ordering::SeqCst) {
            self.manual.advance(TimeDelta::microseconds(1));
        }
        self.manual.now()
    }
}

enum Place {
    Sqlite(TempDir, Option<KurrentDouble>),
    Postgres { log: String, keys: String },
}

pub(crate) struct World {
    place: Place,
    master: MasterKey,
    ambient: Ambient,
    clock: Arc<TestClock>,
    pub tenant: TenantId,
    pub journal: Journal,
    pub app: App,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::open(Place::Sqlite(folder, kurrentdb().await)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(Place::Postgres { log: postgres::database().await, keys: postgres::database().await }).await
    }

    /// Whether the stores are those of PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres { .. })
    }

    async fn open(place: Place) -> Self {
        let start: DateTime<Utc> = "2026-03-02T10:00:00Z".parse().expect("a time");
        let clock = Arc::new(TestClock { manual: ManualClock::new(start), ticks: AtomicBool::new(false) });
        let ambient = Ambient::new(clock.clone(), Arc::new(SystemEntropy));
        let master = MasterKey::generate(&ambient);
        let journal = journal(&place, &master, &ambient).await;
        let app = App::with_policy(journal.clone(), ambient.clone(), policy());
        Self { place, master, tenant: ambient.uuid().into(), ambient, clock, journal, app }
    }

    /// The use cases of another process: nothing in memory, the same stores.
    pub(crate) async fn elsewhere(&self) -> App {
        App::with_policy(self.journal_elsewhere().await, self.ambient.clone(), policy())
    }

    /// The journal of another process, which remembers no keys.
    pub(crate) async fn journal_elsewhere(&self) -> Journal {
        journal(&self.place, &self.master, &self.ambient).await
    }

    /// New read tables, on the engine of the log.
    pub(crate) async fn read_store(&self) -> ReadStore {
        let location = match &self.place {
            Place::Sqlite(folder, _) => {
                format!("sqlite:{}", folder.path().join(self.ambient.uuid().to_string()).display())
            }
            Place::Postgres { .. } => postgres::database().await,
        };
        let registry = Registry::builtin().expect("the projection files are right");
        ReadStore::open(&location, self.journal.clone(), registry, self.ambient.clone())
            .await
            .expect("read tables open")
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.ambient.now()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.manual.advance(by);
    }

    /// From now on each look at the clock is a microsecond later. The log looks once for each commit, so that events which were
    /// recorded at one time were appended by one commit.
    pub(crate) fn tell_commits_apart(&self) {
        self.clock.ticks.store(true, Ordering::SeqCst);
    }

    pub(crate) fn agent(&self) -> Caller {
        Caller::new(self.tenant, "key:agent")
    }

    /// A customer with a mailbox.
    pub(crate) async fn customer(&self, email: &str) -> (CustomerId, AddressId) {
        let id = self.done(self.app.register_customer(&self.agent(), registration(email)).await).value;
        let added = self.events(id).await.into_iter().find_map(|event| match event {
            CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) => Some(added.address_id),
            _ => None,
        });
        (id, added.expect("the mailbox was added"))
    }

    /// The answer of a command that must have been carried out.
    #[track_caller]
    pub(crate) fn done<T>(&self, outcome: Result<Outcome<T>, commlog::app::AppError>) -> Done<T> {
        outcome.expect("the log answers").into_result().expect("the command is carried out")
    }

    /// The refusal of a command that must have been refused.
    #[track_caller]
    pub(crate) fn refused<T: std::fmt::Debug>(&self, outcome: Result<Outcome<T>, commlog::app::AppError>) -> Refusal {
        outcome.expect("the log answers").into_result().expect_err("the command is refused")
    }

    pub(crate) async fn recorded(&self, id: CustomerId) -> Vec<RecordedEvent> {
        let stream = StreamId::new(self.tenant, Category::Customer, id.0);
        self.journal.read_stream(stream, 0, ReadLimit::events(100_000)).await.expect("the log answers")
    }

    /// A customer's events.
    pub(crate) async fn events(&self, id: CustomerId) -> Vec<CustomerEvent> {
        self.recorded(id).await.iter().map(decode).collect()
    }

    /// The names of a customer's events.
    pub(crate) async fn types(&self, id: CustomerId) -> Vec<String> {
        self.recorded(id).await.into_iter().map(|event| event.envelope.event_type).collect()
    }

    /// How many events the log holds.
    pub(crate) async fn size(&self) -> usize {
        self.all().await.len()
    }

    pub(crate) async fn all(&self) -> Vec<RecordedEvent> {
        let mut events = vec![];
        let mut after = Position::START;
        loop {
            let page = self.journal.read_all(after, ReadLimit::events(5_000)).await.expect("the log answers");
            match page.last() {
                Some(last) => after = last.envelope.position,
                None => return events,
            }
            events.extend(page);
        }
    }
}

pub(crate) fn decode(recorded: &RecordedEvent) -> CustomerEvent {
    let personal = match &recorded.personal {
        Personal::Clear(bytes) => Some(bytes.as_slice()),
        Personal::None | Personal::Erased => None,
    };
    CustomerEvent::decode(&recorded.envelope.event_type, &recorded.data, personal).expect("a customer's event")
}

pub(crate) fn registration(email: &str) -> RegisterCustomer {
    RegisterCustomer {
        profile: ProfileInput { name: Some("Ada Lovelace".to_owned()), ..ProfileInput::default() },
        addresses: vec![AddressInput {
            kind: AddressKind::Email,
            address: email.to_owned(),
            region: None,
            label: None,
            primary: true,
        }],
        source: Source::Api,
    }
}

pub(crate) fn email(customer_id: CustomerId, class: MessageClass) -> SendMessage {
    SendMessage {
        customer_id,
        channel: Channel::Email,
        class,
        topic: "news".to_owned(),
        address_id: None,
        subject: Some("Hello".to_owned()),
        body: "A new vintage is in.".to_owned(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    }
}

fn policy() -> Policy {
    Policy { default_region: Some("GB".to_owned()), ..Policy::default() }
}

async fn journal(place: &Place, master: &MasterKey, ambient: &Ambient) -> Journal {
    let (log, keys): (Arc<dyn EventLog>, Arc<dyn KeyStore>) = match place {
        Place::Sqlite(folder, kurrentdb) => {
            let url = |file: &str| format!("sqlite:{}", folder.path().join(file).display());
            let log: Arc<dyn EventLog> = match kurrentdb {
                // Each process has an index of its own.
                Some(double) => {
                    let index = folder.path().join(ambient.uuid().to_string());
                    let log = KurrentLog::connect(&double.address(), &index, ambient.clone()).await;
                    Arc::new(log.expect("the log opens"))
                }
                None => Arc::new(SqliteLog::open(&url("log.db"), ambient.clone()).await.expect("the log opens")),
            };
            let keys = SqliteKeyStore::open(&url("keys.db"), master, ambient.clone()).await.expect("the keys open");
            (log, Arc::new(keys))
        }
        Place::Postgres { log, keys } => {
            let log = PostgresLog::connect(log, ambient.clone()).await.expect("the log opens");
            let keys = PostgresKeyStore::connect(keys, master, ambient.clone()).await.expect("the keys open");
            (Arc::new(log), Arc::new(keys))
        }
    };
    Journal::open(log, keys, Upcasters::new(commlog::domain::upcasters()), ambient.clone())
        .await
        .expect("log and keys fit")
}
