//! A whole node for tests: real stores, real HTTP on a port of loopback, and named actors with keys of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use commlog::app::Caller;
use commlog::boot::{Node, Running, Stores};
use commlog::clock::{Ambient, Clock, SystemEntropy};
use commlog::config::Config;
use commlog::domain::tenant::decide::{CreateTenant, IssueApiKey};
use commlog::domain::tenant::event::Role;
use commlog::ids::{CustomerId, Position, TenantId};
use commlog::intake::Intake;
use commlog::log::{Category, ReadLimit, StreamId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::doubles::kurrentdb::KurrentDouble;

/// Which database the node stands on. `COMMLOG_TEST_LOG` puts the log of [`Engine::Sqlite`] into a double of KurrentDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A node that runs until [`TestApp::finish`].
pub(crate) struct TestApp {
    running: Running,
    place: Place,
    stop: CancellationToken,
    /// The tenant of [`TestApp::key`].
    pub(crate) tenant: TenantId,
    http: reqwest::Client,
}

/// Where a node's stores and settings are.
#[derive(Clone)]
struct Place {
    folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
    file: String,
    clock: Arc<AheadClock>,
    _kurrentdb: Option<Arc<KurrentDouble>>,
}

/// The system's clock, ahead of it by what a test says.
#[derive(Default)]
struct AheadClock(AtomicI64);

impl Clock for AheadClock {
    fn now(&self) -> DateTime<Utc> {
        Ambient::system().now() + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Somebody with an API key.
#[derive(Clone)]
pub(crate) struct Actor {
    address: SocketAddr,
    http: reqwest::Client,
    pub(crate) token: String,
}

impl TestApp {
    /// On the embedded store.
    pub(crate) async fn sqlite() -> Self {
        Self::on(Engine::Sqlite).await
    }

    /// On the store of an engine, everything in it.
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, "").await
    }

    /// The same with a configuration file.
    pub(crate) async fn with(engine: Engine, file: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let mut settings = vec![
            ("COMMLOG_DATA_DIR".to_owned(), folder.path().display().to_string()),
            ("COMMLOG_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("COMMLOG_DEFAULT_REGION".to_owned(), "GB".to_owned()),
        ];
        if engine == Engine::Postgres {
            settings.push(("COMMLOG_LOG_URL".to_owned(), super::postgres::database().await));
        }
        // What a file says of the log is what its test is about.
        let own = engine == Engine::Sqlite && !file.contains("log_url");
        let kurrentdb = if own { crate::support::kurrentdb().await } else { None };
        if let Some(double) = &kurrentdb {
            settings.push(("COMMLOG_LOG_URL".to_owned(), double.address()));
        }
        let place = Place {
            folder,
            settings,
            file: file.to_owned(),
            clock: Arc::default(),
            _kurrentdb: kurrentdb.map(Arc::new),
        };
        let stores = place.open("").await;
        create_tenant(&stores, stores.config().tenant).await;
        Self::start(stores, place).await
    }

    async fn start(stores: Stores, place: Place) -> Self {
        let (stop, tenant) = (CancellationToken::new(), stores.config().tenant);
        let running = Node::start(stores, stop.clone()).await.expect("the node starts");
        Self { running, place, stop, tenant, http: http_client() }
    }

    /// Another node on the same stores, with roles of its own.
    pub(crate) async fn beside(&self, roles: &str) -> Self {
        Self::start(self.place.open(roles).await, self.place.clone()).await
    }

    /// The same node, stopped and started again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_as("").await
    }

    /// The same, with other roles.
    pub(crate) async fn restart_as(self, roles: &str) -> Self {
        let place = self.place.clone();
        self.finish().await;
        Self::start(place.open(roles).await, place).await
    }

    /// The same node, stopped, changed and started again with roles of its own; none are all roles.
    pub(crate) async fn restart_after(self, roles: &str, change: impl AsyncFnOnce(&Path)) -> Self {
        let place = self.place.clone();
        self.finish().await;
        change(place.folder.path()).await;
        Self::start(place.open(roles).await, place).await
    }

    /// Puts the node's clock forward.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.place.clock.0.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }

    /// What the node's clock shows.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.place.clock.now()
    }

    /// The URL of the log, where it is in a database.
    pub(crate) fn database(&self) -> Option<&str> {
        let log = self.place.settings.iter().find(|(name, _)| name == "COMMLOG_LOG_URL");
        log.map(|(_, url)| url.as_str())
    }

    /// Where the node's files are.
    pub(crate) fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// Waits until what is recorded of a customer meets a condition; the names of the events.
    pub(crate) async fn until(&self, customer: CustomerId, met: impl Fn(&[String]) -> bool) -> Vec<String> {
        let journal = &self.stores().journal;
        let mut grown = journal.backend().watch();
        let stream = StreamId::new(self.tenant, Category::Customer, customer.0);
        loop {
            grown.mark_unchanged();
            let events = journal.read_stream(stream, 0, ReadLimit::events(100_000)).await.expect("the log answers");
            let types: Vec<String> = events.into_iter().map(|event| event.envelope.event_type).collect();
            if met(&types) {
                return types;
            }
            grown.changed().await.expect("the log is open");
        }
    }

    /// The end of the log.
    pub(crate) async fn head(&self) -> Position {
        self.stores().journal.backend().head().await.expect("the log answers").position
    }

    /// What takes in webhooks.
    pub(crate) fn intake(&self) -> &Intake {
        self.running.intake()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// The read tables.
    pub(crate) fn reads(&self) -> &commlog::boot::ReadStore {
        self.running.reads()
    }

    /// The log and the use cases.
    pub(crate) fn stores(&self) -> &Stores {
        self.running.stores()
    }

    /// Somebody of the first tenant, with what is usual for the role.
    pub(crate) async fn actor(&self, role: Role) -> Actor {
        self.actor_of(self.tenant, role, None).await
    }

    /// Somebody of any tenant; `personal` grants or denies sight of personal data.
    pub(crate) async fn actor_of(&self, tenant: TenantId, role: Role, personal: Option<bool>) -> Actor {
        let caller = Caller::new(tenant, "test");
        let command = IssueApiKey { personal, ..IssueApiKey::of(role, "test") };
        let outcome = self.stores().app.issue_api_key(&caller, command).await.expect("the log answers");
        let done = outcome.into_result().expect("the key is issued");
        self.visible(done.position).await;
        Actor { address: self.address(), http: self.http.clone(), token: done.value.token }
    }

    /// Another tenant.
    pub(crate) async fn other_tenant(&self) -> TenantId {
        let tenant = TenantId(Ambient::system().uuid());
        create_tenant(self.stores(), tenant).await;
        tenant
    }

    /// Waits until the read tables show a position.
    pub(crate) async fn visible(&self, position: Position) {
        let patience = std::time::Duration::from_secs(30);
        self.running.reads().wait_for(position, patience).await.expect("the read tables follow the log");
    }

    /// Tells the node to stop, and does not wait.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops everything. Nothing may be left undone.
    pub(crate) async fn finish(self) {
        let parked = self.running.reads().parked().await.expect("the read tables answer");
        assert!(parked.is_empty(), "events that no projection could apply: {parked:?}");
        self.stop.cancel();
        self.running.finish().await.expect("the node ends in order");
    }
}

impl Place {
    async fn open(&self, roles: &str) -> Stores {
        let settings = self.settings.iter().cloned().chain([("COMMLOG_ROLES".to_owned(), roles.to_owned())]);
        let config = Config::from_parts(Some((Path::new("test.toml"), &self.file)), settings, &[])
            .expect("a valid configuration");
        let ambient = Ambient::new(self.clock.clone(), Arc::new(SystemEntropy));
        Stores::open(&config, &ambient).await.expect("the stores open")
    }
}

async fn create_tenant(stores: &Stores, tenant: TenantId) {
    let command = CreateTenant { name: "Test".to_owned() };
    let outcome = stores.app.create_tenant(&Caller::new(tenant, "test"), command).await.expect("the log answers");
    outcome.into_result().expect("the tenant is opened");
}

impl Actor {
    /// The same person at another node.
    pub(crate) fn at(&self, app: &TestApp) -> Self {
        Self { address: app.address(), ..self.clone() }
    }

    /// The same place with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// A URL of the node.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A POST to the API, with the key.
    pub(crate) fn post(&self) -> reqwest::RequestBuilder {
        self.http.post(self.url("/graphql")).bearer_auth(&self.token)
    }

    /// A GET of any path, without the key.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.expect("the server answers")
    }

    /// The whole answer to an operation.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        let response = self.post().json(&json!({ "query": query, "variables": variables })).send().await;
        response.expect("the server answers").json().await.expect("the answer is JSON")
    }

    /// The data of an operation that must succeed.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// The code of the first error of an operation that must fail.
    pub(crate) async fn error(&self, query: &str, variables: Value) -> String {
        let answer = self.answer(query, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// Registers a customer with a name and a mailbox; its id, once it can be read.
    pub(crate) async fn customer(&self, name: &str) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) \
            { customer { id } refusal { code message } } }";
        let address = json!({ "kind": "EMAIL", "address": format!("person{number}@example.com") });
        let input = json!({ "name": name, "territory": "north", "addresses": [address] });
        let data = self.data(mutation, json!({ "input": input })).await;
        let id = data["registerCustomer"]["customer"]["id"].as_str();
        id.unwrap_or_else(|| panic!("{data:#}")).to_owned()
    }
}

/// Runs a test on both engines.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* $name:ident($app:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn story($app: &crate::support::app::TestApp) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let app = crate::support::app::TestApp::on(crate::support::app::Engine::Sqlite).await;
                story(&app).await;
                app.finish().await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let app = crate::support::app::TestApp::on(crate::support::app::Engine::Postgres).await;
                story(&app).await;
                app.finish().await;
            }
        }
    )*};
}

pub(crate) use on_both_engines;

/// A client that could speak TLS too: which implementation that takes is the program's choice, here as in `boot`.
pub(crate) fn http_client() -> reqwest::Client {
    // Another test of this process may have chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
