//! What waits to be dispatched, and what is under way.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::app::{DispatchSignal, Lane, Signal};
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId, TenantId};

/// More of the log is read for a lane when fewer messages than this are ready in it.
const READ_ON_BELOW: usize = 2_000;

/// One message to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Job {
    pub(super) tenant: TenantId,
    pub(super) customer_id: CustomerId,
    pub(super) message_id: MessageId,
    pub(super) channel: Channel,
    pub(super) lane: Lane,
    /// Since when it could go out.
    pub(super) since: DateTime<Utc>,
}

/// What waits, and what is under way.
#[derive(Default)]
pub(super) struct Work {
    pub(super) ready: Ready,
    pub(super) later: BinaryHeap<Reverse<(DateTime<Utc>, Job)>>,
    /// What waits for an account: until a time, or until accounts change.
    pub(super) unserved: BinaryHeap<Reverse<(DateTime<Utc>, Job)>>,
    pub(super) under_way: JoinSet<Option<(DateTime<Utc>, Job)>>,
    /// Tenants of which nothing is sent before an operator has confirmed the log.
    pub(super) held: BTreeSet<TenantId>,
    /// Their messages.
    pub(super) unconfirmed: Vec<Job>,
}

impl Work {
    pub(super) fn take(&mut self, job: Job, stage: DispatchSignal) {
        match stage {
            DispatchSignal::Ready => self.ready.push(job),
            DispatchSignal::Due(at) => self.later.push(Reverse((at, Job { since: at, ..job }))),
            // Another call of this process, or settled.
            DispatchSignal::Dispatching | DispatchSignal::Settled => {}
        }
    }

    /// Of several signals about one message in a page, the last one counts.
    pub(super) fn note(&mut self, signals: Vec<Signal>, now: DateTime<Utc>) {
        let mut last = HashMap::new();
        for (index, signal) in signals.iter().enumerate() {
            if let Signal::Message { message_id, .. } = signal {
                last.insert(*message_id, index);
            }
        }
        for (index, signal) in signals.into_iter().enumerate() {
            if let Signal::Message { tenant, customer_id, message_id, channel, lane, stage } = signal
                && last.get(&message_id) == Some(&index)
            {
                self.take(Job { tenant, customer_id, message_id, channel, lane, since: now }, stage);
            }
        }
    }

    /// Whatever waits for an account is looked at again, the longest wait first.
    pub(super) fn serve_again(&mut self) {
        let mut waiting: Vec<Job> = self.unserved.drain().map(|Reverse((_, job))| job).collect();
        waiting.sort_unstable_by_key(|job| job.since);
        waiting.into_iter().for_each(|job| self.ready.push(job));
    }

    pub(super) fn pause(&self, now: DateTime<Utc>, tick: Duration) -> Duration {
        let next = [&self.later, &self.unserved].into_iter().filter_map(|waiting| waiting.peek());
        let due = next.map(|Reverse((at, _))| (*at - now).to_std().unwrap_or(Duration::ZERO)).min();
        due.map_or(tick, |due| due.min(tick))
    }
}

/// What may go out now: single messages before those of campaigns, each in the order in which they came.
#[derive(Default)]
pub(super) struct Ready {
    single: VecDeque<Job>,
    campaign: VecDeque<Job>,
}

impl Ready {
    pub(super) fn push(&mut self, job: Job) {
        match job.lane {
            Lane::Single => self.single.push_back(job),
            Lane::Campaign => self.campaign.push_back(job),
        }
    }

    /// The next message. One of a campaign needs a place, which it keeps while it is under way.
    pub(super) fn pop(
        &mut self,
        place: impl FnOnce() -> Option<OwnedSemaphorePermit>,
    ) -> Option<(Job, Option<OwnedSemaphorePermit>)> {
        if let Some(job) = self.single.pop_front() {
            return Some((job, None));
        }
        if self.campaign.is_empty() {
            return None;
        }
        let place = place()?;
        Some((self.campaign.pop_front()?, Some(place)))
    }
}

/// How many messages of campaigns are under way at once.
pub(super) struct CampaignRoom {
    places: Arc<Semaphore>,
    all: usize,
}

impl CampaignRoom {
    /// Three quarters of so many messages at once.
    pub(super) fn in_all(concurrency: usize) -> Self {
        let all = (concurrency - concurrency / 4).max(1);
        Self { places: Arc::new(Semaphore::new(all)), all }
    }

    /// How many there may be at the moment.
    pub(super) fn most(&self, is_campaign_deciding: bool) -> usize {
        if is_campaign_deciding { (self.all / 12).max(1) } else { self.all }
    }

    /// A place, if fewer than so many are taken.
    pub(super) fn take(&self, most: usize) -> Option<OwnedSemaphorePermit> {
        if self.all - self.places.available_permits() >= most {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}

/// What the log tells of each lane.
pub(super) struct Signals {
    pub(super) single: mpsc::Receiver<Vec<Signal>>,
    pub(super) campaign: mpsc::Receiver<Vec<Signal>>,
}

impl Signals {
    /// The next of a lane in which few messages are ready; nothing once the log is closed.
    pub(super) async fn next(&mut self, ready: &Ready) -> Option<Vec<Signal>> {
        let (single, campaign) = (ready.single.len() < READ_ON_BELOW, ready.campaign.len() < READ_ON_BELOW);
        tokio::select! {
            biased;
            found = self.single.recv(), if single => found,
            found = self.campaign.recv(), if campaign => found,
            () = std::future::pending(), if !single && !campaign => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn job(number: u128, lane: Lane) -> Job {
        let id = Uuid::from_u128(number);
        let (tenant, customer_id, message_id) = (TenantId(id), CustomerId(id), MessageId(id));
        Job { tenant, customer_id, message_id, channel: Channel::Email, lane, since: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn a_message_of_its_own_goes_before_a_campaign_and_finds_room_beside_it() {
        let (room, mut ready) = (CampaignRoom::in_all(4), Ready::default());
        (1..=5).for_each(|number| ready.push(job(number, Lane::Campaign)));
        ready.push(job(6, Lane::Single));
        let mut places = vec![];
        let mut next = |ready: &mut Ready, most: usize| {
            let (job, place) = ready.pop(|| room.take(most))?;
            places.push(place);
            Some(job.message_id.0.as_u128())
        };
        let order: Vec<_> = std::iter::from_fn(|| next(&mut ready, room.most(false))).collect();
        assert_eq!(order, [6, 1, 2, 3], "a place of four is left to messages of their own");
        ready.push(job(7, Lane::Single));
        assert_eq!(next(&mut ready, room.most(false)), Some(7));
        places.clear();
        let mut next = |most| ready.pop(|| room.take(most)).map(|(job, place)| (job.message_id.0.as_u128(), place));
        let first = next(room.most(true));
        assert!(first.as_ref().is_some_and(|(number, _)| *number == 4) && next(room.most(true)).is_none());
        drop(first);
        assert_eq!(next(room.most(true)).map(|(number, _)| number), Some(5));
    }
}
