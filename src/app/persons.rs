//! Commands on a person, and on things of a person, whichever of the streams of merged customers they belong to.
//!
//! A command on a person ([`App::run_on_customer`]) acts on whoever stands for the customer that it names; a command on a
//! thing (a message, a note, a conversation) acts on the stream that holds it ([`App::run_on_holder`]).

use serde::Serialize;

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, MAX_ATTEMPTS};
use crate::app::engine::policies::Basis;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::ids::CustomerId;
use crate::log::CommandKey;

/// A command that names a customer.
pub(crate) trait OnCustomer {
    /// The customer that it names.
    fn customer(&mut self) -> &mut CustomerId;
}

macro_rules! on_customer {
    ($($command:path,)*) => {$(
        impl OnCustomer for $command {
            fn customer(&mut self) -> &mut CustomerId {
                &mut self.customer_id
            }
        }
    )*};
}

on_customer! {
    crate::domain::customer::decide::ChangeProfile,
    crate::domain::customer::decide::AddAddress,
    crate::domain::customer::decide::RemoveAddress,
    crate::domain::customer::decide::AddNote,
    crate::domain::consent::decide::SetConsent,
    crate::domain::consent::choice::RequestOptIn,
}

impl App {
    /// Decides on whoever stands for a customer, until it is done or refused. What those who are part of the person were
    /// sent is seen as the person's.
    pub(crate) async fn decide_on_survivor(
        &self,
        caller: &Caller,
        basis: &Basis,
        (id, command): (CustomerId, Option<CommandKey>),
        mut decide: impl FnMut(&Customer, CustomerId, &Context<'_>) -> Decision<CustomerEvent> + Send,
    ) -> Result<Result<Committed<CustomerEvent>, Refusal>, AppError> {
        let mut decided = Err(Refusal::customer_merged());
        for _ in 0..MAX_ATTEMPTS {
            let root = self.survivor(caller, id).await?;
            let stream = customer_stream(caller.tenant, root);
            let absorbed = self.read_state::<Customer, _>(stream, |loaded| loaded.state.absorbed.clone()).await?;
            let parts: Vec<_> =
                self.merged_records(caller, &absorbed).await?.into_iter().map(|part| part.state).collect();
            let run = CommandRun::new(caller, stream, command);
            let on_person = |state: &Customer, context: &Context<'_>| {
                if parts.is_empty() {
                    return decide(state, root, context);
                }
                decide(&state.with_messages_of(state, &parts), root, context)
            };
            decided = self.decide(&run, basis, on_person).await?;
            // Merged between the look and the decision: look again.
            if !matches!(&decided, Err(refusal) if refusal.code == Refusal::MERGED) {
                break;
            }
        }
        Ok(decided)
    }

    /// As [`Self::run`], for a command on a person: it acts on whoever stands for the customer. What is repeated by its
    /// idempotency key is found in the stream that it went to at first.
    pub(crate) async fn run_on_customer<C: Serialize + Clone + OnCustomer + Send + Sync, T>(
        &self,
        caller: &Caller,
        (name, mut command): (&str, C),
        decide: impl Fn(&Customer, C, &Context<'_>) -> Decision<CustomerEvent> + Send + Sync,
        answer: impl FnOnce(&Committed<CustomerEvent>) -> Option<T>,
    ) -> Result<Outcome<T>, AppError> {
        let basis = self.basis(caller).await?;
        let key = match Self::command_key(caller, &basis, name, &command) {
            Ok(key) => key,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let id = *command.customer();
        let decide = |state: &Customer, root, context: &Context<'_>| {
            let mut command = command.clone();
            *command.customer() = root;
            decide(state, command, context)
        };
        match self.decide_on_survivor(caller, &basis, (id, key), decide).await? {
            Ok(made) => {
                self.follow_addresses(caller, &made).await?;
                self.done(&made, answer).await
            }
            Err(refusal) => Ok(Outcome::Refused(refusal)),
        }
    }

    /// Whose stream among a person's holds a thing; whoever stands for the person, if none does.
    pub(crate) async fn holder(
        &self,
        caller: &Caller,
        id: CustomerId,
        holds: impl Fn(&Customer) -> bool + Send + Sync,
    ) -> Result<CustomerId, AppError> {
        let person = self.person_ids(caller, id).await?;
        for &id in &person {
            if self.read_state::<Customer, _>(customer_stream(caller.tenant, id), |loaded| holds(&loaded.state)).await?
            {
                return Ok(id);
            }
        }
        Ok(person[0])
    }

    /// As [`Self::run`], for a command on a thing of a person: it acts on the stream that holds it.
    pub(crate) async fn run_on_holder<C: Serialize + Clone + Send + Sync, T>(
        &self,
        caller: &Caller,
        (id, holds): (CustomerId, impl Fn(&Customer) -> bool + Send + Sync),
        (name, command): (&str, C),
        decide: impl Fn(&Customer, C, &Context<'_>) -> Decision<CustomerEvent> + Send + Sync,
        answer: impl FnOnce(&Committed<CustomerEvent>) -> Option<T>,
    ) -> Result<Outcome<T>, AppError> {
        let holder = self.holder(caller, id, holds).await?;
        self.run(caller, customer_stream(caller.tenant, holder), (name, command), decide, answer).await
    }
}
