//! The subjects of replies that were written without one.

use serde::Deserialize;

use crate::app::customers::customer_stream;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::event::Event;
use crate::domain::message::decide::{SendMessage, reply_subject};
use crate::domain::message::event::{MessageEvent, MessageQueued, MessageReceived};
use crate::ids::MessageId;
use crate::log::{ReadLimit, StreamId};

/// How many events are looked at together.
const LOOKED_AT_ONCE: usize = 500;

impl App {
    /// A reply by email without a subject gets that of the message that it answers.
    pub(crate) async fn with_subject(&self, caller: &Caller, message: SendMessage) -> Result<SendMessage, AppError> {
        let Some(answered) = message.in_reply_to.filter(|_| message.lacks_subject()) else { return Ok(message) };
        let survivor = self.survivor(caller, message.customer_id).await?;
        let stream = customer_stream(caller.tenant, survivor);
        let absorbed = self.read_state::<Customer, _>(stream, |loaded| loaded.state.absorbed.clone()).await?;
        for id in std::iter::once(survivor).chain(absorbed) {
            if let Some(subject) = self.subject_of(customer_stream(caller.tenant, id), answered).await? {
                return Ok(SendMessage { subject: Some(reply_subject(&subject)), ..message });
            }
        }
        Ok(message)
    }

    /// The subject of a message in a stream. What is answered is mostly new: the newest events come first.
    async fn subject_of(&self, stream: StreamId, message_id: MessageId) -> Result<Option<String>, AppError> {
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
                received.personal.and_then(|personal| personal.subject)
            } else if let CustomerEvent::Message(MessageEvent::MessageQueued(queued)) = event {
                queued.personal.and_then(|personal| personal.subject)
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
