//! Forgetting a person, in steps that can be taken again after a crash: `CustomerForgotten` in the streams of the
//! survivor and of all merged records, keys destroyed, read tables purged (by the projector),
//! `ErasureCompleted` in each stream.
//!
//! The first `CustomerForgotten`, in whichever of the streams, is the whole decision: every later step follows from it. Forgetting a
//! customer resolves the conversations, because nobody can be answered any more.

use crate::app::addresses::{Because, address_stream};
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::error::Stop;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::state::Address;
use crate::domain::customer::decide::{self, CompleteErasure, ForgetCustomer};
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::decision::Context;
use crate::ids::{AddressId, CustomerId, Position};

impl App {
    /// Forgets a person, with all merged records: when this returns, the keys are
    /// destroyed. [`Self::complete_erasure`] ends it, once the read tables are purged. Returns the survivor.
    pub async fn forget_customer(
        &self,
        caller: &Caller,
        command: ForgetCustomer,
    ) -> Result<Outcome<CustomerId>, AppError> {
        Stop::outcome(self.forget(caller, command).await)
    }

    async fn forget(&self, caller: &Caller, command: ForgetCustomer) -> Result<Done<CustomerId>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &command)?;
        let person = self.person_ids(caller, command.customer_id).await?;
        let survivor = person[0];
        let only_theirs = self.addresses_of_nobody_else(caller, &person).await?;
        let decide = |state: &Customer, context: &Context<'_>| decide::forget(state, &command, &only_theirs, context);
        let run = CommandRun::new(caller, customer_stream(caller.tenant, survivor), key);
        let mut made = self.decide::<Customer>(&run, &basis, decide).await?;
        let others = self.erase(caller, survivor).await?;
        // A repeated command gets its first answer again, unless there was something left to do.
        made.position = made.position.max(others.new);
        Ok(self.done(&made, |_| Some(survivor)).await?)
    }

    /// Takes every step of a forgetting that was begun and does not need the read tables: everybody who is part of the
    /// person is forgotten, the keys are destroyed, the addresses released. May be repeated. Nothing happens to a person
    /// who did not ask to be forgotten.
    pub async fn erase(&self, caller: &Caller, id: CustomerId) -> Result<Erasing, AppError> {
        let person = self.person_ids(caller, id).await?;
        let mut states = vec![];
        for &member in &person {
            states.push(
                self.read_state::<Customer, _>(customer_stream(caller.tenant, member), StateAt::clone).await?.state,
            );
        }
        let mut erasing = Erasing::default();
        if states.iter().all(|state| state.existence == Existence::Erased) {
            return Ok(erasing);
        }
        let Some(begun) = states.iter().find_map(|state| state.forgetting.clone()) else { return Ok(erasing) };
        let basis = self.basis(caller).await?;
        let caller = &Caller { idempotency_key: None, ..caller.clone() };
        let only_theirs = self.addresses_of_nobody_else(caller, &person).await?;
        for &member in &person {
            let command = ForgetCustomer { customer_id: member, reason: begun.reason.clone() };
            let run = CommandRun {
                causation: Some(begun.event_id),
                ..CommandRun::new(caller, customer_stream(caller.tenant, member), None)
            };
            let decide = |state: &Customer, context: &Context<'_>| {
                let own = state.addresses.iter().map(|own| own.address_id);
                let own: Vec<_> = own.filter(|own| only_theirs.contains(own)).collect();
                decide::forget(state, &command, &own, context)
            };
            // A refusal means that the customer is not known: there is nothing of them.
            if let Ok(made) = Stop::refusal(self.decide::<Customer>(&run, &basis, decide).await)? {
                erasing.new = erasing.new.max(made.position);
            }
        }
        // After every `CustomerForgotten`, whichever node appended it.
        erasing.until = Some(self.end().await?);
        for &member in &person {
            self.destroy_keys(caller, member).await?;
        }
        Ok(erasing)
    }

    /// Destroys the keys of a customer who asked to be forgotten, and releases the addresses.
    async fn destroy_keys(&self, caller: &Caller, id: CustomerId) -> Result<(), AppError> {
        let stream = customer_stream(caller.tenant, id);
        let (forgetting, addresses) = self
            .read_state::<Customer, _>(stream, |loaded| {
                let addresses: Vec<_> = loaded.state.addresses.iter().map(|own| own.address_id).collect();
                (loaded.state.forgetting.clone(), addresses)
            })
            .await?;
        let Some(forgetting) = forgetting else { return Ok(()) };
        self.shared.journal.destroy_key(id.into()).await?;
        for &address_id in &forgetting.addresses {
            self.shared.journal.destroy_key(address_id.into()).await?;
        }
        self.shared.journal.backend().drop_snapshots(stream).await?;
        self.remove_files(caller, id).await?;
        let because = Because { event_id: forgetting.event_id, occurred_at: forgetting.at };
        self.release_addresses(caller, id, &addresses, because).await?;
        for &address_id in &forgetting.addresses {
            // What memory holds of it was read with the key.
            self.forget_state(address_stream(caller.tenant, address_id));
        }
        Ok(())
    }

    /// Ends a forgetting: to be called when the read tables show the position that [`Self::erase`] returned. Takes the earlier
    /// steps again first, in case a crash came between. The survivor comes last.
    pub async fn complete_erasure(&self, caller: &Caller, id: CustomerId) -> Result<Outcome<CustomerId>, AppError> {
        let caller = &Caller { idempotency_key: None, ..caller.clone() };
        self.erase(caller, id).await?;
        let person = self.person_ids(caller, id).await?;
        let decide = |state: &Customer, _, context: &Context<'_>| decide::complete_erasure(state, context);
        for &part in person[1..].iter().rev() {
            let stream = customer_stream(caller.tenant, part);
            self.run(caller, stream, CompleteErasure {}, decide, |_| Some(())).await?;
        }
        let stream = customer_stream(caller.tenant, person[0]);
        self.run(caller, stream, CompleteErasure {}, decide, |_| Some(person[0])).await
    }

    /// The addresses of everybody who is part of a person that nobody else has.
    async fn addresses_of_nobody_else(
        &self,
        caller: &Caller,
        person: &[CustomerId],
    ) -> Result<Vec<AddressId>, AppError> {
        let mut only_theirs = vec![];
        for &member in person {
            let own = self
                .read_state::<Customer, _>(customer_stream(caller.tenant, member), |loaded| {
                    loaded.state.addresses.iter().map(|own| own.address_id).collect::<Vec<_>>()
                })
                .await?;
            for address_id in own {
                let is_shared = self
                    .read_state::<Address, _>(address_stream(caller.tenant, address_id), |loaded| {
                        loaded.state.claims.iter().any(|claim| !person.contains(claim))
                    })
                    .await?;
                if !is_shared && !only_theirs.contains(&address_id) {
                    only_theirs.push(address_id);
                }
            }
        }
        Ok(only_theirs)
    }
}

/// How far a forgetting has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erasing {
    /// Once the read tables show this position, they are purged. Absent: nobody is to be forgotten any more.
    pub until: Option<Position>,
    /// Of the last event that was new.
    new: Option<Position>,
}
