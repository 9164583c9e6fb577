//! A mail that came in, from what its provider says of it and what the mail itself says: the same for all providers.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::html::text_of;
use super::mime::{Headers, Mail, machine};
use super::texts;
use crate::domain::value::token::reply_token_in;
use crate::domain::value::{Channel, Keyword};
use crate::providers::{Inbound, MediaRef};

/// The sender of a mail server's mail that names no sender: the empty path of RFC 5321.
const NOBODY: &str = "<>";
/// How many mailboxes of a list are looked at.
const MAX_MAILBOXES: usize = 100;

/// How many files are stored with a message.
const MAX_FILES: usize = 20;
/// How many bytes of files are stored with a message.
const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;

/// Whether a mail has more files than are stored beside its message: then it must be kept as it came.
pub(in crate::providers) fn is_more_than_kept(files: &[MediaRef]) -> bool {
    let bytes: usize = files.iter().filter_map(|file| file.content.as_ref()).map(Bytes::len).sum();
    files.len() > MAX_FILES || bytes > MAX_FILE_BYTES
}

/// A mail, taken apart by us or by the provider.
#[derive(Default)]
pub(in crate::providers) struct Arrived {
    pub(in crate::providers) headers: Headers,
    /// The author as written, if another one than in the headers.
    pub(in crate::providers) from: Option<String>,
    /// The sender on the envelope.
    pub(in crate::providers) envelope_from: Option<String>,
    /// Our addresses that it was delivered to.
    pub(in crate::providers) receivers: Vec<String>,
    /// `To` and `Cc` as written, if others than in the headers.
    pub(in crate::providers) to: Option<String>,
    pub(in crate::providers) cc: Option<String>,
    pub(in crate::providers) subject: Option<String>,
    pub(in crate::providers) text: String,
    pub(in crate::providers) html: Option<String>,
    pub(in crate::providers) files: Vec<MediaRef>,
    /// It has more parts than were read.
    pub(in crate::providers) is_cut: bool,
}

impl From<Mail> for Arrived {
    fn from(mail: Mail) -> Self {
        let Mail { headers, text, html, files, is_cut, .. } = mail;
        Self { headers, text: text.unwrap_or_default(), html, files, is_cut, ..Self::default() }
    }
}

impl Arrived {
    /// An id for providers that give none: the `Message-ID`, or what stands in for it, with the receivers, as a mail to two
    /// of our addresses comes twice.
    pub(in crate::providers) fn id(&self, digest: impl FnOnce() -> String) -> String {
        let id = self.headers.ids("message-id").into_iter().next().unwrap_or_else(digest);
        texts::bounded(&format!("{id} {}", self.receivers.join(",")), texts::MAX_SHORT).trim().to_owned()
    }

    /// The message; [`None`] if a person's mail names no sender.
    pub(in crate::providers) fn inbound(self, id: String, now: DateTime<Utc>) -> Option<Inbound> {
        let Self { headers, envelope_from, receivers, mut files, .. } = self;
        let header = |name: &str| headers.get(name).and_then(texts::short);
        let written_from = self.from.or_else(|| header("from"));
        let author = machine::author_of_post(&headers, written_from.as_deref().unwrap_or_default()).map(str::to_owned);
        let written_from = author.or(written_from);
        let from = written_from.clone().or_else(|| envelope_from.as_deref().and_then(texts::short));
        let from = from.map(|from| texts::address_in(&from).to_owned()).unwrap_or_default();
        let written_to = self.to.or_else(|| headers.get("to").map(str::to_owned)).unwrap_or_default();

        let html = self.html.filter(|html| !html.trim().is_empty());
        let made = html.as_deref().filter(|_| self.text.trim().is_empty()).map(text_of);
        let is_text_of_html = made.is_some();
        let text = made.unwrap_or(self.text);
        let is_long = |text: &str| text.chars().count() > texts::MAX_BODY;

        let mut inbound = Inbound::new(Channel::Email, id, from, texts::bounded(&text, texts::MAX_BODY));
        inbound.hints.is_cut = self.is_cut || is_long(&text) || html.as_deref().is_some_and(is_long);
        inbound.hints.is_text_of_html = is_text_of_html;
        let written_to = mailboxes(&written_to);
        let named = || receivers.iter().chain(&written_to).map(|to| texts::address_in(to));
        inbound.to = named().next().and_then(texts::short);
        inbound.subject = self.subject.or_else(|| header("subject"));
        inbound.html = html.map(|html| texts::bounded(&html, texts::MAX_BODY));
        inbound.message_id = headers.ids("message-id").into_iter().next();
        inbound.in_reply_to = headers.ids("in-reply-to").into_iter().next();
        inbound.references = headers.ids("references");
        inbound.reply_token = named().find_map(reply_token_in);
        inbound.occurred_at = texts::plausible(headers.date(), now);
        if self.is_cut {
            files.push(MediaRef::default());
        }
        inbound.media = files;
        let signs = machine::Signs {
            headers: &headers,
            subject: inbound.subject.as_deref().unwrap_or_default(),
            from: &inbound.from,
            envelope_from: envelope_from.as_deref(),
            text: &text,
            files: &inbound.media,
        };
        let machine = machine::recognise(&signs);
        inbound.opt_out = machine::is_unsubscription(&signs).then_some(Keyword::Stop);
        let is_machine = machine.is_some();
        if let Some(machine) = machine {
            inbound.hints.automatic = Some(machine.kind);
            inbound.hints.reports = machine.reports;
            inbound.references.extend(machine.ids);
            inbound.reply_token = inbound.reply_token.or(machine.token);
        }
        if !inbound.from.contains('@') {
            // Mail servers may name themselves by a word, or not at all; a person has a mailbox.
            if !is_machine {
                return None;
            }
            if inbound.from.is_empty() {
                inbound.from = NOBODY.to_owned();
            }
        }
        inbound.sender_name = written_from.as_deref().and_then(texts::name_in);
        let cc = self.cc.or_else(|| headers.get("cc").map(str::to_owned)).unwrap_or_default();
        inbound.cc = mailboxes(&cc);
        inbound.receivers = receivers.iter().filter_map(|receiver| texts::short(receiver)).collect();
        Some(inbound)
    }
}

/// The mailboxes of a list, each as it is written. A comma in quotes separates nothing.
fn mailboxes(list: &str) -> Vec<String> {
    let mut is_quoted = false;
    let pieces = list.split(|c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    pieces.filter_map(texts::short).take(MAX_MAILBOXES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::inbound::Automatic;
    use crate::providers::kit::mime;

    fn read(mail: &str, from: Option<&str>, to: &[&str]) -> Option<Inbound> {
        let receivers: Vec<_> = to.iter().map(|to| (*to).to_owned()).collect();
        let now = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
        let arrived =
            Arrived { envelope_from: from.map(str::to_owned), receivers, ..mime::parse(mail.as_bytes()).into() };
        arrived.inbound("id".to_owned(), now)
    }

    #[test]
    fn a_persons_mail_is_read_with_its_headers() {
        let mail = "From: \"Lovelace, Ada\" <ada@example.org>\r\nTo: Shop <news@shop.example>\r\n\
                    Cc: \"B, C\" <b@example.org>, d@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
                    Message-ID: <1@example.org>\r\nIn-Reply-To: <2@shop.example>\r\nReferences: <1@shop.example> <2@shop.example>\r\n\
                    Date: Wed, 11 Oct 2017 18:31:04 -0700\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Thank <b>you</b></p>\r\n";
        let inbound = read(mail, Some("bounce@example.org"), &["reply@shop.example"]).expect("a mail");
        assert_eq!((inbound.from.as_str(), inbound.sender_name.as_deref()), ("ada@example.org", Some("Lovelace, Ada")));
        assert_eq!((inbound.to.as_deref(), inbound.subject.as_deref()), (Some("reply@shop.example"), Some("Grüße")));
        assert_eq!((inbound.text.trim(), inbound.hints.is_text_of_html), ("Thank you", true));
        assert_eq!(inbound.cc, ["\"B, C\" <b@example.org>", "d@example.org"]);
        assert_eq!((inbound.in_reply_to.as_deref(), inbound.references.len()), (Some("<2@shop.example>"), 2));
        assert!(inbound.hints.automatic.is_none());
    }

    #[test]
    fn who_has_no_mailbox_is_a_machine_or_nobody() {
        let bounce = "From: Mail Delivery System\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n550 5.1.1 no such user\r\n";
        let inbound = read(bounce, Some(""), &["news@shop.example"]).expect("a mail");
        assert_eq!(inbound.hints.automatic, Some(Automatic::Bounce));
        assert_eq!(read("Subject: Hello\r\n\r\nHello\r\n", None, &[]), None);
        let unnamed = read("Subject: failure notice\r\n\r\n550 5.1.1\r\n", Some(""), &[]).expect("a mail");
        assert_eq!(unnamed.from, NOBODY);
    }
}
