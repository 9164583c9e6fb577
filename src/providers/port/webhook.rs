//! The port for what providers report over HTTP: who speaks is proved first, then what is said is taken apart.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use url::form_urlencoded;

use crate::domain::value::inbound::{Automatic, Location};
use crate::domain::value::message::Report;
use crate::domain::value::{Channel, Keyword};
use crate::providers::kit::texts;

/// A request as it came in, before anything is believed.
#[derive(Clone, Default)]
pub struct WebhookRequest {
    /// `POST` or `GET`.
    pub method: String,
    /// The URL that the provider called, as it wrote it: public scheme and host from our own settings (never from the
    /// `Host` header), path and query exactly as received.
    pub url: String,
    /// The headers, names in any case.
    pub headers: Vec<(String, Bytes)>,
    /// The body, not decoded: signatures cover its bytes.
    pub body: Bytes,
}

impl std::fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRequest")
            .field("method", &self.method)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl WebhookRequest {
    /// The first header of a name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok().map(str::trim)
    }

    /// The part of the URL behind the `?`, without fragment; empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        let url = self.url.split('#').next().unwrap_or_default();
        url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first parameter of a name in the query.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.query().as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The same with the media type as its only header.
    #[must_use]
    pub fn bare(&self) -> Self {
        let is_type = |(name, _): &&(String, Bytes)| name.eq_ignore_ascii_case("content-type");
        let headers = self.headers.iter().filter(is_type).cloned().collect();
        Self { headers, ..self.clone() }
    }

    /// The media type of the body in lower case, without parameters.
    #[must_use]
    pub fn media_type(&self) -> String {
        let whole = self.header("content-type").unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Why a request is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It carries no proof, or we have nothing to check it against.
    #[error("the request is not signed")]
    Missing,
    /// The proof is not one, or is for something else.
    #[error("the signature does not belong to the request")]
    Forged,
    /// It was signed at another time.
    #[error("the request was signed {} seconds ago", age.num_seconds())]
    Stale {
        /// How long ago; negative if it is ahead of our clock.
        age: TimeDelta,
    },
    /// The proof cannot be read.
    #[error("the signature is malformed")]
    Malformed,
}

/// The reason of a notice that is unclear only until the message that it names can be fetched from the provider: a failure
/// that passes, so that it is parsed again soon.
pub const NOT_FETCHED: &str = "the message that it names could not be fetched yet";

/// Why a request lacks what it takes to prove it or to take it apart. Reasons are words, such as `no_certificate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// It may be had later: the provider is to send the request again.
    #[error("what the request needs cannot be had now: {0}")]
    Later(&'static str),
    /// It never is.
    #[error("what the request needs cannot be had: {0}")]
    Never(&'static str),
}

/// What to answer once all notices are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
}

/// A provider account's webhook.
#[async_trait]
pub trait Webhook: Send + Sync {
    /// The provider's name, as in events and in the URL.
    fn provider(&self) -> &str;

    /// The account's name, as in events and in the URL.
    fn account(&self) -> &str;

    /// Fetches what [`Self::verify`] proves requests with, where that is not part of the account's settings. Called first, so
    /// anybody may have written the request: nothing is believed, and nothing is called but the provider's own hosts.
    async fn prepare(&self, _request: &WebhookRequest) -> Result<(), Incomplete> {
        Ok(())
    }

    /// Proves that the provider made this request, in constant time, over its bytes as they came.
    fn verify(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Result<(), SignatureError>;

    /// Fetches what a verified request only names, and confirms what it asks to have confirmed; returns the request that is to
    /// be taken apart and kept. Repeating it does no harm.
    async fn complete<'r>(&self, request: &'r WebhookRequest) -> Result<Cow<'r, WebhookRequest>, Incomplete> {
        Ok(Cow::Borrowed(request))
    }

    /// Takes the request apart; it must have been verified and completed. Never fails as a whole and never panics: what cannot
    /// be read is [`NoticeKind::Unclear`]. Empty if it says nothing that we have a word for. A provider whose notice of a mail
    /// lacks the mail may fetch it here, within the time that it waits for an answer; see [`NOT_FETCHED`].
    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice>;

    /// The request that says what one notice says and nothing else, so that it can be kept and parsed again; without what
    /// proves the sender. `raw` is how the notice was written.
    fn part(&self, request: &WebhookRequest, raw: &str) -> WebhookRequest;

    /// What to answer with status 200.
    fn answer(&self) -> Answer;

    /// The body to answer instead, of the same media type, where it depends on what was asked. The request is verified, and all
    /// that it says is kept. It is also the place for a call that the request demands of us, such as ending a call that a
    /// machine has picked up; nothing may depend on its success.
    async fn answer_to(&self, _request: &WebhookRequest) -> Option<String> {
        None
    }
}

/// One thing that a provider reports.
#[derive(Clone, PartialEq)]
pub struct Notice {
    /// How it was written: the item of a batch, or the whole form. At most 1 MB; without the bytes of attachments.
    pub raw: String,
    /// What the provider reports, in our terms.
    pub kind: NoticeKind,
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // For the messages of failed tests; logs name ids only.
        f.debug_struct("Notice").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a notice means.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeKind {
    /// About a message that we sent.
    Report {
        /// Our correlation token, as it came back.
        token: Option<String>,
        /// The provider's id of the message, as `send` returned it.
        provider_message_id: Option<String>,
        /// The address that it went to, as the provider writes it.
        to: Option<String>,
        /// How it went.
        channel: Channel,
        /// When it happened, by the provider's clock. Absent where the provider does not say: the moment of receipt must
        /// stand in, and differs in each repetition.
        occurred_at: Option<DateTime<Utc>>,
        /// The same in each repetition of this report, and in no other.
        provider_event_id: Option<String>,
        /// The event that the provider reports.
        report: Report,
    },
    /// The receiver took an opt-out back, on a page of the provider's. Whether that is consent is not the provider's to say.
    Resubscribed {
        /// Our correlation token, as it came back.
        token: Option<String>,
        /// The address, as the provider writes it.
        address: Option<String>,
        /// How messages go there.
        channel: Channel,
        /// When it happened, by the provider's clock.
        occurred_at: Option<DateTime<Utc>>,
        /// The same in each repetition.
        provider_event_id: Option<String>,
        /// The provider's name of what was subscribed to.
        group: Option<String>,
    },
    /// Somebody wrote.
    Inbound(Box<Inbound>),
    /// It cannot be read, or we have no word for it: to be kept and looked at.
    Unclear {
        /// What is odd; no personal data.
        reason: String,
    },
}

/// A message that somebody wrote to us.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    /// The channel.
    pub channel: Channel,
    /// The provider's id of it, the same in each repetition.
    pub provider_message_id: String,
    /// Who wrote, as the provider says: E.164, a mailbox without its name, or an id of the channel's.
    pub from: String,
    /// The address that it was sent to.
    pub to: Option<String>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// Plain text; empty if there is none.
    pub text: String,
    /// HTML, for email; not cleaned: never to be shown as it is.
    pub html: Option<String>,
    /// The `Message-ID`, with its angle brackets.
    pub message_id: Option<String>,
    /// What it answers: for email the `In-Reply-To`, otherwise the provider's id of our message.
    pub in_reply_to: Option<String>,
    /// The `References`, oldest first.
    pub references: Vec<String>,
    /// What looks like a reply token in an address that it was sent to; not proved.
    pub reply_token: Option<String>,
    /// The name that stands before the sender's address, or that of the profile.
    pub sender_name: Option<String>,
    /// The mailboxes in Cc.
    pub cc: Vec<String>,
    /// All of our addresses that it was delivered to.
    pub receivers: Vec<String>,
    /// A shared location.
    pub location: Option<Location>,
    /// The request as it came, as text and whole; without the bytes of files that stand in `media`.
    pub original: String,
    /// Files and pictures; what they link to is never fetched here.
    pub media: Vec<MediaRef>,
    /// The keyword that the provider itself recognised, and acts on.
    pub opt_out: Option<Keyword>,
    /// When it was written, by the sender's or provider's clock, where known.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Whether to trust it.
    pub hints: Hints,
}

/// A file or picture of an inbound message. One without URL and content stands for all that were not read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MediaRef {
    /// Where it lies, if the message does not hold it. Written by outsiders: it may point anywhere.
    pub url: Option<String>,
    /// Its name, as the sender wrote it: not fit for a file system.
    pub name: Option<String>,
    /// What the sender says that it is.
    pub content_type: Option<String>,
    /// The name by which HTML shows it inline.
    pub content_id: Option<String>,
    /// What it holds, if the message holds it.
    pub content: Option<Bytes>,
}

impl std::fmt::Debug for MediaRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaRef")
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// What a mail that came back says of one receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverReport {
    /// The mailboxes by which it names the receiver: as the mail was addressed, and where it went in the end.
    pub mailboxes: Vec<String>,
    /// What became of the mail.
    pub report: Report,
}

/// What else is known of an inbound message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// The provider's spam score, as it writes it.
    pub spam_score: Option<String>,
    /// The result of SPF: `pass`, `fail`, `softfail`, `none` …
    pub spf: Option<String>,
    /// The results of DKIM, as the provider writes them.
    pub dkim: Option<String>,
    /// What kind of machine wrote it; absent: a person, as far as is known.
    pub automatic: Option<Automatic>,
    /// What a bounce or complaint says of the message that it is about, which is among [`Inbound::references`]: a report for
    /// each receiver, the worst first.
    pub reports: Vec<ReceiverReport>,
    /// Text or HTML are longer than we take; the whole is in [`Inbound::original`].
    pub is_cut: bool,
    /// The text was made from the HTML.
    pub is_text_of_html: bool,
}

impl Inbound {
    /// A message of which only the text is known.
    #[must_use]
    pub fn new(channel: Channel, provider_message_id: String, from: String, text: String) -> Self {
        Self {
            channel,
            provider_message_id,
            from,
            to: None,
            subject: None,
            text,
            html: None,
            message_id: None,
            in_reply_to: None,
            references: vec![],
            reply_token: None,
            sender_name: None,
            cc: vec![],
            receivers: vec![],
            location: None,
            original: String::new(),
            media: vec![],
            opt_out: None,
            occurred_at: None,
            hints: Hints::default(),
        }
    }
}

impl Notice {
    /// Something that is kept as it came, with what is odd about it.
    pub(in crate::providers) fn unclear(raw: String, reason: impl Into<String>) -> Self {
        Self { raw, kind: NoticeKind::Unclear { reason: reason.into() } }
    }

    /// A request that cannot be completed, by its part without proof ([`Webhook::part`]).
    #[must_use]
    pub fn incomplete(part: &WebhookRequest, why: &str) -> Self {
        Self::unclear(texts::raw(&part.body), format!("what it names cannot be fetched: {why}"))
    }
}
