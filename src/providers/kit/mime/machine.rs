//! Which mails machines write, and what those that come back say of a message of ours.
//!
//! RFC 3834 (automatic replies), RFC 3464 (delivery status), RFC 5965 (feedback reports); and what mail servers wrote
//! before these, or write in spite of them.

mod words;

use words::{BOUNCE_SUBJECTS, MAILBOX_FULL, NO_REPLY, NO_SUCH_MAILBOX, REPLY_SUBJECTS};

use super::Headers;
use super::headers::percent_decoded;
use crate::domain::value::inbound::Automatic;
use crate::domain::value::message::{BounceKind, Report};
use crate::domain::value::token::reply_token;
use crate::providers::kit::texts;
use crate::providers::{MediaRef, ReceiverReport};

/// How many ids are taken out of a mail that comes back.
const MAX_IDS: usize = 40;
/// How much of a text is searched, in bytes.
const MAX_SEARCHED: usize = 256 * 1024;

/// What is looked at.
pub(in crate::providers) struct Signs<'a> {
    pub(in crate::providers) headers: &'a Headers,
    pub(in crate::providers) subject: &'a str,
    /// The mailbox in `From`, or whatever is written there instead.
    pub(in crate::providers) from: &'a str,
    /// The sender on the envelope, which a machine leaves empty.
    pub(in crate::providers) envelope_from: Option<&'a str>,
    pub(in crate::providers) text: &'a str,
    pub(in crate::providers) files: &'a [MediaRef],
}

/// A machine's mail.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::providers) struct Machine {
    pub(in crate::providers) kind: Automatic,
    /// What it says of the mail that it is about: the worst first.
    pub(in crate::providers) reports: Vec<ReceiverReport>,
    /// The ids that it names, among them the one of the mail that it is about.
    pub(in crate::providers) ids: Vec<String>,
    /// What looks like a reply token in the id of the envelope that it repeats (RFC 3464, 2.2.1).
    pub(in crate::providers) token: Option<String>,
}

/// Recognises a machine by what it wrote; [`None`] for a person, as far as can be known.
pub(in crate::providers) fn recognise(signs: &Signs<'_>) -> Option<Machine> {
    let content_type = signs.headers.parameters("content-type");
    let report_type = content_type.get("report-type").unwrap_or_default().to_ascii_lowercase();
    let part = |name: &str| {
        let is_it = |file: &&MediaRef| file.content_type.as_deref().is_some_and(|given| given.starts_with(name));
        signs.files.iter().find(is_it).and_then(|file| file.content.as_deref())
    };
    let named = || ids(signs);
    if report_type == "feedback-report" || part("message/feedback-report").is_some() {
        let fields = part("message/feedback-report").map(Headers::parse).unwrap_or_default();
        let kind = fields.get("feedback-type").unwrap_or("abuse").trim().to_ascii_lowercase();
        let report = (kind != "not-spam").then(|| Report::Complained { kind: texts::short(&kind) });
        let mailboxes = fields.get("original-rcpt-to").map(mailboxes_in).unwrap_or_default();
        let reports = report.into_iter().map(|report| ReceiverReport { mailboxes: mailboxes.clone(), report });
        return Some(Machine { kind: Automatic::Feedback, reports: reports.collect(), ids: named(), token: None });
    }
    if let Some(status) = part("message/delivery-status").or_else(|| part("message/global-delivery-status")) {
        let (reports, token) = (delivery(status, signs.text), envelope_token(status));
        return Some(Machine { kind: Automatic::Bounce, reports, ids: named(), token });
    }
    if report_type == "delivery-status" || is_bounce(signs) {
        return Some(Machine { kind: Automatic::Bounce, reports: in_prose(signs), ids: named(), token: None });
    }
    if is_unsubscription(signs) {
        return None;
    }
    if report_type == "disposition-notification" || is_reply(signs) {
        return Some(Machine { kind: Automatic::Reply, reports: vec![], ids: named(), token: None });
    }
    let is_list = is_list(signs) || takes_no_answers(signs);
    is_list.then(|| Machine { kind: Automatic::List, reports: vec![], ids: vec![], token: None })
}

/// Whether it is what a mail program writes when its user asks it to unsubscribe: the user's own word, although a machine
/// wrote it.
pub(in crate::providers) fn is_unsubscription(signs: &Signs<'_>) -> bool {
    let is_word = |text: &str| text.trim().eq_ignore_ascii_case("unsubscribe");
    signs.headers.get("x-apple-unsubscribe").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
        || is_word(signs.subject) && (signs.text.trim().is_empty() || is_word(signs.text))
}

/// Who wrote a post that a list sends on in its own name ("Ada via Support", or the list alone), as lists do where the domain
/// of the author forbids others to send for it.
pub(in crate::providers) fn author_of_post<'a>(headers: &'a Headers, from: &str) -> Option<&'a str> {
    let list = texts::address_in(from).to_ascii_lowercase();
    let names_itself = ["list-post", "mailing-list", "list-id"].iter().any(|name| {
        let written = headers.get(name).unwrap_or_default().to_ascii_lowercase();
        written.contains(&list) || written.contains(&list.replace('@', "."))
    });
    let is_renamed = headers.get("list-id").is_some()
        && list.contains('@')
        && (from.to_lowercase().contains(" via ") || names_itself);
    let named = ["x-original-from", "x-original-sender", "reply-to"].into_iter().filter_map(|name| headers.get(name));
    let is_author = |author: &&str| author.contains('@') && !texts::address_in(author).eq_ignore_ascii_case(&list);
    named.filter(|_| is_renamed).find(is_author)
}

fn begins(headers: &Headers, name: &str, words: &[&str]) -> bool {
    let value = headers.get(name).unwrap_or_default().trim().to_ascii_lowercase();
    words.iter().any(|word| value.starts_with(word))
}

fn is_sent_by_nobody(signs: &Signs<'_>) -> bool {
    signs.envelope_from.is_some_and(|from| matches!(from, "" | "<>")) || begins(signs.headers, "return-path", &["<>"])
}

fn is_bounce(signs: &Signs<'_>) -> bool {
    if signs.headers.get("x-failed-recipients").is_some() {
        return true;
    }
    let local = signs.from.rsplit_once('@').map_or(signs.from, |(local, _)| local).to_ascii_lowercase();
    let is_daemon = ["mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster", "mail delivery"]
        .iter()
        .any(|daemon| local.contains(daemon));
    let subject = signs.subject.to_lowercase();
    let says_so = BOUNCE_SUBJECTS.iter().any(|words| subject.contains(words));
    says_so && (is_daemon || is_sent_by_nobody(signs))
        || is_daemon && signs.text.contains("qmail-send program")
        || is_daemon && signs.text.contains("created automatically by mail delivery software")
}

fn is_reply(signs: &Signs<'_>) -> bool {
    let headers = signs.headers;
    let is_submitted = headers.get("auto-submitted").is_some() && !begins(headers, "auto-submitted", &["no"]);
    let marks =
        ["x-autoreply", "x-autorespond", "x-auto-reply", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply"];
    let is_marked = marks.iter().any(|name| headers.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("no")));
    is_submitted
        || is_marked
        || begins(headers, "precedence", &["auto_reply", "auto-reply"])
        || begins(headers, "x-autogenerated", &["reply"])
        || is_reply_subject(signs.subject)
        || is_sent_by_nobody(signs)
        || takes_no_answers(signs) && headers.get("in-reply-to").is_some()
}

/// A subject that begins as those of automatic replies, and then ends or goes on behind a colon or dash: "Out of office
/// next week?" is a person's.
fn is_reply_subject(subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    REPLY_SUBJECTS.iter().any(|words| {
        subject.strip_prefix(words).is_some_and(|rest| {
            let rest = rest.trim_start();
            words.ends_with(':')
                || rest.is_empty()
                || rest.starts_with([':', '：', '-', '–', '(', '['])
                || rest.starts_with("auto")
        })
    })
}

/// Whether it went to a list of receivers: a newsletter or a notice. What a person wrote to a list that takes posts, such as
/// a group that passes on what customers write to it, is a person's mail; so is what answers a mail.
fn is_list(signs: &Signs<'_>) -> bool {
    let headers = signs.headers;
    if begins(headers, "precedence", &["bulk", "junk"]) {
        return true;
    }
    let has = |names: &[&str]| names.iter().any(|name| headers.get(name).is_some());
    let local = local_part(signs.from);
    let takes_no_answers =
        takes_no_answers(signs) || ["notification", "newsletter"].iter().any(|word| local.contains(word));
    let is_post = has(&["x-google-group-id", "mailing-list"])
        || begins(headers, "precedence", &["list"])
        || headers.get("list-post").is_some_and(|post| post.to_ascii_lowercase().contains("mailto:"));
    let is_persons = is_post || has(&["in-reply-to"]);
    let is_marked = begins(headers, "precedence", &["list"]) || has(&["list-id", "list-unsubscribe", "list-post"]);
    is_marked && (takes_no_answers || !is_persons)
}

fn local_part(mailbox: &str) -> String {
    mailbox.split('@').next().unwrap_or_default().to_ascii_lowercase().replace(['-', '_', '.'], "")
}

/// Whether it comes from a mailbox that takes no answers, and names no other one for them, as the form of a website does
/// that hands on what a person wrote.
fn takes_no_answers(signs: &Signs<'_>) -> bool {
    let local = local_part(signs.from);
    let elsewhere = signs.headers.get("reply-to").map(texts::address_in);
    let has_another = elsewhere.is_some_and(|to| to.contains('@') && !to.eq_ignore_ascii_case(signs.from));
    NO_REPLY.iter().any(|word| local.contains(word)) && !has_another
}

/// What the groups of a delivery status say: the first one is about the mail, each further one about a receiver.
fn delivery(status: &[u8], text: &str) -> Vec<ReceiverReport> {
    let status = super::decode(status, None).replace("\r\n", "\n");
    let mut reports: Vec<_> = status.split("\n\n").filter_map(|group| of_receiver(group.trim_start(), text)).collect();
    reports.sort_by_key(|told| match told.report {
        Report::Bounced { .. } => 0,
        Report::Deferred { .. } => 1,
        _ => 2,
    });
    reports
}

/// The reply token by which our envelope was named, where the server kept it.
fn envelope_token(status: &[u8]) -> Option<String> {
    let id = Headers::parse(status).get("original-envelope-id").map(|id| percent_decoded(id.trim(), b'+'))?;
    reply_token(&String::from_utf8_lossy(&id))
}

fn of_receiver(group: &str, text: &str) -> Option<ReceiverReport> {
    let group = Headers::parse(group.as_bytes());
    let diagnostic = group.get("diagnostic-code").and_then(texts::short);
    let status = group.get("status").map(|status| status.split([' ', '(']).next().unwrap_or_default().to_owned());
    let class = status.as_deref().and_then(|status| status.chars().next());
    // A group that names no action says by its status what came of it.
    let action = match (group.get("action").map(str::to_ascii_lowercase), class) {
        (Some(action), _) => action,
        (None, Some('5')) => "failed".to_owned(),
        (None, Some('4')) => "delayed".to_owned(),
        (None, _) => return None,
    };
    let is = |words: &[&str]| words.iter().any(|word| action.starts_with(word));
    let report = if is(&["failed"]) {
        bounced(status, diagnostic, text)
    } else if is(&["delayed"]) {
        Report::Deferred { code: group.get("status").and_then(texts::short), detail: diagnostic }
    } else if is(&["delivered", "relayed", "expanded"]) {
        Report::Delivered
    } else {
        return None;
    };
    let named = ["original-recipient", "final-recipient"].into_iter().filter_map(|name| group.get(name));
    Some(ReceiverReport { mailboxes: named.flat_map(mailboxes_in).collect(), report })
}

/// The mailbox of a receiver's field, as it is written and, where it has signs in hexadecimal (RFC 3461, `+2B`), decoded.
fn mailboxes_in(field: &str) -> Vec<String> {
    let written = field.split_once(';').map_or(field, |(_, mailbox)| mailbox).trim().trim_matches(['<', '>']);
    let decoded = String::from_utf8(percent_decoded(written, b'+')).ok().filter(|decoded| decoded != written);
    [Some(written.to_owned()), decoded].into_iter().flatten().filter_map(|mailbox| texts::short(&mailbox)).collect()
}

/// What a bounce without a delivery status says, of each receiver that it names.
fn in_prose(signs: &Signs<'_>) -> Vec<ReceiverReport> {
    let text = own_words(searched(signs.text));
    let failed = signs.headers.get("x-failed-recipients").unwrap_or_default();
    let failed: Vec<_> = failed.split(',').map(str::trim).filter(|mailbox| !mailbox.is_empty()).take(MAX_IDS).collect();
    if failed.is_empty() {
        return vec![ReceiverReport { mailboxes: vec![], report: said_in(text) }];
    }
    let of = |mailbox: &&str| {
        let about = about(text, mailbox, &failed);
        ReceiverReport { mailboxes: vec![(*mailbox).to_owned()], report: said_in(about.unwrap_or(text)) }
    };
    failed.iter().map(of).collect()
}

/// The lines about one of several receivers: from the one that names it alone to the next one that does so for another.
fn about<'t>(text: &'t str, mailbox: &str, all: &[&str]) -> Option<&'t str> {
    let names = |line: &str| all.iter().find(|other| line.trim().trim_matches(['<', '>', ':']) == **other).copied();
    let (mut start, mut at) = (None, 0);
    for line in text.split_inclusive('\n') {
        match (start, names(line)) {
            (None, Some(named)) if named == mailbox => start = Some(at),
            (Some(start), Some(named)) if named != mailbox => return Some(&text[start..at]),
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| &text[start..])
}

/// What a mail server says itself, without the mail that it returns below.
fn own_words(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let line_lower = line.trim().to_ascii_lowercase();
        let returns = ["copy of", "original message", "returned message", "message header", "unsent message"];
        let is_rule = line_lower.starts_with("--") && returns.iter().any(|words| line_lower.contains(words));
        let is_header = line_lower.starts_with("return-path:") || line_lower.starts_with("received:");
        if (is_rule || is_header) && !text[..end].trim().is_empty() {
            return &text[..end];
        }
        end += line.len();
    }
    text
}

fn said_in(text: &str) -> Report {
    let is_only_late =
        ["warning message only", "has not yet been delivered", "will be retried", "do not need to resend"]
            .iter()
            .any(|words| text.to_ascii_lowercase().contains(words));
    if is_only_late {
        let detail = text.lines().find(|line| status_in(line).is_some()).and_then(texts::short);
        return Report::Deferred { code: status_in(text), detail };
    }
    let line = text.lines().find(|line| status_in(line).is_some() || smtp_code_in(line).is_some());
    bounced(status_in(text), line.and_then(texts::short), text)
}

/// A bounce: whether the address may work later, by the status (RFC 3463) and by the words of the server that refused.
pub(in crate::providers) fn bounced(status: Option<String>, diagnostic: Option<String>, text: &str) -> Report {
    let words = diagnostic.as_deref().unwrap_or_else(|| searched(text)).to_lowercase();
    // A code in the server's own words is often more exact than the field: 5.0.0 says nothing.
    let written = status.filter(|status| !status.is_empty());
    let vague = |status: &String| matches!(status.as_str(), "5.0.0" | "4.0.0");
    let exact = match &written {
        Some(status) if !vague(status) => Some(status.clone()),
        _ => status_in(&words),
    };
    let code = exact.or(written);
    let bounce = match code.as_deref() {
        _ if says_mailbox_is_full(&words) => BounceKind::Soft,
        Some(status) if status.starts_with('4') => BounceKind::Soft,
        Some("5.1.7" | "5.1.8" | "5.1.9") => BounceKind::Soft,
        Some(status) if status.starts_with("5.1.") || matches!(status, "5.2.1" | "5.4.4" | "5.4.310") => {
            BounceKind::Hard
        }
        Some(status) if status.starts_with("5.7.") || matches!(status, "5.2.2" | "5.2.3" | "5.3.4") => BounceKind::Soft,
        _ if says_no_such_mailbox(&words) => BounceKind::Hard,
        _ => BounceKind::Soft,
    };
    let code = code.or_else(|| smtp_code_in(&words)).and_then(|code| texts::short(&code));
    Report::Bounced { bounce, code, diagnostic }
}

fn searched(text: &str) -> &str {
    let mut end = text.len().min(MAX_SEARCHED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether a server's words, in small letters, say that nobody has the mailbox.
pub(in crate::providers) fn says_no_such_mailbox(words: &str) -> bool {
    NO_SUCH_MAILBOX.iter().any(|part| words.contains(part))
}

/// Whether a server's words, in small letters, say that the mailbox takes no more.
pub(in crate::providers) fn says_mailbox_is_full(words: &str) -> bool {
    MAILBOX_FULL.iter().any(|part| words.contains(part))
}

/// The first enhanced status code (RFC 3463) of a failure: 4.x.x or 5.x.x.
pub(in crate::providers) fn status_in(text: &str) -> Option<String> {
    let is_number =
        |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let candidates = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    candidates.map(|candidate| candidate.trim_matches('.')).find_map(|candidate| {
        let parts: Vec<&str> = candidate.split('.').collect();
        match parts[..] {
            ["4" | "5", subject, detail] if is_number(subject, 2) && is_number(detail, 3) => Some(candidate.to_owned()),
            _ => None,
        }
    })
}

/// A reply code of a failure: 4xx or 5xx.
fn smtp_code_in(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_code =
        |word: &&str| word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|byte| byte.is_ascii_digit());
    words.find(is_code).map(str::to_owned)
}

/// The ids that a mail names that comes back: those of its own headers, of the mail that is in it, and of its text.
fn ids(signs: &Signs<'_>) -> Vec<String> {
    let mut found = signs.headers.ids("in-reply-to");
    found.extend(signs.headers.ids("references"));
    for file in signs.files {
        let holds_mail = file.content_type.as_deref().is_some_and(|given| {
            given.starts_with("message/") || given.starts_with("text/rfc822") || given.starts_with("text/plain")
        });
        if let Some(content) = file.content.as_deref().filter(|_| holds_mail) {
            let text = super::decode(&content[..content.len().min(MAX_SEARCHED)], None);
            found.extend(in_brackets(&text));
        }
    }
    found.extend(in_brackets(searched(signs.text)));
    found.dedup();
    found.truncate(MAX_IDS);
    found
}

/// What stands behind `Message-ID:` at the beginning of a line, or is an answer's.
fn in_brackets(text: &str) -> Vec<String> {
    let names = ["message-id:", "original-message-id:", "in-reply-to:", "references:"];
    let mut found = vec![];
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches(['>', ' ', '\t']);
        let lower = line.get(..20.min(line.len())).unwrap_or_default().to_ascii_lowercase();
        if !names.iter().any(|name| lower.starts_with(name)) {
            continue;
        }
        let mut whole = line.to_owned();
        while let Some(folded) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            whole.push_str(folded);
        }
        found.extend(
            Headers::parse(format!("ids:{}", whole.split_once(':').map_or("", |(_, ids)| ids)).as_bytes()).ids("ids"),
        );
        if found.len() >= MAX_IDS {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
