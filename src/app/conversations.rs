//! Commands on conversations.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::conversation::decide::UpdateConversation;
use crate::ids::ConversationId;

impl App {
    /// An agent's changes to a conversation.
    pub async fn update_conversation(
        &self,
        caller: &Caller,
        command: UpdateConversation,
    ) -> Result<Outcome<ConversationId>, AppError> {
        pending(self, caller, command).await
    }
}
