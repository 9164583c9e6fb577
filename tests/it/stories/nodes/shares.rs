//! Three nodes that dispatch at the same time, each of them its shares, while some of them are killed, stopped and configured
//! otherwise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::serve;
use super::super::world::{World, length};
use super::{LEASE, Leases, PATIENCE, metrics, say, the_rate_held, world_of};
use crate::cli::server::Server;
use crate::support::times;

const SHARES: u8 = 6;

/// A share that a node has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    lease: String,
    term: i64,
}

impl Leases {
    /// Of one number of shares, what each of some nodes has.
    async fn shares(&mut self, nodes: &[Server], of: u8) -> Vec<Vec<Share>> {
        let sql = "SELECT name, holder, term FROM keys.leases WHERE name LIKE 'dispatch-%-of-' || $1 \
                   AND name NOT LIKE 'dispatch-node-%' AND until > keys.clock() ORDER BY name";
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as(sql).bind(of.to_string()).fetch_all(&mut self.0).await.expect("the key store answers");
        let mut shares = vec![vec![]; nodes.len()];
        for (lease, holder, term) in rows {
            if let Some(index) = nodes.iter().position(|node| holder.ends_with(node.address())) {
                shares[index].push(Share { lease, term });
            }
        }
        shares
    }

    /// Waits until nodes have equal parts of all shares.
    async fn spread(&mut self, nodes: &[Server], of: u8) -> Vec<Vec<Share>> {
        let began = Instant::now();
        loop {
            let shares = self.shares(nodes, of).await;
            if shares.iter().all(|part| part.len() == usize::from(of) / nodes.len()) {
                return shares;
            }
            assert!(began.elapsed() < Duration::from_secs(PATIENCE as u64), "{shares:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nodes have what another one had.
    async fn taken_over(&mut self, nodes: &[Server], had: &[Share]) {
        let began = Instant::now();
        loop {
            let has: BTreeMap<String, i64> =
                self.shares(nodes, SHARES).await.into_iter().flatten().map(|share| (share.lease, share.term)).collect();
            if had.iter().all(|share| has.get(&share.lease).is_some_and(|term| *term > share.term)) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(PATIENCE as u64), "{had:?}: {has:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// How many messages a node has handed over.
async fn sent(node: &Server) -> u64 {
    let metrics = metrics(node).await;
    let counts = metrics.lines().filter(|line| line.starts_with("commlog_provider_sent_total{"));
    counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// Waits until every node has handed messages over from now on.
async fn every_node_sends(nodes: &[Server]) {
    for node in nodes {
        let (began, before) = (Instant::now(), sent(node).await);
        while sent(node).await == before {
            assert!(began.elapsed() < Duration::from_secs(PATIENCE as u64), "{} sends nothing", node.address());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How long it takes until others have the shares of a node that is gone, and until one of them sends.
async fn replaced(world: &World, leases: &mut Leases, nodes: &[Server], had: &[Share]) -> [Duration; 2] {
    let began = Instant::now();
    leases.taken_over(nodes, had).await;
    let have_them = began.elapsed();
    world.another_is_sent().await;
    [have_them, began.elapsed()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_dispatch_in_shares_send_everything_once_while_some_are_killed_and_stopped() {
    let (world, mut nodes, mut leases) = world_of(SHARES).await;
    let (mut killed, mut stopped) = (vec![], vec![]);
    leases.spread(&nodes, SHARES).await;
    every_node_sends(&nodes).await;
    for round in 0..times("COMMLOG_NODES_KILLS", 2) {
        let had = leases.spread(&nodes, SHARES).await;
        // Sometimes it is the one that has the other processes, too.
        let victim = if round % 2 == 0 { round % nodes.len() } else { leases.index(&nodes, "processes", 0).await.0 };
        // SIGKILL.
        drop(nodes.remove(victim));
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        killed.push(replaced(&world, &mut leases, &nodes, &had[victim]).await);
        world.all_succeed(|_| true).await;
        nodes.push(serve(&world));
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        leases.spread(&nodes, SHARES).await;
        every_node_sends(&nodes).await;
    }
    for _ in 0..times("COMMLOG_NODES_PAUSES", 1) {
        let had = leases.spread(&nodes, SHARES).await;
        let asleep = nodes.remove(0);
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        asleep.signal("STOP");
        stopped.push(replaced(&world, &mut leases, &nodes, &had[0]).await);
        tokio::time::sleep(length()).await;
        asleep.signal("CONT");
        nodes.push(asleep);
        leases.spread(&nodes, SHARES).await;
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        every_node_sends(&nodes).await;
    }
    // One that ends in order leaves its shares to others at once.
    let had = leases.spread(&nodes, SHARES).await;
    let ended = nodes.remove(0);
    world.talk_to(&nodes.iter().collect::<Vec<_>>());
    assert_eq!(ended.stop(), Some(0));
    let [have_them, _] = replaced(&world, &mut leases, &nodes, &had[0]).await;
    assert!(have_them < LEASE, "they were not given back: {have_them:?}");
    say("killed", &killed);
    say("stopped", &stopped);
    let most = Duration::from_secs(times("COMMLOG_TAKE_OVER_SECONDS", PATIENCE) as u64);
    assert!(killed.iter().chain(&stopped).flatten().all(|time| *time < most), "longer than {most:?}");
    the_rate_held(&world);
    world.end(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_configured_for_other_shares_one_after_the_other_send_everything_once() {
    let (mut world, mut nodes, mut leases) = world_of(1).await;
    for shares in [SHARES, 3, 1] {
        world.place.set("COMMLOG_DISPATCH_SHARES", &shares.to_string());
        for _ in 0..nodes.len() {
            let ended = nodes.remove(0);
            world.talk_to(&nodes.iter().collect::<Vec<_>>());
            assert_eq!(ended.stop(), Some(0));
            nodes.push(serve(&world));
            world.talk_to(&nodes.iter().collect::<Vec<_>>());
            world.all_succeed(|_| true).await;
        }
        if shares > 1 {
            leases.spread(&nodes, shares).await;
            every_node_sends(&nodes).await;
        }
    }
    world.another_is_sent().await;
    world.end(nodes).await;
}
