//! What would become of a message that is asked for, by the same decision as sending. Nothing is recorded.

use crate::app::customers::customer_stream;
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::message::decide::{SendDecision, SendMessage, SendRequest, SentMessage};
use crate::domain::message::event::MessageEvent;
use crate::domain::message::rules::{self, Asked, Finding};
use crate::domain::refusal::Refusal;
use crate::domain::value::{Channel, sms};
use crate::ids::{AddressId, MessageId};
use crate::rendering::Business;

/// What would become of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedSend {
    /// What would be decided, or why it would be refused.
    pub decided: Result<SendDecision, Refusal>,
    /// What every rule finds, in their order, whatever else stands against the message; of nobody, nothing.
    pub findings: Vec<Finding>,
    /// The customer's address that it would go to.
    pub address_id: Option<AddressId>,
    /// That address. Personal.
    pub to: Option<String>,
    /// How many segments its text has as an SMS; of other channels, and of what is refused, nothing.
    pub segments: Option<u32>,
}

impl App {
    /// What would become of a message if it were asked for now.
    pub async fn explain_send(
        &self,
        caller: &Caller,
        request: SendRequest,
        business: Business,
    ) -> Result<ExplainedSend, AppError> {
        let basis = self.basis(caller).await?;
        let (asked, is_template) = (request.message.clone(), request.template.is_some());
        let made = Stop::refusal(self.source(caller, request, business).await)?;
        let message = made.as_ref().map_or(asked, |(message, _)| message.clone());
        let customer_id = self.survivor(caller, message.customer_id).await?;
        let command = SendMessage { customer_id, ..message };
        let files = Stop::refusal(self.uploads(caller, customer_id, &command.attachments).await)?;
        let made = made.and_then(|(_, source)| Ok((source, files?)));
        let prepared = self.prepare(caller, &command).await?;
        let message_id = MessageId(self.shared.ambient.uuid());
        let stream = customer_stream(caller.tenant, customer_id);
        self.read_fresh_state::<Customer, _>(stream, |loaded| {
            let state = &loaded.state;
            self.deciding(&basis, |context| {
                let events = made.as_ref().map_err(Refusal::clone).and_then(|(source, files)| {
                    self.decide_on(caller, &basis, &command, files, source, &prepared, message_id, state, context)
                });
                let receiver = command.recipient(state, prepared.chosen).ok().flatten();
                let findings = match state.must_exist() {
                    Err(_) if !state.is_forgotten() => vec![],
                    _ => {
                        let asked = Asked {
                            channel: command.channel,
                            class: command.class,
                            topic: command.topic.trim(),
                            address_id: receiver.map(|own| own.address_id),
                            is_template,
                            queued_version: None,
                        };
                        let person = prepared.person(state);
                        rules::explain(&person, &prepared.address, asked, command.send_at, context)
                    }
                };
                let events = events.map(|decided| decided.into_iter().map(|one| one.event).collect::<Vec<_>>());
                let segments = events.as_ref().ok().and_then(|events| segments(events));
                let decided = events.and_then(|events| {
                    let sent = SentMessage::from_events(&events).map(|sent| sent.decision);
                    sent.ok_or_else(Refusal::customer_unknown)
                });
                let to = receiver.and_then(|own| own.address.clone());
                ExplainedSend { decided, findings, address_id: receiver.map(|own| own.address_id), to, segments }
            })
        })
        .await
    }
}

/// How many segments an SMS would have.
fn segments(events: &[CustomerEvent]) -> Option<u32> {
    events.iter().find_map(|event| match event {
        CustomerEvent::Message(MessageEvent::MessageQueued(queued)) if queued.key.channel == Channel::Sms => {
            queued.personal.as_ref().map(|personal| sms::segments(&personal.body))
        }
        _ => None,
    })
}
