//! A mail as it is written (RFC 5322, MIME): lettre writes it, in ASCII, so that no server has to offer 8BITMIME.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::address::{AddressError, Envelope};
use lettre::message::dkim::{DkimCanonicalization, DkimCanonicalizationType, DkimConfig};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as AttachedPart, Mailbox, MessageBuilder, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::replies::Cause;
use crate::domain::value::message::RetryClass;
use crate::providers::kit::texts;
use crate::providers::{Attachment, EmailContent};

/// The longest line of a header (RFC 5322, 2.1.1), without its end.
const MAX_LINE: usize = 998;

/// Headers that are written from other fields, or that would send the mail elsewhere.
const OURS: &[&str] = &[
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

/// A mail that is ready to be sent.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    /// Its `Message-ID`, with angle brackets.
    pub(super) id: String,
}

/// What a mail is written from.
pub(super) struct Draft<'a> {
    pub(super) from: Mailbox,
    pub(super) to: &'a Address,
    pub(super) content: &'a EmailContent,
    /// The `Message-ID` of a mail that brings none.
    pub(super) id: String,
    pub(super) now: DateTime<Utc>,
}

/// Reads `Name <address>` or a bare address.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, AddressError> {
    let name = texts::name_in(text).map(|name| texts::one_line(&name));
    Ok(Mailbox::new(name, texts::address_in(text).parse()?))
}

/// Reads a receiver's address. Some providers have given out names that no standard allows (dots in a row, or before the @),
/// and deliver to them (symfony/symfony#50592).
pub(super) fn receiver(text: &str) -> Option<Address> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (local, domain) = text.rsplit_once('@')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_name = (1..=64).contains(&local.len()) && local.chars().all(is_plain);
    (is_name && Address::new("a", domain).is_ok()).then(|| Address::new_dangerous(local, domain))
}

/// Writes a mail, and signs it where the account has a key.
pub(super) fn write(draft: Draft<'_>, dkim: Option<&DkimConfig>) -> Result<Written, Cause> {
    let Draft { from, to, content, id, now } = draft;
    let mut message = Message::builder()
        .date(SystemTime::from(now))
        .from(from)
        .raw_header(verbatim(HeaderName::new_from_ascii_str("To"), to.to_string()))
        .envelope(Envelope::new(None, vec![to.clone()]).map_err(|_| NO_MAIL)?)
        .subject(texts::one_line(content.subject.as_deref().unwrap_or_default()));
    if let Some(reply_to) = &content.reply_to {
        message = message.reply_to(mailbox(reply_to).map_err(|_| NO_ADDRESS)?);
    }
    let mut given_id = None;
    for (name, value) in &content.headers {
        if name.eq_ignore_ascii_case("message-id") {
            given_id = Some(value.trim().to_owned());
        } else {
            message = message.raw_header(header(name, value)?);
        }
    }
    let id = given_id.unwrap_or(id);
    message = message.raw_header(header("Message-ID", &id)?);
    let mut message = body(message, content)?;
    if let Some(dkim) = dkim {
        message.sign(dkim);
    }
    Ok(Written { bytes: message.formatted(), id })
}

const NO_HEADER: Cause =
    Cause::Unsendable(RetryClass::ContentRefused, "header", "a header of the message cannot be written");
const NO_ADDRESS: Cause =
    Cause::Unsendable(RetryClass::ContentRefused, "reply_to", "the address for replies cannot be written");
const NO_MAIL: Cause = Cause::Unsendable(RetryClass::ContentRefused, "mail", "the message cannot be written");

/// A header as it is given, where it fits into a line: ids must not be broken nor encoded (jstedfast/MimeKit#479).
fn header(name: &str, value: &str) -> Result<HeaderValue, Cause> {
    let lower = name.to_ascii_lowercase();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let is_ours = OURS.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("resent-");
    if !is_name || is_ours || value.contains(|c: char| c.is_control()) {
        return Err(NO_HEADER);
    }
    let is_line = value.is_ascii() && name.len() + 2 + value.len() <= MAX_LINE;
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| NO_HEADER)?;
    Ok(match is_line {
        true => verbatim(name, value.to_owned()),
        false => HeaderValue::new(name, value.to_owned()),
    })
}

/// A header that needs no writing: without control characters, and short enough for a line.
fn verbatim(name: HeaderName, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value)
}

/// Text and HTML as alternatives, pictures beside the HTML that shows them, other files behind.
fn body(message: MessageBuilder, content: &EmailContent) -> Result<Message, Cause> {
    let (inline, files): (Vec<_>, Vec<_>) = content.attachments.iter().partition(|file| file.content_id.is_some());
    let html = content.html.as_ref().map(|html| SinglePart::html(html.clone()));
    let html = match html {
        Some(html) if !inline.is_empty() => {
            let mut related = MultiPart::related().singlepart(html);
            for file in &inline {
                related = related.singlepart(attached(file)?);
            }
            Some(Part::Many(related))
        }
        html => html.map(Part::One),
    };
    let has_html = html.is_some();
    let text = (!content.text.is_empty() || !has_html).then(|| SinglePart::plain(content.text.clone()));
    let words = match (text, html) {
        (Some(text), Some(html)) => Part::Many(html.put_into(MultiPart::alternative().singlepart(text))),
        (Some(text), None) => Part::One(text),
        (None, Some(html)) => html,
        (None, None) => Part::One(SinglePart::plain(String::new())),
    };
    // Without HTML nothing shows a picture: it is a file like others.
    let files: Vec<_> = if has_html { files } else { content.attachments.iter().collect() };
    if files.is_empty() {
        return match words {
            Part::One(part) => message.singlepart(part).map_err(|_| NO_MAIL),
            Part::Many(parts) => message.multipart(parts).map_err(|_| NO_MAIL),
        };
    }
    let mut mixed = words.put_into(MultiPart::mixed().build());
    for file in files {
        mixed = mixed.singlepart(attached(file)?);
    }
    message.multipart(mixed).map_err(|_| NO_MAIL)
}

enum Part {
    One(SinglePart),
    Many(MultiPart),
}

impl Part {
    fn put_into(self, parts: MultiPart) -> MultiPart {
        match self {
            Self::One(part) => parts.singlepart(part),
            Self::Many(inner) => parts.multipart(inner),
        }
    }
}

fn attached(file: &Attachment) -> Result<SinglePart, Cause> {
    let plain = || ContentType::parse("application/octet-stream");
    let kind = ContentType::parse(&file.content_type).or_else(|_| plain());
    let kind = kind.map_err(|_| NO_MAIL)?;
    let name = texts::one_line(&file.name);
    let part = match &file.content_id {
        Some(id) => AttachedPart::new_inline_with_name(texts::one_line(id), name),
        None => AttachedPart::new(name),
    };
    Ok(part.body(file.content.to_vec(), kind))
}

/// What a signature covers: all that a reader sees or a mail program acts on. A header that a mail does not have is
/// covered too, so that nobody adds one. lettre writes `Content-Type` with the parts, where it does not sign it.
pub(super) fn signing(selector: String, domain: String, key: lettre::message::dkim::DkimSigningKey) -> DkimConfig {
    let covered = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Feedback-ID",
    ];
    let headers = covered.into_iter().map(HeaderName::new_from_ascii_str).collect();
    let relaxed = DkimCanonicalizationType::Relaxed;
    DkimConfig::new(selector, domain, key, headers, DkimCanonicalization { header: relaxed, body: relaxed })
}
