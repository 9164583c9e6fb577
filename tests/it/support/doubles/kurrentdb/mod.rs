//! A double of KurrentDB: it speaks the server's gRPC interface as far as commlog uses it, keeps everything in memory, and fails as
//! it is told. It is not the server: what holds here is shown to hold there by setting `COMMLOG_TEST_KURRENTDB_URL`.

mod calls;
pub(crate) mod messages;
mod prompt;
mod store;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use store::Store;

/// Which server it passes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// 24.10: appends to one stream at a time.
    Single,
    /// 25.1: `AppendSession`.
    Session,
    /// 26.1: `AppendRecords`.
    Records,
}

/// Keeps the client from reading the system's certificates whenever it connects, which takes a while in a debug build.
const NO_AUTHORITIES: &str = "&tlsCaFile=/dev/null";

/// How a node fails. Each number counts down.
#[derive(Default)]
pub(crate) struct Faults {
    /// Appends that are made, and whose answers are lost.
    pub(crate) lost_answers: AtomicUsize,
    /// Appends that are refused as if somebody else had been faster.
    pub(crate) wrong_versions: AtomicUsize,
    /// Reads whose connection breaks after two events.
    pub(crate) broken_reads: AtomicUsize,
    /// Set: subscriptions tell nothing, and do not end.
    pub(crate) deaf: AtomicBool,
    /// How long every call takes.
    slow: Mutex<Duration>,
    /// Counts how often all subscriptions were ended, as a server does that goes down in an orderly way.
    endings: watch::Sender<u64>,
}

impl Faults {
    /// Takes one of what is left.
    fn take(count: &AtomicUsize) -> bool {
        count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    /// Makes every call take so long.
    pub(crate) fn slow_down(&self, by: Duration) {
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner) = by;
    }

    fn slowness(&self) -> Duration {
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all subscriptions without an error.
    pub(crate) fn end_subscriptions(&self) {
        self.endings.send_modify(|endings| *endings += 1);
    }
}

/// What the nodes of a cluster share.
struct Cluster {
    version: Version,
    store: Store,
    /// Ports of the nodes.
    nodes: Mutex<Vec<u16>>,
    /// The port of the node that leads.
    leader: watch::Sender<u16>,
    /// How connections are secured, if they are.
    tls: Option<TlsAcceptor>,
}

/// A node of a cluster, which ends when this is dropped.
pub(crate) struct KurrentDouble {
    cluster: Arc<Cluster>,
    pub(crate) faults: Arc<Faults>,
    port: u16,
    stop: CancellationToken,
    _stop: DropGuard,
}

/// What a call to a node works with.
#[derive(Clone)]
struct Node {
    cluster: Arc<Cluster>,
    faults: Arc<Faults>,
    port: u16,
    stop: CancellationToken,
}

impl KurrentDouble {
    /// A cluster of one node.
    pub(crate) async fn start(version: Version) -> Self {
        Self::start_with(version, None).await
    }

    /// The same, which shows a certificate of `localhost`.
    pub(crate) async fn start_secure(version: Version, tls: TlsAcceptor) -> Self {
        Self::start_with(version, Some(tls)).await
    }

    async fn start_with(version: Version, tls: Option<TlsAcceptor>) -> Self {
        let (nodes, leader) = (Mutex::default(), watch::Sender::new(0));
        let node = Self::join(Arc::new(Cluster { version, store: Store::new(), nodes, leader, tls })).await;
        node.lead();
        node
    }

    /// One more node of the same cluster.
    pub(crate) async fn beside(&self) -> Self {
        Self::join(self.cluster.clone()).await
    }

    async fn join(cluster: Arc<Cluster>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port of loopback");
        let port = listener.local_addr().expect("an address").port();
        cluster.nodes.lock().unwrap_or_else(PoisonError::into_inner).push(port);
        let (stop, faults) = (CancellationToken::new(), Arc::<Faults>::default());
        let node = Self { cluster, faults, port, _stop: stop.clone().drop_guard(), stop };
        node.serve(listener);
        node
    }

    fn serve(&self, listener: TcpListener) {
        let (cluster, faults) = (self.cluster.clone(), self.faults.clone());
        tokio::spawn(calls::serve(listener, Node { cluster, faults, port: self.port, stop: self.stop.clone() }));
    }

    /// Takes connections again after it was stopped.
    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is free again");
        self.stop = CancellationToken::new();
        self._stop = self.stop.clone().drop_guard();
        self.serve(listener);
    }

    /// Becomes the leader; the others refuse appends from now on.
    pub(crate) fn lead(&self) {
        self.cluster.leader.send_replace(self.port);
    }

    /// Breaks all connections, and takes no more.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Where a client finds it.
    pub(crate) fn address(&self) -> String {
        match self.cluster.tls {
            Some(_) => format!("kurrentdb://localhost:{}", self.port),
            None => format!("kurrentdb://127.0.0.1:{}?tls=false{NO_AUTHORITIES}", self.port),
        }
    }

    /// Where a client finds the whole cluster.
    pub(crate) fn cluster_address(&self) -> String {
        let nodes = self.cluster.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts: Vec<String> =
            nodes.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port)).to_string()).collect();
        format!("kurrentdb://{}?tls=false&discoveryInterval=20{NO_AUTHORITIES}", hosts.join(","))
    }

    /// Sets a stream's metadata, as an administrator does.
    pub(crate) fn set_metadata(&self, stream: &str, metadata: &str) {
        self.add(&format!("$${stream}"), "$metadata", metadata);
    }

    /// Appends an event of another program.
    pub(crate) fn add(&self, stream: &str, event_type: &str, data: &str) {
        let event = store::NewEvent {
            id: uuid::Uuid::from_u128(u128::from(*self.cluster.store.end.borrow())),
            metadata: std::collections::HashMap::from([("type".to_owned(), event_type.to_owned())]),
            custom_metadata: Vec::new(),
            data: data.as_bytes().to_vec(),
        };
        self.cluster.store.append(&[(stream.to_owned(), event)], &[]).expect("is appended");
    }

    /// Deletes a stream for good, as an administrator does: its events stay until somebody scavenges.
    pub(crate) fn tombstone(&self, stream: &str) {
        self.add(stream, "$streamDeleted", "");
    }

    /// What it holds.
    pub(crate) fn store(&self) -> &Store {
        &self.cluster.store
    }
}
