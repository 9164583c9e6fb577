//! A whole mail that came in, as the message that it is to us.

use chrono::{DateTime, Utc};

use super::{Mail, machine};
use crate::domain::value::token::reply_token_in;
use crate::domain::value::{Channel, Keyword};
use crate::providers::kit::html::text_of;
use crate::providers::kit::texts;
use crate::providers::{Inbound, MediaRef};

/// The sender of a mail server's mail that names no sender: the empty path of RFC 5321.
pub(in crate::providers) const NOBODY: &str = "<>";
/// How many mailboxes of a list are read.
const MAX_MAILBOXES: usize = 100;

/// How a mail was handed over (RFC 5321), beside what it says itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::providers) struct Envelope<'a> {
    /// The sender, which a machine leaves empty; absent if it is not known.
    pub(in crate::providers) from: Option<&'a str>,
    /// Our mailboxes that it was delivered to.
    pub(in crate::providers) receivers: &'a [String],
}

/// What a mail is to us, with the provider's id of it; [`None`] if neither a person nor a machine wrote it.
pub(in crate::providers) fn arrived(
    mail: Mail,
    envelope: Envelope<'_>,
    provider_message_id: String,
    now: DateTime<Utc>,
) -> Option<Inbound> {
    let Mail { headers, text, html, files, is_cut: has_more, .. } = mail;
    let written_from = headers.get("from").and_then(texts::short).unwrap_or_default();
    let author =
        machine::author_of_post(&headers, &written_from).map_or(written_from.as_str(), |author| author).to_owned();
    let from =
        texts::short(texts::address_in(&author)).or_else(|| envelope.from.and_then(texts::short)).unwrap_or_default();

    let html = html.filter(|html| !html.trim().is_empty());
    let text = text.unwrap_or_default();
    let made = html.as_deref().filter(|_| text.trim().is_empty()).map(text_of);
    let is_text_of_html = made.is_some();
    let text = made.unwrap_or(text);
    let is_long = |text: &str| text.chars().count() > texts::MAX_BODY;

    let mut inbound = Inbound::new(Channel::Email, provider_message_id, from, texts::bounded(&text, texts::MAX_BODY));
    inbound.hints.is_cut = has_more || is_long(&text) || html.as_deref().is_some_and(is_long);
    inbound.hints.is_text_of_html = is_text_of_html;
    inbound.html = html.map(|html| texts::bounded(&html, texts::MAX_BODY));
    inbound.subject = headers.get("subject").and_then(texts::short);
    inbound.sender_name = texts::name_in(&author);
    inbound.message_id = headers.ids("message-id").into_iter().next();
    inbound.in_reply_to = headers.ids("in-reply-to").into_iter().next();
    inbound.references = headers.ids("references");
    inbound.occurred_at = texts::plausible(headers.date(), now);
    inbound.cc = mailboxes(headers.get("cc").unwrap_or_default());
    inbound.receivers = envelope.receivers.iter().filter_map(|to| texts::short(to)).take(MAX_MAILBOXES).collect();
    let written_to = mailboxes(headers.get("to").unwrap_or_default());
    let named = inbound.receivers.iter().chain(&written_to).map(|to| texts::address_in(to));
    inbound.to = named.clone().next().and_then(texts::short);
    inbound.reply_token = named.clone().find_map(reply_token_in);
    inbound.media = files;
    if has_more {
        inbound.media.push(MediaRef::default());
    }
    let signs = machine::Signs {
        headers: &headers,
        subject: inbound.subject.as_deref().unwrap_or_default(),
        from: &inbound.from,
        envelope_from: envelope.from,
        text: &text,
        files: &inbound.media,
    };
    let opt_out = machine::is_unsubscription(&signs).then_some(Keyword::Stop);
    let machine = machine::recognise(&signs);
    if !inbound.from.contains('@') {
        // Mail servers may name themselves by a word, or not at all; a person has a mailbox.
        machine.as_ref()?;
        if inbound.from.is_empty() {
            NOBODY.clone_into(&mut inbound.from);
        }
    }
    inbound.opt_out = opt_out;
    if let Some(machine) = machine {
        inbound.hints.automatic = Some(machine.kind);
        inbound.hints.reports = machine.reports;
        inbound.references.extend(machine.ids);
    }
    Some(inbound)
}

/// The mailboxes of a list, each as it is written. A comma in quotes separates nothing.
pub(in crate::providers) fn mailboxes(list: &str) -> Vec<String> {
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
        arrived(mime::parse(mail.as_bytes()), Envelope { from, receivers: &receivers }, "id".to_owned(), now)
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
