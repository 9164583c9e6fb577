//! A campaign's message to one recipient: asked for once, whatever is repeated.
//!
//! All ids are derived from the campaign and the recipient. A runner that goes through the same recipients again, after a crash
//! or beside another one, asks for the same message, which the log knows. The event by which a message is asked for has an id
//! that derives from the address, so that the log itself takes one at each address: in whatever spelling, and whoever has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::sending::{Prepared, Source, WantedTemplate, in_template, refused_in_template};
use crate::app::templates::{Loaded, zone};
use crate::app::{App, AppError, Caller};
use crate::domain::campaign::event::Exclusion;
use crate::domain::campaign::experiment::shares::{Assignment, Shares};
use crate::domain::campaign::schedule::{self, Plan};
use crate::domain::campaign::state::Described;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::message::decide::{SendDecision, SendMessage, SentMessage};
use crate::domain::message::event::{MessageClass, MessageEvent, MessageQueued, MessageQueuedPersonal};
use crate::domain::message::origin::{TemplateUse, UseTemplate};
use crate::domain::refusal::Refusal;
use crate::domain::value::{Channel, sms};
use crate::ids::{AddressId, CampaignId, CommandId, CustomerId, EventId, Label, MessageId};
use crate::log::CommandKey;
use crate::rendering::{Business, Values};

/// What a campaign sends: its template in the version of its run.
#[derive(Debug, Clone)]
pub struct CampaignText {
    campaign_id: CampaignId,
    channel: Channel,
    topic: String,
    /// The text of each variant, in their order; of a campaign without variants the only one.
    texts: Vec<Text>,
    shares: Option<Shares>,
    schedule: Plan,
    /// When the campaign was made: its ids begin with it.
    made_at: DateTime<Utc>,
    /// When it started; now, if it did not yet.
    started_at: DateTime<Utc>,
    needs_business: bool,
}

/// The text of a variant.
#[derive(Debug, Clone)]
struct Text {
    variant: Option<String>,
    wanted: UseTemplate,
    loaded: Arc<Loaded>,
}

/// What became of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The message goes out.
    Queued,
    /// It waits.
    Held,
    /// It is not sent.
    Suppressed {
        /// By this rule.
        rule: String,
    },
    /// No message is asked for.
    Excluded {
        /// Why: an [`Exclusion`], or the code of a refusal.
        by: String,
    },
}

/// What was found of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What became of the recipient.
    pub outcome: Recipient,
    /// True if an earlier call asked for the message.
    pub repeated: bool,
    /// The address that the message goes to.
    pub address_id: Option<AddressId>,
    /// SMS segments; on other channels 1.
    pub segments: u32,
    /// Who stands for the recipient, if anybody is written to.
    pub person: Option<CustomerId>,
    /// What a refusal says.
    pub refusal: Option<String>,
}

impl Judged {
    /// A person who gets nothing, to be compared with the others.
    fn held_out(person: CustomerId) -> Self {
        Self { person: Some(person), ..Self::left_out(Exclusion::HoldOut.word().to_owned()) }
    }

    /// A recipient who is left out: by an [`Exclusion`], or the code of a refusal.
    #[must_use]
    pub const fn left_out(by: String) -> Self {
        let outcome = Recipient::Excluded { by };
        Self { outcome, repeated: false, address_id: None, segments: 0, person: None, refusal: None }
    }
}

impl CampaignText {
    /// Whether the text names orders, which are read for each recipient then.
    #[must_use]
    pub const fn needs_business(&self) -> bool {
        self.needs_business
    }

    /// The published versions of its templates, by code.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, u32> {
        let version = |text: &Text| (text.wanted.code.clone(), text.loaded.version.unwrap_or_default());
        self.texts.iter().map(version).collect()
    }

    /// The text that a person gets; none for those who are held out.
    fn text_for(&self, person: CustomerId) -> Option<&Text> {
        match self.shares.as_ref().map(|shares| shares.assign(self.campaign_id.0, person.0)) {
            None | Some(Assignment::Rest) => self.texts.first(),
            Some(Assignment::Variant(index)) => self.texts.get(index),
            Some(Assignment::HoldOut) => None,
        }
    }

    /// Whether the text is made when it is sent, of template and customer: a page for each recipient would be most of the log.
    /// What is known of orders is read now, so such a text is made now.
    fn is_made_late(&self) -> bool {
        self.channel == Channel::Email && !self.needs_business
    }

    fn message_to(&self, customer_id: CustomerId, variant: Option<String>) -> SendMessage {
        SendMessage {
            customer_id,
            channel: self.channel,
            class: MessageClass::Marketing,
            topic: self.topic.clone(),
            address_id: None,
            subject: None,
            body: String::new(),
            send_at: None,
            in_reply_to: None,
            campaign_id: Some(self.campaign_id),
            variant,
            attachments: vec![],
        }
    }
}

impl Text {
    fn source(&self, business: Business) -> Source {
        let (wanted, loaded) = (self.wanted.clone(), Arc::clone(&self.loaded));
        Source::Template(Box::new(WantedTemplate { wanted, loaded, business, values_of: None }))
    }
}

/// A message that is to be decided on.
struct Copy {
    command: SendMessage,
    source: Source,
    prepared: Prepared,
}

impl App {
    /// What a campaign sends, compiled: in the versions of its run, or those that a run would have now.
    pub async fn campaign_text(
        &self,
        caller: &Caller,
        campaign: &Described,
    ) -> Result<Result<CampaignText, Refusal>, AppError> {
        Stop::refusal(self.texts_of(caller, campaign).await)
    }

    async fn texts_of(&self, caller: &Caller, campaign: &Described) -> Result<CampaignText, Stop> {
        let (plan, campaign_id) = (&campaign.plan, campaign.campaign_id);
        let basis = self.basis(caller).await?;
        let schedule = plan.schedule.check(basis.policy.zone_of(None));
        let schedule = schedule.map_err(|error| Refusal::invalid("schedule", error.to_string()))?;
        let shares = plan.experiment.as_ref().map(|experiment| experiment.shares.clone());
        let variants: Vec<Option<&str>> = match &shares {
            Some(shares) => shares.variants().iter().map(|variant| Some(variant.name.as_str())).collect(),
            None => vec![None],
        };
        let mut texts = Vec::with_capacity(variants.len());
        for variant in variants {
            let (code, version) = plan.text_of(variant);
            let use_of = UseTemplate {
                code: code.to_owned(),
                version: campaign.versions.get(code).copied().or(version),
                locale: None,
                variables: plan.variables.clone(),
                activity_id: None,
                test: None,
            };
            let text = self.text(caller, use_of, plan.channel).await.map_err(in_template)?;
            texts.push(Text { variant: variant.map(str::to_owned), ..text });
        }
        let text = CampaignText {
            campaign_id,
            channel: plan.channel,
            topic: plan.topic.clone(),
            needs_business: texts.iter().any(|text| text.loaded.names_orders()),
            texts,
            shares,
            schedule,
            made_at: self.made_at(caller, campaign_id).await?,
            started_at: campaign.started_at.unwrap_or_else(|| self.shared.ambient.now()),
        };
        for one in &text.texts {
            one.wanted.check(&text.message_to(CustomerId(campaign_id.0), None), &one.loaded.draft)?;
        }
        Ok(text)
    }

    async fn text(&self, caller: &Caller, wanted: UseTemplate, channel: Channel) -> Result<Text, Stop> {
        let loaded = self.published(caller, &wanted.code, wanted.version).await?;
        self.compile(caller.tenant, &loaded, channel, None).await?;
        let wanted = UseTemplate { version: loaded.version, ..wanted };
        Ok(Text { variant: None, wanted, loaded: Arc::new(loaded) })
    }

    /// When a campaign was made.
    async fn made_at(&self, caller: &Caller, campaign_id: CampaignId) -> Result<DateTime<Utc>, AppError> {
        let stream = crate::app::campaigns::campaign_stream(caller.tenant, campaign_id);
        let first = self.shared.journal.read_stream(stream, 0, crate::log::ReadLimit::events(1)).await?;
        Ok(first.first().map_or(DateTime::UNIX_EPOCH, |event| event.envelope.occurred_at))
    }

    /// Asks for a campaign's message to a customer, once.
    pub async fn send_in_campaign(
        &self,
        caller: &Caller,
        text: &CampaignText,
        customer_id: CustomerId,
        business: &Business,
    ) -> Result<Judged, AppError> {
        let basis = self.basis(caller).await?;
        for _ in 0..MAX_ATTEMPTS {
            let survivor = self.survivor(caller, customer_id).await?;
            let copy = match self.copy(caller, text, survivor, business).await {
                Ok(Some(copy)) => copy,
                Ok(None) => return Ok(Judged::held_out(survivor)),
                Err(stop) => return excluded(stop),
            };
            let key = command_key(&basis, text, survivor, customer_id);
            let run = CommandRun::new(caller, customer_stream(caller.tenant, survivor), Some(key));
            let made = self
                .decide(&run, &basis, |state: &Customer, context| {
                    self.decide_copy(caller, &basis, text, &copy, state, context)
                })
                .await;
            match made {
                // Merged between the look and the decision: look again.
                Err(Stop::Refused(refusal)) if refusal.code == Refusal::MERGED => {}
                Err(stop) => return excluded(stop),
                Ok(made) => return self.judged(&made),
            }
        }
        excluded(Refusal::customer_merged().into())
    }

    /// What would become of a campaign's message to a customer now. Nothing is recorded.
    pub async fn try_in_campaign(
        &self,
        caller: &Caller,
        text: &CampaignText,
        customer_id: CustomerId,
        business: &Business,
    ) -> Result<Judged, AppError> {
        let basis = self.basis(caller).await?;
        let survivor = self.survivor(caller, customer_id).await?;
        let copy = match self.copy(caller, text, survivor, business).await {
            Ok(Some(copy)) => copy,
            Ok(None) => return Ok(Judged::held_out(survivor)),
            Err(stop) => return excluded(stop),
        };
        let stream = customer_stream(caller.tenant, survivor);
        let decided = self
            .read_state::<Customer, _>(stream, |loaded| {
                self.deciding(&basis, |context| self.decide_copy(caller, &basis, text, &copy, &loaded.state, context))
            })
            .await?;
        match decided {
            Ok(events) => self.judged(&Committed { stream, events, position: None, repeated: false }),
            Err(refusal) => excluded(refusal.into()),
        }
    }

    /// What is to be decided on for a person, with the text compiled in the person's locale; nothing for those held out.
    async fn copy(
        &self,
        caller: &Caller,
        text: &CampaignText,
        person: CustomerId,
        business: &Business,
    ) -> Result<Option<Copy>, Stop> {
        let Some(own) = text.text_for(person) else { return Ok(None) };
        let command = text.message_to(person, own.variant.clone());
        let stream = customer_stream(caller.tenant, person);
        let locale = self.read_state::<Customer, _>(stream, |loaded| loaded.state.profile.locale.clone()).await?;
        self.compile(caller.tenant, &own.loaded, text.channel, locale.as_deref()).await.map_err(refused_in_template)?;
        let prepared = self.prepare(caller, &command).await?;
        Ok(Some(Copy { command, source: own.source(business.clone()), prepared }))
    }

    /// The decision on a copy. What is not suppressed takes its place at the address.
    fn decide_copy(
        &self,
        caller: &Caller,
        basis: &Basis,
        text: &CampaignText,
        copy: &Copy,
        state: &Customer,
        context: &Context<'_>,
    ) -> Decision<CustomerEvent> {
        let person = copy.command.customer_id;
        let zone = state.profile.time_zone.as_deref().and_then(|zone| zone.parse().ok());
        let recipient = schedule::Recipient { person: person.0, zone, habits: None };
        let moment = text.schedule.moment_for(recipient, text.started_at).map(|moment| moment.at);
        let command = SendMessage { send_at: moment.filter(|at| *at > context.now), ..copy.command.clone() };
        let id =
            |label, of: &[u8]| basis.secret.derive_ordered(text.made_at, label, &[text.campaign_id.0.as_bytes(), of]);
        let message_id = MessageId(id(Label::CampaignMessageId, person.0.as_bytes()));
        let decided =
            self.decide_on(caller, basis, &command, &[], &copy.source, &copy.prepared, message_id, state, context);
        let mut events = decided?;
        if text.is_made_late() {
            for decided in &mut events {
                leave_unmade(&mut decided.event);
            }
        }
        let goes_to = queued(&events).and_then(|message| message.address_id).filter(|_| !is_suppressed(&events));
        if let (Some(address_id), Some(first)) = (goes_to, events.first_mut()) {
            first.id = EventId(id(Label::CampaignCopyEvent, address_id.0.as_bytes()));
        }
        Ok(events)
    }

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
        let (subject, body, html) = (rendered.subject, rendered.body, rendered.html);
        Ok(MessageQueuedPersonal { subject, body, html, ..kept.clone() })
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

    fn judged(&self, made: &Committed<CustomerEvent>) -> Result<Judged, AppError> {
        let sent: SentMessage = self.sent(made).ok_or(AppError::Unanswerable { stream: made.stream })?;
        let outcome = match sent.decision {
            SendDecision::Queued => Recipient::Queued,
            SendDecision::Held { .. } => Recipient::Held,
            SendDecision::Suppressed { rule } => Recipient::Suppressed { rule },
        };
        let message = queued(&made.events);
        let body = message.and_then(|message| message.personal.as_ref()).map(|personal| personal.body.as_str());
        let is_sms = message.is_some_and(|message| message.key.channel == Channel::Sms);
        let segments = match body {
            Some(body) if is_sms => sms::segments(body),
            _ => 1,
        };
        let address_id = message.and_then(|message| message.address_id);
        let person = Some(CustomerId(made.stream.key));
        Ok(Judged { outcome, repeated: made.repeated, address_id, segments, person, refusal: None })
    }
}

fn queued(events: &[Decided<CustomerEvent>]) -> Option<&MessageQueued> {
    events.iter().find_map(|decided| match &decided.event {
        CustomerEvent::Message(MessageEvent::MessageQueued(queued)) => Some(queued),
        _ => None,
    })
}

/// Keeps the subject and the values of a text that is made when it is sent.
fn leave_unmade(event: &mut CustomerEvent) {
    if let CustomerEvent::Message(MessageEvent::MessageQueued(queued)) = event
        && let Some(personal) = &mut queued.personal
    {
        personal.body = String::new();
        personal.html = None;
    }
}

fn is_suppressed(events: &[Decided<CustomerEvent>]) -> bool {
    let is = |decided: &Decided<CustomerEvent>| {
        matches!(&decided.event, CustomerEvent::Message(MessageEvent::MessageSuppressed(_)))
    };
    events.iter().any(is)
}

/// One message for each person: where two recipients turn out to be one, the second asks for the same with other input.
fn command_key(basis: &Basis, text: &CampaignText, survivor: CustomerId, listed: CustomerId) -> CommandKey {
    let parts: [&[u8]; 2] = [text.campaign_id.0.as_bytes(), survivor.0.as_bytes()];
    CommandKey {
        id: CommandId(basis.secret.derive(Label::CampaignCommandId, &parts)),
        fingerprint: basis.secret.fingerprint(Label::CampaignCommandInput, &[listed.0.as_bytes()]),
    }
}

/// Why a recipient is left out.
fn excluded(stop: Stop) -> Result<Judged, AppError> {
    match stop {
        Stop::Failed(AppError::KeyReused) => Ok(Judged::left_out(Exclusion::DuplicatePerson.word().to_owned())),
        Stop::Failed(error) => Err(error),
        Stop::Refused(refusal) => {
            let by = match refusal.code {
                "CUSTOMER_FORGOTTEN" | "CUSTOMER_UNKNOWN" => Exclusion::Forgotten.word(),
                "RECORDED_DIFFERENTLY" => Exclusion::DuplicateAddress.word(),
                code => code,
            };
            Ok(Judged { refusal: Some(refusal.message), ..Judged::left_out(by.to_owned()) })
        }
    }
}
