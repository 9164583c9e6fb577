//! Merging customers: two records of one person become one. Nothing moves: a merged customer keeps its stream and id,
//! and acts from then on as a part of the survivor.
//!
//! Two streams record it, one after the other. `CustomerMergedInto`, in the stream of the merged one, is the decision;
//! it is taken only while both act for themselves, so no circle can come about. `CustomerAbsorbed`, in the survivor's,
//! follows with what the survivor takes over, all at once; until then nothing has changed for the survivor.
//!
//! The survivor keeps its profile, also where it is blank: which of two names, owners or tags is right is for people to
//! decide. The merged one keeps its claims on addresses and the survivor claims them too, so that an inbound message finds
//! the person in the place of the first claim. Conversations are not joined: replies and agents hold their ids. A merge
//! cannot be undone, because what was said since belongs to neither half; as-of shows each half's past.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::consent::event::ConsentChanged;
use crate::domain::consent::join;
use crate::domain::consent::state::Standing;
use crate::domain::customer::address::{self, MAX as MAX_ADDRESSES};
use crate::domain::customer::event::{
    CustomerAbsorbed, CustomerAddressAdded, CustomerAddressAddedPersonal, CustomerEvent, CustomerMergedInto,
};
use crate::domain::customer::state::{Customer, OwnAddress};
use crate::domain::decision::{Context, Decision};
use crate::domain::message::history::Recent;
use crate::domain::message::rules::Windows;
use crate::domain::refusal::Refusal;
use crate::ids::CustomerId;

/// How many others one customer is made of at most.
const MAX_MERGED: usize = 100;

/// Makes one customer a part of another one. Cannot be taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergeCustomers {
    /// The record that becomes a part of the other one.
    pub from: CustomerId,
    /// The survivor; a merged one means its own survivor.
    pub into: CustomerId,
}

/// Of a person's records, the one that commands act on.
#[derive(Debug, Clone, Copy)]
pub struct Survivor<'a> {
    /// The customer's id.
    pub id: CustomerId,
    /// The fold of its stream.
    pub state: &'a Customer,
}

/// Decides that a customer, whose `state` it is, becomes a part of `survivor`. One that is already part of it stays so.
pub fn merge(
    state: &Customer,
    command: &MergeCustomers,
    survivor: Survivor<'_>,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let about = |field: &str, refusal: Refusal| Refusal { field: Some(field.to_owned()), ..refusal };
    if command.from == command.into || command.from == survivor.id {
        return Err(Refusal::new("SAME_CUSTOMER", "a customer cannot be merged into itself"));
    }
    state.must_be_known().map_err(|refusal| about("from", refusal))?;
    if state.merged.is_some() {
        return if survivor.state.absorbed.contains(&command.from) {
            Ok(vec![])
        } else {
            let message = "the customer is a part of another one already";
            Err(about("from", Refusal::new("MERGED_ELSEWHERE", message)))
        };
    }
    survivor.state.must_exist().map_err(|refusal| about("into", refusal))?;
    for (field, side) in [("from", state), ("into", survivor.state)] {
        if side.anonymous {
            let message = "the anonymous placeholder cannot be merged";
            return Err(about(field, Refusal::new("ANONYMOUS_CUSTOMER", message)));
        }
    }
    if survivor.state.absorbed.len() + state.absorbed.len() + 1 > MAX_MERGED {
        let message = format!("at most {MAX_MERGED} customers can be merged into one");
        return Err(Refusal::new("TOO_MANY_MERGED", message));
    }
    if survivor.state.addresses.len() + not_yet(survivor.state, state).count() > MAX_ADDRESSES {
        let message = format!("together they have more than {MAX_ADDRESSES} addresses; remove some first");
        return Err(Refusal::new("TOO_MANY_ADDRESSES", message));
    }
    Ok(vec![context.now(CustomerMergedInto { into_id: survivor.id })])
}

/// Lets a survivor take over whom was merged into it, with those who are part of that one; whoever it has taken over
/// stays so. What the two said about being written to is joined, the stricter word first; the other's addresses become
/// the survivor's own.
pub fn absorb(
    survivor: &Customer,
    from: CustomerId,
    merged: &Customer,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    survivor.must_exist()?;
    if survivor.absorbed.contains(&from) {
        return Ok(vec![]);
    }
    let parts = merged.absorbed.iter().copied().filter(|id| !survivor.absorbed.contains(id));
    let mut events: Vec<_> =
        parts.chain([from]).map(|absorbed_id| context.now(CustomerAbsorbed { absorbed_id })).collect();
    let joined = join::joined(&survivor.consents, &merged.consents);
    events.extend(joined.into_iter().map(|said| {
        // Not the moment of the merge: what was said before it may still come in, and count.
        let at = join::said_at(said.channel, &survivor.consents, &merged.consents).unwrap_or(context.now);
        context.at(at, said)
    }));
    let mut owned = survivor.addresses.clone();
    for own in not_yet(survivor, merged) {
        let Some(text) = own.address.clone() else { continue };
        let added = CustomerAddressAdded {
            address_id: own.address_id,
            kind: own.kind,
            primary: own.primary && !owned.iter().any(|other| other.kind == own.kind && other.primary),
            import_id: own.import_id,
            personal: Some(CustomerAddressAddedPersonal { address: text, label: own.label.clone() }),
        };
        address::remember(&mut owned, &added);
        events.push(context.now(added));
    }
    Ok(events)
}

fn not_yet<'a>(survivor: &'a Customer, merged: &'a Customer) -> impl Iterator<Item = &'a OwnAddress> {
    merged.addresses.iter().filter(|own| survivor.address(own.address_id).is_none())
}

/// Lets an opt-out that a provider told to a merged customer's stream count for the whole. `told` stays what counts for
/// its message and campaign.
pub fn pass_on(
    survivor: &Customer,
    told: &ConsentChanged,
    said_at: DateTime<Utc>,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    survivor.must_exist()?;
    let standing = survivor.consents.effective(told.channel, &told.topic);
    // The same word said later counts: what was said in between, and comes in after it, must not overtake it.
    let is_known = |standing: &Standing| standing.state == told.state && standing.said_at == said_at;
    if standing.is_some_and(|standing| standing.said_at > said_at || is_known(standing)) {
        return Ok(vec![]);
    }
    let (message_id, campaign_id, variant) = (None, None, None);
    Ok(vec![context.at(said_at, ConsentChanged { message_id, campaign_id, variant, personal: None, ..told.clone() })])
}

impl Customer {
    /// The person as decisions about messages see it: this customer, with what `own`, in whose stream a message stands,
    /// and the `others` that the person is made of have in their queues and were sent.
    #[must_use]
    pub fn with_messages_of(&self, own: &Self, others: &[Self]) -> Self {
        let recent = std::iter::once(&own.recent).chain(others.iter().map(|other| &other.recent));
        let pending = own.pending.after(others.iter().map(|other| &other.pending));
        let whatsapp = [&self.whatsapp, &own.whatsapp].into_iter().chain(others.iter().map(|other| &other.whatsapp));
        Self { recent: Recent::joined(recent), pending, whatsapp: Windows::joined(whatsapp), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
