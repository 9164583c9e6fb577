//! Addresses that a provider says are gone, such as the token of a device whose app was removed.

use crate::accounts::Account;
use crate::app::{App, Caller, Ticket};
use crate::domain::customer::decide::RemoveAddress;
use crate::domain::message::dispatch::CallOutcome;

/// What takes the address of a message from its customer, if the provider refused it for that reason.
pub(super) fn removal(account: &Account, ticket: &Ticket, outcome: &CallOutcome) -> Option<RemoveAddress> {
    let CallOutcome::Refused { code: Some(code), .. } = outcome else { return None };
    let address_id = ticket.address_id.filter(|_| account.provider.is_gone(code))?;
    Some(RemoveAddress { customer_id: ticket.customer_id, address_id })
}

/// Takes an address that is gone from the customer, so that the next message goes to another one of theirs. It is not suppressed:
/// a device that registers again has the same token at times. If this fails, the next message to it tries again.
pub(super) async fn remove(app: &App, caller: &Caller, gone: Option<RemoveAddress>) {
    let Some(command) = gone else { return };
    let address_id = command.address_id;
    // A refusal: the customer has it no more, or was forgotten.
    if let Err(error) = app.remove_address(caller, command).await {
        tracing::warn!(%address_id, %error, "an address that is gone was not removed");
    }
}
