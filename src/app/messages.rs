//! Commands on messages.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::message::decide::{
    CancelMessage, ReceiveMessage, ReceivedMessage, RecordProviderFact, SendMessage, SentMessage,
};
use crate::ids::MessageId;

impl App {
    /// Asks for a message to be sent; the answer tells whether it is queued, held or suppressed.
    pub async fn send_message(&self, caller: &Caller, command: SendMessage) -> Result<Outcome<SentMessage>, AppError> {
        pending(self, caller, command).await
    }

    /// Takes a message back that was not dispatched yet.
    pub async fn cancel_message(
        &self,
        caller: &Caller,
        command: CancelMessage,
    ) -> Result<Outcome<MessageId>, AppError> {
        pending(self, caller, command).await
    }

    /// Takes in a message that a customer wrote.
    pub async fn receive_message(
        &self,
        caller: &Caller,
        command: ReceiveMessage,
    ) -> Result<Outcome<ReceivedMessage>, AppError> {
        pending(self, caller, command).await
    }

    /// Records a provider's callback. Callbacks may come in any order, and repeatedly.
    pub async fn record_provider_fact(
        &self,
        caller: &Caller,
        command: RecordProviderFact,
    ) -> Result<Outcome<MessageId>, AppError> {
        pending(self, caller, command).await
    }
}
