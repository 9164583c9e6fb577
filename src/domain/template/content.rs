//! What a template says on a channel, and the limits of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::customer::profile;
use crate::domain::refusal::Refusal;
use crate::domain::text::{self, LONG, SHORT};
pub use crate::domain::value::script::{Key, KeyMeaning, OnMachine, Step, VoiceScript};
use crate::domain::value::{Channel, words};

/// The size of all texts of a template at most, in bytes of JSON. An event holds 256 KiB.
pub const MAX_BYTES: usize = 200 * 1024;
/// How many texts a template has at most, of all channels and locales.
const MAX_CONTENTS: usize = 100;
/// The longest text of an SMS or notification, in characters before its variables are filled in.
const LONGEST_SHORT_TEXT: usize = 5_000;
/// How many steps a phone script has at most.
const MAX_STEPS: usize = 50;
/// How many keys a phone script has at most.
const MAX_KEYS: usize = 10;
/// The longest text that is said to who pressed a key, in characters: it travels in a URL.
const LONGEST_CONFIRMATION: usize = 160;
/// The longest pause in a phone script, in seconds.
const LONGEST_PAUSE: u32 = 60;
/// How many variables a WhatsApp template has at most.
const MAX_VARIABLES: usize = 50;

words! {
    /// What a template is for.
    TemplateKind, "template kind" {
        /// Messages are made of it.
        Message = "message",
        /// Other templates include it.
        Partial = "partial",
    }
}

words! {
    /// How an email's layout is written.
    Markup, "markup" {
        /// MJML, which becomes HTML that mail programs show alike.
        Mjml = "mjml",
        /// HTML, which is sanitised.
        Html = "html",
    }
}

words! {
    /// Whether WhatsApp lets a template be sent.
    Approval, "approval" {
        /// It was not submitted.
        Draft = "draft",
        /// It waits for WhatsApp.
        Pending = "pending",
        /// It may be sent.
        Approved = "approved",
        /// WhatsApp refused it.
        Rejected = "rejected",
        /// WhatsApp stopped it after complaints.
        Paused = "paused",
    }
}

/// A text for customers of one locale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalContent {
    /// BCP 47, such as `de` or `de-AT`.
    pub locale: String,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

/// What a message on a channel is made of. All texts are Liquid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Content {
    /// A mail.
    Email(EmailTexts),
    /// An SMS.
    Sms(SmsTexts),
    /// A WhatsApp message that begins a conversation: WhatsApp keeps its text.
    Whatsapp(WhatsappTexts),
    /// What a call says.
    Voice(VoiceScript),
    /// A notification on a device.
    Push(NotificationTexts),
    /// A notification in the tenant's own application.
    InApp(NotificationTexts),
}

/// The texts of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailTexts {
    /// The subject line.
    pub subject: String,
    /// What mail programs show beside the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preheader: Option<String>,
    /// How `source` is written.
    pub markup: Markup,
    /// The layout, in MJML or HTML.
    pub source: String,
    /// The plain text; absent: it is made of the layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The text of an SMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsTexts {
    /// Plain text.
    pub body: String,
}

/// A template that WhatsApp keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatsappTexts {
    /// Its name or id at the provider.
    pub provider_template: String,
    /// The language it was submitted in, as WhatsApp writes it, such as `en_US`.
    pub language: String,
    /// The values of its placeholders, in order.
    #[serde(default)]
    pub variables: Vec<String>,
    /// The whole text, as the customer will read it: for the log, not sent.
    pub body: String,
    /// Whether WhatsApp lets it be sent.
    pub approval: Approval,
}

/// The texts of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationTexts {
    /// The line above the text.
    pub title: String,
    /// The text.
    pub body: String,
    /// Where a tap leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Content {
    /// The channel that it is for.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Sms(_) => Channel::Sms,
            Self::Whatsapp(_) => Channel::Whatsapp,
            Self::Voice(_) => Channel::Voice,
            Self::Push(_) => Channel::Push,
            Self::InApp(_) => Channel::InApp,
        }
    }

    /// Checks sizes, numbers and what must not be blank. Fields are named as in the command.
    fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Email(email) => {
                needed("subject", &email.subject, LONG)?;
                needed("source", &email.source, MAX_BYTES)?;
                plain("preheader", email.preheader.as_deref(), LONG)?;
                plain("text", email.text.as_deref(), text::BODY)
            }
            Self::Sms(sms) => needed("body", &sms.body, LONGEST_SHORT_TEXT),
            Self::Whatsapp(whatsapp) => {
                needed("provider_template", &whatsapp.provider_template, SHORT)?;
                needed("language", &whatsapp.language, SHORT)?;
                needed("body", &whatsapp.body, LONGEST_SHORT_TEXT)?;
                bounded("variables", whatsapp.variables.len(), MAX_VARIABLES)?;
                whatsapp.variables.iter().try_for_each(|variable| needed("variables", variable, LONG))
            }
            Self::Voice(script) => {
                needed("language", &script.language, SHORT)?;
                profile::locale(Some(script.language.clone()))
                    .map_err(|refusal| Refusal { field: Some("language".to_owned()), ..refusal })?;
                plain("voice", script.voice.as_deref(), SHORT)?;
                bounded("steps", script.steps.len(), MAX_STEPS)?;
                if !script.steps.iter().any(|step| matches!(step, Step::Say(_))) {
                    return Err(Refusal::invalid("steps", "must say something"));
                }
                script.steps.iter().try_for_each(check_step)?;
                bounded("keys", script.keys.len(), MAX_KEYS)?;
                script.keys.iter().try_for_each(check_key)?;
                let digits: BTreeSet<_> = script.keys.iter().map(|key| key.digit).collect();
                if digits.len() < script.keys.len() {
                    return Err(Refusal::invalid("keys", "has one digit twice"));
                }
                Ok(())
            }
            Self::Push(notification) | Self::InApp(notification) => {
                needed("title", &notification.title, LONG)?;
                needed("body", &notification.body, LONGEST_SHORT_TEXT)?;
                plain("link", notification.link.as_deref(), LONG)
            }
        }
    }
}

fn check_step(step: &Step) -> Result<(), Refusal> {
    match step {
        Step::Say(words) => needed("steps", words, LONGEST_SHORT_TEXT),
        Step::Pause(seconds) if (1..=LONGEST_PAUSE).contains(seconds) => Ok(()),
        Step::Pause(_) => Err(Refusal::invalid("steps", format!("a pause lasts 1 to {LONGEST_PAUSE} seconds"))),
    }
}

fn check_key(key: &Key) -> Result<(), Refusal> {
    if key.digit > 9 {
        return Err(Refusal::invalid("keys", "a key is a digit from 0 to 9"));
    }
    needed("keys", &key.say, LONGEST_CONFIRMATION)
}

fn needed(field: &str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::invalid(field, "must not be blank"));
    }
    plain(field, Some(text), max)
}

fn plain(field: &str, text: Option<&str>, max: usize) -> Result<(), Refusal> {
    text.map_or(Ok(()), |text| text::exact(field, text.to_owned(), max).map(drop))
}

fn bounded(field: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("has {count} entries; at most {most} are allowed")))
}

/// Checks the texts of a template and puts them in order: by channel, then locale.
pub fn clean(contents: Vec<LocalContent>) -> Result<Vec<LocalContent>, Refusal> {
    if contents.is_empty() {
        return Err(Refusal::invalid("contents", "must have a text"));
    }
    bounded("contents", contents.len(), MAX_CONTENTS)?;
    let mut clean = Vec::with_capacity(contents.len());
    for (index, LocalContent { locale, content }) in contents.into_iter().enumerate() {
        let within = |refusal: Refusal| inside(refusal, index);
        let locale = profile::locale(Some(locale))
            .and_then(|locale| locale.ok_or_else(|| Refusal::invalid("locale", "must not be blank")))
            .map_err(within)?;
        content.check().map_err(within)?;
        clean.push(LocalContent { locale, content });
    }
    clean.sort_by(|a, b| (a.content.channel(), &a.locale).cmp(&(b.content.channel(), &b.locale)));
    let places: BTreeSet<_> = clean.iter().map(|one| (one.content.channel(), &one.locale)).collect();
    if places.len() < clean.len() {
        return Err(Refusal::invalid("contents", "has two texts for one channel and locale"));
    }
    let bytes = bytes(&clean);
    if bytes > MAX_BYTES {
        let message =
            format!("the texts take {bytes} bytes; at most {MAX_BYTES} are allowed in all channels and locales");
        return Err(Refusal { field: Some("contents".to_owned()), ..Refusal::new("TEMPLATE_TOO_LARGE", message) });
    }
    Ok(clean)
}

/// How many bytes of JSON texts take.
#[must_use]
pub fn bytes(contents: &[LocalContent]) -> usize {
    serde_json::to_vec(contents).map_or(usize::MAX, |json| json.len())
}

/// A refusal of a text, as one of the template's.
#[must_use]
pub fn inside(refusal: Refusal, index: usize) -> Refusal {
    let field = refusal.field.map(|field| format!("contents[{index}].{field}"));
    Refusal { message: format!("contents[{index}].{}", refusal.message), field, ..refusal }
}

/// The text for a channel and locale: that of the locale itself, else of its language without region (`zh-Hant-TW`,
/// `zh-Hant`, `zh`), else of the default.
#[must_use]
pub fn choose<'a>(
    contents: &'a [LocalContent],
    channel: Channel,
    locale: Option<&str>,
    default_locale: &str,
) -> Option<&'a LocalContent> {
    let of = |wanted: &str| contents.iter().find(|one| one.content.channel() == channel && one.locale == wanted);
    let mut tried = locale;
    while let Some(wanted) = tried {
        if let Some(found) = of(wanted) {
            return Some(found);
        }
        tried = wanted.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    of(default_locale).or_else(|| contents.iter().find(|one| one.content.channel() == channel))
}
