//! Addresses that a provider says are gone, such as the token of a device whose app was removed.

use crate::accounts::Account;
use crate::app::{App, Caller, Ticket};
use crate::domain::customer::decide::RemoveAddress;
use crate::domain::message::dispatch::CallOutcome;
use crate::ids::AddressId;

/// The address of a message, if the provider refused it for that reason.
pub(super) fn address(account: &Account, ticket: &Ticket, outcome: &CallOutcome) -> Option<AddressId> {
    match outcome {
        CallOutcome::Refused { code: Some(code), .. } if account.provider.is_gone(code) => ticket.address_id,
        CallOutcome::Refused { .. } | CallOutcome::Accepted { .. } | CallOutcome::Unknown { .. } => None,
    }
}

/// Takes an address that is gone from the customer, so that the next message goes to another one of theirs. It is not suppressed:
/// a device that registers again has the same token at times. If this fails, the next message to it tries again.
pub(super) async fn remove(app: &App, caller: &Caller, command: RemoveAddress) {
    let address_id = command.address_id;
    // A refusal: the customer has it no more, or was forgotten.
    if let Err(error) = app.remove_address(caller, command).await {
        tracing::warn!(%address_id, %error, "an address that is gone was not removed");
    }
}
