//! Which message of ours an inbound one answers.
//!
//! A token of ours comes first (in the address that it was sent to, or in a `Message-ID` that it names), then the id by
//! which the provider knows our message; the subject never counts. Whatever names it, the message must have gone to
//! somebody who has the address that now writes: two people who answer one newsletter, or one who got it forwarded, stay
//! two.

use std::time::Duration;

use crate::app::{App, Caller};
use crate::domain::value::Channel;
use crate::domain::value::Direction;
use crate::domain::value::token::reply_token_in_mail_id;
use crate::ids::{CustomerId, MessageId};
use crate::intake::IntakeError;
use crate::providers::Inbound;
use crate::queries::messages::MessageRow;
use crate::queries::{Reads, messages};

/// How many ids of a mail's headers are looked at, the newest first: a longer thread names us more than once.
const MAX_IDS: usize = 40;

/// How long the read tables are waited for before an answer is taken in without its message: shorter than any provider
/// waits for us.
const PATIENCE: Duration = Duration::from_secs(5);

/// The messages of ours that an inbound one names, in the order in which they are believed.
pub(super) async fn named(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    provider: &str,
    inbound: &Inbound,
) -> Result<Vec<MessageRow>, IntakeError> {
    let db = reads.db();
    let mut named = vec![];
    let newest = inbound.references.iter().rev();
    let headers: Vec<&str> = inbound.in_reply_to.iter().chain(newest).map(String::as_str).take(MAX_IDS).collect();
    let in_headers = headers.iter().filter_map(|id| reply_token_in_mail_id(id));
    for token in inbound.reply_token.iter().cloned().chain(in_headers) {
        named.extend(app.open_reply_token(caller, &token).await?);
    }
    named.dedup();
    let by_token = named.len();
    if inbound.channel == Channel::Email {
        let fingerprints = app.mail_id_fingerprints(caller, &headers).await?;
        named.extend(messages::by_mail_ids(&db, caller.tenant, &fingerprints).await?);
    } else if let Some(id) = &inbound.in_reply_to {
        let row = messages::by_provider_id(&db, caller.tenant, provider, id).await?;
        named.extend(row.map(|row| row.message_id));
    }
    if named.is_empty() {
        return Ok(vec![]);
    }
    let mut rows = messages::by_ids(&db, caller.tenant, &named).await?;
    if named.iter().take(by_token).any(|id| !rows.iter().any(|row| row.message_id == *id)) {
        // A token of ours names a message that the read tables do not show yet: the answer came sooner than they followed.
        if let Err(error) = reads.wait_for(app.end().await?, PATIENCE).await {
            tracing::warn!(%error, "an answer is recorded without the message that it may answer");
        }
        rows = messages::by_ids(&reads.db(), caller.tenant, &named).await?;
    }
    rows.retain(|row| row.direction == Direction::Outbound);
    rows.sort_by_key(|row| named.iter().position(|id| *id == row.message_id));
    Ok(rows)
}

/// Which of the messages that are named is answered, with whom it went to; [`None`] if the sender is another.
pub(super) async fn answered(
    app: &App,
    caller: &Caller,
    named: &[MessageRow],
    inbound: &Inbound,
) -> Result<Option<(CustomerId, MessageId)>, IntakeError> {
    if named.is_empty() {
        return Ok(None);
    }
    let writers = app.who_has(caller, inbound.channel, &inbound.from).await?;
    let answered = named.iter().find(|row| writers.contains(&row.customer_id));
    Ok(answered.map(|row| (row.customer_id, row.message_id)))
}
