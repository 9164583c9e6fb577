//! Commands on canned replies, and messages that are made of them.

use crate::app::engine::deciding::Committed;
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::canned::decide::{
    self, CannedUse, RemoveCannedReply, SaveCannedReply, SavedCannedReply, UseCannedReply,
};
use crate::domain::canned::event::CannedReplyEvent;
use crate::domain::canned::state::CannedReply;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::message::decide::SendMessage;
use crate::domain::refusal::Refusal;
use crate::ids::{Label, TenantId, TenantSecret};
use crate::log::{Category, StreamId};

impl App {
    /// Makes a canned reply, or changes one.
    pub async fn save_canned_reply(
        &self,
        caller: &Caller,
        command: SaveCannedReply,
    ) -> Result<Outcome<SavedCannedReply>, AppError> {
        let code = match decide::code(&command.code) {
            Ok(code) => code,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let stream = self.canned_stream(caller.tenant, &code).await?;
        let standing = self.read_fresh_state::<CannedReply, _>(stream, |loaded| saved(&loaded.state)).await?;
        let answer = |made: &Committed<CannedReplyEvent>| told(made).or(standing);
        self.run(caller, stream, command, decide::save, answer).await
    }

    /// Removes a canned reply. What was sent with it stays as it is.
    pub async fn remove_canned_reply(
        &self,
        caller: &Caller,
        command: RemoveCannedReply,
    ) -> Result<Outcome<SavedCannedReply>, AppError> {
        let code = match decide::code(&command.code) {
            Ok(code) => code,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let stream = self.canned_stream(caller.tenant, &code).await?;
        let decide = |state: &CannedReply, _, context: &Context<'_>| decide::remove(state, context);
        self.run(caller, stream, command, decide, told).await
    }

    /// A canned reply as it stands, to make a message of.
    pub(super) async fn canned_reply(&self, caller: &Caller, wanted: UseCannedReply) -> Result<WantedReply, Stop> {
        let code = decide::code(&wanted.code).map_err(in_message)?;
        let stream = self.canned_stream(caller.tenant, &code).await?;
        let reply = self.read_fresh_state::<CannedReply, _>(stream, |loaded| loaded.state.clone()).await?;
        Ok(WantedReply { wanted, reply })
    }

    /// The stream of a canned reply, by its checked code.
    async fn canned_stream(&self, tenant: TenantId, code: &str) -> Result<StreamId, AppError> {
        let secret: TenantSecret = self.shared.journal.tenant_secret(tenant).await?;
        Ok(StreamId::new(tenant, Category::CannedReply, secret.derive(Label::CannedReplyStream, &[code.as_bytes()])))
    }
}

/// A canned reply that a message is to be made of.
pub(super) struct WantedReply {
    wanted: UseCannedReply,
    reply: CannedReply,
}

impl WantedReply {
    /// Fills it in for a customer, unless the agent wrote a body over it.
    pub fn fill(&self, state: &Customer, command: SendMessage) -> Result<(SendMessage, CannedUse), Refusal> {
        state.must_exist()?;
        let filled = decide::fill(&self.reply, &self.wanted, &command.body, state, command.channel);
        let (body, used) = filled.map_err(in_message)?;
        Ok((SendMessage { body, ..command }, used))
    }
}

/// A refusal of a canned reply, in the words of the message that was to be made of it.
fn in_message(refusal: Refusal) -> Refusal {
    Refusal { field: Some("canned_reply".to_owned()), ..refusal }
}

/// Every change is one event.
fn told(made: &Committed<CannedReplyEvent>) -> Option<SavedCannedReply> {
    let (code, revision) = match &made.events.first()?.event {
        CannedReplyEvent::CannedReplySaved(e) => (&e.code, e.revision),
        CannedReplyEvent::CannedReplyRemoved(e) => (&e.code, e.revision),
    };
    Some(SavedCannedReply { code: code.clone(), revision })
}

/// The answer to a change that changes nothing.
fn saved(state: &CannedReply) -> Option<SavedCannedReply> {
    let current = state.current.as_ref()?;
    Some(SavedCannedReply { code: current.code.clone(), revision: state.revision })
}
