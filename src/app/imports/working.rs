//! What a chunk decides on: copies of the customers' states, and who has which address. Both are looked up for the whole
//! chunk at once, and change as its rows are decided.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt};

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::Cached;
use crate::app::engine::states::{self, Short, StateAt, decode};
use crate::app::{App, AppError, Caller};
use crate::domain::address::event::{AddressClaimed, AddressEvent, AddressReleased};
use crate::domain::address::state::Address;
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::event::Event;
use crate::ids::{AddressId, CustomerId};

/// How many long streams are loaded at once.
const LOADS: usize = 8;

/// A customer's state as the chunk changes it.
pub(super) struct WorkingCopy {
    /// The version in the log when the chunk began.
    pub base: u64,
    /// The state.
    pub loaded: StateAt<Customer>,
    /// Whether the chunk appended to it.
    pub fresh: bool,
    /// Whether it was folded with events that were not appended.
    pub stale: bool,
}

/// The customers whom a chunk may be about.
#[derive(Default)]
pub(super) struct Working(HashMap<CustomerId, WorkingCopy>);

/// Who has the addresses of a chunk, by the time of their claims.
#[derive(Default)]
pub(super) struct Claims {
    by_address: HashMap<AddressId, Vec<CustomerId>>,
    /// Where the addresses' streams stand, as far as that is known: at their last claim, or exactly.
    versions: HashMap<AddressId, u64>,
    /// Who claimed an address in this chunk.
    made: HashMap<AddressId, Vec<CustomerId>>,
}

/// What a trial has changed so far, instead of the log.
#[derive(Default)]
pub struct Trial {
    copies: HashMap<CustomerId, StateAt<Customer>>,
    claims: HashMap<AddressId, Vec<CustomerId>>,
}

impl WorkingCopy {
    fn new(loaded: StateAt<Customer>) -> Self {
        Self { base: loaded.version, loaded, fresh: false, stale: false }
    }
}

impl Working {
    /// A customer's copy.
    pub fn get(&self, id: CustomerId) -> Option<&WorkingCopy> {
        self.0.get(&id)
    }

    /// A customer's copy, to change it.
    pub fn get_mut(&mut self, id: CustomerId) -> Option<&mut WorkingCopy> {
        self.0.get_mut(&id)
    }

    /// A customer's state.
    pub fn state(&self, id: CustomerId) -> Option<&Customer> {
        self.0.get(&id).map(|own| &own.loaded.state)
    }

    /// All copies.
    pub fn into_copies(self) -> impl Iterator<Item = (CustomerId, WorkingCopy)> {
        self.0.into_iter()
    }

    /// A customer, and those whom it became a part of, up to the one who acts.
    pub fn chain(&self, id: CustomerId) -> Vec<CustomerId> {
        let mut chain = vec![id];
        let mut last = id;
        while let Some(next) = self.state(last).and_then(next_of).filter(|next| !chain.contains(next)) {
            chain.push(next);
            last = next;
        }
        chain
    }
}

impl Claims {
    /// Who has an address.
    pub fn of(&self, id: AddressId) -> &[CustomerId] {
        self.by_address.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Everybody who has one of the addresses.
    pub fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.by_address.values().flatten().copied()
    }

    /// Who claimed an address in this chunk.
    pub fn made_of(&self, id: AddressId) -> &[CustomerId] {
        self.made.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Where an address's stream stands, if it is as nobody in this chunk has claimed it.
    pub fn version_of(&self, id: AddressId) -> Option<u64> {
        (!self.made.contains_key(&id)).then(|| self.versions.get(&id).copied().unwrap_or(0))
    }

    /// Notes that a customer has an address now.
    pub fn add(&mut self, id: AddressId, customer_id: CustomerId) {
        self.found(id, customer_id);
        let made = self.made.entry(id).or_default();
        if !made.contains(&customer_id) {
            made.push(customer_id);
        }
    }

    fn found(&mut self, id: AddressId, customer_id: CustomerId) {
        let claims = self.by_address.entry(id).or_default();
        if !claims.contains(&customer_id) {
            claims.push(customer_id);
        }
    }
}

impl Trial {
    /// Keeps what a chunk has changed.
    pub(super) fn keep(&mut self, working: Working, claims: Claims) {
        let changed = working.0.into_iter().filter(|(_, own)| own.fresh);
        self.copies.extend(changed.map(|(id, own)| (id, own.loaded)));
        self.claims.extend(claims.by_address);
    }
}

/// The customer whom an external id was assigned to, or whom a merged customer became a part of.
fn next_of(state: &Customer) -> Option<CustomerId> {
    state.assigned.map(|assigned| assigned.to).or(state.merged.map(|merged| merged.into))
}

impl App {
    /// Who has addresses, as the log says. `exactly` finds out where their streams stand, too; otherwise they are believed
    /// to stand at their last claims, which an append finds out to be wrong.
    pub(super) async fn claims(
        &self,
        caller: &Caller,
        addresses: HashSet<AddressId>,
        exactly: bool,
        trial: Option<&Trial>,
    ) -> Result<Claims, AppError> {
        let mut claims = Claims::default();
        let mut asked = vec![];
        for id in addresses {
            match trial.and_then(|trial| trial.claims.get(&id)) {
                Some(known) => drop(claims.by_address.insert(id, known.clone())),
                None => asked.push(address_stream(caller.tenant, id)),
            }
        }
        if asked.is_empty() {
            return Ok(claims);
        }
        // First where they stand: what is claimed in between is then noticed by the append.
        let heads = match exactly {
            true => self.shared.journal.backend().stream_heads(&asked).await?,
            false => vec![],
        };
        let types = [AddressClaimed::TYPE, AddressReleased::TYPE];
        for recorded in self.shared.journal.read_streams(&asked, u64::MAX, Some(&types)).await? {
            claims.versions.insert(AddressId(recorded.envelope.stream.key), recorded.envelope.version);
            match decode::<Address>(&recorded)?.event {
                AddressEvent::AddressClaimed(e) => claims.found(e.address_id, e.customer_id),
                AddressEvent::AddressReleased(e) => {
                    if let Some(claims) = claims.by_address.get_mut(&e.address_id) {
                        claims.retain(|id| *id != e.customer_id);
                    }
                }
                AddressEvent::AddressSuppressed(_)
                | AddressEvent::SuppressionLifted(_)
                | AddressEvent::AddressOptedIn(_)
                | AddressEvent::AddressOptedOut(_)
                | AddressEvent::AddressWordsRetracted(_)
                | AddressEvent::AddressSoftBounced(_)
                | AddressEvent::AddressDelivered(_)
                | AddressEvent::AddressValidated(_) => {}
            }
        }
        for (stream, head) in asked.iter().zip(heads) {
            claims.versions.insert(AddressId(stream.key), head.map_or(0, |head| head.version));
        }
        Ok(claims)
    }

    /// Copies of the states of customers, of those who were merged with them, and of those whose external id theirs is.
    pub(super) async fn working(
        &self,
        caller: &Caller,
        customers: HashSet<CustomerId>,
        trial: Option<&Trial>,
    ) -> Result<Working, AppError> {
        let mut working = Working::default();
        let mut missing = customers;
        while !missing.is_empty() {
            let found = self.copies(caller, &missing, trial).await?;
            let related = found.iter().flat_map(|(_, own)| {
                let state = &own.loaded.state;
                next_of(state).into_iter().chain(state.absorbed.iter().copied())
            });
            let related: HashSet<CustomerId> = related.collect();
            working.0.extend(found);
            missing = related.into_iter().filter(|id| !working.0.contains_key(id)).collect();
        }
        // A merge that is half done is completed first.
        let half_done = |(id, own): (&CustomerId, &WorkingCopy)| {
            let into = own.loaded.state.merged?.into;
            let root = *working.chain(into).last()?;
            let knows = working.state(root)?.absorbed.contains(id);
            (!knows).then_some((*id, root))
        };
        let half_done: Vec<_> = working.0.iter().filter_map(half_done).filter(|_| trial.is_none()).collect();
        for (id, _) in half_done {
            let root = self.survivor(caller, id).await?;
            let again = self.copies(caller, &HashSet::from([root, id]), trial).await?;
            working.0.extend(again);
        }
        Ok(working)
    }

    /// Copies of the states of customers: from memory, otherwise from the log, those of short streams at once.
    async fn copies(
        &self,
        caller: &Caller,
        customers: &HashSet<CustomerId>,
        trial: Option<&Trial>,
    ) -> Result<Vec<(CustomerId, WorkingCopy)>, AppError> {
        let mut copies = Vec::with_capacity(customers.len());
        let mut unseen = vec![];
        for &id in customers {
            if let Some(changed) = trial.and_then(|trial| trial.copies.get(&id)) {
                copies.push((id, WorkingCopy::new(changed.clone())));
                continue;
            }
            let cell = Customer::states(self).existing(customer_stream(caller.tenant, id));
            match cell.as_ref().and_then(|cell| cell.try_lock()).as_deref() {
                Some(Some(loaded)) => copies.push((id, WorkingCopy::new(loaded.clone()))),
                _ => unseen.push(id),
            }
        }
        let streams: Vec<_> = unseen.into_iter().map(|id| customer_stream(caller.tenant, id)).collect();
        let Short { found, too_long } = states::load_short::<Customer>(&self.shared.journal, &streams).await?;
        copies.extend(found.into_iter().map(|(stream, loaded)| (CustomerId(stream.key), WorkingCopy::new(loaded))));
        let loaded: Vec<_> = futures::stream::iter(too_long)
            .map(|stream| async move {
                let copy = self.read_state::<Customer, _>(stream, StateAt::clone).await?;
                Ok::<_, AppError>((CustomerId(stream.key), WorkingCopy::new(copy)))
            })
            .buffer_unordered(LOADS)
            .try_collect()
            .await?;
        copies.extend(loaded);
        Ok(copies)
    }
}

/// Whether a customer acts for itself.
pub(super) fn acts(state: &Customer) -> bool {
    state.existence == Existence::Registered && !state.anonymous
}
