//! A mail that came in, whoever handed it over: who wrote, what it answers, and whether a machine wrote it.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Headers, Mail, machine};
use crate::domain::value::token::reply_token_in;
use crate::domain::value::{Channel, Keyword};
use crate::providers::kit::html::text_of;
use crate::providers::kit::texts;
use crate::providers::{Inbound, MediaRef};

/// The sender of a mail server's mail that names no sender: the empty path of RFC 5321.
const NOBODY: &str = "<>";
/// How many receivers are read of a list.
const MAX_RECEIVERS: usize = 100;
/// The headers by which mail servers say whom a mail was delivered to: Postfix, qmail and Dovecot; Exim; fetchmail.
const DELIVERED_TO: &[&str] = &["x-original-to", "delivered-to", "envelope-to", "x-envelope-to"];

/// What is known of a mail that came in.
pub(in crate::providers) struct Received<'a> {
    pub(in crate::providers) headers: &'a Headers,
    /// The sender on the envelope.
    pub(in crate::providers) envelope_from: Option<&'a str>,
    /// The receivers on the envelope.
    pub(in crate::providers) receivers: Vec<&'a str>,
    /// `From`, as it is written.
    pub(in crate::providers) from: Option<String>,
    /// `To`, as it is written.
    pub(in crate::providers) to: String,
    /// `Cc`, as it is written.
    pub(in crate::providers) cc: String,
    pub(in crate::providers) subject: Option<String>,
    pub(in crate::providers) text: Option<String>,
    pub(in crate::providers) html: Option<String>,
    pub(in crate::providers) files: Vec<MediaRef>,
    /// It has more parts than were read.
    pub(in crate::providers) is_cut: bool,
    /// Stands in for a missing `Message-ID`: the same in each repetition.
    pub(in crate::providers) digest: &'a dyn Fn() -> String,
}

impl Received<'_> {
    /// Reads it; [`None`] if neither a person nor a machine is named that wrote it.
    pub(in crate::providers) fn inbound(self, now: DateTime<Utc>) -> Option<Inbound> {
        let headers = self.headers;
        let author = machine::author_of_post(headers, self.from.as_deref().unwrap_or_default()).map(str::to_owned);
        let written_from = author.or(self.from);
        let from = written_from.clone().or_else(|| self.envelope_from.and_then(texts::short));
        let from = from.map(|from| texts::address_in(&from).to_owned()).unwrap_or_default();

        let to = self.receivers.first().copied().or_else(|| self.to.split(',').next()).map(texts::address_in);
        let message_id = headers.ids("message-id").into_iter().next();
        let id = message_id.clone().unwrap_or_else(self.digest);
        let id = texts::bounded(&format!("{id} {}", self.receivers.join(",")), texts::MAX_SHORT);

        let text = self.text.unwrap_or_default();
        let html = self.html.filter(|html| !html.trim().is_empty());
        let made = html.as_deref().filter(|_| text.trim().is_empty()).map(text_of);
        let is_text_of_html = made.is_some();
        let text = made.unwrap_or(text);
        let is_long = |text: &str| text.chars().count() > texts::MAX_BODY;

        let mut inbound =
            Inbound::new(Channel::Email, id.trim().to_owned(), from, texts::bounded(&text, texts::MAX_BODY));
        inbound.to = to.and_then(texts::short);
        inbound.subject = self.subject;
        inbound.hints.is_cut = self.is_cut || is_long(&text) || html.as_deref().is_some_and(is_long);
        inbound.hints.is_text_of_html = is_text_of_html;
        inbound.html = html.map(|html| texts::bounded(&html, texts::MAX_BODY));
        inbound.message_id = message_id;
        inbound.in_reply_to = headers.ids("in-reply-to").into_iter().next();
        inbound.references = headers.ids("references");
        let written = self.to.split(',').map(texts::address_in).take(MAX_RECEIVERS);
        inbound.reply_token = self.receivers.iter().copied().chain(written).find_map(reply_token_in);
        inbound.media = self.files;
        if self.is_cut {
            inbound.media.push(MediaRef::default());
        }
        inbound.occurred_at = texts::plausible(headers.date(), now);
        let signs = machine::Signs {
            headers,
            subject: inbound.subject.as_deref().unwrap_or_default(),
            from: &inbound.from,
            envelope_from: self.envelope_from,
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
                NOBODY.clone_into(&mut inbound.from);
            }
        }
        inbound.sender_name = written_from.as_deref().and_then(texts::name_in);
        inbound.cc = mailboxes(&self.cc);
        inbound.receivers = self.receivers.iter().copied().filter_map(texts::short).collect();
        Some(inbound)
    }
}

/// Reads a mail of which nothing is known but what it says itself. Its lines may end in one way in a mailbox and in another in
/// a pipe, which may add an empty one: it is one mail all the same.
pub(in crate::providers) fn of_raw(bytes: &[u8], now: DateTime<Utc>) -> Option<Inbound> {
    let written = without_mbox_line(bytes);
    let Mail { headers, text, html, files, is_cut, .. } = super::parse(written);
    // The newest stand first: those before them were written by the servers that the mail went through last.
    let receivers = DELIVERED_TO.iter().filter_map(|name| headers.get(name)).map(texts::address_in).take(1).collect();
    let field = |name: &str| headers.get(name).unwrap_or_default().to_owned();
    let received = Received {
        envelope_from: headers.get("return-path").map(str::trim),
        receivers,
        from: headers.get("from").and_then(texts::short),
        to: field("to"),
        cc: field("cc"),
        subject: headers.get("subject").and_then(texts::short),
        text: text.map(|text| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()),
        html,
        files,
        is_cut,
        digest: &|| digest(written),
        headers: &headers,
    };
    received.inbound(now)
}

/// Stands for a mail without a `Message-ID`, whatever its lines end in.
fn digest(mail: &[u8]) -> String {
    let mut hash = Sha256::new();
    for line in mail.trim_ascii_end().split(|&byte| byte == b'\n') {
        hash.update(line.strip_suffix(b"\r").unwrap_or(line));
        hash.update(b"\n");
    }
    hex::encode(&hash.finalize()[..16])
}

/// Pipes may write a first line as it separates mails in a file (`From ada@example.org Mon …`).
fn without_mbox_line(bytes: &[u8]) -> &[u8] {
    match bytes.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|&byte| byte == b'\n').map_or(&[], |end| &rest[end + 1..]),
        None => bytes,
    }
}

/// The mailboxes of a list, each as it is written. A comma in quotes separates nothing.
fn mailboxes(list: &str) -> Vec<String> {
    let mut is_quoted = false;
    let pieces = list.split(|c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    pieces.filter_map(texts::short).take(MAX_RECEIVERS).collect()
}

#[cfg(test)]
mod tests;
