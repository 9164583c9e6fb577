//! A mail as it is handed to SES: headers and parts (RFC 5322, RFC 2045).
//!
//! Texts are written as quoted-printable or base64 where they are not plain ASCII, because SES damages other bytes when it
//! tracks opens and clicks.

use chrono::{DateTime, Utc};
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, From, HeaderName, HeaderValue, Headers, MIME_VERSION_1_0, ReplyTo,
    Subject,
};
use lettre::message::{Attachment as File, Body, Mailbox, Mailboxes, MultiPart, MultiPartBuilder, SinglePart};

use super::SesSettings;
use crate::domain::value::message::RetryClass;
use crate::providers::kit::texts;
use crate::providers::{Attachment, EmailContent, OutboundMessage, SendError};

/// The longest line (RFC 5322, 2.1.1), in bytes.
const LONGEST_LINE: usize = 998;
/// Headers that this file writes, or that would send the mail to others.
const OWN: &[&str] =
    &["from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "mime-version", "return-path"];

/// Writes a mail. `to` stands as it is given, so that SES decides which addresses there are.
pub(super) fn write(
    settings: &SesSettings,
    message: &OutboundMessage,
    email: &EmailContent,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, SendError> {
    let mut headers = Headers::new();
    let from = match message.from.as_deref() {
        Some(from) => mailbox(from).ok_or_else(|| {
            let detail = "the sender is not an address";
            SendError::refused(RetryClass::Configuration, Some("from".to_owned()), detail)
        })?,
        None => settings.from.clone(),
    };
    headers.set(Date::new(now.into()));
    headers.set(From::from(Mailboxes::new().with(from)));
    headers.insert_raw(header("To", &message.to)?);
    if let Some(reply_to) = &email.reply_to {
        let reply_to = mailbox(reply_to).ok_or_else(|| unwritable("reply_to", "where replies go is not an address"))?;
        headers.set(ReplyTo::from(Mailboxes::new().with(reply_to)));
    }
    headers.set(Subject::from(texts::one_line(email.subject.as_deref().unwrap_or_default())));
    for (name, value) in own_id_in_references(&email.headers) {
        let lower = name.to_ascii_lowercase();
        if OWN.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("x-ses-") {
            return Err(unwritable("header", "a header of the message is not its own to write"));
        }
        headers.insert_raw(header(name, &value)?);
    }
    headers.set(MIME_VERSION_1_0);
    let mut written = headers.to_string().into_bytes();
    written.extend(match content(email) {
        Content::Single(part) => part.formatted(),
        Content::Multi(parts) => parts.formatted(),
    });
    Ok(written)
}

/// SES replaces the `Message-ID`, but leaves the `References` alone: with our id among them, most answers name it. It writes and
/// signs a `Feedback-ID` of its own, beside which a second one would stand.
fn own_id_in_references(headers: &[(String, String)]) -> Vec<(&str, String)> {
    let find = |name: &str| headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let is_references = |name: &str| name.eq_ignore_ascii_case("references");
    let is_feedback = |name: &str| name.eq_ignore_ascii_case("feedback-id");
    let others = headers.iter().filter(|(name, _)| !is_references(name) && !is_feedback(name));
    let mut all: Vec<_> = others.map(|(name, value)| (name.as_str(), value.clone())).collect();
    let references = [find("references"), find("message-id")].into_iter().flatten().map(|ids| ids.trim());
    let references = references.collect::<Vec<_>>().join(" ");
    if !references.is_empty() {
        all.push(("References", references));
    }
    all
}

fn header(name: &str, value: &str) -> Result<HeaderValue, SendError> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let name = HeaderName::new_from_ascii(name.to_owned()).ok().filter(|_| is_name);
    let name = name.filter(|_| !value.contains(|c: char| c.is_control()));
    let name = name.ok_or_else(|| unwritable("header", "a header of the message cannot be written"))?;
    // Ids and links stay in one piece, as some programs do not read a header that begins with a line break.
    let is_short = name.len() + ": ".len() + value.len() <= LONGEST_LINE;
    Ok(if value.is_ascii() && is_short {
        HeaderValue::dangerous_new_pre_encoded(name, value.to_owned(), value.to_owned())
    } else {
        HeaderValue::new(name, value.to_owned())
    })
}

/// Reads `Name <address>` or a bare address.
fn mailbox(text: &str) -> Option<Mailbox> {
    let email = texts::address_in(text).parse().ok()?;
    let name = texts::name_in(text);
    Some(Mailbox::new(name, email))
}

enum Content {
    Single(SinglePart),
    Multi(MultiPart),
}

impl Content {
    fn within(self, parts: MultiPartBuilder) -> MultiPart {
        match self {
            Self::Single(part) => parts.singlepart(part),
            Self::Multi(inner) => parts.multipart(inner),
        }
    }
}

/// The texts as alternatives, what HTML shows inline beside it, and files around all of that.
fn content(email: &EmailContent) -> Content {
    let (inline, files): (Vec<_>, Vec<_>) = email.attachments.iter().partition(|file| file.content_id.is_some());
    let with =
        |parts: MultiPart, files: &[&Attachment]| files.iter().fold(parts, |parts, file| parts.singlepart(part(file)));
    let html = email.html.as_ref().map(|html| {
        let html = Content::Single(SinglePart::html(html.clone()));
        match &inline[..] {
            [] => html,
            inline => Content::Multi(with(html.within(MultiPart::related()), inline)),
        }
    });
    let loose = if html.is_none() { &inline[..] } else { &[] };
    let plain = || SinglePart::plain(email.text.clone());
    let texts = match html {
        None => Content::Single(plain()),
        Some(html) if email.text.is_empty() => html,
        Some(html) => {
            let both = MultiPart::alternative().singlepart(plain());
            Content::Multi(match html {
                Content::Single(html) => both.singlepart(html),
                Content::Multi(html) => both.multipart(html),
            })
        }
    };
    if files.is_empty() && loose.is_empty() {
        return texts;
    }
    Content::Multi(with(with(texts.within(MultiPart::mixed()), loose), &files))
}

fn part(file: &Attachment) -> SinglePart {
    let name = texts::one_line(&file.name);
    let head = match &file.content_id {
        Some(id) => File::new_inline_with_name(texts::one_line(id), name),
        None => File::new(name),
    };
    let octets = || ContentType::parse("application/octet-stream").unwrap_or(ContentType::TEXT_PLAIN);
    // Always as base64: a text file keeps its own line ends.
    let content = Body::new_with_encoding(file.content.to_vec(), ContentTransferEncoding::Base64);
    let content = content.unwrap_or_else(Body::new);
    head.body(content, ContentType::parse(&file.content_type).unwrap_or_else(|_| octets()))
}

pub(super) fn unwritable(code: &str, detail: &str) -> SendError {
    SendError::refused(RetryClass::ContentRefused, Some(code.to_owned()), detail)
}

#[cfg(test)]
mod tests;
