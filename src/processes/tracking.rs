//! Rewrites what a dispatcher is about to hand over.

use crate::accounts::Account;
use crate::app::{App, Caller, Ticket};

/// Tracks a message that is about to leave by an account, where settings and consent want it. If that cannot be found out, the
/// message leaves as it was written: the provider's call is decided on and waits for nothing any more.
pub(super) async fn track(app: &App, caller: &Caller, account: &Account, ticket: &mut Ticket) {
    if let Err(error) = app.track(caller, ticket, account.provider.tracks()).await {
        tracing::warn!(message_id = %ticket.attempt.key.message_id, %error, "a message leaves without tracking");
    }
}
