//! Spreads the shares of dispatching over the nodes that take part.
//!
//! Each node that takes part has a place: a lease with a number. The leases therefore tell every node how many take part and which
//! of them it is, and from that follows how many shares it should have: equal parts, of which the first places get what is left
//! over. A node that has fewer takes shares that nobody has; one that has more gives some back in order. The parts add up to all
//! shares, so once no node comes or goes, everybody soon has its part, and nobody moves any more.
//!
//! Places decide nothing else: which node may dispatch a share is said by the share's own lease. A place lasts for shorter by the pause
//! between two renewals of a share, and is renewed at each look: by the time that the shares of a node that died are free, the
//! others know that it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::Share;
use crate::log::keys::lease::{dispatch, dispatch_node};
use crate::log::keys::{KeyStoreError, Lease};
use crate::processes::lease::{Candidate, Tenure};

/// A node that takes part in dispatching.
pub struct Spread {
    of: u8,
    candidates: Vec<(Share, Arc<Candidate>)>,
    /// For a place, whatever its number.
    newcomer: Candidate,
}

/// What a node has.
#[derive(Default)]
struct Mine {
    place: Option<Place>,
    shares: BTreeMap<Share, Running>,
    tasks: JoinSet<()>,
}

struct Place {
    number: u8,
    candidate: Candidate,
    tenure: Tenure,
}

/// A share that a node has.
struct Running {
    /// Cancelled once it is to be given back.
    leave: CancellationToken,
    task: AbortHandle,
}

/// What a node does about its shares.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Takes so many of those that nobody has.
    Take(usize),
    /// Gives so many back.
    Leave(usize),
}

impl Spread {
    /// A node that wants its part of so many shares. Where leases are, how long they last and who it is, it has of `like`.
    #[must_use]
    pub fn new(of: u8, like: &Candidate) -> Self {
        let candidate = |share| (share, Arc::new(named(like, lease_of(share))));
        let mut newcomer = like.clone();
        newcomer.lasting.lasts = newcomer.lasting.lasts.saturating_sub(newcomer.lasting.renewed);
        Self { of, candidates: Share::all(of).map(candidate).collect(), newcomer }
    }

    /// Until `shutdown`: runs `act` for each share that this node has. It must end soon once its token is cancelled.
    pub async fn run<A, F>(&self, shutdown: &CancellationToken, act: A)
    where
        A: Fn(Share, Tenure, CancellationToken) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let (mut mine, mut is_reported) = (Mine::default(), false);
        self.candidates.iter().for_each(|(_, candidate)| candidate.stands_by());
        while !shutdown.is_cancelled() {
            match self.look(&mut mine, shutdown, &act).await {
                Ok(()) => is_reported = false,
                Err(error) if !is_reported => {
                    tracing::warn!(%error, "shares of dispatching cannot be taken; trying again");
                    is_reported = true;
                }
                Err(_) => {}
            }
            shutdown.run_until_cancelled(tokio::time::sleep(self.newcomer.lasting.tried)).await;
        }
        // First, so that others are there by the time that the shares are free.
        if let Some(Place { candidate, tenure, .. }) = &mine.place {
            candidate.give_back(tenure).await;
        }
        while let Some(ended) = mine.tasks.join_next().await {
            report(&ended);
        }
    }

    /// Looks once at who has what, and takes shares or gives some back.
    async fn look<A, F>(&self, mine: &mut Mine, shutdown: &CancellationToken, act: &A) -> Result<(), KeyStoreError>
    where
        A: Fn(Share, Tenure, CancellationToken) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        while let Some(ended) = mine.tasks.try_join_next() {
            report(&ended);
        }
        mine.shares.retain(|_, running| !running.task.is_finished());
        if let Some(Place { candidate, tenure, .. }) = &mine.place
            && !candidate.renew_once(tenure).await?
        {
            mine.place = None;
        }
        let held = self.held().await?;
        if mine.place.is_none() {
            mine.place = self.take_place(&held).await?;
        }
        // With as many nodes as shares, another one has nothing to do.
        let Some(Place { number, .. }) = mine.place else { return Ok(()) };
        let is_taken = |place: &u8| *place == number || held.contains(&dispatch_node(*place, self.of));
        let places: Vec<u8> = (1..=self.of).filter(is_taken).collect();
        let staying = mine.shares.values().filter(|running| !running.leave.is_cancelled()).count();
        match step(self.candidates.len(), &places, number, staying) {
            Step::Take(wanted) => {
                let free = self
                    .candidates
                    .iter()
                    .filter(|(share, _)| !mine.shares.contains_key(share) && !held.contains(&lease_of(*share)));
                for (share, candidate) in free.take(wanted).cloned().collect::<Vec<_>>() {
                    let Some(tenure) = candidate.try_take().await? else { continue };
                    let leave = shutdown.child_token();
                    let acting = act(share, tenure.clone(), leave.clone());
                    let over = leave.clone();
                    let task = mine.tasks.spawn(async move { candidate.hold(&tenure, acting, &over).await });
                    mine.shares.insert(share, Running { leave, task });
                }
            }
            Step::Leave(many) => {
                let staying = mine.shares.iter().rev().filter(|(_, running)| !running.leave.is_cancelled());
                staying.take(many).for_each(|(_, running)| running.leave.cancel());
            }
        }
        Ok(())
    }

    /// Takes the first place that nobody has; [`None`] if there is none.
    async fn take_place(&self, held: &BTreeSet<String>) -> Result<Option<Place>, KeyStoreError> {
        for number in 1..=self.of {
            let name = dispatch_node(number, self.of);
            if held.contains(&name) {
                continue;
            }
            let candidate = named(&self.newcomer, name);
            if let Some(tenure) = candidate.try_take().await? {
                return Ok(Some(Place { number, candidate, tenure }));
            }
        }
        Ok(None)
    }

    /// The names of the leases that somebody has. One that would last for too long was taken before the store's clock was put back.
    async fn held(&self) -> Result<BTreeSet<String>, KeyStoreError> {
        let Candidate { store, lasting, .. } = &self.newcomer;
        let longest = TimeDelta::from_std(2 * (lasting.lasts + lasting.renewed)).unwrap_or(TimeDelta::MAX);
        let is_held = |lease: &Lease| lease.is_held && lease.left <= longest;
        Ok(store.leases().await?.into_iter().filter(is_held).map(|lease| lease.name).collect())
    }
}

/// The same candidate for another lease.
fn named(like: &Candidate, lease: String) -> Candidate {
    Candidate { part: lease.clone(), lease, ..like.clone() }
}

fn lease_of(share: Share) -> String {
    dispatch(share.number(), share.of())
}

/// What a node at one of some places does that has so many of all shares.
fn step(shares: usize, places: &[u8], place: u8, has: usize) -> Step {
    let nodes = places.len().max(1);
    let before = places.iter().filter(|other| **other < place).count();
    let part = shares / nodes + usize::from(before < shares % nodes);
    if has > part { Step::Leave(has - part) } else { Step::Take(part - has) }
}

fn report(ended: &Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a share of dispatching ended unexpectedly; its lease ends, and it is taken again");
    }
}

#[cfg(test)]
mod tests;
