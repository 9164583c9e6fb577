//! Who has which address: what happens to a customer's addresses is recorded in the addresses' streams.

use crate::app::consents::words_of_customer;
use crate::app::engine::aggregate::Aggregate;
use crate::app::engine::deciding::{AtAddress, Cached, CommandRun, Committed};
use crate::app::{App, AppError, Caller};
use crate::domain::address::event::{AddressClaimed, AddressEvent, AddressReleased};
use crate::domain::address::state::Address;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided};
use crate::ids::{AddressId, CustomerId, EventId, Label, SubjectId, TenantId};
use crate::log::journal::JournalError;
use crate::log::{Append, Category, Expected, NewEvent, StreamId};

/// A customer's claim on an address.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    /// The address.
    pub address_id: AddressId,
    /// The customer who claims it.
    pub customer_id: CustomerId,
}

/// The event that leads to another one in a different stream.
#[derive(Clone, Copy)]
pub(crate) struct Because {
    /// The event's id.
    pub event_id: EventId,
    /// When it happened.
    pub occurred_at: chrono::DateTime<chrono::Utc>,
}

/// What addresses record because of a customer's events, in the same commit: who has them, and what was said about messages.
pub(crate) fn because_of_customer(
    state: &Customer,
    run: &CommandRun<'_>,
    events: &[Decided<CustomerEvent>],
    context: &Context<'_>,
) -> Vec<AtAddress> {
    let customer_id = CustomerId(run.stream.key);
    let claims = events.iter().filter_map(|decided| {
        let event = claim_or_release(customer_id, &decided.event)?;
        let address_id = event.0;
        // A changed label is no new claim.
        let is_new = matches!(event.1, AddressEvent::AddressReleased(_)) || state.address(address_id).is_none();
        let because = Because { event_id: decided.id, occurred_at: decided.occurred_at };
        is_new.then(|| (address_id, derived(Claim { address_id, customer_id }, because, event.1, context)))
    });
    let mut recorded: Vec<AtAddress> = claims.collect();
    recorded.extend(words_of_customer(state, run, events, context));
    recorded
}

/// The claim or release that follows from a customer's event, with its address.
fn claim_or_release(customer_id: CustomerId, event: &CustomerEvent) -> Option<(AddressId, AddressEvent)> {
    if let CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(e)) = event {
        let claimed = AddressClaimed { address_id: e.address_id, kind: e.kind, customer_id };
        return Some((e.address_id, claimed.into()));
    }
    if let CustomerEvent::Profile(ProfileEvent::CustomerAddressRemoved(e)) = event {
        return Some((e.address_id, AddressReleased { address_id: e.address_id, customer_id }.into()));
    }
    None
}

/// The event with the id that it has in every repetition.
fn derived(claim: Claim, because: Because, event: AddressEvent, context: &Context<'_>) -> Decided<AddressEvent> {
    // One event may end the claims of several customers, who are one person.
    let Claim { address_id, customer_id } = claim;
    let parts = [because.event_id.0.as_bytes().as_slice(), address_id.0.as_bytes(), customer_id.0.as_bytes()];
    context.derived(because.occurred_at, Label::AddressClaimEvent, &parts, event)
}

impl App {
    /// Claims and releases addresses as a customer's events say, of all records merged into the customer too, and of an
    /// earlier run whose events were appended without. Repeating it changes nothing: what an address's stream
    /// knows already is left out, and the ids of the rest derive from the events that led to them.
    pub(crate) async fn follow_addresses(
        &self,
        caller: &Caller,
        made: &Committed<CustomerEvent>,
    ) -> Result<(), AppError> {
        let customer_id = CustomerId(made.stream.key);
        for decided in &made.events {
            let because = Because { event_id: decided.id, occurred_at: decided.occurred_at };
            let Some((address_id, event)) = claim_or_release(customer_id, &decided.event) else { continue };
            if let AddressEvent::AddressReleased(_) = event {
                // Records merged into the customer lose it too.
                self.release_of_merged(caller, customer_id, address_id, because).await?;
            }
            self.record_on_address(caller, Claim { address_id, customer_id }, because, event).await?;
        }
        Ok(())
    }

    /// Ends a customer's claims on addresses, because of an event that names none of them.
    pub(crate) async fn release_addresses(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        addresses: &[AddressId],
        because: Because,
    ) -> Result<(), AppError> {
        for &address_id in addresses {
            let event = AddressReleased { address_id, customer_id }.into();
            self.record_on_address(caller, Claim { address_id, customer_id }, because, event).await?;
        }
        Ok(())
    }

    /// Tells an address's stream what it does not know yet about a customer.
    pub(crate) async fn record_on_address(
        &self,
        caller: &Caller,
        claim: Claim,
        because: Because,
        event: AddressEvent,
    ) -> Result<(), AppError> {
        let Claim { address_id, .. } = claim;
        let Because { event_id: causation, occurred_at } = because;
        let stream = address_stream(caller.tenant, address_id);
        let is_known = self
            .read_state::<Address, _>(stream, |loaded| {
                let mut after = loaded.state.clone();
                after.apply(
                    &event,
                    crate::domain::decision::Meta { id: causation, version: loaded.version + 1, occurred_at },
                );
                after == loaded.state
            })
            .await?;
        if is_known {
            return Ok(());
        }
        let basis = self.basis(caller).await?;
        let decided = self.deciding(&basis, |context| derived(claim, because, event, context));
        self.append_fact::<Address>(caller, stream, Some(causation), vec![decided]).await?;
        Ok(())
    }

    /// Appends facts, which need no decision, to a stream. True if they are new; false if the log knew them.
    pub(crate) async fn append_fact<A: Cached>(
        &self,
        caller: &Caller,
        stream: StreamId,
        causation: Option<EventId>,
        events: Vec<Decided<A::Event>>,
    ) -> Result<crate::log::Appended, AppError> {
        let sealed = events.iter().map(|event| A::seal_ready(&stream, event)).collect();
        self.append_facts::<A>(caller, stream, causation, events, sealed).await
    }

    /// As [`Self::append_fact`], keeping what the provider said in the first event's personal part.
    pub(crate) async fn append_reported<A: Cached>(
        &self,
        caller: &Caller,
        stream: StreamId,
        events: Vec<Decided<A::Event>>,
        raw: Option<&str>,
    ) -> Result<crate::log::Appended, AppError> {
        let mut sealed: Vec<_> = events.iter().map(|event| A::seal_ready(&stream, event)).collect();
        if let (Some(raw), Some(first)) = (raw, sealed.first_mut()) {
            keep_raw(first, SubjectId(stream.key), raw);
        }
        self.append_facts::<A>(caller, stream, None, events, sealed).await
    }

    /// As [`Self::append_fact`], sealing the event for a subject of its own.
    pub(crate) async fn append_fact_of<A: Cached>(
        &self,
        caller: &Caller,
        stream: StreamId,
        subject: SubjectId,
        event: Decided<A::Event>,
    ) -> Result<crate::log::Appended, AppError> {
        let mut sealed = A::seal_ready(&stream, &event);
        if sealed.personal.is_some() {
            sealed.subject = Some(subject);
        }
        self.append_facts::<A>(caller, stream, None, vec![event], vec![sealed]).await
    }

    async fn append_facts<A: Cached>(
        &self,
        caller: &Caller,
        stream: StreamId,
        causation: Option<EventId>,
        events: Vec<Decided<A::Event>>,
        sealed: Vec<NewEvent>,
    ) -> Result<crate::log::Appended, AppError> {
        let run = CommandRun { causation, ..CommandRun::new(caller, stream, None) };
        let append =
            Append { stream, expected: Expected::Any, preconditions: vec![], cause: run.cause(), events: sealed };
        match self.shared.journal.append(append).await {
            Ok(appended) => {
                if !appended.already {
                    self.apply_facts::<A>(stream, appended.first_version, &events).await;
                }
                Ok(appended)
            }
            Err(JournalError::Append(error)) => Err(AppError::Append(error)),
            Err(JournalError::Log(error)) => Err(error.into()),
        }
    }

    /// Brings a cached state up to date with facts that were appended without looking at it. Waits for whoever has it: a
    /// decision would conflict and load it again, but one who only looks would leave it out of date.
    pub(crate) async fn apply_facts<A: Cached>(
        &self,
        stream: StreamId,
        first_version: u64,
        events: &[Decided<<A as Aggregate>::Event>],
    ) {
        let Some(cell) = A::states(self).existing(stream) else { return };
        let mut slot = cell.lock().await;
        match slot.as_mut() {
            Some(loaded) if loaded.version + 1 == first_version => {
                for event in events {
                    loaded.apply(event);
                }
            }
            _ => *slot = None,
        }
    }
}

/// An address's stream.
pub(crate) fn address_stream(tenant: TenantId, id: AddressId) -> StreamId {
    StreamId::new(tenant, Category::Address, id.0)
}

/// The most of a callback that is kept: what else an event holds has room beside it.
const RAW_BYTES: usize = 64 * 1024;

/// Puts a callback's own text beside an event's personal data, as `raw`.
fn keep_raw(event: &mut NewEvent, subject: SubjectId, raw: &str) {
    let personal = event.personal.as_deref().map_or_else(|| Ok(serde_json::Map::new()), serde_json::from_slice);
    // What we have written ourselves is an object.
    let Ok(mut personal) = personal else { return };
    let mut end = raw.len().min(RAW_BYTES);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    personal.insert("raw".to_owned(), raw[..end].into());
    if let Ok(bytes) = serde_json::to_vec(&personal) {
        event.personal = Some(bytes);
        event.subject.get_or_insert(subject);
    }
}
