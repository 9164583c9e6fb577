//! What a back-test found: numbers, and a few examples.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::domain::message::back_test::{Course, End, Replayed, Tried};
use crate::domain::value::{Channel, words};
use crate::ids::{CampaignId, CustomerId, MessageId};

/// How many examples each rule has.
const EXAMPLES: usize = 5;
/// How many campaigns have numbers of their own; the messages of further ones are counted together.
const CAMPAIGNS: usize = 1_000;

words! {
    /// What the proposed rules change for a message.
    Change, "change" {
        /// It was sent, and would not have been.
        NotSent = "not_sent",
        /// It was sent, and would have been sent later, or would still wait.
        Later = "later",
        /// It waited, and would have been sent sooner.
        Sooner = "sooner",
        /// It was not sent, and would have been, or would wait to be.
        Sent = "sent",
    }
}

/// How many messages there are, and what would have become of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them: the sum of the others.
    pub messages: u64,
    /// Sent, and would have been sent at the same time.
    pub sent_as_well: u64,
    /// Not sent, and would not have been either.
    pub stopped_as_well: u64,
    /// Wait, and would wait.
    pub waiting_as_well: u64,
    /// See [`Change::NotSent`].
    pub not_sent: u64,
    /// See [`Change::Later`].
    pub later: u64,
    /// See [`Change::Sooner`].
    pub sooner: u64,
    /// See [`Change::Sent`].
    pub sent: u64,
}

impl Counts {
    /// Messages for which the proposed rules change something.
    #[must_use]
    pub const fn changed(&self) -> u64 {
        self.not_sent + self.later + self.sooner + self.sent
    }

    fn add(&mut self, message: &Tried, change: Option<Change>) {
        self.messages += 1;
        let counter = match (change, &message.was.end) {
            (Some(Change::NotSent), _) => &mut self.not_sent,
            (Some(Change::Later), _) => &mut self.later,
            (Some(Change::Sooner), _) => &mut self.sooner,
            (Some(Change::Sent), _) => &mut self.sent,
            (None, End::Sent(_)) => &mut self.sent_as_well,
            (None, End::Stopped(_) | End::Cancelled) => &mut self.stopped_as_well,
            (None, End::Queued | End::Waits(_)) => &mut self.waiting_as_well,
        };
        *counter += 1;
    }
}

/// Messages for which one rule changes something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruled {
    pub messages: u64,
    /// Persons with such a message.
    pub customers: u64,
    /// When the first of the messages was asked for.
    pub first_at: Option<DateTime<Utc>>,
    /// When the last one was.
    pub last_at: Option<DateTime<Utc>>,
    /// By how much they would have been sent later, or sooner, together. What still waits counts until its hold ends.
    pub moved: TimeDelta,
    /// Of how many both moments are known.
    pub moved_messages: u64,
    /// The most by which one would have been.
    pub most_moved: TimeDelta,
    /// Of those that would have been sent later, how many would still wait.
    pub still_waiting: u64,
    pub examples: Vec<Example>,
}

/// A message for which something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The record whose message it is.
    pub customer_id: CustomerId,
    pub message_id: MessageId,
    pub asked_at: DateTime<Utc>,
    /// When it was sent.
    pub was_sent_at: Option<DateTime<Utc>>,
    /// When it would have been sent, or when the hold ends in which it would wait.
    pub would_be_sent_at: Option<DateTime<Utc>>,
}

/// What a back-test found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackTest {
    /// Persons whose messages were decided on again.
    pub customers: u64,
    /// Of these, persons with a message for which something changes.
    pub changed_customers: u64,
    pub totals: Counts,
    /// Messages outside of campaigns have none.
    pub by_campaign: BTreeMap<Option<CampaignId>, Counts>,
    /// Of campaigns that are too many to have numbers of their own.
    pub other_campaigns: Counts,
    pub by_channel: BTreeMap<Channel, Counts>,
    /// By the day on which they were asked for, in the tenant's time zone.
    pub by_day: BTreeMap<NaiveDate, Counts>,
    /// By change, and the rule that makes it: that would hold or stop the message, or else that held or stopped it.
    pub by_rule: BTreeMap<(Change, String), Ruled>,
    /// Persons who were forgotten since: their messages are not decided on again.
    pub forgotten_customers: u64,
    pub forgotten_messages: u64,
}

impl BackTest {
    pub(super) fn count(&mut self, replayed: &Replayed, zone: Tz) {
        if replayed.messages.is_empty() {
            return;
        }
        if replayed.is_forgotten {
            self.forgotten_customers += 1;
            self.forgotten_messages += replayed.messages.len() as u64;
            return;
        }
        self.customers += 1;
        let mut seen = BTreeSet::new();
        for message in &replayed.messages {
            let changed = change(message);
            let kind = changed.as_ref().map(|(change, _)| *change);
            let campaign = message.key.campaign_id;
            let of_campaign = match self.by_campaign.len() < CAMPAIGNS || self.by_campaign.contains_key(&campaign) {
                true => self.by_campaign.entry(campaign).or_default(),
                false => &mut self.other_campaigns,
            };
            of_campaign.add(message, kind);
            self.totals.add(message, kind);
            self.by_channel.entry(message.key.channel).or_default().add(message, kind);
            let day = zone.from_utc_datetime(&message.asked_at.naive_utc()).date_naive();
            self.by_day.entry(day).or_default().add(message, kind);
            if let Some(by) = changed {
                let ruled = self.by_rule.entry(by.clone()).or_default();
                ruled.add(message);
                ruled.customers += u64::from(seen.insert(by));
            }
        }
        self.changed_customers += u64::from(!seen.is_empty());
    }
}

impl Ruled {
    fn add(&mut self, message: &Tried) {
        self.messages += 1;
        let (was, would) = (message.was.end.moment(), message.would.end.moment());
        self.first_at = Some(self.first_at.map_or(message.asked_at, |first| first.min(message.asked_at)));
        self.last_at = self.last_at.max(Some(message.asked_at));
        if let (Some(was), Some(would)) = (was, would) {
            let moved = (would - was).abs();
            self.moved += moved;
            self.moved_messages += 1;
            self.most_moved = self.most_moved.max(moved);
        }
        self.still_waiting += u64::from(matches!(message.would.end, End::Queued | End::Waits(_)));
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example {
                customer_id: message.customer_id,
                message_id: message.key.message_id,
                asked_at: message.asked_at,
                was_sent_at: message.was.end.sent_at(),
                would_be_sent_at: would,
            });
        }
    }

    /// The mean of what [`Self::moved`] sums up, in hours; nothing where no message is moved.
    #[must_use]
    pub fn mean_hours(&self) -> Option<f64> {
        let count = i32::try_from(self.moved_messages).unwrap_or(i32::MAX);
        (count > 0).then(|| in_hours(self.moved / count))
    }

    /// [`Self::most_moved`] in hours.
    #[must_use]
    pub fn most_hours(&self) -> Option<f64> {
        (self.moved_messages > 0).then(|| in_hours(self.most_moved))
    }
}

fn in_hours(time: TimeDelta) -> f64 {
    time.as_seconds_f64() / 3600.0
}

trait Moment {
    /// When a message was sent, or may be.
    fn moment(&self) -> Option<DateTime<Utc>>;
    fn sent_at(&self) -> Option<DateTime<Utc>>;
}

impl Moment for End {
    fn moment(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Sent(at) | Self::Waits(at) => Some(*at),
            Self::Queued | Self::Stopped(_) | Self::Cancelled => None,
        }
    }

    fn sent_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Sent(at) => Some(*at),
            Self::Queued | Self::Waits(_) | Self::Stopped(_) | Self::Cancelled => None,
        }
    }
}

/// What the proposal changes for a message, and the rule that makes it; nothing if it changes nothing.
fn change(message: &Tried) -> Option<(Change, String)> {
    let Tried { was, would, .. } = message;
    let held = |course: &Course| course.held_by.clone().unwrap_or_default();
    match (&was.end, &would.end) {
        (End::Stopped(_) | End::Cancelled, End::Stopped(_) | End::Cancelled) => None,
        (_, End::Stopped(rule)) => Some((Change::NotSent, rule.clone())),
        // It would have waited for longer, and was taken back in that time.
        (_, End::Cancelled) => Some((Change::NotSent, "cancelled".to_owned())),
        (End::Stopped(rule), _) => Some((Change::Sent, rule.clone())),
        (End::Cancelled, _) => Some((Change::Sent, "cancelled".to_owned())),
        (End::Sent(then), End::Sent(now)) if then == now => None,
        (End::Sent(then), End::Sent(now)) if now < then => Some((Change::Sooner, held(was))),
        (End::Sent(_), _) => Some((Change::Later, held(would))),
        (End::Queued | End::Waits(_), End::Sent(_)) => Some((Change::Sooner, held(was))),
        (End::Waits(then), End::Waits(now)) if then < now => Some((Change::Later, held(would))),
        (End::Waits(then), End::Waits(now)) if now < then => Some((Change::Sooner, held(was))),
        (End::Queued, End::Waits(_)) => Some((Change::Later, held(would))),
        (End::Waits(_), End::Queued) => Some((Change::Sooner, held(was))),
        (End::Queued, End::Queued) | (End::Waits(_), End::Waits(_)) => None,
    }
}
