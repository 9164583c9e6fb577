//! Commands on consent and suppression.

use crate::app::addresses::address_stream;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::consent::decide::{self, ALL_TOPICS, AddressRef, LiftSuppression, SetConsent, SuppressAddress};
use crate::domain::consent::event::{ConsentState, SuppressionReason};
use crate::domain::consent::state::Address;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::refusal::Refusal;
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{AddressId, CustomerId};

impl App {
    /// Records what a customer agreed to.
    pub async fn set_consent(&self, caller: &Caller, command: SetConsent) -> Result<Outcome<ConsentState>, AppError> {
        let state = command.state;
        self.run_on_customer(caller, ("set_consent", command), decide::set, |_| Some(state)).await
    }

    /// Forbids sending to an address, whoever has it. A STOP is recorded as the customer's opt-out too, for every channel
    /// that the address serves.
    pub async fn suppress_address(
        &self,
        caller: &Caller,
        command: SuppressAddress,
    ) -> Result<Outcome<AddressId>, AppError> {
        let address_id = match self.address_id(caller, &command.address).await? {
            Ok(id) => id,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let stream = address_stream(caller.tenant, address_id);
        let decide = |state: &Address, command, context: &Context<'_>| decide::suppress(state, &command, context);
        // The address first: from then on nothing is sent, whatever becomes of the rest.
        let outcome =
            self.run(caller, stream, ("suppress_address", command.clone()), decide, |_| Some(address_id)).await?;
        if let (Outcome::Done(_), SuppressionReason::Stop, Some(customer_id)) =
            (&outcome, command.reason, command.customer_id)
        {
            for channel in channels(command.address.kind()) {
                self.stop(caller, customer_id, channel, &command).await?;
            }
        }
        Ok(outcome)
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
        self.run_on_customer(&caller, ("stop", consent), decide, |_| Some(())).await?;
        Ok(())
    }

    /// Allows sending to an address again.
    pub async fn lift_suppression(
        &self,
        caller: &Caller,
        command: LiftSuppression,
    ) -> Result<Outcome<AddressId>, AppError> {
        let address_id = match self.address_id(caller, &command.address).await? {
            Ok(id) => id,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let stream = address_stream(caller.tenant, address_id);
        self.run(caller, stream, ("lift_suppression", command), decide::lift, |_| Some(address_id)).await
    }

    async fn address_id(&self, caller: &Caller, address: &AddressRef) -> Result<Result<AddressId, Refusal>, AppError> {
        let basis = self.basis(caller).await?;
        Ok(self.deciding(&basis, |context| address.id(context)))
    }
}

/// The channels that an address of a kind serves.
fn channels(kind: AddressKind) -> impl Iterator<Item = Channel> {
    Channel::ALL.iter().copied().filter(move |channel| channel.address_kind() == kind)
}
