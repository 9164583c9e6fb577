//! Whom a row is about, and whose stream holds what it brings.

use crate::app::imports::chunk::Row;
use crate::app::imports::working::{Claims, Working, acts};
use crate::domain::customer::state::Existence;
use crate::domain::import::owner::{Candidate, Named, Owner, owner};
use crate::domain::refusal::Refusal;
use crate::ids::{AddressId, CustomerId, ImportId, TenantSecret};

/// Who a row is about, by its own words.
pub(super) struct Who {
    /// The customer that the row's id, or otherwise its first address, derives.
    pub own: CustomerId,
    /// The id in the file's system.
    pub external_id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The addresses, in the file's order.
    pub addresses: Vec<AddressId>,
}

impl Who {
    /// The customers whose states are needed, beside those who have the addresses.
    pub fn customers(&self) -> impl Iterator<Item = CustomerId> {
        std::iter::once(self.own)
    }
}

/// Whom a row is about, as the log knows them.
pub(super) struct Resolved {
    /// The customer who acts for the person.
    pub person: CustomerId,
    /// The record of the person that holds what the row brings.
    pub holder: CustomerId,
    /// The row's id, if it is assigned to the person now.
    pub alias: Option<CustomerId>,
}

impl Resolved {
    /// Finds whom a row is about.
    pub fn of(
        who: &Who,
        row: &impl Row,
        import_id: ImportId,
        claims: &Claims,
        working: &Working,
        secret: &TenantSecret,
    ) -> Result<Self, Refusal> {
        let chain = working.chain(who.own);
        let last = chain.last().copied().unwrap_or(who.own);
        let is_known = |id: CustomerId| {
            working.state(id).is_some_and(|state| !matches!(state.existence, Existence::Unknown | Existence::Retracted))
        };
        let claimants = claimants(who, claims, working);
        // An id that a customer was registered under, or that was assigned to one, stands for that customer.
        let own = (who.external_id.is_some() && (chain.len() > 1 || is_known(last)))
            .then(|| working.state(last).map(|state| Candidate { id: last, state, has_first: false }))
            .flatten();
        let named = Named { external_id: who.external_id.as_deref(), name: who.name.as_deref(), import_id };
        let candidates: Vec<_> = claimants.iter().map(|claimant| claimant.candidate).collect();
        let first_claim = |id| claimants.iter().find(|claimant| claimant.candidate.id == id).map(|own| own.first_claim);
        let (person, records, alias) = match owner(named, own, &candidates)? {
            Owner::New => (last, chain, None),
            Owner::Known(id) if own.is_some() => (id, chain, None),
            Owner::Known(id) => (id, working.chain(first_claim(id).unwrap_or(id)), None),
            Owner::Assigned(id) => (id, working.chain(first_claim(id).unwrap_or(id)), Some(who.own)),
        };
        let holder = holder(person, records, row, working, secret);
        Ok(Self { person, holder, alias })
    }
}

/// The record of a person that holds the order or message of a row: the one that has it, wherever that is; otherwise the
/// first that has any; otherwise the person's own.
fn holder(
    person: CustomerId,
    mut records: Vec<CustomerId>,
    row: &impl Row,
    working: &Working,
    secret: &TenantSecret,
) -> CustomerId {
    if row.fact(person, secret).is_none() {
        return person;
    }
    let named = records.len();
    records.extend(working.state(person).into_iter().flat_map(|state| state.absorbed.iter().copied()));
    let has_it = |id: &&CustomerId| {
        let recorded = working.state(**id).map(|state| &state.recorded);
        recorded.zip(row.fact(**id, secret)).is_some_and(|(recorded, fact)| recorded.get(fact).is_some())
    };
    let has_any = |id: &&CustomerId| working.state(**id).is_some_and(|state| !state.recorded.is_empty());
    let found = records.iter().find(has_it).or_else(|| records[..named].iter().find(has_any));
    found.copied().unwrap_or(person)
}

struct Claimant<'a> {
    candidate: Candidate<'a>,
    /// The record of the person who claimed the address first.
    first_claim: CustomerId,
}

/// The customers who have a row's addresses, each once.
fn claimants<'a>(who: &Who, claims: &Claims, working: &'a Working) -> Vec<Claimant<'a>> {
    let mut found: Vec<Claimant<'a>> = vec![];
    for (place, address) in who.addresses.iter().enumerate() {
        for &first_claim in claims.of(*address) {
            let Some(id) = working.chain(first_claim).last().copied() else { continue };
            let Some(state) = working.state(id).filter(|state| acts(state)) else { continue };
            if !found.iter().any(|other| other.candidate.id == id) {
                found.push(Claimant { candidate: Candidate { id, state, has_first: place == 0 }, first_claim });
            }
        }
    }
    found
}
