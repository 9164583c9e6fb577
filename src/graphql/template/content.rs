//! What a template says on each channel.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};

use crate::domain::template::content as domain;
use crate::graphql::engine::words::Channel;

/// The markup of an email's layout.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::template::content::Markup")]
pub enum TemplateMarkup {
    /// MJML; it becomes HTML that mail programs show alike.
    Mjml,
    /// HTML; it is sanitised and its styles are inlined.
    Html,
}

/// WhatsApp's decision on a template.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::template::content::Approval")]
pub enum TemplateApproval {
    /// It was not submitted.
    Draft,
    /// WhatsApp has not decided yet.
    Pending,
    /// It may be sent.
    Approved,
    /// WhatsApp refused it.
    Rejected,
    /// WhatsApp stopped it.
    Paused,
}

/// The texts of an email, in Liquid.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "EmailTemplateInput")]
pub struct EmailTemplate {
    /// The subject line.
    subject: String,
    /// The line that mail programs show beside the subject.
    preheader: Option<String>,
    /// The markup of `source`.
    markup: TemplateMarkup,
    /// The layout.
    source: String,
    /// The plain text; by default it is made of the layout.
    text: Option<String>,
}

/// The text of an SMS, in Liquid.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "SmsTemplateInput")]
pub struct SmsTemplate {
    /// Plain text.
    body: String,
}

/// A template that WhatsApp keeps.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "WhatsappTemplateInput")]
pub struct WhatsappTemplate {
    /// Its name or id at the provider.
    provider_template: String,
    /// The language that it was submitted in, such as `en_US`.
    language: String,
    /// The values of its placeholders in order, in Liquid.
    #[graphql(default)]
    variables: Vec<String>,
    /// The whole text as the customer reads it, in Liquid; kept, not sent.
    body: String,
    /// WhatsApp's decision.
    approval: TemplateApproval,
}

/// A step of a phone script.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "VoiceStepInput")]
pub struct VoiceStep {
    /// Words to say, in Liquid; null for a pause.
    say: Option<String>,
    /// The length of a pause in seconds; null for words.
    pause_seconds: Option<u32>,
}

/// A script that a call reads out.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "VoiceTemplateInput")]
pub struct VoiceTemplate {
    /// The language of the voice, such as `de-DE`.
    language: String,
    /// The name of the voice at the provider; by default the provider's choice.
    voice: Option<String>,
    /// The steps in order.
    steps: Vec<VoiceStep>,
    /// What the call does where a machine picks up; by default that is not tested, and the script is read to it.
    machine: Option<OnMachine>,
    /// The keys that may be pressed.
    #[graphql(default)]
    keys: Vec<VoiceKey>,
}

/// What a call does where a machine picks up.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::template::content::OnMachine")]
pub enum OnMachine {
    /// It leaves the script as a message, after the greeting.
    LeaveMessage,
    /// It leaves nothing.
    HangUp,
}

/// What it means that a key is pressed in a call.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::template::content::KeyMeaning")]
pub enum KeyMeaning {
    /// No more calls and messages to this number.
    OptOut,
    /// An answer, which stands in the conversation.
    Answer,
}

/// A key that may be pressed in a call.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "VoiceKeyInput")]
pub struct VoiceKey {
    /// 0 to 9.
    digit: u8,
    /// Its meaning.
    meaning: KeyMeaning,
    /// The words, in Liquid, that the one who pressed it hears before the call ends.
    say: String,
}

impl From<VoiceTemplate> for domain::VoiceScript {
    fn from(script: VoiceTemplate) -> Self {
        let VoiceTemplate { language, voice, steps, machine, keys } = script;
        let key = |VoiceKey { digit, meaning, say }| domain::Key { digit, meaning: meaning.into(), say };
        Self {
            language,
            voice,
            steps: steps.into_iter().map(VoiceStep::step).collect(),
            machine: machine.map(Into::into),
            keys: keys.into_iter().map(key).collect(),
        }
    }
}

impl From<domain::VoiceScript> for VoiceTemplate {
    fn from(script: domain::VoiceScript) -> Self {
        let domain::VoiceScript { language, voice, steps, machine, keys } = script;
        let key = |domain::Key { digit, meaning, say }| VoiceKey { digit, meaning: meaning.into(), say };
        Self {
            language,
            voice,
            steps: steps.into_iter().map(VoiceStep::of).collect(),
            machine: machine.map(Into::into),
            keys: keys.into_iter().map(key).collect(),
        }
    }
}

/// The texts of a notification, in Liquid.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "NotificationTemplateInput")]
pub struct NotificationTemplate {
    /// The line above the text.
    title: String,
    /// The text.
    body: String,
    /// The address that a tap opens.
    link: Option<String>,
}

/// The texts for one channel; exactly one field.
#[derive(OneofObject, Debug, Clone)]
pub enum TemplateTextsInput {
    /// An email.
    Email(EmailTemplate),
    /// An SMS.
    Sms(SmsTemplate),
    /// A WhatsApp message.
    Whatsapp(WhatsappTemplate),
    /// A call.
    Voice(VoiceTemplate),
    /// A notification on a device.
    Push(NotificationTemplate),
    /// A notification in an app.
    InApp(NotificationTemplate),
}

/// The texts for one channel and locale.
#[derive(InputObject, Debug, Clone)]
pub struct TemplateContentInput {
    /// BCP 47, such as `de` or `de-AT`.
    locale: String,
    /// The texts of one channel.
    texts: TemplateTextsInput,
}

/// The texts for one channel and locale: the field of the channel has them, the others are null.
#[derive(SimpleObject, Debug, Clone)]
pub struct TemplateContent {
    /// BCP 47, such as `de` or `de-AT`.
    locale: String,
    /// The channel.
    channel: Channel,
    /// An email.
    email: Option<EmailTemplate>,
    /// An SMS.
    sms: Option<SmsTemplate>,
    /// A WhatsApp message.
    whatsapp: Option<WhatsappTemplate>,
    /// A call.
    voice: Option<VoiceTemplate>,
    /// A notification on a device.
    push: Option<NotificationTemplate>,
    /// A notification in an app.
    in_app: Option<NotificationTemplate>,
}

impl From<EmailTemplate> for domain::EmailTexts {
    fn from(email: EmailTemplate) -> Self {
        let EmailTemplate { subject, preheader, markup, source, text } = email;
        Self { subject, preheader, markup: markup.into(), source, text }
    }
}

impl From<domain::EmailTexts> for EmailTemplate {
    fn from(email: domain::EmailTexts) -> Self {
        let domain::EmailTexts { subject, preheader, markup, source, text } = email;
        Self { subject, preheader, markup: markup.into(), source, text }
    }
}

impl From<WhatsappTemplate> for domain::WhatsappTexts {
    fn from(template: WhatsappTemplate) -> Self {
        let WhatsappTemplate { provider_template, language, variables, body, approval } = template;
        Self { provider_template, language, variables, body, approval: approval.into() }
    }
}

impl From<domain::WhatsappTexts> for WhatsappTemplate {
    fn from(template: domain::WhatsappTexts) -> Self {
        let domain::WhatsappTexts { provider_template, language, variables, body, approval } = template;
        Self { provider_template, language, variables, body, approval: approval.into() }
    }
}

impl VoiceStep {
    /// A step for people to read.
    pub fn of(step: domain::Step) -> Self {
        match step {
            domain::Step::Say(words) => Self { say: Some(words), pause_seconds: None },
            domain::Step::Pause(seconds) => Self { say: None, pause_seconds: Some(seconds) },
        }
    }

    /// Words count before a pause; a step with neither says nothing, and is refused for it.
    fn step(self) -> domain::Step {
        match (self.say, self.pause_seconds) {
            (None, Some(seconds)) => domain::Step::Pause(seconds),
            (say, _) => domain::Step::Say(say.unwrap_or_default()),
        }
    }
}

impl From<NotificationTemplate> for domain::NotificationTexts {
    fn from(notification: NotificationTemplate) -> Self {
        let NotificationTemplate { title, body, link } = notification;
        Self { title, body, link }
    }
}

impl From<domain::NotificationTexts> for NotificationTemplate {
    fn from(notification: domain::NotificationTexts) -> Self {
        let domain::NotificationTexts { title, body, link } = notification;
        Self { title, body, link }
    }
}

impl From<TemplateContentInput> for domain::LocalContent {
    fn from(input: TemplateContentInput) -> Self {
        let content = match input.texts {
            TemplateTextsInput::Email(email) => domain::Content::Email(email.into()),
            TemplateTextsInput::Sms(SmsTemplate { body }) => domain::Content::Sms(domain::SmsTexts { body }),
            TemplateTextsInput::Whatsapp(whatsapp) => domain::Content::Whatsapp(whatsapp.into()),
            TemplateTextsInput::Voice(script) => domain::Content::Voice(script.into()),
            TemplateTextsInput::Push(notification) => domain::Content::Push(notification.into()),
            TemplateTextsInput::InApp(notification) => domain::Content::InApp(notification.into()),
        };
        Self { locale: input.locale, content }
    }
}

impl From<domain::LocalContent> for TemplateContent {
    fn from(local: domain::LocalContent) -> Self {
        let channel = local.content.channel().into();
        let mut shown = Self {
            locale: local.locale,
            channel,
            email: None,
            sms: None,
            whatsapp: None,
            voice: None,
            push: None,
            in_app: None,
        };
        match local.content {
            domain::Content::Email(email) => shown.email = Some(email.into()),
            domain::Content::Sms(domain::SmsTexts { body }) => shown.sms = Some(SmsTemplate { body }),
            domain::Content::Whatsapp(whatsapp) => shown.whatsapp = Some(whatsapp.into()),
            domain::Content::Voice(script) => shown.voice = Some(script.into()),
            domain::Content::Push(notification) => shown.push = Some(notification.into()),
            domain::Content::InApp(notification) => shown.in_app = Some(notification.into()),
        }
        shown
    }
}
