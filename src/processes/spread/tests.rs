//! Nodes that come and go. They look in turns, so that time does not matter.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::clock::Ambient;
use crate::log::keys::{Leases, Term};
use crate::processes::lease::{Lasting, LeaseMetrics};

/// Leases by name: the number of the last term, and who has it. They last until they are given back, or their holder is gone.
#[derive(Default)]
struct Board(Mutex<BTreeMap<String, (i64, Option<String>)>>);

#[async_trait]
impl Leases for Board {
    async fn take_lease(&self, name: &str, holder: &str, _: Duration) -> Result<Option<Term>, KeyStoreError> {
        let mut board = self.0.lock().expect("no panic");
        let (number, taken) = board.entry(name.to_owned()).or_default();
        if taken.is_some() {
            return Ok(None);
        }
        *taken = Some(holder.to_owned());
        *number += 1;
        Ok(Some(Term { lease: name.to_owned(), number: *number }))
    }

    async fn renew_lease(&self, term: &Term, _: Duration) -> Result<bool, KeyStoreError> {
        let board = self.0.lock().expect("no panic");
        Ok(board.get(&term.lease).is_some_and(|(number, taken)| *number == term.number && taken.is_some()))
    }

    async fn give_lease_back(&self, term: &Term) -> Result<(), KeyStoreError> {
        let mut board = self.0.lock().expect("no panic");
        board.entry(term.lease.clone()).and_modify(|(_, taken)| *taken = None);
        Ok(())
    }

    async fn leases(&self) -> Result<Vec<Lease>, KeyStoreError> {
        let board = self.0.lock().expect("no panic");
        let lease = |(name, (term, taken)): (&String, &(i64, Option<String>))| Lease {
            name: name.clone(),
            holder: taken.clone().unwrap_or_default(),
            term: *term,
            since: chrono::DateTime::UNIX_EPOCH,
            is_held: taken.is_some(),
            left: TimeDelta::seconds(1),
        };
        Ok(board.iter().map(lease).collect())
    }
}

impl Board {
    /// How many shares each node has, the least first; and how often shares were taken.
    fn shares(&self, of: u8) -> (Vec<usize>, i64) {
        let board = self.0.lock().expect("no panic");
        let (mut counts, mut taken) = (BTreeMap::<&str, usize>::new(), 0);
        for (number, holder) in Share::all(of).filter_map(|share| board.get(&lease_of(share))) {
            taken += number;
            holder.iter().for_each(|holder| *counts.entry(holder).or_default() += 1);
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable();
        (counts, taken)
    }
}

struct Node {
    board: Arc<Board>,
    name: String,
    spread: Spread,
    mine: Mine,
    stop: CancellationToken,
}

impl Node {
    fn new(board: &Arc<Board>, name: &str, of: u8) -> Self {
        let like = Candidate {
            store: board.clone(),
            lease: String::new(),
            part: String::new(),
            node: name.to_owned(),
            lasting: Lasting::default(),
            metrics: LeaseMetrics::default(),
            ambient: Ambient::system(),
        };
        let (spread, mine, stop) = (Spread::new(of, &like), Mine::default(), CancellationToken::new());
        Self { board: board.clone(), name: name.to_owned(), spread, mine, stop }
    }

    /// Looks once, and waits until what it leaves is given back.
    async fn look(&mut self) {
        let act = |_: Share, _: Tenure, stop: CancellationToken| async move { stop.cancelled().await };
        self.spread.look(&mut self.mine, &self.stop, &act).await.expect("the board answers");
        let leaves = |running: &Running| running.leave.is_cancelled() && !running.task.is_finished();
        while self.mine.shares.values().any(leaves) {
            tokio::task::yield_now().await;
        }
    }

    /// Its leases end, and it does nothing any more.
    fn dies(self) {
        let mut board = self.board.0.lock().expect("no panic");
        let its = board.values_mut().filter(|(_, holder)| holder.as_ref() == Some(&self.name));
        its.for_each(|(_, holder)| *holder = None);
    }
}

async fn look(nodes: &mut [Node], times: usize) {
    for _ in 0..times {
        for node in nodes.iter_mut() {
            node.look().await;
        }
    }
}

#[tokio::test]
async fn every_node_gets_its_part_and_then_nobody_moves() {
    const OF: u8 = 8;
    let (board, mut nodes) = (Arc::new(Board::default()), vec![]);
    let parts = [vec![8], vec![4, 4], vec![2, 3, 3], vec![2, 2, 2, 2], vec![1, 1, 2, 2, 2]];
    for (count, parts) in parts.into_iter().enumerate() {
        nodes.push(Node::new(&board, &format!("node {count}"), OF));
        look(&mut nodes, 3).await;
        let (shares, taken) = board.shares(OF);
        assert_eq!(shares, parts);
        look(&mut nodes, 20).await;
        assert_eq!(board.shares(OF), (parts, taken), "shares moved for no reason");
    }
}

#[tokio::test]
async fn shares_of_a_node_that_is_gone_are_taken_at_the_next_look() {
    const OF: u8 = 6;
    let board = Arc::new(Board::default());
    let mut nodes: Vec<Node> = (0..3).map(|number| Node::new(&board, &format!("node {number}"), OF)).collect();
    look(&mut nodes, 3).await;
    for turn in 0..6 {
        assert_eq!(board.shares(OF).0, [2, 2, 2]);
        nodes.remove(turn % 3).dies();
        look(&mut nodes, 1).await;
        assert_eq!(board.shares(OF).0, [3, 3]);
        nodes.push(Node::new(&board, &format!("node after {turn}"), OF));
        look(&mut nodes, 2).await;
    }
}

#[tokio::test]
async fn more_nodes_than_shares_stand_by() {
    const OF: u8 = 2;
    let board = Arc::new(Board::default());
    let mut nodes: Vec<Node> = (0..4).map(|number| Node::new(&board, &format!("node {number}"), OF)).collect();
    look(&mut nodes, 3).await;
    assert_eq!(board.shares(OF).0, [1, 1]);
    nodes.remove(0).dies();
    look(&mut nodes, 2).await;
    assert_eq!(board.shares(OF).0, [1, 1]);
}

#[tokio::test]
async fn nodes_of_another_number_of_shares_have_all_of_theirs() {
    let board = Arc::new(Board::default());
    let mut nodes = [Node::new(&board, "of four", 4), Node::new(&board, "of eight", 8)];
    look(&mut nodes, 3).await;
    assert_eq!((board.shares(4).0, board.shares(8).0), (vec![4], vec![8]));
}

#[tokio::test]
async fn a_node_that_ends_gives_back_what_it_has() {
    let board = Arc::new(Board::default());
    let node = Node::new(&board, "one", 4);
    let running = {
        let stop = node.stop.clone();
        let spread = node.spread;
        let act = |_: Share, _: Tenure, stop: CancellationToken| async move { stop.cancelled().await };
        tokio::spawn(async move { spread.run(&stop, act).await })
    };
    while board.shares(4).0 != [4] {
        tokio::task::yield_now().await;
    }
    node.stop.cancel();
    running.await.expect("no panic");
    assert!(board.leases().await.expect("answers").iter().all(|lease| !lease.is_held));
}

#[test]
fn parts_add_up_to_all_shares() {
    for shares in 1..=64_usize {
        for nodes in 1..=64_u8 {
            let places: Vec<u8> = (1..=nodes).map(|place| place * 2).collect();
            let parts: Vec<usize> = places
                .iter()
                .map(|place| match step(shares, &places, *place, 0) {
                    Step::Take(part) => part,
                    step => panic!("{step:?}"),
                })
                .collect();
            assert_eq!(parts.iter().sum::<usize>(), shares);
            assert!(parts.iter().max().zip(parts.iter().min()).is_some_and(|(most, least)| most - least <= 1));
            for (place, part) in places.iter().zip(parts) {
                assert_eq!(step(shares, &places, *place, part), Step::Take(0));
                assert_eq!(step(shares, &places, *place, part + 2), Step::Leave(2));
            }
        }
    }
}
