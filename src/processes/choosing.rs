//! Which account a message is handed to.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::accounts::{Account, choose as ordered, reaching};
use crate::app::{App, Caller};
use crate::domain::message::routing::{RouteChoice, Sent};
use crate::domain::value::Channel;
use crate::domain::value::address::country_of;
use crate::processes::dispatcher::PAUSE;
use crate::processes::work::Job;

/// Takes one unit of an account's rate, or says when to come back.
pub(super) fn reserve(account: &Account, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
    if account.circuit().blocks(now) {
        return Err(now + PAUSE);
    }
    account.reserve(now)?;
    account.let_through(now);
    Ok(())
}

/// The accounts that take a message, in the order in which they are asked, and why in this one. The rate of the first is used,
/// unless it is the only one and was asked before. Otherwise when to look again.
pub(super) async fn choose(
    app: &App,
    caller: &Caller,
    job: &Job,
    serving: Vec<Arc<Account>>,
) -> Result<(Vec<Arc<Account>>, Option<RouteChoice>), DateTime<Utc>> {
    let now = app.ambient().now();
    let is_reserved = is_reserved(&serving);
    let asks = |account: &Arc<Account>| {
        account.terms.routing.asks_for_receiver() && !is_reserved
            || account.provider.limits(job.channel).refuses_international_mailboxes
    };
    let receiver = if serving.iter().any(asks) {
        let found = app.receiver(caller, job.customer_id, job.message_id).await;
        found.map_err(|error| {
            tracing::warn!(message_id = %job.message_id, %error, "a message cannot be dispatched yet");
            now + PAUSE
        })?
    } else {
        None
    };
    let serving = receiver.iter().fold(serving, |serving, to| reaching(serving, job.channel, to));
    if serving.is_empty() {
        return Err(now + PAUSE);
    }
    if is_reserved {
        return Ok((serving, None));
    }
    let domain = receiver.as_deref().filter(|_| job.channel == Channel::Email);
    let domain = domain.and_then(|to| Some(to.rsplit_once('@')?.1.to_lowercase()));
    let country = receiver.as_deref().filter(|_| job.channel != Channel::Email).and_then(country_of);
    let sent = Sent { message_id: job.message_id, country: country.as_deref(), domain: domain.as_deref() };
    let (order, choice) = ordered(&serving, job.channel, sent, now);
    let first = order.first().ok_or(now + PAUSE)?;
    reserve(first, now)?;
    Ok((order, Some(choice)))
}

/// Whether the rate was asked when the message was taken up: nothing was to be known of it.
pub(super) fn is_reserved(serving: &[Arc<Account>]) -> bool {
    matches!(serving, [only] if only.terms.routing.is_everywhere())
}
