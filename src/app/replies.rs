//! What a reply of ours takes from the message that it answers: the subject, if it was written without one, and its place in
//! the thread.

use serde::Deserialize;

use crate::app::customers::customer_stream;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::event::Event;
use crate::domain::message::decide::{SendMessage, reply_subject};
use crate::domain::message::event::{MessageEvent, MessageQueued, MessageReceived};
use crate::domain::value::Channel;
use crate::domain::value::token;
use crate::ids::{CustomerId, MessageId};
use crate::log::{ReadLimit, StreamId};

/// How many events are looked at together.
const LOOKED_AT_ONCE: usize = 500;
/// The longest `Message-ID` of somebody's that is repeated, in bytes: with ours beside it, it fits in a line (RFC 5322, 2.1.1).
const LONGEST_ID: usize = 600;

/// A message that is answered.
enum Answered {
    Received(MessageReceived),
    Queued(MessageQueued),
}

impl App {
    /// A reply by email without a subject gets that of the message that it answers.
    pub(crate) async fn with_subject(&self, caller: &Caller, message: SendMessage) -> Result<SendMessage, AppError> {
        let Some(answered) = message.in_reply_to.filter(|_| message.lacks_subject()) else { return Ok(message) };
        let subject = match self.answered(caller, message.customer_id, answered).await? {
            Some(Answered::Received(received)) => received.personal.and_then(|personal| personal.subject),
            Some(Answered::Queued(queued)) => queued.personal.and_then(|personal| personal.subject),
            None => None,
        };
        match subject {
            Some(subject) => Ok(SendMessage { subject: Some(reply_subject(&subject)), ..message }),
            None => Ok(message),
        }
    }

    /// The `Message-ID`s of the mails that a reply of ours stands below (RFC 5322, 3.6.4), the answered one last. `domain` is the
    /// one that ours are made with: a reply mostly leaves by the account of what was answered.
    pub(crate) async fn thread(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        answered: MessageId,
        domain: &str,
    ) -> Result<Vec<String>, AppError> {
        let basis = self.basis(caller).await?;
        let ours = |id| token::mail_id(&token::seal_reply(caller.tenant, id, &basis.secret), domain);
        Ok(match self.answered(caller, customer_id, answered).await? {
            Some(Answered::Received(received)) if received.key.channel == Channel::Email => {
                let theirs = received.personal.and_then(|personal| personal.details.mail_id);
                let theirs = theirs.filter(|id| is_mail_id(id));
                received.in_reply_to.map(ours).into_iter().chain(theirs).collect()
            }
            Some(Answered::Queued(queued)) if queued.key.channel == Channel::Email => vec![ours(answered)],
            Some(Answered::Received(_) | Answered::Queued(_)) | None => vec![],
        })
    }

    /// A message in a customer's stream, or in that of a customer who is part of the same person.
    async fn answered(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<Option<Answered>, AppError> {
        let survivor = self.survivor(caller, customer_id).await?;
        let stream = customer_stream(caller.tenant, survivor);
        let absorbed = self.read_state::<Customer, _>(stream, |loaded| loaded.state.absorbed.clone()).await?;
        for id in std::iter::once(survivor).chain(absorbed) {
            if let Some(answered) = self.answered_in(customer_stream(caller.tenant, id), message_id).await? {
                return Ok(Some(answered));
            }
        }
        Ok(None)
    }

    /// A message in a stream. What is answered is mostly new: the newest events come first.
    async fn answered_in(&self, stream: StreamId, message_id: MessageId) -> Result<Option<Answered>, AppError> {
        let journal = &self.shared.journal;
        let mut before = None;
        loop {
            let limit = ReadLimit::events(LOOKED_AT_ONCE);
            let events = journal.backend().read_stream_backwards(stream, before, limit).await?;
            let Some(last) = events.last() else { return Ok(None) };
            before = Some(last.envelope.version);
            let began = events.iter().find(|event| {
                [MessageReceived::TYPE, MessageQueued::TYPE].contains(&event.envelope.event_type.as_str())
                    && is_about(&event.data, message_id)
            });
            let Some(began) = began else { continue };
            let after = began.envelope.version.saturating_sub(1);
            let opened = journal.read_stream(stream, after, ReadLimit::events(1)).await?;
            let Some(event) = opened.first() else { return Ok(None) };
            let event = decode::<Customer>(event)?.event;
            return Ok(if let CustomerEvent::Message(MessageEvent::MessageReceived(received)) = event {
                Some(Answered::Received(received))
            } else if let CustomerEvent::Message(MessageEvent::MessageQueued(queued)) = event {
                Some(Answered::Queued(queued))
            } else {
                None
            });
        }
    }
}

/// Whether an event's payload is about a message.
fn is_about(data: &[u8], message_id: MessageId) -> bool {
    #[derive(Deserialize)]
    struct About {
        message_id: Option<MessageId>,
    }
    serde_json::from_slice::<About>(data).is_ok_and(|about| about.message_id == Some(message_id))
}

/// Whether somebody's `Message-ID` can stand in a header of ours: whatever else they wrote there is not repeated.
fn is_mail_id(id: &str) -> bool {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let is_plain = inner.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b','));
    !inner.is_empty() && id.len() <= LONGEST_ID && is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_is_repeated() {
        for id in ["<a@b.example>", "<CAF+x=y_z$1@mail.example>", "<no-domain>"] {
            assert!(is_mail_id(id), "{id}");
        }
        let long = format!("<{}@b.example>", "a".repeat(LONGEST_ID));
        for id in ["", "<>", "a@b.example", "<a@b>\r\nBcc: eve@x.example", "<a b@c>", "<a@b> <c@d>", "<ä@b>", &long] {
            assert!(!is_mail_id(id), "{id}");
        }
    }
}
