//! Commands on canned replies, and messages that are made of them.

use crate::app::engine::deciding::Committed;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::canned::decide::{self, RemoveCannedReply, SaveCannedReply, SavedCannedReply, UseCannedReply};
use crate::domain::canned::event::CannedReplyEvent;
use crate::domain::canned::state::CannedReply;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::message::decide::{SendMessage, SentMessage};
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
        let stream = match self.canned_stream(caller.tenant, &command.code).await? {
            Ok(stream) => stream,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let standing = self.read_fresh_state::<CannedReply, _>(stream, |loaded| told_by(&loaded.state)).await?;
        let answer = |made: &Committed<CannedReplyEvent>| told(made).or(standing);
        self.run(caller, stream, ("save_canned_reply", command), decide::save, answer).await
    }

    /// Removes a canned reply. What was sent with it stays as it is.
    pub async fn remove_canned_reply(
        &self,
        caller: &Caller,
        command: RemoveCannedReply,
    ) -> Result<Outcome<SavedCannedReply>, AppError> {
        let stream = match self.canned_stream(caller.tenant, &command.code).await? {
            Ok(stream) => stream,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let decide = |state: &CannedReply, _, context: &Context<'_>| decide::remove(state, context);
        self.run(caller, stream, ("remove_canned_reply", command), decide, told).await
    }

    /// As [`Self::send_message`], with a canned reply for a body; the message pins its revision.
    pub async fn send_reply(
        &self,
        caller: &Caller,
        command: SendMessage,
        canned: Option<UseCannedReply>,
    ) -> Result<Outcome<SentMessage>, AppError> {
        let Some(canned) = canned else { return self.send_message(caller, command).await };
        let stream = match self.canned_stream(caller.tenant, &canned.code).await? {
            Ok(stream) => stream,
            Err(refusal) => return Ok(Outcome::Refused(in_message(refusal))),
        };
        let basis = self.basis(caller).await?;
        let key = match Self::command_key(caller, &basis, "send_reply", &(&command, &canned)) {
            Ok(key) => key,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let reply = self.read_fresh_state::<CannedReply, _>(stream, |loaded| loaded.state.clone()).await?;
        let fill = |state: &Customer, command: SendMessage| {
            state.must_exist()?;
            let of = (state, command.channel);
            let (body, used) = decide::fill(&reply, &canned, &command.body, of).map_err(in_message)?;
            Ok((SendMessage { body, ..command }, Some(used)))
        };
        self.send_as(caller, &basis, key, command, fill).await
    }

    async fn canned_stream(&self, tenant: TenantId, code: &str) -> Result<Result<StreamId, Refusal>, AppError> {
        let secret: TenantSecret = self.shared.journal.tenant_secret(tenant).await?;
        let stream = |code: String| {
            StreamId::new(tenant, Category::CannedReply, secret.derive(Label::CannedReplyStream, &[code.as_bytes()]))
        };
        Ok(decide::code(code).map(stream))
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
fn told_by(state: &CannedReply) -> Option<SavedCannedReply> {
    let current = state.current.as_ref()?;
    Some(SavedCannedReply { code: current.code.clone(), revision: state.revision })
}
