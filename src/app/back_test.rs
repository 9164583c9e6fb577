//! Rules on sending, tried on what the log holds. Nothing is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::states::decode;
use crate::app::tenants::tenant_stream;
use crate::app::{App, AppError, Caller};
use crate::domain::address::event as addresses;
use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentChanged;
use crate::domain::customer::decide::Patch;
use crate::domain::customer::event as customers;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Meta, Policy};
use crate::domain::event::Event as _;
use crate::domain::message::back_test::{Event, Happened, Proposal, Replayed, replay};
use crate::domain::message::event as messages;
use crate::domain::message::event::MessageEvent;
use crate::domain::refusal::Refusal;
use crate::domain::tenant::change_policy::{self, UpdatePolicy};
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::state::Tenant;
use crate::ids::{AddressId, CustomerId, Position};
use crate::log::{ReadLimit, RecordedEvent, StreamId};
use crate::offload;

/// The longest time that is looked at.
pub const LONGEST: TimeDelta = TimeDelta::days(366);
/// The time that is looked at if none is named.
pub const USUAL: TimeDelta = TimeDelta::days(30);

/// What the rules on sending look at in a customer's stream. Opens, clicks and the reports of providers change no decision.
const OF_CUSTOMERS: &[&str] = &[
    customers::CustomerRegistered::TYPE,
    customers::CustomerProfileChanged::TYPE,
    customers::CustomerAddressAdded::TYPE,
    customers::CustomerAddressRemoved::TYPE,
    customers::CustomerRetracted::TYPE,
    customers::CustomerMergedInto::TYPE,
    customers::CustomerAbsorbed::TYPE,
    customers::CustomerForgotten::TYPE,
    customers::ErasureCompleted::TYPE,
    ConsentChanged::TYPE,
    messages::MessageQueued::TYPE,
    messages::MessageHeld::TYPE,
    messages::MessageSuppressed::TYPE,
    messages::MessageReleased::TYPE,
    messages::MessageCancelled::TYPE,
    messages::DispatchStarted::TYPE,
    messages::DispatchFailed::TYPE,
    messages::DispatchInDoubt::TYPE,
    messages::MessageSent::TYPE,
];

/// What they look at in an address's stream.
const OF_ADDRESSES: &[&str] = &[
    addresses::AddressSuppressed::TYPE,
    addresses::SuppressionLifted::TYPE,
    addresses::AddressOptedOut::TYPE,
    addresses::AddressOptedIn::TYPE,
    addresses::AddressWordsRetracted::TYPE,
    addresses::AddressValidated::TYPE,
];

/// A person whose history is tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TriedPerson {
    /// The records that the person is made of; most often one.
    pub records: Vec<CustomerId>,
    /// When the person was a member of an excluded list: from when, and until when if that has ended.
    pub excluded: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

impl App {
    /// What is to be tried: the rules in force with changes, which are checked as `update_policy` checks them, on a time: by
    /// default the last 30 days. An emergency lifts rules when it is declared and has no past to be tried on: the rules are tried
    /// without one.
    pub async fn propose(
        &self,
        caller: &Caller,
        changes: UpdatePolicy,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Result<Result<Proposal, Refusal>, AppError> {
        let basis = self.basis(caller).await?;
        if changes.emergency_override != Patch::Keep {
            let message = "cannot be tried on the past: rules are tried without an emergency";
            return Ok(Err(Refusal::invalid("policy.emergency_override", message)));
        }
        let stream = tenant_stream(caller.tenant);
        let decided = self
            .read_fresh_state::<Tenant, _>(stream, |loaded| {
                self.deciding(&basis, |context| {
                    change_policy::update(&loaded.state, changes.clone(), &caller.actor, context)
                })
            })
            .await?;
        let changed = match decided {
            Ok(events) => events.into_iter().find_map(|decided| match decided.event {
                TenantEvent::PolicyChanged(changed) => Some(changed.policy),
                _ => None,
            }),
            Err(refusal) => {
                let field = refusal.field.map(|field| format!("policy.{field}"));
                return Ok(Err(Refusal { field, ..refusal }));
            }
        };
        let policy = changed.map_or_else(|| Policy::clone(&basis.policy), |changed| self.with_defaults(changed));
        let policy = Policy { emergency_override: None, ..policy };
        let now = self.shared.ambient.now();
        let until = until.unwrap_or(now);
        let since = since.unwrap_or(until - USUAL);
        if until > now {
            return Ok(Err(Refusal::invalid("until", "must not be in the future")));
        }
        if since >= until {
            return Ok(Err(Refusal::invalid("since", "must be before the end of the period")));
        }
        if until - since > LONGEST {
            return Ok(Err(Refusal::invalid("since", format!("must be at most {} days back", LONGEST.num_days()))));
        }
        // The log says of a time before its beginning what was imported, and nothing of decisions.
        let first = self.shared.journal.read_stream(stream, 0, ReadLimit::events(1)).await?;
        if first.first().is_some_and(|first| until <= first.envelope.recorded_at) {
            return Ok(Err(Refusal::invalid("until", "is before the log began")));
        }
        Ok(Ok(Proposal { policy, since, until, now, secret: basis.secret }))
    }

    /// Tries a proposal on some persons' histories, in their order.
    pub async fn try_on(
        &self,
        caller: &Caller,
        proposal: &Proposal,
        persons: Vec<TriedPerson>,
    ) -> Result<Vec<Replayed>, AppError> {
        let tenant = caller.tenant;
        let streams: Vec<StreamId> =
            persons.iter().flat_map(|person| &person.records).map(|id| customer_stream(tenant, *id)).collect();
        // Nothing that is personal is looked at, so no key is needed.
        let journal = &self.shared.journal;
        let of_customers = journal.read_streams_without_personal(&streams, OF_CUSTOMERS).await?;
        let events = of_customers.len();
        let of_customers = offload::run(events, move || {
            let mut histories: BTreeMap<CustomerId, Vec<Recorded>> = BTreeMap::new();
            for recorded in &of_customers {
                let id = CustomerId(recorded.envelope.stream.key);
                let event = Event::Customer(id, Box::new(decode::<Customer>(recorded)?.event));
                histories.entry(id).or_default().push(Recorded::new(recorded, event));
            }
            Ok::<_, AppError>(histories)
        })
        .await?;
        let used: BTreeSet<AddressId> =
            of_customers.values().flatten().filter_map(|recorded| recorded.asked_for(&proposal.range())).collect();
        let streams: Vec<StreamId> = used.into_iter().map(|id| address_stream(tenant, id)).collect();
        let of_addresses = journal.read_streams_without_personal(&streams, OF_ADDRESSES).await?;
        let (proposal, range) = (proposal.clone(), proposal.range());
        offload::run(events, move || {
            let mut of_customers = of_customers;
            let mut at_addresses: BTreeMap<AddressId, Vec<Recorded>> = BTreeMap::new();
            for recorded in &of_addresses {
                let id = AddressId(recorded.envelope.stream.key);
                let event = Event::Address(id, Box::new(decode::<Address>(recorded)?.event));
                at_addresses.entry(id).or_default().push(Recorded::new(recorded, event));
            }
            let replayed = persons.into_iter().map(|person| {
                let mut history: Vec<Recorded> =
                    person.records.iter().filter_map(|id| of_customers.remove(id)).flatten().collect();
                let used: BTreeSet<AddressId> =
                    history.iter().filter_map(|recorded| recorded.asked_for(&range)).collect();
                let others = used.iter().filter_map(|id| at_addresses.get(id)).flatten().cloned();
                history.extend(others);
                history.sort_by_key(|recorded| recorded.position);
                let was_member = |at| {
                    let covers = |(from, to): &(DateTime<Utc>, Option<DateTime<Utc>>)| {
                        *from <= at && to.is_none_or(|to| at < to)
                    };
                    person.excluded.iter().any(covers)
                };
                let history = history.into_iter().map(|recorded| recorded.happened);
                replay(&proposal, history, was_member)
            });
            Ok(replayed.collect())
        })
        .await
    }
}

/// An event of a history, and where the log has it.
#[derive(Debug, Clone)]
struct Recorded {
    position: Position,
    happened: Happened,
}

impl Recorded {
    fn new(recorded: &RecordedEvent, event: Event) -> Self {
        let envelope = &recorded.envelope;
        let meta = Meta { id: envelope.id, version: envelope.version, occurred_at: envelope.occurred_at };
        Self { position: envelope.position, happened: Happened { recorded_at: envelope.recorded_at, meta, event } }
    }

    /// The address that a message of a time goes to, if the event asks for one.
    fn asked_for(&self, range: &Range<DateTime<Utc>>) -> Option<AddressId> {
        let Event::Customer(_, event) = &self.happened.event else { return None };
        match &**event {
            CustomerEvent::Message(MessageEvent::MessageQueued(queued)) => {
                queued.address_id.filter(|_| range.contains(&self.happened.meta.occurred_at))
            }
            _ => None,
        }
    }
}
