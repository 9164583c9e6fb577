//! Commands on a person, and on things of a person, whichever of the streams of merged customers they belong to.
//!
//! A command on a person ([`App::run_on_person`]) acts on the survivor of the customer that it names; a command on a
//! thing (a message, a note, a conversation) acts on the stream that holds it ([`App::run_on_holder`]).

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, MAX_ATTEMPTS, WordsAt};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::command::{AboutPerson, Command};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::ids::CustomerId;
use crate::log::CommandKey;

/// A record of a person: the stream that holds it is searched for among those of all merged records.
pub(crate) struct Thing<F> {
    /// A customer of the person.
    pub customer_id: CustomerId,
    /// Whether a stream holds it, by the stream's fold.
    pub is_held_by: F,
}

impl App {
    /// Decides on a person's survivor, until it is done or refused. What is said about messages is recorded at the addresses
    /// in the same transaction. What all merged records were sent is seen as the
    /// person's.
    pub(crate) async fn decide_on_survivor(
        &self,
        caller: &Caller,
        basis: &Basis,
        id: CustomerId,
        key: Option<CommandKey>,
        words: Option<WordsAt>,
        mut decide: impl FnMut(&Customer, CustomerId, &Context<'_>) -> Decision<CustomerEvent> + Send,
    ) -> Result<Committed<CustomerEvent>, Stop> {
        for _ in 0..MAX_ATTEMPTS {
            let survivor = self.survivor(caller, id).await?;
            let stream = customer_stream(caller.tenant, survivor);
            let absorbed = self.read_state::<Customer, _>(stream, |loaded| loaded.state.absorbed.clone()).await?;
            let merged = self.merged_records(caller, &absorbed).await?;
            let merged: Vec<_> = merged.into_iter().map(|record| record.state).collect();
            let run = CommandRun { words, ..CommandRun::new(caller, stream, key) };
            let on_person = |state: &Customer, context: &Context<'_>| {
                if merged.is_empty() {
                    return decide(state, survivor, context);
                }
                decide(&state.with_messages_of(state, &merged), survivor, context)
            };
            match self.decide(&run, basis, on_person).await {
                // Merged between the look and the decision: look again.
                Err(Stop::Refused(refusal)) if refusal.code == Refusal::MERGED => {}
                decided => return decided,
            }
        }
        Err(Refusal::customer_merged().into())
    }

    /// As [`Self::run`], for a command on a person: it acts on the survivor. What is repeated by its idempotency key is
    /// found in the stream that it went to at first.
    pub(crate) async fn run_on_person<C: AboutPerson, T>(
        &self,
        caller: &Caller,
        mut command: C,
        decide: impl Fn(&Customer, C, &Context<'_>) -> Decision<CustomerEvent> + Send + Sync,
        answer: impl FnOnce(&Committed<CustomerEvent>) -> Option<T>,
    ) -> Result<Outcome<T>, AppError> {
        let decided = async {
            let basis = self.basis(caller).await?;
            let key = Self::command_key(caller, &basis.secret, &command)?;
            let id = *command.customer_id();
            let decide = |state: &Customer, survivor, context: &Context<'_>| {
                let mut command = command.clone();
                *command.customer_id() = survivor;
                decide(state, command, context)
            };
            let made = self.decide_on_survivor(caller, &basis, id, key, Some(WordsAt::All), decide).await?;
            self.follow_addresses(caller, &made).await?;
            if made.repeated {
                self.record_words(caller, &made, None).await?;
            }
            Ok(self.done(&made, answer).await?)
        };
        Stop::outcome(decided.await)
    }

    /// The customer whose stream holds a thing; the survivor, if none does.
    pub(crate) async fn holder(
        &self,
        caller: &Caller,
        thing: Thing<impl Fn(&Customer) -> bool + Send + Sync>,
    ) -> Result<CustomerId, AppError> {
        let ids = self.person_ids(caller, thing.customer_id).await?;
        for &id in &ids {
            let stream = customer_stream(caller.tenant, id);
            if self.read_state::<Customer, _>(stream, |loaded| (thing.is_held_by)(&loaded.state)).await? {
                return Ok(id);
            }
        }
        Ok(ids[0])
    }

    /// As [`Self::run`], for a command on a thing of a person: it acts on the stream that holds it.
    pub(crate) async fn run_on_holder<C: Command<State = Customer>, T>(
        &self,
        caller: &Caller,
        thing: Thing<impl Fn(&Customer) -> bool + Send + Sync>,
        command: C,
        decide: impl Fn(&Customer, C, &Context<'_>) -> Decision<CustomerEvent> + Send + Sync,
        answer: impl FnOnce(&Committed<CustomerEvent>) -> Option<T>,
    ) -> Result<Outcome<T>, AppError> {
        let holder = self.holder(caller, thing).await?;
        self.run(caller, customer_stream(caller.tenant, holder), command, decide, answer).await
    }
}
