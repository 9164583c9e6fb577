//! Whether WhatsApp lets a template be sent: as its author has written it down, who learns it from the provider.

use crate::app::campaigns::Standing;
use crate::app::engine::states::StateAt;
use crate::app::{App, AppError, Caller};
use crate::domain::campaign::event::PauseCause;
use crate::domain::message::dispatch::TEMPLATE_NOT_APPROVED;
use crate::domain::message::event::MessageQueuedPersonal;
use crate::domain::message::state::PendingMessage;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::{Approval, Content};
use crate::domain::template::state::Template;
use crate::domain::value::form::Form;

impl App {
    /// Whether WhatsApp still lets the template be sent that a message was made of, as its author has written it down by now.
    pub(super) async fn approved_now(
        &self,
        caller: &Caller,
        message: &PendingMessage,
        content: &MessageQueuedPersonal,
    ) -> Result<Result<(), Refusal>, AppError> {
        let (Some(code), Some(Form::Whatsapp(kept))) = (&message.template, content.form.as_deref()) else {
            return Ok(Ok(()));
        };
        let stream = self.template_stream(caller.tenant, code).await?;
        let approval = |loaded: &StateAt<Template>| {
            let contents = loaded.state.draft.as_ref()?.contents.iter();
            contents.map(|local| &local.content).find_map(|content| match content {
                Content::Whatsapp(texts) if texts.provider_template == kept.template => Some(texts.approval),
                _ => None,
            })
        };
        Ok(must_be_approved(self.read_fresh_state::<Template, _>(stream, approval).await?))
    }

    /// Pauses the campaign of a message whose template WhatsApp does not let be sent any more: its audience is still there when
    /// the template is approved again. False if there is nothing to pause; then the message is held by itself.
    pub(super) async fn pauses_for(
        &self,
        caller: &Caller,
        message: &PendingMessage,
        refusal: &Refusal,
    ) -> Result<bool, AppError> {
        let Some(campaign_id) = message.key.campaign_id.filter(|_| refusal.code == TEMPLATE_NOT_APPROVED) else {
            return Ok(false);
        };
        self.stop_campaign(caller, campaign_id, PauseCause::Failure, &refusal.message, None).await?;
        Ok(self.standing_of(caller.tenant, campaign_id).await? == Standing::Paused)
    }
}

/// Refuses a template that WhatsApp does not let be sent.
pub(super) fn must_be_approved(approval: Option<Approval>) -> Result<(), Refusal> {
    match approval {
        None | Some(Approval::Approved) => Ok(()),
        Some(approval) => {
            let message = format!("WhatsApp does not let the template be sent: its approval is {approval}");
            Err(Refusal::new(TEMPLATE_NOT_APPROVED, message))
        }
    }
}
