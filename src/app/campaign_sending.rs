//! A campaign's message to one recipient: asked for once, whatever is repeated.
//!
//! All ids are derived from the campaign and the recipient. A runner that goes through the same recipients again, after a crash
//! or beside another one, asks for the same message, which the log knows. The event by which a message is asked for has an id
//! that derives from the address, so that the log itself takes one at each address: in whatever spelling, and whoever has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::approvals::must_be_approved;
use crate::app::campaign_ids::CampaignIds;
use crate::app::campaign_recipients::{Judged, Recipient};
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::sending::{Prepared, Source, WantedTemplate, in_template, refused_in_template};
use crate::app::templates::Loaded;
use crate::app::{App, AppError, Caller};
use crate::domain::campaign::event::Exclusion;
use crate::domain::campaign::experiment::shares::{Assignment, Shares};
use crate::domain::campaign::plan::Fallback;
use crate::domain::campaign::schedule::{self, Habits, Plan};
use crate::domain::campaign::state::Described;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::message::decide::{SendDecision, SendMessage, SentMessage};
use crate::domain::message::event::{MessageClass, MessageEvent, MessageQueued};
use crate::domain::message::origin::UseTemplate;
use crate::domain::refusal::Refusal;
use crate::domain::value::{Channel, sms};
use crate::ids::{CampaignId, CustomerId, Label};
use crate::log::CommandKey;
use crate::rendering::Business;

/// What a campaign sends: its template in the version of its run.
#[derive(Debug, Clone)]
pub struct CampaignText {
    campaign_id: CampaignId,
    topic: String,
    /// The text of each variant, in their order; of a campaign without variants the only one.
    texts: Vec<Text>,
    /// Those of other channels, in the order in which they are tried.
    fallbacks: Vec<Text>,
    shares: Option<Shares>,
    /// Which of them the rest gets, once a variant has won.
    winner: Option<usize>,
    schedule: Plan,
    /// When the campaign was made: its ids begin with it.
    made_at: DateTime<Utc>,
    /// When it started; now, if it did not yet.
    started_at: DateTime<Utc>,
    needs_business: bool,
}

/// What the read tables know of a recipient that a message, or its time, is made of.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// For texts that name orders.
    pub business: Business,
    /// When people opened messages to this customer, and when the customer replied, for the best hour.
    pub opened: Vec<DateTime<Utc>>,
    /// When the customer replied.
    pub replied: Vec<DateTime<Utc>>,
}

/// The text of a variant.
#[derive(Debug, Clone)]
struct Text {
    channel: Channel,
    variant: Option<String>,
    wanted: UseTemplate,
    loaded: Arc<Loaded>,
}

impl CampaignText {
    /// Whether the text names orders, which are read for each recipient then.
    #[must_use]
    pub const fn needs_business(&self) -> bool {
        self.needs_business
    }

    /// Whether each recipient's best hour is wanted, so that it has to be known when they read.
    #[must_use]
    pub const fn needs_habits(&self) -> bool {
        self.schedule.is_by_habits()
    }

    /// Who waits for a winner, of some recipients: those who are part of no test. Nobody, once the winner is known.
    #[must_use]
    pub fn is_rest(&self, recipient: CustomerId) -> bool {
        let assigned = self.shares.as_ref().map(|shares| shares.assign(self.campaign_id.0, recipient.0));
        assigned == Some(Assignment::Rest)
    }

    /// The published versions of its templates, by code.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, u32> {
        let version = |text: &Text| (text.wanted.code.clone(), text.loaded.version.unwrap_or_default());
        self.texts.iter().chain(&self.fallbacks).map(version).collect()
    }

    /// The text that a person gets; none for those who are held out.
    fn text_for(&self, person: CustomerId) -> Option<&Text> {
        match self.shares.as_ref().map(|shares| shares.assign(self.campaign_id.0, person.0)) {
            // Who became part of the rest by a merge, before there is a winner, gets the first.
            None | Some(Assignment::Rest) => self.texts.get(self.winner.unwrap_or_default()),
            Some(Assignment::Variant(index)) => self.texts.get(index),
            Some(Assignment::HoldOut) => None,
        }
    }

    /// Whether a text is made when it is sent, of template and customer: a page for each recipient would be most of the log.
    /// What is known of orders is read now, so such a text is made now.
    fn is_made_late(&self, channel: Channel) -> bool {
        channel == Channel::Email && !self.needs_business
    }

    /// By which channels it may go out.
    pub(super) fn channels(&self) -> BTreeSet<Channel> {
        self.texts.iter().chain(&self.fallbacks).map(|text| text.channel).collect()
    }

    const fn ids<'a>(&self, basis: &'a Basis) -> CampaignIds<'a> {
        CampaignIds { secret: &basis.secret, campaign_id: self.campaign_id, made_at: self.made_at }
    }

    fn message_to(&self, customer_id: CustomerId, channel: Channel, variant: Option<String>) -> SendMessage {
        SendMessage {
            customer_id,
            channel,
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

/// The message to a person that is to be decided on: the first of several that reaches the person.
struct Copy {
    person: CustomerId,
    ways: Vec<Way>,
    opened: Vec<DateTime<Utc>>,
    replied: Vec<DateTime<Utc>>,
}

/// A message by one channel.
struct Way {
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
            let text = self.text(caller, campaign, plan.channel, code, version).await.map_err(in_template)?;
            texts.push(Text { variant: variant.map(str::to_owned), ..text });
        }
        let mut fallbacks = Vec::with_capacity(plan.fallbacks.len());
        for (index, Fallback { channel, template, version }) in plan.fallbacks.iter().enumerate() {
            let text = self.text(caller, campaign, *channel, template, *version).await;
            fallbacks.push(text.map_err(|stop| at_field(format!("fallbacks[{index}].template"), stop))?);
        }
        let text = CampaignText {
            campaign_id,
            topic: plan.topic.clone(),
            needs_business: texts.iter().chain(&fallbacks).any(|text| text.loaded.names_orders()),
            texts,
            fallbacks,
            winner: campaign.winner.as_ref().and_then(|winner| {
                let variants = shares.as_ref().map(Shares::variants).unwrap_or_default();
                variants.iter().position(|variant| variant.name == *winner)
            }),
            shares,
            schedule,
            made_at: self.made_at(caller, campaign_id).await?,
            started_at: campaign.started_at.unwrap_or_else(|| self.shared.ambient.now()),
        };
        for one in text.texts.iter().chain(&text.fallbacks) {
            let message = text.message_to(CustomerId(campaign_id.0), one.channel, None);
            one.wanted.check(&message, &one.loaded.draft)?;
        }
        Ok(text)
    }

    /// A template's text for a channel, in the version of the run.
    async fn text(
        &self,
        caller: &Caller,
        campaign: &Described,
        channel: Channel,
        code: &str,
        version: Option<u32>,
    ) -> Result<Text, Stop> {
        let loaded = self.published(caller, code, campaign.versions.get(code).copied().or(version)).await?;
        must_be_approved(self.compile(caller.tenant, &loaded, channel, None).await?.approval())?;
        let wanted = UseTemplate {
            code: code.to_owned(),
            version: loaded.version,
            locale: None,
            variables: campaign.plan.variables.clone(),
            activity_id: None,
            test: None,
        };
        Ok(Text { channel, variant: None, wanted, loaded: Arc::new(loaded) })
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
        known: &Known,
    ) -> Result<Judged, AppError> {
        let basis = self.basis(caller).await?;
        for _ in 0..MAX_ATTEMPTS {
            let survivor = self.survivor(caller, customer_id).await?;
            let copy = match self.copy(caller, text, survivor, known).await {
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
        known: &Known,
    ) -> Result<Judged, AppError> {
        let basis = self.basis(caller).await?;
        let survivor = self.survivor(caller, customer_id).await?;
        let copy = match self.copy(caller, text, survivor, known).await {
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
        known: &Known,
    ) -> Result<Option<Copy>, Stop> {
        let Some(own) = text.text_for(person) else { return Ok(None) };
        let stream = customer_stream(caller.tenant, person);
        let locale = self.read_state::<Customer, _>(stream, |loaded| loaded.state.profile.locale.clone()).await?;
        let mut ways = Vec::with_capacity(1 + text.fallbacks.len());
        for one in std::iter::once(own).chain(&text.fallbacks) {
            let command = text.message_to(person, one.channel, own.variant.clone());
            let compiled = self.compile(caller.tenant, &one.loaded, one.channel, locale.as_deref()).await;
            compiled.map_err(refused_in_template)?;
            let prepared = self.prepare(caller, &command).await?;
            ways.push(Way { command, source: one.source(known.business.clone()), prepared });
        }
        let (opened, replied) = (known.opened.clone(), known.replied.clone());
        Ok(Some(Copy { person, ways, opened, replied }))
    }

    /// The decision on a copy: by the first way that reaches the person, else by the first of all.
    fn decide_copy(
        &self,
        caller: &Caller,
        basis: &Basis,
        text: &CampaignText,
        copy: &Copy,
        state: &Customer,
        context: &Context<'_>,
    ) -> Decision<CustomerEvent> {
        let mut first = None;
        for way in &copy.ways {
            let decided = self.decide_way(caller, basis, text, copy, way, state, context);
            if decided.as_ref().is_ok_and(|events| !is_suppressed(events)) {
                return decided;
            }
            first = first.or(Some(decided));
        }
        first.unwrap_or_else(|| Ok(vec![]))
    }

    /// The decision on a message by one channel. What is not suppressed takes its place at the address.
    #[expect(clippy::too_many_arguments, reason = "all of them are read, and none belongs to another")]
    fn decide_way(
        &self,
        caller: &Caller,
        basis: &Basis,
        text: &CampaignText,
        copy: &Copy,
        way: &Way,
        state: &Customer,
        context: &Context<'_>,
    ) -> Decision<CustomerEvent> {
        let person = copy.person;
        let zone = state.profile.time_zone.as_deref().and_then(|zone| zone.parse().ok());
        let clock = zone.unwrap_or(basis.policy.zone_of(None));
        let habits = text.needs_habits().then(|| Habits::of(&copy.opened, &copy.replied, clock));
        let recipient = schedule::Recipient { person: person.0, zone, habits: habits.as_ref() };
        let moment = text.schedule.moment_for(recipient, text.started_at);
        let send_at = moment.as_ref().map(|moment| moment.at).filter(|at| *at > context.now);
        let command = SendMessage { send_at, ..way.command.clone() };
        let ids = text.ids(basis);
        let message_id = ids.message(person);
        let decided =
            self.decide_on(caller, basis, &command, &[], &way.source, &way.prepared, message_id, state, context);
        let mut events = decided?;
        for decided in &mut events {
            if let CustomerEvent::Message(MessageEvent::MessageQueued(queued)) = &mut decided.event {
                let reason = moment.as_ref().map(|moment| &moment.reason).filter(|reason| reason.is_own());
                queued.timing = reason.cloned().map(Box::new);
                if text.is_made_late(command.channel) {
                    leave_unmade(queued);
                }
            }
        }
        let goes_to = queued(&events).and_then(|message| message.address_id).filter(|_| !is_suppressed(&events));
        if let (Some(address_id), Some(first)) = (goes_to, events.first_mut()) {
            first.id = ids.copy_event(address_id);
        }
        Ok(events)
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
fn leave_unmade(queued: &mut MessageQueued) {
    if let Some(personal) = &mut queued.personal {
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
    CommandKey {
        id: text.ids(basis).command(survivor),
        fingerprint: basis.secret.fingerprint(Label::CampaignCommandInput, &[listed.0.as_bytes()]),
    }
}

/// A refusal about a field of the plan.
fn at_field(field: String, stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusal) => Refusal { field: Some(field), ..refusal }.into(),
        failed @ Stop::Failed(_) => failed,
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
