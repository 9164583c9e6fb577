//! Commands on consent and suppression.

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{AtAddress, CommandRun, Committed, WordsAt};
use crate::app::engine::error::Stop;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::decide::{AddressRef, LiftSuppression, SuppressAddress, lift, suppress};
use crate::domain::address::event::SuppressionReason;
use crate::domain::address::state::Address;
use crate::domain::address::words::{at_address, word_of};
use crate::domain::consent::decide::{self, SetConsent};
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided};
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{AddressId, CustomerId};
use crate::log::AppendError;

impl App {
    /// Records what a customer agreed to.
    pub async fn set_consent(&self, caller: &Caller, command: SetConsent) -> Result<Outcome<ConsentState>, AppError> {
        let state = command.state;
        self.run_on_person(caller, command, decide::set, |_| Some(state)).await
    }

    /// Forbids sending to an address, for all customers who have it. A STOP is recorded as the customer's opt-out too, for every channel
    /// that the address serves.
    pub async fn suppress_address(
        &self,
        caller: &Caller,
        command: SuppressAddress,
    ) -> Result<Outcome<AddressId>, AppError> {
        Stop::outcome(self.suppress(caller, command).await)
    }

    async fn suppress(&self, caller: &Caller, command: SuppressAddress) -> Result<Done<AddressId>, Stop> {
        let address_id = self.address_id(caller, &command.address).await?;
        let stream = address_stream(caller.tenant, address_id);
        let decide = |state: &Address, command, context: &Context<'_>| suppress(state, &command, context);
        // The address first: from then on nothing is sent, whatever becomes of the rest.
        let done = self.try_run(caller, stream, command.clone(), decide, |_| Some(address_id)).await?;
        if let (SuppressionReason::Stop, Some(customer_id)) = (command.reason, command.customer_id) {
            for channel in channels(command.address.kind()) {
                self.stop(caller, customer_id, channel, &command).await?;
            }
        }
        Ok(done)
    }

    /// Records a STOP as the customer's opt-out, unless it stands there: a repeated command makes up for what a crash
    /// left out.
    async fn stop(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        channel: Channel,
        command: &SuppressAddress,
    ) -> Result<(), AppError> {
        let consent = SetConsent {
            customer_id,
            channel,
            topic: ALL_TOPICS.to_owned(),
            state: ConsentState::OptedOut,
            method: "keyword".to_owned(),
            wording: None,
            ip: None,
            user_agent: None,
            message_id: command.message_id,
            source: command.source,
        };
        let decide =
            |state: &Customer, consent: SetConsent, context: &Context<'_>| match state.consents.of(channel, ALL_TOPICS)
            {
                Some(standing) if standing.state == ConsentState::OptedOut => Ok(vec![]),
                _ => decide::set(state, consent, context),
            };
        let caller = Caller { idempotency_key: None, ..caller.clone() };
        // A customer who is unknown or forgotten has nothing to record an opt-out in; the address is suppressed.
        self.run_on_person(&caller, consent, decide, |_| Some(())).await?;
        Ok(())
    }

    /// Allows sending to an address again.
    pub async fn lift_suppression(
        &self,
        caller: &Caller,
        command: LiftSuppression,
    ) -> Result<Outcome<AddressId>, AppError> {
        Stop::outcome(self.lift(caller, command).await)
    }

    async fn lift(&self, caller: &Caller, command: LiftSuppression) -> Result<Done<AddressId>, Stop> {
        let address_id = self.address_id(caller, &command.address).await?;
        let stream = address_stream(caller.tenant, address_id);
        self.try_run(caller, stream, command, lift, |_| Some(address_id)).await
    }

    /// The id of an address.
    pub(crate) async fn address_id(&self, caller: &Caller, address: &AddressRef) -> Result<AddressId, Stop> {
        let basis = self.basis(caller).await?;
        Ok(self.deciding(&basis, |context| address.id(context))?)
    }
}

impl App {
    /// Records at addresses what a customer said about messages, for everybody who has them: at the address that it was
    /// said from, or at all that the customer has of the channel's kind.
    pub(crate) async fn record_words(
        &self,
        caller: &Caller,
        made: &Committed<CustomerEvent>,
        said_from: Option<AddressId>,
    ) -> Result<(), AppError> {
        self.record_words_at(caller, CustomerId(made.stream.key), &made.events, said_from).await
    }

    /// As [`Self::record_words`], of events of a customer's stream.
    pub(crate) async fn record_words_at(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        events: &[Decided<CustomerEvent>],
        said_from: Option<AddressId>,
    ) -> Result<(), AppError> {
        let said: Vec<_> = events.iter().filter_map(|decided| word_of(decided).map(|word| (decided, word))).collect();
        if said.is_empty() {
            return Ok(());
        }
        let own = match said_from {
            Some(id) => vec![(id, None)],
            None => {
                let stream = customer_stream(caller.tenant, customer_id);
                let own = |loaded: &StateAt<Customer>| {
                    loaded.state.addresses.iter().map(|own| (own.address_id, Some(own.kind))).collect()
                };
                self.read_state::<Customer, Vec<_>>(stream, own).await?
            }
        };
        let basis = self.basis(caller).await?;
        for (decided, word) in said {
            let kind = word.channel.address_kind();
            for &(address_id, _) in own.iter().filter(|(_, own)| own.is_none_or(|own| own == kind)) {
                let event =
                    self.deciding(&basis, |context| at_address(decided, word, customer_id, address_id, context));
                let stream = address_stream(caller.tenant, address_id);
                match self.append_fact::<Address>(caller, stream, Some(decided.id), vec![event]).await {
                    // The same word in another moment: it was recorded before.
                    Ok(_) | Err(AppError::Append(AppendError::EventIdTaken { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// What a customer's events say about messages to addresses: to the one that it was said from, or to all that the customer
/// has of the channel's kind.
pub(crate) fn words_of_customer(
    state: &Customer,
    run: &CommandRun<'_>,
    events: &[Decided<CustomerEvent>],
    context: &Context<'_>,
) -> Vec<AtAddress> {
    let Some(words_at) = run.words else { return vec![] };
    let customer_id = CustomerId(run.stream.key);
    let mut recorded = vec![];
    for (decided, word) in events.iter().filter_map(|decided| word_of(decided).map(|word| (decided, word))) {
        let kind = word.channel.address_kind();
        let all = || state.addresses.iter().filter(|own| own.kind == kind).map(|own| own.address_id).collect();
        let addresses: Vec<AddressId> = match words_at {
            WordsAt::All => all(),
            WordsAt::From(address_id) => vec![address_id],
        };
        recorded.extend(addresses.into_iter().map(|id| (id, at_address(decided, word, customer_id, id, context))));
    }
    recorded
}

/// The channels that an address of a kind serves.
fn channels(kind: AddressKind) -> impl Iterator<Item = Channel> {
    Channel::ALL.iter().copied().filter(move |channel| channel.address_kind() == kind)
}
