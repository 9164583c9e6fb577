//! Commands on messages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::canned::decide::UseCannedReply;
use crate::domain::consent::event::{ConsentChanged, ConsentChangedPersonal, ConsentState};
use crate::domain::consent::keywords;
use crate::domain::conversation::decide::{after_answer, after_inbound};
use crate::domain::conversation::state::conversation_id;
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::{Customer, OwnAddress};
use crate::domain::decision::{Context, Decision};
use crate::domain::message::attachment::{self, ReceivedFile, StoredFile};
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::{
    MessageCancelled, MessageClass, MessageHeld, MessageQueued, MessageQueuedPersonal, MessageReceived,
    MessageReceivedPersonal, MessageSuppressed,
};
use crate::domain::message::origin::{FromTemplate, Origin, UseTemplate};
use crate::domain::message::recipient::Receiver;
use crate::domain::message::rules::{Asked, Reason, Verdict, judge_request};
use crate::domain::message::state::{Pending, Stage};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Keyword;
use crate::domain::value::form::Form;
use crate::domain::value::inbound::Arrival;
use crate::domain::value::message::{MessageKey, Report};
use crate::domain::value::token::Correlation;
use crate::domain::value::{Channel, address};
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, ImportId, MessageId};

/// Asks for a message to be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SendMessage {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The channel.
    pub channel: Channel,
    /// Marketing or transactional.
    pub class: MessageClass,
    /// The topic that consent is judged for, such as `newsletter`.
    pub topic: String,
    /// Which of the customer's addresses; absent: the primary one.
    pub address_id: Option<AddressId>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// Plain text.
    pub body: String,
    /// Not before this time.
    pub send_at: Option<DateTime<Utc>>,
    /// The message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// The campaign that it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The campaign's variant.
    pub variant: Option<String>,
    /// What uploading the files that go with it answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
}

/// A message that is asked for, perhaps made of a canned reply or a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SendRequest {
    /// The message; a body that is not blank was written over the canned reply.
    #[serde(flatten)]
    pub message: SendMessage,
    /// The canned reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canned_reply: Option<UseCannedReply>,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<UseTemplate>,
}

/// What was decided about a message that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendDecision {
    /// It goes out as soon as a dispatcher takes it.
    Queued,
    /// It waits.
    Held {
        /// The time at which it ends.
        until: DateTime<Utc>,
        /// The name of the rule that holds it.
        rule: String,
    },
    /// It is not sent.
    Suppressed {
        /// The name of the rule that forbids it.
        rule: String,
    },
}

/// The answer to [`SendMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// The new message.
    pub message_id: MessageId,
    /// Queued, held or suppressed, with the rule.
    pub decision: SendDecision,
}

/// Takes a message back that was not dispatched yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CancelMessage {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The message's id.
    pub message_id: MessageId,
    /// Why; no personal data.
    pub reason: String,
}

/// Takes in a message that a customer wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceiveMessage {
    /// The customer who wrote; absent: the customer with the address `from`, or a new one.
    pub customer_id: Option<CustomerId>,
    /// The channel.
    pub channel: Channel,
    /// The customer's address.
    pub from: Option<String>,
    /// Our address.
    pub to: Option<String>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// The text, kept exactly.
    pub body: String,
    /// When it was written; absent: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Our message that it answers.
    pub in_reply_to: Option<MessageId>,
    /// Who handed it over: a provider's name, `api`.
    pub provider: String,
    /// The provider's id of the message: the same id is taken in once.
    pub provider_message_id: Option<String>,
    /// What the provider read in it, where providers read: counts before what we read ourselves.
    pub hint: Option<Keyword>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
    /// How it arrived, where a provider handed it over.
    #[serde(skip)]
    pub arrival: Option<Box<Arrival>>,
}

impl SendMessage {
    /// Whether it is an email without a subject.
    #[must_use]
    pub fn lacks_subject(&self) -> bool {
        self.channel == Channel::Email && self.subject.as_deref().is_none_or(|subject| subject.trim().is_empty())
    }
}

impl ReceiveMessage {
    /// Whether a machine wrote it.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| arrival.automatic.is_some())
    }
}

/// The answer to [`ReceiveMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The id of the customer who wrote.
    pub customer_id: CustomerId,
    /// The new message.
    pub message_id: MessageId,
    /// The conversation that it is part of.
    pub conversation_id: Option<ConversationId>,
}

/// A provider's callback about a message that it took.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordProviderFact {
    /// The message, its recipient and its channel. Hard bounces, complaints and opt-outs are facts about its address.
    /// Reports of a provider that gives no time are recognised again by the time of the call, because the time of receipt
    /// is another one in each repetition.
    pub correlation: Correlation,
    /// When it happened, by the provider's clock.
    pub occurred_at: DateTime<Utc>,
    /// The provider's id of the callback's event, where it has one: it identifies repetitions. Without one, the report
    /// and its time do.
    pub provider_event_id: Option<String>,
    /// The event that the provider reports.
    pub report: Report,
    /// What the provider said, as it came, so that a better reader can be run over history.
    pub raw: Option<String>,
}

impl SendMessage {
    /// The customer's address that the message would go to; `chosen` takes the place of the primary one, if the customer
    /// has it.
    pub fn recipient<'a>(
        &self,
        state: &'a Customer,
        chosen: Option<AddressId>,
    ) -> Result<Option<&'a OwnAddress>, Refusal> {
        let kind = self.channel.address_kind();
        match self.address_id {
            None => {
                let chosen = chosen.and_then(|id| state.address(id)).filter(|address| address.kind == kind);
                Ok(chosen.or_else(|| state.primary(kind)))
            }
            Some(id) => state.address(id).filter(|address| address.kind == kind).map(Some).ok_or_else(|| {
                let message = "the customer has no such address that this channel reaches";
                Refusal { code: "ADDRESS_UNKNOWN", message: message.to_owned(), field: Some("address_id".to_owned()) }
            }),
        }
    }
}

/// Decides on a message that is asked for: always `MessageQueued`, then what holds or forbids it. `receiver` has the fold
/// of the address that [`SendMessage::recipient`] names, `files` are what its uploads stand for, `origin` is what its text
/// was made of. `message_id` is the new message's.
pub fn send(
    state: &Customer,
    receiver: Receiver<'_>,
    message_id: MessageId,
    command: SendMessage,
    files: Vec<StoredFile>,
    origin: Origin,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_exist()?;
    if state.pending.all().len() >= Pending::MAX {
        let message = format!("this customer already has {} pending messages, the maximum", Pending::MAX);
        return Err(Refusal::new("TOO_MANY_PENDING", message));
    }
    Refusal::unless_bounded("send_at", command.send_at)?;
    let recipient = command.recipient(state, receiver.chosen)?;
    let primary = state.primary(command.channel.address_kind()).map(|own| own.address_id);
    let topic = text::word("topic", &command.topic)?;
    attachment::check(command.channel, &files)?;
    // A picture needs no words, a mail does.
    if command.body.trim().is_empty() && (files.is_empty() || command.channel == Channel::Email) {
        return Err(Refusal::invalid("body", "must not be blank"));
    }
    let (used, html, form, variables) = match origin.template {
        Some(FromTemplate { used, html, form, variables }) => {
            (Some(used), html, form, text::attributes("template", variables)?)
        }
        None => (None, None, None, BTreeMap::new()),
    };
    if matches!(form.as_deref(), Some(Form::Whatsapp(_))) && !files.is_empty() {
        let message = "a WhatsApp template brings its own media: files cannot go with it";
        let field = Some("attachments".to_owned());
        return Err(Refusal { field, ..Refusal::new("TEMPLATE_TAKES_NO_ATTACHMENTS", message) });
    }
    let key = MessageKey {
        message_id,
        channel: command.channel,
        campaign_id: command.campaign_id,
        variant: text::optional("variant", command.variant, text::SHORT)?,
        conversation_id: Some(conversation_id(context.secret, command.customer_id, command.channel)),
    };
    let queued = MessageQueued {
        key: key.clone(),
        class: command.class,
        topic,
        address_id: recipient.map(|own| own.address_id),
        instead_of: primary.filter(|_| recipient.is_some_and(|own| Some(own.address_id) == receiver.chosen)),
        send_at: command.send_at,
        in_reply_to: command.in_reply_to,
        canned_reply: origin.canned_reply,
        template: used,
        timing: None,
        import_id: None,
        personal: Some(MessageQueuedPersonal {
            to: recipient.and_then(|own| own.address.clone()),
            subject: text::optional("subject", command.subject, text::LONG)?,
            body: text::exact("body", command.body, text::BODY)?,
            html: html.map(|html| text::exact("template", html, text::PAGE)).transpose()?,
            variables,
            form,
        }),
    };
    let asked = Asked {
        channel: command.channel,
        class: command.class,
        topic: &queued.topic,
        address_id: queued.address_id,
        is_template: queued.template.is_some(),
        queued_version: None,
    };
    let verdict = judge_request(state, receiver.address, asked, command.send_at, context);
    let mut events = vec![context.now(queued)];
    events.extend(attachment::sent(&key, files, context));
    match verdict {
        Verdict::Suppress(Reason { rule, inputs }) => {
            events.push(context.now(MessageSuppressed { key, rule: rule.to_owned(), inputs }));
            return Ok(events);
        }
        Verdict::Hold { until, because: Reason { rule, inputs } } => {
            events.push(context.now(MessageHeld { key, until, rule: rule.to_owned(), inputs }));
        }
        Verdict::Send => {}
    }
    if command.class == MessageClass::Transactional {
        events.extend(after_answer(state, command.channel, message_id).map(|event| context.now(event)));
    }
    Ok(events)
}

impl SentMessage {
    /// Reads the answer from the command's events.
    #[must_use]
    pub fn from_events(events: &[CustomerEvent]) -> Option<Self> {
        let mut answer = None;
        for event in events {
            match (event, &mut answer) {
                (CustomerEvent::Message(MessageEvent::MessageQueued(e)), None) => {
                    answer = Some(Self { message_id: e.key.message_id, decision: SendDecision::Queued });
                }
                (CustomerEvent::Message(MessageEvent::MessageHeld(e)), Some(answer)) => {
                    answer.decision = SendDecision::Held { until: e.until, rule: e.rule.clone() };
                }
                (CustomerEvent::Message(MessageEvent::MessageSuppressed(e)), Some(answer)) => {
                    answer.decision = SendDecision::Suppressed { rule: e.rule.clone() };
                }
                _ => {}
            }
        }
        answer
    }
}

/// Takes a message back. One that was handed to a provider stays sent.
pub fn cancel(state: &Customer, command: &CancelMessage, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let message = state.pending.get(command.message_id).ok_or_else(|| {
        Refusal::new("MESSAGE_NOT_PENDING", "no message with this id is waiting to be sent to this customer")
    })?;
    if matches!(message.stage, Stage::Dispatching { .. } | Stage::InDoubt { .. }) {
        return Err(Refusal::new("MESSAGE_DISPATCHED", "the message was already handed to a provider"));
    }
    let reason = text::required("reason", command.reason.clone(), text::SHORT)?;
    Ok(vec![context.now(MessageCancelled { key: message.key.clone(), reason })])
}

/// The sender's address; [`None`] if the text is blank. What a provider hands over may not be an address, such as a short
/// code or a withheld number: it is a sender all the same.
#[must_use]
pub fn sender(channel: Channel, from: &str, context: &Context<'_>) -> Option<address::Address> {
    address::Address::of_sender(channel.address_kind(), from, context.policy.default_region.as_deref())
}

/// An inbound message as it is understood: its sender and its keyword are read once.
#[derive(Debug, Clone)]
pub struct InboundMessage {
    /// The message's id.
    pub message_id: MessageId,
    /// As it was handed over.
    pub command: ReceiveMessage,
    /// The address that it came from.
    pub sender: Option<address::Address>,
    /// What the whole message means.
    pub keyword: Option<Keyword>,
    /// The files that came with it.
    pub files: Vec<ReceivedFile>,
}

impl InboundMessage {
    /// Reads a message that was handed over.
    #[must_use]
    pub fn read(message_id: MessageId, command: ReceiveMessage, context: &Context<'_>) -> Self {
        let sender = command.from.as_deref().and_then(|from| sender(command.channel, from, context));
        let keyword = match command.is_automatic() {
            true => None,
            false => keywords::of_message(command.channel, &command.body, command.hint),
        };
        Self { message_id, command, sender, keyword, files: vec![] }
    }
}

/// The subject of an answer to a mail with this subject.
#[must_use]
pub fn reply_subject(answered: &str) -> String {
    let answered = answered.trim();
    let is_reply = answered.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    let subject = if is_reply { answered.to_owned() } else { format!("Re: {answered}") };
    subject.trim().chars().take(text::LONG).collect()
}

/// Takes in a message: `MessageReceived`, and the conversation opens, unless a machine wrote it. A whole message STOP opts
/// out of every topic of its channel, START opts in; the evidence is the text itself. What they mean for the address is
/// recorded in its own stream.
pub fn receive(
    state: &Customer,
    customer_id: CustomerId,
    inbound: InboundMessage,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let InboundMessage { message_id, command, sender, keyword, files } = inbound;
    let changed = match command.is_automatic() {
        true => None,
        false => Some(after_inbound(state, customer_id, command.channel, message_id, context)),
    };
    let conversation_id = match &changed {
        Some(changed) => Some(changed.conversation_id),
        None => state.conversations.on(command.channel).map(|conversation| conversation.conversation_id),
    };
    let key = MessageKey { message_id, channel: command.channel, campaign_id: None, variant: None, conversation_id };
    Refusal::unless_bounded("occurred_at", command.occurred_at)?;
    let occurred_at = command.occurred_at.unwrap_or(context.now);
    let (source, answered) = (command.source, command.in_reply_to);
    let received = MessageReceived { keyword, ..received(key, command, sender.as_ref(), None, context)? };
    let said = match keyword {
        Some(Keyword::Stop) => Some(ConsentState::OptedOut),
        Some(Keyword::Start) => Some(ConsentState::OptedIn),
        Some(Keyword::Help) | None => None,
    };
    let consent = said.map(|consent| {
        // An opt-out counts for the message that it answers, if that is known.
        let (campaign_id, variant) = answered.map(|id| state.campaign_of(id)).unwrap_or_default();
        let wording = received.personal.as_ref().map(|personal| personal.body.clone());
        ConsentChanged {
            channel: received.key.channel,
            topic: ALL_TOPICS.to_owned(),
            state: consent,
            source,
            method: "keyword".to_owned(),
            message_id: Some(answered.unwrap_or(message_id)),
            campaign_id,
            variant,
            import_id: None,
            personal: Some(ConsentChangedPersonal { wording, ip: None, user_agent: None }),
        }
    });
    let files = attachment::received(&received.key, files, occurred_at, context);
    let mut events = vec![context.at(occurred_at, received)];
    events.extend(files);
    events.extend(changed.map(|changed| context.now(changed)));
    events.extend(consent.map(|consent| context.at(occurred_at, consent)));
    Ok(events)
}

/// The event of an inbound message. A provider's text is taken as it is, except for NUL characters, which no store
/// holds; other sources are asked to mend theirs.
pub fn received(
    key: MessageKey,
    command: ReceiveMessage,
    sender: Option<&address::Address>,
    import_id: Option<ImportId>,
    context: &Context<'_>,
) -> Result<MessageReceived, Refusal> {
    let is_provider = command.source == Source::Provider;
    let checked = |field: &str, text: Option<String>, max: usize| match text {
        Some(text) if is_provider => Ok(Some(text.replace('\0', "\u{FFFD}").chars().take(max).collect())),
        Some(text) => text::exact(field, text, max).map(Some),
        None => Ok(None),
    };
    let Arrival { account, automatic, about, details, raw } =
        command.arrival.map(|arrival| *arrival).unwrap_or_default();
    Ok(MessageReceived {
        key,
        address_id: sender.map(|address| address.id(context.secret)),
        in_reply_to: command.in_reply_to,
        provider: text::word("provider", &command.provider)?,
        keyword: None,
        import_id,
        account,
        automatic,
        about,
        personal: Some(MessageReceivedPersonal {
            from: match sender {
                Some(address) => Some(address.text().to_owned()),
                None => checked("from", command.from, text::SHORT)?,
            },
            to: checked("to", command.to, text::SHORT)?,
            subject: checked("subject", command.subject, text::LONG)?,
            body: checked("body", Some(command.body), text::BODY)?.unwrap_or_default(),
            details: Box::new(details),
            raw,
        }),
    })
}
