//! Merged customers: their survivors, and completing a merge. This is the only place that resolves; see
//! [`crate::app::persons`] for what commands do with it.

use chrono::{DateTime, Utc};

use crate::app::addresses::{Because, Claim, address_stream};
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{Attempted, CommandRun, Committed, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::event::AddressClaimed;
use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentChanged;
use crate::domain::customer::merge::{self, MergeCustomers, Survivor};
use crate::domain::customer::state::{Customer, Merged};
use crate::domain::decision::Context;
use crate::ids::{AddressId, CustomerId, Position};
use crate::log::Precondition;

/// The rest of a person, seen from one of the streams that the person is made of.
pub(crate) struct OtherRecords {
    /// The survivor; absent if the decision is on its own stream.
    pub root: Option<Customer>,
    /// The states of all other streams.
    pub others: Vec<Customer>,
    /// The versions at which they were looked at, as far as they matter.
    pub preconditions: Vec<Precondition>,
    absorbed: Vec<CustomerId>,
}

impl OtherRecords {
    /// Whether it was looked up for a customer as the state now is.
    pub(crate) fn is_of(&self, own: &Customer) -> bool {
        if self.root.is_some() { own.merged.is_some() } else { own.merged.is_none() && own.absorbed == self.absorbed }
    }
}

impl App {
    /// Merges one customer into another one; returns the survivor of both. When this returns, the survivor has taken
    /// over what it takes over.
    pub async fn merge_customers(
        &self,
        caller: &Caller,
        command: MergeCustomers,
    ) -> Result<Outcome<CustomerId>, AppError> {
        Stop::outcome(self.merge(caller, command).await)
    }

    async fn merge(&self, caller: &Caller, command: MergeCustomers) -> Result<Done<CustomerId>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let stream = customer_stream(caller.tenant, command.from);
        for _ in 0..MAX_ATTEMPTS {
            // Also of the one that is merged: a repeated command may find its merge half done.
            self.survivor(caller, command.from).await?;
            let id = self.survivor(caller, command.into).await?;
            let survivor_stream = customer_stream(caller.tenant, id);
            let survivor = self.read_state::<Customer, _>(survivor_stream, StateAt::clone).await?;
            // The survivor must still act for itself when the decision is appended: two who are merged into each other
            // at the same time do not become a circle.
            let preconditions = vec![Precondition { stream: survivor_stream, version: survivor.version }];
            let run = CommandRun { preconditions, ..CommandRun::new(caller, stream, key) };
            let decide = |state: &Customer, context: &Context<'_>| {
                merge::merge(state, &command, Survivor { id, state: &survivor.state }, context)
            };
            match self.attempt::<Customer>(&run, &basis, decide).await? {
                Attempted::Moved => {}
                Attempted::Refused(_) if self.has_moved(survivor_stream, survivor.version).await? => {
                    self.forget_state(survivor_stream);
                }
                Attempted::Refused(refusal) => return Err(refusal.into()),
                Attempted::Done(made) => {
                    // Where the survivor's events stand, if they are new; otherwise the log's end, which is after them.
                    let position = self.complete_merge(caller, command.from).await?;
                    let id = self.survivor(caller, command.from).await?;
                    return Ok(self.done(&Committed { position, ..made }, |_| Some(id)).await?);
                }
            }
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS }.into())
    }

    /// Takes every step of a merge again that a crash may have left out: the survivor takes the customer over,
    /// and claims its addresses. The position of what was new.
    pub async fn complete_merge(&self, caller: &Caller, from: CustomerId) -> Result<Option<Position>, AppError> {
        let (root, position) = self.resolve(caller, from).await?;
        if root == from {
            return Ok(None);
        }
        let stream = customer_stream(caller.tenant, from);
        let addresses = self.read_state::<Customer, _>(stream, |loaded| loaded.state.addresses.clone()).await?;
        let survivor =
            self.read_state::<Customer, _>(customer_stream(caller.tenant, root), StateAt::clone).await?.state;
        if survivor.is_forgotten() {
            // One person was forgotten: also the part that came too late to be taken over.
            self.erase(caller, from).await?;
            return Ok(position);
        }
        let Some(merged) = self.merged(caller, from).await? else { return Ok(position) };
        for own in addresses.iter().filter(|own| survivor.address(own.address_id).is_some()) {
            let (address_id, kind) = (own.address_id, own.kind);
            let claimed = AddressClaimed { address_id, kind, customer_id: root }.into();
            let because = Because { event_id: merged.event_id, occurred_at: self.shared.ambient.now() };
            self.record_on_address(caller, Claim { address_id, customer_id: root }, because, claimed).await?;
        }
        Ok(position)
    }

    /// The survivor of a customer: itself, unless it was merged. A merge that is half done is completed first, so that
    /// nothing is decided for somebody who does not know yet what the other one said.
    pub(crate) async fn survivor(&self, caller: &Caller, id: CustomerId) -> Result<CustomerId, AppError> {
        Ok(self.resolve(caller, id).await?.0)
    }

    async fn resolve(&self, caller: &Caller, id: CustomerId) -> Result<(CustomerId, Option<Position>), AppError> {
        let mut position = None;
        for _ in 0..MAX_ATTEMPTS {
            let mut passed = vec![];
            let mut root = id;
            // Each is merged only once, into one who is not merged then: the way has an end.
            while let Some(merged) = self.merged(caller, root).await? {
                passed.push(root);
                root = merged.into;
            }
            for &from in passed.iter().rev() {
                position = position.max(self.absorb(caller, from, root).await?);
            }
            // The survivor may itself have been merged since: then another customer takes over.
            if passed.is_empty() || self.merged(caller, root).await?.is_none() {
                return Ok((root, position));
            }
        }
        Err(AppError::Contended { stream: customer_stream(caller.tenant, id), attempts: MAX_ATTEMPTS })
    }

    async fn merged(&self, caller: &Caller, id: CustomerId) -> Result<Option<Merged>, AppError> {
        self.read_state::<Customer, _>(customer_stream(caller.tenant, id), |loaded| loaded.state.merged).await
    }

    /// Lets a root take over a customer that was merged into it, unless it has. Nothing happens if it was forgotten, or
    /// merged itself, before that.
    async fn absorb(&self, caller: &Caller, from: CustomerId, root: CustomerId) -> Result<Option<Position>, AppError> {
        let (stream, survivor_stream) = (customer_stream(caller.tenant, from), customer_stream(caller.tenant, root));
        if self.read_state::<Customer, _>(survivor_stream, |loaded| loaded.state.absorbed.contains(&from)).await? {
            return Ok(None);
        }
        let basis = self.basis(caller).await?;
        let caller = &Caller { idempotency_key: None, ..caller.clone() };
        for _ in 0..MAX_ATTEMPTS {
            let merged = self.read_state::<Customer, _>(stream, StateAt::clone).await?;
            let run = CommandRun {
                // What a provider reports about the merged one at this moment is not lost: it is seen here, or passed on.
                preconditions: vec![Precondition { stream, version: merged.version }],
                causation: merged.state.merged.map(|merged| merged.event_id),
                ..CommandRun::new(caller, survivor_stream, None)
            };
            let decide =
                |survivor: &Customer, context: &Context<'_>| merge::absorb(survivor, from, &merged.state, context);
            match self.attempt::<Customer>(&run, &basis, decide).await? {
                Attempted::Moved => {}
                Attempted::Refused(_) => return Ok(None),
                Attempted::Done(made) => {
                    self.follow_addresses(caller, &made).await?;
                    return Ok(made.position);
                }
            }
        }
        Err(AppError::Contended { stream: survivor_stream, attempts: MAX_ATTEMPTS })
    }

    /// Those who are part of a customer, as they are known here. One whose state does not know of the merge is from
    /// before it, and is read again.
    pub(crate) async fn merged_records(
        &self,
        caller: &Caller,
        absorbed: &[CustomerId],
    ) -> Result<Vec<StateAt<Customer>>, AppError> {
        let mut parts = Vec::with_capacity(absorbed.len());
        for &id in absorbed {
            let stream = customer_stream(caller.tenant, id);
            let mut part = self.read_state::<Customer, _>(stream, StateAt::clone).await?;
            if part.state.merged.is_none() {
                self.forget_state(stream);
                part = self.read_state::<Customer, _>(stream, StateAt::clone).await?;
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// What a decision on a message in a customer's stream has to see of the rest of the person.
    pub(crate) async fn other_records(&self, caller: &Caller, id: CustomerId) -> Result<OtherRecords, AppError> {
        let root = self.survivor(caller, id).await?;
        let stream = customer_stream(caller.tenant, root);
        let loaded = self.read_state::<Customer, _>(stream, StateAt::clone).await?;
        let absorbed = loaded.state.absorbed.clone();
        let others: Vec<_> = absorbed.iter().copied().filter(|part| *part != id).collect();
        let mut rest = OtherRecords { root: None, absorbed, others: vec![], preconditions: vec![] };
        for (part, loaded) in others.iter().zip(self.merged_records(caller, &others).await?) {
            // Only a part that has something in its queue can begin a dispatch that would count against a cap.
            if !loaded.state.pending.all().is_empty() {
                let stream = customer_stream(caller.tenant, *part);
                rest.preconditions.push(Precondition { stream, version: loaded.version });
            }
            rest.others.push(loaded.state);
        }
        if root != id {
            rest.preconditions.push(Precondition { stream, version: loaded.version });
            rest.others.push(loaded.state.clone());
            rest.root = Some(loaded.state);
        }
        Ok(rest)
    }

    /// The ids of all merged records of a customer's person; the survivor's comes first.
    pub(crate) async fn person_ids(&self, caller: &Caller, id: CustomerId) -> Result<Vec<CustomerId>, AppError> {
        let root = self.survivor(caller, id).await?;
        let absorbed = self
            .read_state::<Customer, _>(customer_stream(caller.tenant, root), |loaded| loaded.state.absorbed.clone())
            .await?;
        let mut person = vec![root];
        for id in absorbed.into_iter().chain([id]) {
            if !person.contains(&id) {
                person.push(id);
            }
        }
        Ok(person)
    }

    /// Lets opt-outs that stand in a customer's stream up to a version count for the person that the customer is a part
    /// of, if it is. To be called before they are acknowledged.
    pub(crate) async fn pass_on(
        &self,
        caller: &Caller,
        id: CustomerId,
        version: u64,
        words: Vec<(DateTime<Utc>, ConsentChanged)>,
    ) -> Result<Option<Position>, AppError> {
        let stream = customer_stream(caller.tenant, id);
        let (known, merged) =
            self.read_state::<Customer, _>(stream, |loaded| (loaded.version, loaded.state.merged.is_some())).await?;
        // Facts are appended without looking; another process may have merged the customer before.
        if known < version {
            self.forget_state(stream);
        } else if !merged {
            return Ok(None);
        }
        if self.read_state::<Customer, _>(stream, |loaded| loaded.state.merged.is_none()).await? {
            return Ok(None);
        }
        let basis = self.basis(caller).await?;
        let caller = &Caller { idempotency_key: None, ..caller.clone() };
        let mut position = None;
        for (said_at, told) in words {
            let decide =
                |state: &Customer, _: CustomerId, context: &Context<'_>| merge::pass_on(state, &told, said_at, context);
            let made = self.decide_on_survivor(caller, &basis, id, None, None, decide).await;
            // A refusal means that the customer was forgotten: nothing is sent there any more.
            position = position.max(Stop::refusal(made)?.ok().and_then(|made| made.position));
        }
        Ok(position)
    }

    /// Ends the claims of everybody who is part of a customer on an address that the customer no longer has.
    pub(crate) async fn release_of_merged(
        &self,
        caller: &Caller,
        id: CustomerId,
        address_id: AddressId,
        because: Because,
    ) -> Result<(), AppError> {
        let absorbed = self
            .read_state::<Customer, _>(customer_stream(caller.tenant, id), |loaded| loaded.state.absorbed.clone())
            .await?;
        if absorbed.is_empty() {
            return Ok(());
        }
        let claims = self
            .read_state::<Address, _>(address_stream(caller.tenant, address_id), |loaded| loaded.state.claims.clone())
            .await?;
        for part in absorbed.into_iter().filter(|part| claims.contains(part)) {
            self.release_addresses(caller, part, &[address_id], because).await?;
        }
        Ok(())
    }
}
