//! Three nodes on the same stores with people at work: whoever has a lease is killed, stopped past its end, and ended in order.
//! The log is in PostgreSQL, or in KurrentDB (on the double, by default the newest; `COMMLOG_TEST_LOG` names another one).
//! `COMMLOG_NODES_KILLS` and `COMMLOG_NODES_PAUSES` say how often; `COMMLOG_TAKE_OVER_SECONDS` how long another one may take.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::world::{World, length, on_kurrentdb, on_postgres};
use crate::cli::Place;
use crate::cli::server::Server;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};
use crate::support::postgres::database;
use crate::support::{kurrentdb_version, times};

/// Makes a test with each log of every story named: `async fn name(log: Log)`.
macro_rules! with_each_log {
    ($($name:ident)*) => {$(
        mod $name {
            use crate::stories::nodes::Log;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Log::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kurrentdb() {
                super::$name(Log::KurrentDb).await;
            }
        }
    )*};
}

mod shares;

/// Messages a second that the account sends: fewer than people ask for.
const RATE: usize = 20;

/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(6);

/// The counter of how often a node has looked for calls that were lost, and for messages in doubt.
const LOOKED: &str = "commlog_process_runs_total{process=\"doubts\",outcome=\"ok\"}";

/// The longest that another node may take where nothing else is said: other tests need the processors, too.
const PATIENCE: Duration = Duration::from_mins(1);

/// What keeps the log; all else is in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Postgres,
    KurrentDb,
}

/// A node with a data folder of its own.
struct Node {
    server: Server,
    folder: String,
}

/// The leases, as their table shows them.
struct Leases(PgConnection);

/// Who has a lease.
#[derive(Debug, Clone, PartialEq)]
struct Holder {
    /// Ends with its address.
    node: String,
    term: i64,
}

impl Leases {
    async fn holder(&mut self, lease: &str) -> Option<Holder> {
        let sql = "SELECT holder, term FROM keys.leases WHERE name LIKE $1 || '%' AND until > keys.clock()";
        let row: Option<(String, i64)> =
            sqlx::query_as(sql).bind(lease).fetch_optional(&mut self.0).await.expect("the key store answers");
        row.map(|(node, term)| Holder { node, term })
    }
}

/// Nodes on the same stores, with people who give them commands.
struct Nodes {
    world: World,
    running: Vec<Node>,
    leases: Leases,
    /// Where the log is, if it is not in PostgreSQL.
    _kurrentdb: Option<KurrentDouble>,
}

impl Nodes {
    /// Three of them, which dispatch in so many shares.
    async fn start(log: Log, shares: u8) -> Self {
        let mut place = Place::new();
        let (keys, other) = (database().await, database().await);
        let double = match log {
            Log::Postgres => {
                on_postgres(&mut place, &other, &keys);
                None
            }
            Log::KurrentDb => {
                let double = KurrentDouble::start(kurrentdb_version().unwrap_or(Version::Records)).await;
                on_kurrentdb(&mut place, &double.address(), &keys, &other);
                Some(double)
            }
        };
        place.set("COMMLOG_DISPATCH_SHARES", &shares.to_string());
        let world = World::paced(place, RATE).await;
        let leases = Leases(PgConnection::connect(&keys).await.expect("the key store answers"));
        let mut nodes = Self { world, running: vec![], leases, _kurrentdb: double };
        for number in 1..=3 {
            nodes.add(format!("node-{number}"));
        }
        let servers: Vec<&Server> = nodes.running.iter().map(|node| &node.server).collect();
        nodes.world.work(&servers);
        nodes.all_succeed().await;
        nodes
    }

    /// Starts one more, which people talk to, too. One that was killed left its folder as it was.
    fn add(&mut self, folder: String) {
        let server = Server::start_node(&self.world.place, &folder);
        self.running.push(Node { server, folder });
        self.tell();
    }

    /// People talk to the others from now on.
    fn take(&mut self, index: usize) -> Node {
        let node = self.running.remove(index);
        self.tell();
        node
    }

    /// Kills one, as `kill -9` does; its folder.
    fn kill(&mut self, index: usize) -> String {
        self.running[index].server.signal("KILL");
        self.take(index).folder
    }

    /// Ends one in order, and starts it again.
    fn restart(&mut self, index: usize) {
        let Node { server, folder } = self.take(index);
        assert_eq!(server.stop(), Some(0), "it ends in order");
        self.add(folder);
    }

    /// People know of those that run.
    fn tell(&self) {
        self.world.talk_to(&self.running.iter().map(|node| &node.server).collect::<Vec<_>>());
    }

    async fn all_succeed(&self) {
        self.world.all_succeed(|_| true).await;
    }

    /// The number of the one that has a lease once a term after another one has begun.
    async fn holder(&mut self, lease: &str, after: i64) -> (usize, i64) {
        let began = Instant::now();
        loop {
            let holder = self.leases.holder(lease).await.filter(|holder| holder.term > after);
            let is_it =
                |node: &Node| holder.as_ref().is_some_and(|holder| holder.node.ends_with(node.server.address()));
            if let (Some(index), Some(holder)) = (self.running.iter().position(is_it), &holder) {
                return (index, holder.term);
            }
            assert!(began.elapsed() < PATIENCE, "{lease}, after term {after}: {holder:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long it takes until another one acts, and until it sends.
    async fn replaced(&mut self, term: i64) -> [Duration; 2] {
        let began = Instant::now();
        self.holder("processes", term).await;
        let has_it = began.elapsed();
        self.world.another_is_sent().await;
        [has_it, began.elapsed()]
    }

    /// Has two others take over in order once nobody works any more: the first one puts messages in doubt whose calls were lost, as
    /// soon as it begins, and the second one finds those that the provider has. One alone would take a minute.
    async fn look_for_lost_calls(&mut self) {
        self.world.rest().await;
        for _ in 0..2 {
            self.world.go_forward();
            let mut looked = HashMap::new();
            for node in &self.running {
                looked.insert(node.server.address().to_owned(), count(&node.server, LOOKED).await);
            }
            let (owner, term) = self.holder("processes", 0).await;
            self.restart(owner);
            let (owner, _) = self.holder("processes", term).await;
            let (began, server) = (Instant::now(), &self.running[owner].server);
            let before = looked.get(server.address()).copied().unwrap_or_default();
            while count(server, LOOKED).await == before {
                assert!(began.elapsed() < PATIENCE, "nobody looks for lost calls");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn end(self) {
        self.world.end(self.running.into_iter().map(|node| node.server).collect()).await;
    }
}

/// How long it took others to take over.
struct TakeOvers {
    log: Log,
    /// What each of the times lasted until.
    until: &'static [&'static str],
}

impl TakeOvers {
    /// Says how long it took, and sees that it is short enough.
    fn judge<const N: usize>(&self, what: &str, took: &[[Duration; N]]) {
        for (index, until) in self.until.iter().enumerate() {
            let mut seconds: Vec<f32> = took.iter().map(|time| time[index].as_secs_f32()).collect();
            seconds.sort_unstable_by(f32::total_cmp);
            let (Some(shortest), Some(longest)) = (seconds.first(), seconds.last()) else { continue };
            let (count, middle) = (seconds.len(), seconds[seconds.len() / 2]);
            println!(
                "{:?}, {what}, {count} times: {until} after {shortest:.1} to {longest:.1} s, usually {middle:.1} s",
                self.log
            );
        }
        let usual = usize::try_from(PATIENCE.as_secs()).expect("few");
        let most = Duration::from_secs(times("COMMLOG_TAKE_OVER_SECONDS", usual) as u64);
        assert!(took.iter().flatten().all(|time| *time < most), "longer than {most:?}: {took:?}");
    }
}

/// In no span of time did the provider get more than the rate allows, with a second's worth at once, and what had to wait for
/// two seconds on its way.
fn the_rate_held(world: &World) {
    let mut at: Vec<DateTime<Utc>> = world.twilio.taken().iter().map(|message| message.created).collect();
    at.sort_unstable();
    for (index, first) in at.iter().enumerate() {
        for (count, last) in at[index..].iter().enumerate() {
            let allowed = RATE as f64 * ((*last - *first).as_seconds_f64() + 3.0);
            assert!((count + 1) as f64 <= allowed, "{} messages from {first} to {last}", count + 1);
        }
    }
    let lasted = at.last().zip(at.first()).map_or(0.0, |(last, first)| (*last - *first).as_seconds_f64());
    println!("{} messages in {lasted:.0} s, at {RATE} a second at most", at.len());
}

async fn metrics(server: &Server) -> String {
    let url = format!("http://{}/metrics", server.address());
    crate::support::app::http_client().get(url).send().await.expect("it responds").text().await.expect("a text")
}

/// The sum of a node's counters whose lines begin so.
async fn count(server: &Server, beginning: &str) -> u64 {
    let metrics = metrics(server).await;
    let lines = metrics.lines().filter(|line| line.starts_with(beginning));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

with_each_log! {
    nodes_that_are_killed_and_stopped_past_their_lease_lose_nothing_and_send_nothing_twice
    nodes_that_are_replaced_one_after_the_other_hand_over_at_once
}

async fn nodes_that_are_killed_and_stopped_past_their_lease_lose_nothing_and_send_nothing_twice(log: Log) {
    let mut nodes = Nodes::start(log, 1).await;
    let (mut killed, mut paused) = (vec![], vec![]);
    for round in 0..times("COMMLOG_NODES_KILLS", 2) {
        let (owner, term) = nodes.holder("processes", 0).await;
        let mut victims = vec![owner];
        if round % 2 == 1 {
            victims.push(nodes.holder("projector", 0).await.0);
        }
        victims.sort_unstable();
        victims.dedup();
        let folders: Vec<String> = victims.into_iter().rev().map(|victim| nodes.kill(victim)).collect();
        killed.push(nodes.replaced(term).await);
        nodes.all_succeed().await;
        folders.into_iter().for_each(|folder| nodes.add(folder));
        nodes.all_succeed().await;
    }
    for _ in 0..times("COMMLOG_NODES_PAUSES", 1) {
        let (owner, term) = nodes.holder("processes", 0).await;
        let asleep = nodes.take(owner);
        asleep.server.signal("STOP");
        paused.push(nodes.replaced(term).await);
        tokio::time::sleep(length()).await;
        asleep.server.signal("CONT");
        // It says what it does not do any more, and serves all the same.
        while !metrics(&asleep.server).await.contains("commlog_lease_held{lease=\"processes\"} 0") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        nodes.world.says(&asleep.server, true).await;
        nodes.running.push(asleep);
        nodes.tell();
        nodes.all_succeed().await;
    }
    let take_overs = TakeOvers { log, until: &["another node has the lease", "another node sends"] };
    take_overs.judge("killed", &killed);
    take_overs.judge("stopped", &paused);
    the_rate_held(&nodes.world);
    nodes.look_for_lost_calls().await;
    nodes.end().await;
}

async fn nodes_that_are_replaced_one_after_the_other_hand_over_at_once(log: Log) {
    let mut nodes = Nodes::start(log, 1).await;
    for _ in 0..3 {
        let (owner, term) = nodes.holder("processes", 0).await;
        let server = &nodes.running[owner].server;
        let metrics = metrics(server).await;
        assert!(metrics.contains("commlog_lease_held{lease=\"processes\"} 1"), "{metrics}");
        assert!(metrics.contains(&format!("commlog_lease_term{{lease=\"processes\"}} {term}")), "{metrics}");
        let status: Value =
            serde_json::from_str(&nodes.world.place.ok(&["status", "--format", "json"])).expect("status prints JSON");
        let lease = status["leases"].as_array().and_then(|all| all.iter().find(|lease| lease["name"] == "processes"));
        let lease = lease.unwrap_or_else(|| panic!("{status:#}"));
        assert_eq!((&lease["held"], &lease["term"]), (&json!(true), &json!(term)));
        assert!(lease["holder"].as_str().is_some_and(|holder| holder.ends_with(server.address())), "{lease}");

        let Node { server, folder } = nodes.take(owner);
        assert_eq!(server.stop(), Some(0), "it ends in order");
        let [has_it, _] = nodes.replaced(term).await;
        assert!(has_it < LEASE, "it was not given back: {has_it:?}");
        nodes.add(folder);
        nodes.all_succeed().await;
    }
    the_rate_held(&nodes.world);
    nodes.end().await;
}
