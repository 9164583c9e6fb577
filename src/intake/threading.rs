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

/// How long the read tables are waited for before an answer is kept for later: shorter than any provider waits for us.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The messages of ours that an inbound one names.
pub(super) enum Named {
    /// In the order in which they are believed; perhaps none.
    Messages(Vec<MessageRow>),
    /// It names some that the read tables may show later: they are behind the log.
    NotYet,
}

/// Finds the messages of ours that an inbound one names. Where it names any that are not found, the read tables are waited
/// for: the answer may have come sooner than they followed.
pub(super) async fn named(
    app: &App,
    reads: &Reads,
    caller: &Caller,
    provider: &str,
    inbound: &Inbound,
) -> Result<Named, IntakeError> {
    let newest = inbound.references.iter().rev();
    let headers: Vec<&str> = inbound.in_reply_to.iter().chain(newest).map(String::as_str).take(MAX_IDS).collect();
    let in_headers = headers.iter().filter_map(|id| reply_token_in_mail_id(id));
    let mut by_token = vec![];
    for token in inbound.reply_token.iter().cloned().chain(in_headers) {
        by_token.extend(app.open_reply_token(caller, &token).await?);
    }
    by_token.dedup();
    if by_token.is_empty() && headers.is_empty() {
        return Ok(Named::Messages(vec![]));
    }
    let fingerprints = match inbound.channel {
        Channel::Email => app.mail_id_fingerprints(caller, &headers).await?,
        _ => vec![],
    };
    let look = async || {
        let db = reads.db();
        let mut named = by_token.clone();
        if inbound.channel == Channel::Email {
            named.extend(messages::by_mail_ids(&db, caller.tenant, &fingerprints).await?);
        } else if let Some(id) = &inbound.in_reply_to {
            let row = messages::by_provider_id(&db, caller.tenant, provider, id).await?;
            named.extend(row.map(|row| row.message_id));
        }
        let mut rows = match named.is_empty() {
            true => vec![],
            false => messages::by_ids(&db, caller.tenant, &named).await?,
        };
        let is_complete = !named.is_empty() && by_token.iter().all(|id| rows.iter().any(|row| row.message_id == *id));
        rows.retain(|row| row.direction == Direction::Outbound);
        rows.sort_by_key(|row| named.iter().position(|id| *id == row.message_id));
        Ok::<_, IntakeError>((rows, is_complete))
    };
    let (rows, is_complete) = look().await?;
    if is_complete {
        return Ok(Named::Messages(rows));
    }
    let end = app.end().await?;
    if *reads.applied().borrow() >= end {
        // What it names is not ours, or was forgotten.
        return Ok(Named::Messages(rows));
    }
    match reads.wait_for(end, PATIENCE).await {
        Ok(()) => Ok(Named::Messages(look().await?.0)),
        Err(error) => {
            tracing::warn!(%error, "a message is kept until it can be seen what it answers");
            Ok(Named::NotYet)
        }
    }
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
