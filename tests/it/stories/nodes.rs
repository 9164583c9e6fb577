//! Three nodes on one PostgreSQL with people at work: whoever has a lease is killed, stopped past its end, and ended in order.
//! `COMMLOG_NODES_KILLS` and `COMMLOG_NODES_PAUSES` say how often; `COMMLOG_TAKE_OVER_SECONDS` how long another one may take.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::serve;
use super::world::{World, length, on_postgres};
use crate::cli::Place;
use crate::cli::server::Server;
use crate::support::postgres::database;
use crate::support::times;

/// Messages a second that the account sends: fewer than people ask for.
const RATE: usize = 20;

/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(6);

/// The longest that another node may take where nothing else is said: other tests need the processors, too.
const PATIENCE: usize = 60;

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

    /// The number, among nodes, of the one that has a lease once a term after another one has begun.
    async fn index(&mut self, nodes: &[Server], lease: &str, after: i64) -> (usize, i64) {
        let began = Instant::now();
        loop {
            let holder = self.holder(lease).await.filter(|holder| holder.term > after);
            let is_it = |node: &Server| holder.as_ref().is_some_and(|holder| holder.node.ends_with(node.address()));
            if let (Some(index), Some(holder)) = (nodes.iter().position(is_it), &holder) {
                return (index, holder.term);
            }
            assert!(began.elapsed() < Duration::from_secs(PATIENCE as u64), "{lease}, after term {after}: {holder:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn world() -> (World, Vec<Server>, Leases) {
    let mut place = Place::new();
    let (log, keys) = (database().await, database().await);
    on_postgres(&mut place, &log, &keys);
    let mut world = World::paced(place, RATE).await;
    let leases = Leases(PgConnection::connect(&keys).await.expect("the key store answers"));
    let nodes: Vec<Server> = (0..3).map(|_| serve(&world)).collect();
    world.work(&nodes.iter().collect::<Vec<_>>());
    world.all_succeed(|_| true).await;
    (world, nodes, leases)
}

/// How long it takes until another node has the lease, and until it sends.
async fn replaced(world: &World, leases: &mut Leases, nodes: &[Server], term: i64) -> [Duration; 2] {
    let began = Instant::now();
    leases.index(nodes, "processes", term).await;
    let has_it = began.elapsed();
    world.another_is_sent().await;
    [has_it, began.elapsed()]
}

fn say(what: &str, times: &[[Duration; 2]]) {
    for (index, name) in ["another node has the lease", "another node sends"].iter().enumerate() {
        let of = |longest: Option<Duration>| longest.unwrap_or_default().as_secs_f32();
        let (shortest, longest) =
            (times.iter().map(|time| time[index]).min(), times.iter().map(|time| time[index]).max());
        println!("{what}, {} times: {name} after {:.1} to {:.1} s", times.len(), of(shortest), of(longest));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_killed_and_stopped_past_their_lease_lose_nothing_and_send_nothing_twice() {
    let (world, mut nodes, mut leases) = world().await;
    let (mut killed, mut paused) = (vec![], vec![]);
    for round in 0..times("COMMLOG_NODES_KILLS", 2) {
        let (owner, term) = leases.index(&nodes, "processes", 0).await;
        let mut victims = vec![owner];
        if round % 2 == 1 {
            victims.push(leases.index(&nodes, "projector", 0).await.0);
        }
        victims.sort_unstable();
        victims.dedup();
        for victim in victims.into_iter().rev() {
            // SIGKILL.
            drop(nodes.remove(victim));
        }
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        killed.push(replaced(&world, &mut leases, &nodes, term).await);
        world.all_succeed(|_| true).await;
        while nodes.len() < 3 {
            nodes.push(serve(&world));
        }
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        world.all_succeed(|_| true).await;
    }
    for _ in 0..times("COMMLOG_NODES_PAUSES", 1) {
        let (owner, term) = leases.index(&nodes, "processes", 0).await;
        let others: Vec<&Server> =
            nodes.iter().enumerate().filter(|(index, _)| *index != owner).map(|(_, node)| node).collect();
        world.talk_to(&others);
        nodes[owner].signal("STOP");
        paused.push(replaced(&world, &mut leases, &nodes, term).await);
        tokio::time::sleep(length()).await;
        nodes[owner].signal("CONT");
        // It says what it does not do any more, and serves all the same.
        while !metrics(&nodes[owner]).await.contains("commlog_lease_held{lease=\"processes\"} 0") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world.says(&nodes[owner], true).await;
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        world.all_succeed(|_| true).await;
    }
    say("killed", &killed);
    say("stopped", &paused);
    let most = Duration::from_secs(times("COMMLOG_TAKE_OVER_SECONDS", PATIENCE) as u64);
    assert!(killed.iter().chain(&paused).flatten().all(|time| *time < most), "longer than {most:?}");
    the_rate_held(&world);
    world.end(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_replaced_one_after_the_other_hand_over_at_once() {
    let (world, mut nodes, mut leases) = world().await;
    for _ in 0..3 {
        let (owner, term) = leases.index(&nodes, "processes", 0).await;
        let metrics = metrics(&nodes[owner]).await;
        assert!(metrics.contains("commlog_lease_held{lease=\"processes\"} 1"), "{metrics}");
        assert!(metrics.contains(&format!("commlog_lease_term{{lease=\"processes\"}} {term}")), "{metrics}");
        let status: Value =
            serde_json::from_str(&world.place.ok(&["status", "--format", "json"])).expect("status prints JSON");
        let lease = status["leases"].as_array().and_then(|all| all.iter().find(|lease| lease["name"] == "processes"));
        let lease = lease.unwrap_or_else(|| panic!("{status:#}"));
        assert_eq!((&lease["held"], &lease["term"]), (&json!(true), &json!(term)));
        assert!(lease["holder"].as_str().is_some_and(|holder| holder.ends_with(nodes[owner].address())), "{lease}");

        let ended = nodes.remove(owner);
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        assert_eq!(ended.stop(), Some(0));
        let [has_it, _] = replaced(&world, &mut leases, &nodes, term).await;
        assert!(has_it < LEASE, "it was not given back: {has_it:?}");
        nodes.push(serve(&world));
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        world.all_succeed(|_| true).await;
    }
    the_rate_held(&world);
    world.end(nodes).await;
}
