//! Texts that are made when they are sent, of template and customer: a page for each recipient of a campaign would be most of the log.

use chrono::{DateTime, Utc};

use crate::app::engine::error::Stop;
use crate::app::sending::refused_in_template;
use crate::app::templates::zone;
use crate::app::{App, AppError, Caller};
use crate::domain::message::event::{MessageQueued, MessageQueuedPersonal};
use crate::domain::message::origin::TemplateUse;
use crate::domain::refusal::Refusal;
use crate::ids::CustomerId;
use crate::rendering::{Business, Values};

impl App {
    /// The text of a queued message: as it was kept, or made of its template now. The same template, values and moment give the same
    /// text, except for what is known of the customer by now. [`None`] if the customer was forgotten.
    pub(super) async fn text_of_queued(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        queued: MessageQueued,
        queued_at: DateTime<Utc>,
    ) -> Result<Option<Result<MessageQueuedPersonal, Refusal>>, AppError> {
        if !queued.is_made_late() {
            return Ok(queued.personal.map(Ok));
        }
        let (Some(used), Some(kept)) = (&queued.template, &queued.personal) else { return Ok(None) };
        let made = self.make_now(caller, customer_id, &queued, used, kept, queued_at).await;
        Ok(Some(Stop::refusal(made)?.map_err(refused_in_template)))
    }

    async fn make_now(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        queued: &MessageQueued,
        used: &TemplateUse,
        kept: &MessageQueuedPersonal,
        queued_at: DateTime<Utc>,
    ) -> Result<MessageQueuedPersonal, Stop> {
        let basis = self.basis(caller).await?;
        let loaded = self.published_once(caller, &used.code, used.version).await?;
        let channel = queued.key.channel;
        let compiled = self.compile(caller.tenant, &loaded, channel, Some(&used.locale)).await?;
        let customer = self.known_customer(caller, customer_id).await?;
        let defaults = &loaded.draft.variables;
        let values = Values::for_customer(&kept.variables, &customer, &Business::default(), defaults, queued_at);
        let links = self.links_in_message(caller, &basis, customer_id, channel, &queued.topic, queued.key.message_id);
        let values = links.iter().fold(values, |values, (name, url)| values.with(name, url));
        let rendered = compiled.render(&values, zone(&basis.policy, Some(&customer))).map_err(Refusal::from)?;
        let (subject, body, html, form) = (rendered.subject, rendered.body, rendered.html, rendered.form.map(Box::new));
        Ok(MessageQueuedPersonal { subject, body, html, form, ..kept.clone() })
    }

    /// The page of a mail that is made when it is sent, as it would be made now; [`None`] if it cannot be.
    pub async fn made_page(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        queued: MessageQueued,
        queued_at: DateTime<Utc>,
    ) -> Result<Option<String>, AppError> {
        let text = self.text_of_queued(caller, customer_id, queued, queued_at).await?;
        Ok(text.and_then(Result::ok).and_then(|text| text.html))
    }
}
