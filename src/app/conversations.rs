//! Commands on conversations.

use crate::app::customers::customer;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::conversation::decide::{self, UpdateConversation};
use crate::ids::ConversationId;

impl App {
    /// An agent's changes to a conversation.
    pub async fn update_conversation(
        &self,
        caller: &Caller,
        command: UpdateConversation,
    ) -> Result<Outcome<ConversationId>, AppError> {
        let id = command.conversation_id;
        let stream = customer(caller.tenant, command.customer_id);
        self.run(caller, stream, ("update_conversation", command), decide::update, |_| Some(id)).await
    }
}
