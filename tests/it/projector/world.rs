//! A log with customers, and read tables of a few test projections on either engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use commlog::clock::{Ambient, Clock, ManualClock, SystemEntropy};
use commlog::ids::{ActivityId, CustomerId, EventId, Position, SubjectId, TenantId};
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::kurrentdb::KurrentLog;
use commlog::log::seal::MasterKey;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::upcast::Upcasters;
use commlog::log::{
    Append, Category, Cause, EventLog, Expected, Journal, NewEvent, ReadLimit, RecordedEvent, StreamId,
};
use commlog::projections::{Limits, ReadStore, Registry};
use commlog::sql::{Db, Engine};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::doubles::kurrentdb::KurrentDouble;
use crate::support::{kurrentdb, postgres};

pub(crate) const PEOPLE: &str = include_str!("projections/people.sql");
pub(crate) const STRICT: &str = include_str!("projections/strict.sql");
pub(crate) const TALLY: &str = include_str!("projections/tally.sql");

/// The longest that any wait in these tests may take.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub folder: TempDir,
    /// Where the read tables are.
    pub reads: String,
    pub journal: Journal,
    pub ambient: Ambient,
    pub clock: Arc<ManualClock>,
    pub tenant: TenantId,
    _kurrentdb: Option<KurrentDouble>,
}

pub(crate) fn registry() -> Registry {
    Registry::from_texts([("people.sql", PEOPLE), ("strict.sql", STRICT), ("tally.sql", TALLY)])
        .expect("keeps the rules")
}

impl World {
    pub(crate) async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(ManualClock::new("2026-03-01T12:00:00Z".parse().expect("a time")));
        let ambient = Ambient::new(clock.clone(), Arc::new(SystemEntropy));
        let path = |name: &str| folder.path().join(name).to_str().expect("a path in UTF-8").to_owned();
        let kurrentdb = kurrentdb().await;
        let log: Arc<dyn EventLog> = match &kurrentdb {
            Some(double) => {
                let log =
                    KurrentLog::connect(&double.address(), &folder.path().join("index.db"), ambient.clone()).await;
                Arc::new(log.expect("an empty log"))
            }
            None => Arc::new(SqliteLog::open(&path("log.db"), ambient.clone()).await.expect("an empty log")),
        };
        let master = MasterKey::generate(&ambient);
        let keys = SqliteKeyStore::open(&path("keys.db"), &master, ambient.clone()).await.expect("an empty key store");
        let journal = Journal::new(log, Arc::new(keys), Upcasters::none(), ambient.clone());
        let reads = match engine {
            Engine::Sqlite => format!("sqlite:{}", path("read")),
            Engine::Postgres => postgres::database().await,
        };
        let tenant = TenantId(ambient.uuid());
        Self { folder, reads, journal, ambient, clock, tenant, _kurrentdb: kurrentdb }
    }

    pub(crate) fn read_folder(&self) -> PathBuf {
        self.folder.path().join("read")
    }

    pub(crate) async fn open(&self) -> ReadStore {
        self.open_with(registry(), Limits::default()).await
    }

    pub(crate) async fn open_with(&self, registry: Registry, limits: Limits) -> ReadStore {
        ReadStore::open_with(&self.reads, self.journal.clone(), registry, self.ambient.clone(), limits)
            .await
            .expect("read tables open")
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Time passes.
    pub(crate) fn wait(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::minutes(1));
        self.clock.now()
    }

    async fn append(
        &self,
        customer: CustomerId,
        event_type: &'static str,
        data: Value,
        personal: Option<Value>,
    ) -> Position {
        let event = NewEvent {
            id: EventId(self.ambient.uuid()),
            event_type,
            schema_version: 1,
            occurred_at: self.now(),
            data: data.to_string().into_bytes(),
            subject: personal.as_ref().map(|_| SubjectId::from(customer)),
            personal: personal.map(|personal| personal.to_string().into_bytes()),
        };
        let cause = Cause { actor: "cli".into(), command: None, correlation: None, causation: None };
        let stream = self.stream(customer);
        let append = Append { stream, expected: Expected::Any, preconditions: Vec::new(), cause, events: vec![event] };
        self.journal.append(append).await.expect("is appended").position
    }

    pub(crate) fn stream(&self, customer: CustomerId) -> StreamId {
        StreamId::new(self.tenant, Category::Customer, customer.uuid())
    }

    pub(crate) fn customer(&self) -> CustomerId {
        CustomerId(self.ambient.uuid())
    }

    pub(crate) async fn register(&self, customer: CustomerId, name: &str) -> Position {
        let data = json!({
            "source": "api", "anonymous": false, "import_id": null,
            "profile": { "owner": "olga", "lead_score": 7, "tags": ["new", "wine"] },
        });
        let personal = json!({ "name": name, "external_id": null, "attributes": { "shoe": 43 } });
        self.append(customer, "CustomerRegistered", data, Some(personal)).await
    }

    pub(crate) async fn rename(&self, customer: CustomerId, name: &str, owner: Option<&str>) -> Position {
        let data = json!({
            "source": "api", "import_id": null, "changed": ["name"],
            "profile": { "owner": owner, "lead_score": null, "tags": ["old"] },
        });
        let personal = json!({ "name": name, "external_id": null, "attributes": {} });
        self.append(customer, "CustomerProfileChanged", data, Some(personal)).await
    }

    pub(crate) async fn order(&self, customer: CustomerId, micros: i64, status: &str) -> Position {
        let data = json!({
            "activity_id": ActivityId(self.ambient.uuid()), "kind": "order", "name": null, "reference": "A-1",
            "status": status, "amount_micros": micros, "currency": if micros % 2 == 0 { "EUR" } else { "USD" },
            "lines": [
                { "sku": "a", "description": "a\u{0}b", "quantity_milli": 1000, "unit_price_micros": micros },
                { "sku": "b", "description": null, "quantity_milli": -500, "unit_price_micros": 0 },
            ],
            "due_at": null, "message_id": null, "source": "api", "import_id": null,
        });
        self.append(customer, "ActivityRecorded", data, Some(json!({ "title": "x\u{0}y", "attributes": {} }))).await
    }

    pub(crate) async fn note(&self, customer: CustomerId, text: &str) -> Position {
        let data = json!({ "note_id": self.ambient.uuid(), "pinned": false });
        self.append(customer, "NoteAdded", data, Some(json!({ "text": text }))).await
    }

    pub(crate) async fn forget(&self, customer: CustomerId) -> Position {
        let position =
            self.append(customer, "CustomerForgotten", json!({ "reason": "request", "addresses": [] }), None);
        let position = position.await;
        self.journal.destroy_key(customer.into()).await.expect("the key is destroyed");
        position
    }

    /// An operator gives a parked event up.
    pub(crate) async fn skip(&self, projection: &str, event: EventId) -> Position {
        let event = NewEvent {
            id: EventId(self.ambient.uuid()),
            event_type: "ParkedEventSkipped",
            schema_version: 1,
            occurred_at: self.now(),
            data: json!({ "projection": projection, "event_id": event, "reason": "typing error" })
                .to_string()
                .into_bytes(),
            personal: None,
            subject: None,
        };
        let cause = Cause { actor: "cli".into(), command: None, correlation: None, causation: None };
        let stream = StreamId::new(self.tenant, Category::Tenant, self.tenant.uuid());
        let append = Append { stream, expected: Expected::Any, preconditions: Vec::new(), cause, events: vec![event] };
        self.journal.append(append).await.expect("is appended").position
    }

    /// Everything in the log.
    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        self.journal.read_all(Position::START, ReadLimit { events: 100_000, bytes: usize::MAX }).await.expect("is read")
    }

    /// A few customers with some history, one of them forgotten; returns the others.
    pub(crate) async fn history(&self) -> Vec<CustomerId> {
        let customers: Vec<CustomerId> = (0..6).map(|_| self.customer()).collect();
        for (number, &customer) in (0..).zip(&customers) {
            self.register(customer, &format!("José Nr{number}")).await;
            for order in 0..5 {
                self.order(customer, 1_000_000 * order + number, "paid").await;
                self.wait();
            }
            self.note(customer, "likes boats").await;
        }
        self.rename(customers[1], "Renée", None).await;
        self.forget(customers[5]).await;
        customers[..5].to_vec()
    }
}

/// A projector at work until it is stopped or dropped.
pub(crate) struct Projector {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Projector {
    pub(crate) fn start(store: &ReadStore) -> Self {
        let stop = CancellationToken::new();
        let (store, token) = (store.clone(), stop.clone());
        let task = tokio::spawn(async move { store.run(token).await.expect("the projector runs") });
        Self { stop, task }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the projector ends well");
    }

    /// Ends it wherever it is, as a crash would.
    pub(crate) fn kill(self) {
        self.task.abort();
    }
}

/// Brings read tables up to a position.
pub(crate) async fn catch_up(store: &ReadStore, position: Position) {
    let projector = Projector::start(store);
    store.wait_for(position, LONG).await.expect("the tables come so far");
    projector.stop().await;
}

/// All rows of all tables as text, sorted.
pub(crate) async fn dump(db: &Db, registry: &Registry) -> Vec<String> {
    let mut rows = Vec::new();
    for table in registry.sources().flat_map(commlog::projections::source::Source::tables) {
        let columns = table.columns.iter().map(|(name, kind)| match (db.engine(), kind.as_str()) {
            (Engine::Sqlite, "UUID" | "BYTES") => format!("lower(hex({name}))"),
            (Engine::Postgres, "UUID") => format!("replace({name}::text, '-', '')"),
            (Engine::Postgres, "BYTES") => format!("encode({name}, 'hex')"),
            (Engine::Postgres, "TIMESTAMPTZ") => {
                format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00')")
            }
            (Engine::Postgres, "BOOLEAN") => format!("({name}::int)::text"),
            (Engine::Postgres, "JSONB") => format!("replace({name}::text, ' ', '')"),
            _ => format!("CAST({name} AS TEXT)"),
        });
        let columns: Vec<String> = columns.map(|column| format!("coalesce({column}, '-')")).collect();
        let sql = format!("SELECT '{} ' || {} FROM {}", table.name, columns.join(" || '|' || "), table.name);
        let found: Vec<(String,)> = db.fetch_all(&sql, &[]).await.expect("a table is read");
        rows.extend(found.into_iter().map(|(row,)| row));
    }
    rows.sort();
    rows
}

/// How many events were counted, over all types.
pub(crate) async fn tally(db: &Db) -> i64 {
    let sql = "SELECT CAST(coalesce(sum(events), 0) AS BIGINT) FROM tally";
    let found: Option<(i64,)> = db.fetch_optional(sql, &[]).await.expect("the tally is read");
    found.map_or(0, |(count,)| count)
}

/// The name of a customer as the tables show it.
pub(crate) async fn name(db: &Db, customer: Uuid) -> Option<String> {
    let sql = "SELECT name FROM people WHERE customer_id = $1";
    let found: Option<(Option<String>,)> = db.fetch_optional(sql, &[customer.into()]).await.expect("people are read");
    found.and_then(|(name,)| name)
}
