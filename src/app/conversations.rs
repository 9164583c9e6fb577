//! Commands on conversations.

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::error::Stop;
use crate::app::persons::Thing;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::conversation::decide::{self, UpdateConversation};
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::ids::{ConversationId, CustomerId};

impl App {
    /// An agent's changes to a conversation.
    pub async fn update_conversation(
        &self,
        caller: &Caller,
        command: UpdateConversation,
    ) -> Result<Outcome<ConversationId>, AppError> {
        let id = command.conversation_id;
        let is_held_by = |state: &Customer| state.conversations.by_id(id).is_some();
        let thing = Thing { customer_id: command.customer_id, is_held_by };
        self.run_on_holder(caller, thing, command, decide::update, |_| Some(id)).await
    }

    /// Lets time do to a conversation what it does; true if that was something.
    pub async fn elapse_conversation(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        conversation_id: ConversationId,
    ) -> Result<bool, AppError> {
        let basis = self.basis(caller).await?;
        let run = CommandRun::new(caller, customer_stream(caller.tenant, customer_id), None);
        let elapse = |state: &Customer, context: &Context<'_>| decide::elapse(state, conversation_id, context);
        // A refusal means that the customer was forgotten.
        let made = Stop::refusal(self.decide::<Customer>(&run, &basis, elapse).await)?;
        Ok(made.is_ok_and(|made| !made.events.is_empty()))
    }
}
