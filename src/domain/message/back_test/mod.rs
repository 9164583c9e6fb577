//! Other rules tried on what has been: each message of a time is decided on again, as the customer and the address stood then.
//!
//! A person's history is folded a second time. What customers, colleagues and providers did stays as it was; what the rules
//! decide about a message is decided again by the same code ([`judge_request`] when it is asked for, [`begin`] when a
//! dispatcher takes it), on a state that holds the messages as they *would* have been: what would not have been sent counts
//! against no later cap, and what would have waited counts from the moment at which it would have been sent.
//!
//! When a dispatcher takes a message:
//!
//! - where it took it then, unless a rule would have held it for longer: the pace of a campaign, a pause or a slow provider
//!   are no decision of the rules;
//! - a message that waited or was stopped then, and would not have been, is taken when it is asked for, or when its hold ends;
//!   the provider is taken to have accepted it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::address::event::AddressEvent;
use crate::domain::address::state::Address;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Meta, Policy};
use crate::domain::message::dispatch::{DispatchInputs, begin};
use crate::domain::message::event::{
    MessageCancelled, MessageClass, MessageEvent, MessageHeld, MessageKey, MessageQueued, MessageQueuedPersonal,
    MessageSent, MessageSuppressed, Route,
};
use crate::domain::message::rules::{Asked, Verdict, judge_request};
use crate::domain::message::state::Stage;
use crate::ids::{AddressId, CustomerId, EventId, MessageId, TenantSecret};

/// The rule by which members of an excluded list get no marketing.
pub const LIST_RULE: &str = "list";

/// What is tried.
#[derive(Clone)]
pub struct Proposal {
    /// The rules.
    pub policy: Policy,
    /// Messages that were asked for from then on are decided on again.
    pub since: DateTime<Utc>,
    /// Until then, exclusive. Later ones are taken as they were.
    pub until: DateTime<Utc>,
    /// The present moment: a hold that ends later has not ended.
    pub now: DateTime<Utc>,
    /// Derives ids, of which none is kept.
    pub secret: TenantSecret,
}

impl Proposal {
    /// The time whose messages are decided on again.
    #[must_use]
    pub fn range(&self) -> Range<DateTime<Utc>> {
        self.since..self.until
    }
}

/// An event of a person's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Where it stands.
    pub meta: Meta,
    /// In which stream, and what.
    pub event: Event,
}

/// An event, and the stream that it stands in.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of one of the records that the person is made of.
    Customer(CustomerId, Box<CustomerEvent>),
    /// Of one of the addresses that messages went to.
    Address(AddressId, Box<AddressEvent>),
}

/// What became of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// The rule that held it last, if one did.
    pub held_by: Option<String>,
    /// How it ended.
    pub end: End,
}

/// How a message ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum End {
    /// It still waits: for its time, or else for a dispatcher.
    #[default]
    Queued,
    /// It waits until a time.
    Waits(DateTime<Utc>),
    /// A provider was called for it, the first time at this moment.
    Sent(DateTime<Utc>),
    /// It is not sent, by this rule.
    Stopped(String),
    /// It was taken back.
    Cancelled,
}

/// A message that was decided on again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The record whose stream it stands in.
    pub customer_id: CustomerId,
    /// The message, its channel and its campaign.
    pub key: MessageKey,
    /// Marketing or transactional.
    pub class: MessageClass,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// What became of it.
    pub was: Course,
    /// What would have become of it.
    pub would: Course,
}

/// A person's history tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The messages of the time, in the order in which they were asked for.
    pub messages: Vec<Tried>,
    /// Whether the person was forgotten since.
    pub is_forgotten: bool,
}

/// Tries a proposal on a person's history, in the order of the log. `is_excluded` says whether the person was a member of an
/// excluded list at a moment.
pub fn replay(
    proposal: &Proposal,
    history: impl IntoIterator<Item = Happened>,
    is_excluded: impl Fn(DateTime<Utc>) -> bool,
) -> Replayed {
    let mut replay = Replay {
        proposal,
        is_excluded,
        records: BTreeMap::new(),
        addresses: BTreeMap::new(),
        messages: vec![],
        places: HashMap::new(),
        due: BTreeSet::new(),
    };
    for happened in history {
        replay.follow(happened);
    }
    replay.release((proposal.now, usize::MAX));
    Replayed {
        is_forgotten: replay.records.values().any(Customer::is_forgotten),
        messages: replay.messages.into_iter().map(|message| message.tried).collect(),
    }
}

/// What stands in the way of a message, as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing: a dispatcher was about to take it.
    Queued,
    /// A rule, until a time.
    Held(DateTime<Utc>),
    /// A dispatcher took it, or it was settled.
    Over,
}

struct Message {
    tried: Tried,
    address_id: Option<AddressId>,
    then: Then,
    /// Whether the call of a provider that would have been made is the one that was: what came of it counts.
    is_same_call: bool,
}

struct Replay<'a, E> {
    proposal: &'a Proposal,
    is_excluded: E,
    /// The states as they would have been.
    records: BTreeMap<CustomerId, Customer>,
    addresses: BTreeMap<AddressId, Address>,
    messages: Vec<Message>,
    places: HashMap<MessageId, usize>,
    /// When holds would have ended.
    due: BTreeSet<(DateTime<Utc>, usize)>,
}

impl<E: Fn(DateTime<Utc>) -> bool> Replay<'_, E> {
    fn follow(&mut self, happened: Happened) {
        let Happened { recorded_at, meta, event } = happened;
        match event {
            Event::Address(id, event) => {
                self.release((recorded_at, usize::MAX));
                self.addresses.entry(id).or_default().apply(&event, meta);
            }
            Event::Customer(id, event) => match &*event {
                CustomerEvent::Message(MessageEvent::MessageQueued(queued))
                    if self.proposal.range().contains(&meta.occurred_at) =>
                {
                    self.release((meta.occurred_at, usize::MAX));
                    self.ask(id, queued, meta);
                }
                CustomerEvent::Message(message) => match self.places.get(&message.message_key().message_id) {
                    Some(&place) => self.go_on(place, message, meta),
                    None => {
                        self.release((meta.occurred_at, usize::MAX));
                        self.fold(id, &event, meta);
                    }
                },
                CustomerEvent::Profile(_)
                | CustomerEvent::Identity(_)
                | CustomerEvent::Note(_)
                | CustomerEvent::Activity(_)
                | CustomerEvent::Consent(_)
                | CustomerEvent::Conversation(_) => {
                    self.release((recorded_at, usize::MAX));
                    self.fold(id, &event, meta);
                }
            },
        }
    }

    /// A message of the time is asked for.
    fn ask(&mut self, customer_id: CustomerId, queued: &MessageQueued, meta: Meta) {
        let (now, key) = (meta.occurred_at, queued.key.clone());
        let asked = Asked {
            channel: key.channel,
            class: queued.class,
            topic: &queued.topic,
            address_id: queued.address_id,
            is_template: queued.template.is_some(),
            queued_version: None,
        };
        let decided: Option<CustomerEvent> = if queued.class == MessageClass::Marketing && (self.is_excluded)(now) {
            let inputs = serde_json::json!({});
            Some(MessageSuppressed { key: key.clone(), rule: LIST_RULE.to_owned(), inputs }.into())
        } else {
            let (person, address) = (self.person(customer_id), self.address(queued.address_id));
            match self.at(now, |context| judge_request(&person, &address, asked, queued.send_at, context)) {
                Verdict::Send => None,
                Verdict::Hold { until, because } => Some(
                    MessageHeld { key: key.clone(), until, rule: because.rule.to_owned(), inputs: because.inputs }
                        .into(),
                ),
                Verdict::Suppress(because) => Some(
                    MessageSuppressed { key: key.clone(), rule: because.rule.to_owned(), inputs: because.inputs }
                        .into(),
                ),
            }
        };
        let place = self.messages.len();
        self.places.insert(key.message_id, place);
        let (was, would) = (Course::default(), Course::default());
        self.messages.push(Message {
            tried: Tried { customer_id, key, class: queued.class, asked_at: now, was, would },
            address_id: queued.address_id,
            then: Then::Queued,
            is_same_call: false,
        });
        self.fold(customer_id, &queued.clone().into(), meta);
        if let Some(decided) = decided {
            self.decide(place, &decided, now);
        }
    }

    /// Something happened with a message of the time.
    fn go_on(&mut self, place: usize, event: &MessageEvent, meta: Meta) {
        let at = meta.occurred_at;
        // Of what is due at this moment, dispatchers take first what was asked for first.
        self.release((at, place));
        self.messages[place].note(event, at);
        match event {
            MessageEvent::DispatchStarted(_) => self.take(place, at, Some(event)),
            MessageEvent::MessageHeld(_) | MessageEvent::MessageSuppressed(_) => self.take(place, at, Some(event)),
            MessageEvent::MessageCancelled(_) => {
                let message = &self.messages[place];
                let is_waiting = self.records.get(&message.tried.customer_id).is_some_and(|record| {
                    let pending = record.pending.get(message.tried.key.message_id);
                    pending.is_some_and(|pending| {
                        matches!(pending.stage, Stage::Queued | Stage::Held { .. } | Stage::Retry { .. })
                    })
                });
                if is_waiting {
                    let key = message.tried.key.clone();
                    self.decide(place, &MessageCancelled { key, reason: String::new() }.into(), at);
                }
            }
            MessageEvent::DispatchFailed(_) | MessageEvent::DispatchInDoubt(_) | MessageEvent::MessageSent(_) => {
                let message = &self.messages[place];
                if message.is_same_call {
                    self.fold(message.tried.customer_id, &CustomerEvent::Message(event.clone()), meta);
                }
            }
            MessageEvent::MessageQueued(_)
            | MessageEvent::MessageReleased(_)
            | MessageEvent::MessageDelivered(_)
            | MessageEvent::MessageDeferred(_)
            | MessageEvent::MessageBounced(_)
            | MessageEvent::MessageFailed(_)
            | MessageEvent::MessageOpened(_)
            | MessageEvent::MessageClicked(_)
            | MessageEvent::EngagementReclassified(_)
            | MessageEvent::MessageDismissed(_)
            | MessageEvent::MessageComplained(_)
            | MessageEvent::CallEnded(_)
            | MessageEvent::MessageReceived(_)
            | MessageEvent::MessageRetracted(_)
            | MessageEvent::MessageAttached(_)
            | MessageEvent::AttachmentFetched(_)
            | MessageEvent::AttachmentMissed(_) => {}
        }
    }

    /// Lets dispatchers take what is due before a moment; what is due at it, if it was asked for before a message.
    fn release(&mut self, end: (DateTime<Utc>, usize)) {
        while let Some(&(at, place)) = self.due.first()
            && (at, place) < end
        {
            self.due.pop_first();
            match self.messages[place].then {
                // The dispatcher that took it then takes it.
                Then::Queued => {}
                Then::Held(until) if until <= at => {}
                Then::Held(_) | Then::Over => self.take(place, at, None),
            }
        }
    }

    /// A dispatcher takes a message, if it is due. `then` is what was decided at this moment.
    fn take(&mut self, place: usize, at: DateTime<Utc>, then: Option<&MessageEvent>) {
        let Message { tried, address_id, .. } = &self.messages[place];
        let (customer_id, key) = (tried.customer_id, tried.key.clone());
        let Some(own) = self.records.get(&customer_id) else { return };
        let (person, address) = (self.person_of(own, customer_id), self.address(*address_id));
        let (route, attempt) = match then {
            Some(MessageEvent::DispatchStarted(started)) => (started.route.clone(), true),
            _ => (Route { provider: String::new(), account: String::new(), domain: None }, false),
        };
        let content = MessageQueuedPersonal {
            to: None,
            subject: None,
            body: String::new(),
            html: None,
            variables: BTreeMap::new(),
            form: None,
        };
        let inputs = DispatchInputs {
            address: &address,
            address_version: 0,
            content: Some(&content),
            unmade: None,
            files: &[],
            choice: None,
            person: Some(&person),
        };
        // Nothing is decided about what is not due, and nothing is refused.
        let decided = self.at(at, |context| begin(own, key.message_id, &route, inputs, context)).unwrap_or_default();
        for decided in decided {
            let mut event = decided.event;
            if let (
                CustomerEvent::Message(MessageEvent::DispatchStarted(_)),
                Some(MessageEvent::MessageSuppressed(MessageSuppressed { rule, .. })),
            ) = (&event, then)
                && rule == "template"
            {
                // Its text could not be made: no rule on sending changes that.
                let (key, inputs) = (key.clone(), serde_json::json!({}));
                event = MessageSuppressed { key, rule: rule.clone(), inputs }.into();
            }
            let is_call = matches!(&event, CustomerEvent::Message(MessageEvent::DispatchStarted(_)));
            self.decide(place, &event, at);
            if is_call {
                self.messages[place].is_same_call = attempt;
                if !attempt {
                    let sent = MessageSent {
                        key: key.clone(),
                        route: route.clone(),
                        provider_message_id: None,
                        segments: 1,
                        cost_micros: None,
                        currency: None,
                        mail_id: None,
                    };
                    self.fold(customer_id, &sent.into(), supposed(at));
                }
            }
        }
    }

    /// Notes what would have been decided about a message.
    fn decide(&mut self, place: usize, event: &CustomerEvent, at: DateTime<Utc>) {
        let message = &mut self.messages[place];
        if let CustomerEvent::Message(event) = event {
            message.tried.would.note(event, at);
            if let MessageEvent::MessageHeld(held) = event {
                self.due.insert((held.until, place));
            }
        }
        let id = message.tried.customer_id;
        self.fold(id, event, supposed(at));
    }

    fn fold(&mut self, id: CustomerId, event: &CustomerEvent, meta: Meta) {
        self.records.entry(id).or_default().apply(event, meta);
    }

    fn at<T>(&self, now: DateTime<Utc>, decide: impl FnOnce(&Context<'_>) -> T) -> T {
        let Proposal { policy, secret, .. } = self.proposal;
        decide(&Context { now, new_id: &Uuid::nil, secret, policy })
    }

    fn address(&self, id: Option<AddressId>) -> Cow<'_, Address> {
        id.and_then(|id| self.addresses.get(&id)).map_or_else(|| Cow::Owned(Address::default()), Cow::Borrowed)
    }

    fn person(&self, id: CustomerId) -> Cow<'_, Customer> {
        match self.records.get(&id) {
            Some(own) => self.person_of(own, id),
            None => Cow::Owned(Customer::default()),
        }
    }

    /// The person that decisions on a record's messages see: of merged records the survivor, with what all were sent.
    fn person_of<'s>(&'s self, own: &'s Customer, id: CustomerId) -> Cow<'s, Customer> {
        if own.is_alone() {
            return Cow::Borrowed(own);
        }
        let (mut root, mut root_id) = (own, id);
        // Each was merged once, into one who was not merged then: the way has an end.
        while let Some(merged) = root.merged
            && let Some(survivor) = self.records.get(&merged.into)
        {
            (root, root_id) = (survivor, merged.into);
        }
        let parts = root.absorbed.iter().copied().chain([root_id]).filter(|part| *part != id);
        let others: Vec<Customer> = parts.filter_map(|part| self.records.get(&part)).cloned().collect();
        Cow::Owned(root.with_messages_of(own, &others))
    }
}

impl Message {
    /// Notes what was decided then.
    fn note(&mut self, event: &MessageEvent, at: DateTime<Utc>) {
        self.tried.was.note(event, at);
        self.then = match event {
            MessageEvent::MessageHeld(held) => Then::Held(held.until),
            MessageEvent::MessageReleased(_) => Then::Queued,
            MessageEvent::MessageSuppressed(_)
            | MessageEvent::MessageCancelled(_)
            | MessageEvent::DispatchStarted(_) => Then::Over,
            _ => return,
        };
    }
}

impl Course {
    fn note(&mut self, event: &MessageEvent, at: DateTime<Utc>) {
        match event {
            MessageEvent::MessageHeld(held) => {
                self.held_by = Some(held.rule.clone());
                self.end = End::Waits(held.until);
            }
            MessageEvent::MessageSuppressed(suppressed) => self.end = End::Stopped(suppressed.rule.clone()),
            MessageEvent::MessageCancelled(_) => self.end = End::Cancelled,
            MessageEvent::DispatchStarted(_) if !matches!(self.end, End::Sent(_)) => self.end = End::Sent(at),
            _ => {}
        }
    }
}

/// Where an event would stand that was not recorded.
fn supposed(occurred_at: DateTime<Utc>) -> Meta {
    Meta { id: EventId(Uuid::nil()), version: 0, occurred_at }
}

#[cfg(test)]
mod tests;
