//! Three nodes that dispatch at the same time, each of them its shares, while some of them are killed, stopped and configured
//! otherwise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::world::length;
use super::{LEASE, Leases, Log, Node, Nodes, PATIENCE, TakeOvers, count, the_rate_held};
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
    async fn shares(&mut self, nodes: &[Node], of: u8) -> Vec<Vec<Share>> {
        let sql = "SELECT name, holder, term FROM keys.leases WHERE name LIKE 'dispatch-%-of-' || $1 \
                   AND name NOT LIKE 'dispatch-node-%' AND until > keys.clock() ORDER BY name";
        let rows: Vec<(String, String, i64)> =
            sqlx::query_as(sql).bind(of.to_string()).fetch_all(&mut self.0).await.expect("the key store answers");
        let mut shares = vec![vec![]; nodes.len()];
        for (lease, holder, term) in rows {
            if let Some(index) = nodes.iter().position(|node| holder.ends_with(node.server.address())) {
                shares[index].push(Share { lease, term });
            }
        }
        shares
    }
}

impl Nodes {
    /// Waits until those that run have equal parts of all shares.
    async fn spread(&mut self, of: u8) -> Vec<Vec<Share>> {
        let began = Instant::now();
        loop {
            let shares = self.leases.shares(&self.running, of).await;
            if shares.iter().all(|part| part.len() == usize::from(of) / self.running.len()) {
                return shares;
            }
            assert!(began.elapsed() < PATIENCE, "{shares:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long it takes until others have what one had.
    async fn taken_over(&mut self, had: &[Share]) -> Duration {
        let began = Instant::now();
        loop {
            let shares = self.leases.shares(&self.running, SHARES).await;
            let has: BTreeMap<String, i64> =
                shares.into_iter().flatten().map(|share| (share.lease, share.term)).collect();
            if had.iter().all(|share| has.get(&share.lease).is_some_and(|term| *term > share.term)) {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "{had:?}: {has:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until each that runs has handed messages over from now on.
    async fn each_sends(&self) {
        let began = Instant::now();
        let mut before = vec![];
        for node in &self.running {
            before.push(sent(node).await);
        }
        for (node, before) in self.running.iter().zip(before) {
            while sent(node).await == before {
                assert!(began.elapsed() < PATIENCE, "{} sends nothing", node.server.address());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// How many messages a node has handed over.
async fn sent(node: &Node) -> u64 {
    count(&node.server, "commlog_provider_sent_total{").await
}

with_each_log! {
    nodes_that_dispatch_in_shares_send_everything_once_while_some_are_killed_and_stopped
    nodes_that_are_configured_for_other_shares_one_after_the_other_send_everything_once
}

async fn nodes_that_dispatch_in_shares_send_everything_once_while_some_are_killed_and_stopped(log: Log) {
    let mut nodes = Nodes::start(log, SHARES).await;
    let (mut killed, mut stopped) = (vec![], vec![]);
    for round in 0..times("COMMLOG_NODES_KILLS", 2) {
        let had = nodes.spread(SHARES).await;
        nodes.each_sends().await;
        // Sometimes it is the one that has the other processes, too.
        let victim = if round % 2 == 0 { nodes.holder("processes", 0).await.0 } else { round % nodes.running.len() };
        let folder = nodes.kill(victim);
        killed.push([nodes.taken_over(&had[victim]).await]);
        nodes.all_succeed().await;
        nodes.add(folder);
    }
    for _ in 0..times("COMMLOG_NODES_PAUSES", 1) {
        let had = nodes.spread(SHARES).await;
        nodes.each_sends().await;
        let asleep = nodes.take(0);
        asleep.server.signal("STOP");
        stopped.push([nodes.taken_over(&had[0]).await]);
        tokio::time::sleep(length()).await;
        asleep.server.signal("CONT");
        nodes.running.push(asleep);
        nodes.tell();
    }
    // One that ends in order leaves its shares to others at once.
    let had = nodes.spread(SHARES).await;
    nodes.each_sends().await;
    let Node { server, .. } = nodes.take(0);
    assert_eq!(server.stop(), Some(0), "it ends in order");
    let have_them = nodes.taken_over(&had[0]).await;
    assert!(have_them < LEASE, "they were not given back: {have_them:?}");
    let take_overs = TakeOvers { log, until: &["other nodes have its shares"] };
    take_overs.judge("killed", &killed);
    take_overs.judge("stopped", &stopped);
    the_rate_held(&nodes.world);
    nodes.look_for_lost_calls().await;
    nodes.end().await;
}

async fn nodes_that_are_configured_for_other_shares_one_after_the_other_send_everything_once(log: Log) {
    let mut nodes = Nodes::start(log, SHARES).await;
    for shares in [3, 1] {
        nodes.world.place.set("COMMLOG_DISPATCH_SHARES", &shares.to_string());
        for _ in 0..nodes.running.len() {
            nodes.restart(0);
            nodes.all_succeed().await;
        }
        if shares > 1 {
            nodes.spread(shares).await;
            nodes.each_sends().await;
        }
    }
    nodes.world.another_is_sent().await;
    nodes.end().await;
}
