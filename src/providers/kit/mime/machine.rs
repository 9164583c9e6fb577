//! Which mails machines write, and what those that come back say of a message of ours.
//!
//! RFC 3834 (automatic replies), RFC 3464 (delivery status), RFC 5965 (feedback reports); and what mail servers wrote
//! before these, or write in spite of them.

use super::Headers;
use crate::domain::value::inbound::Automatic;
use crate::domain::value::message::{BounceKind, Report};
use crate::providers::MediaRef;
use crate::providers::kit::texts;

/// How many ids are taken out of a mail that comes back.
const MAX_IDS: usize = 40;
/// How much of a text is searched, in bytes.
const MAX_SEARCHED: usize = 256 * 1024;

/// What is looked at.
pub(in crate::providers) struct Signs<'a> {
    pub(in crate::providers) headers: &'a Headers,
    pub(in crate::providers) subject: &'a str,
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
    /// What it says of the mail that it is about.
    pub(in crate::providers) report: Option<Report>,
    /// The ids that it names, among them the one of the mail that it is about.
    pub(in crate::providers) ids: Vec<String>,
}

/// What automatic replies begin their subject with, in small letters.
const REPLY_SUBJECTS: &[&str] = &[
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "automatic response",
    "auto:",
    "out of office",
    "out of the office",
    "ooo",
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesend",
    "abwesenheit",
    "réponse automatique",
    "absence du bureau",
    "respuesta automática",
    "fuera de la oficina",
    "risposta automatica",
    "fuori sede",
    "resposta automática",
    "ausência temporária",
    "automatisch antwoord",
    "afwezig",
    "autosvar",
    "automatiskt svar",
    "automatisk svar",
    "automaattinen vastaus",
    "autom. vastaus",
    "automatyczna odpowiedź",
    "automatická odpověď",
    "automatikus válasz",
    "răspuns automat",
    "автоматический ответ",
    "автоответ",
    "автоматична відповідь",
    "otomatik yanıt",
    "αυτόματη απάντηση",
    "自動応答",
    "自動返信",
    "不在通知",
    "自动答复",
    "自动回复",
    "自動回覆",
    "자동 회신",
    "자동 응답",
];

/// What bounces that are in no standard form say in their subject, in small letters.
const BOUNCE_SUBJECTS: &[&str] = &[
    "undeliver",
    "non delivery",
    "nondeliver",
    "not deliver",
    "could not be delivered",
    "delivery status",
    "delivery failure",
    "delivery failed",
    "delivery has failed",
    "delivery problem",
    "delivery error",
    "delivery notification",
    "delivery incomplete",
    "delivery report",
    "failure notice",
    "failure delivery",
    "returned mail",
    "returned to sender",
    "mail failure",
    "mail error",
    "mail system error",
    "warning: message",
    "unzustellbar",
    "nicht zugestellt",
    "non remis",
    "no entregado",
];

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
        return Some(Machine { kind: Automatic::Feedback, report, ids: named() });
    }
    if let Some(status) = part("message/delivery-status").or_else(|| part("message/global-delivery-status")) {
        return Some(Machine { kind: Automatic::Bounce, report: delivery(status, signs.text), ids: named() });
    }
    if report_type == "delivery-status" || is_bounce(signs) {
        return Some(Machine { kind: Automatic::Bounce, report: in_prose(signs), ids: named() });
    }
    if report_type == "disposition-notification" || is_reply(signs) {
        return Some(Machine { kind: Automatic::Reply, report: None, ids: named() });
    }
    is_list(signs.headers).then(|| Machine { kind: Automatic::List, report: None, ids: vec![] })
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

fn is_list(headers: &Headers) -> bool {
    begins(headers, "precedence", &["bulk", "list", "junk"])
        || ["list-id", "list-unsubscribe", "list-post"].iter().any(|name| headers.get(name).is_some())
}

/// The groups of a delivery status: the first one is about the mail, each further one about a receiver.
fn delivery(status: &[u8], text: &str) -> Option<Report> {
    let status = super::decode(status, None).replace("\r\n", "\n");
    let groups: Vec<Headers> =
        status.split("\n\n").map(|group| Headers::parse(group.trim_start().as_bytes())).collect();
    let with_action = |wanted: &[&str]| {
        groups.iter().find(|group| {
            group
                .get("action")
                .is_some_and(|action| wanted.iter().any(|word| action.to_ascii_lowercase().starts_with(word)))
        })
    };
    if let Some(group) = with_action(&["failed"]) {
        let diagnostic = group.get("diagnostic-code").and_then(texts::short);
        let written = group.get("status").map(|status| status.split([' ', '(']).next().unwrap_or_default().to_owned());
        return Some(bounced(written, diagnostic, text));
    }
    if let Some(group) = with_action(&["delayed"]) {
        let detail = group.get("diagnostic-code").and_then(texts::short);
        return Some(Report::Deferred { code: group.get("status").and_then(texts::short), detail });
    }
    with_action(&["delivered", "relayed", "expanded"]).map(|_| Report::Delivered)
}

/// What a bounce without a delivery status says.
fn in_prose(signs: &Signs<'_>) -> Option<Report> {
    let text = searched(signs.text);
    let is_only_late =
        ["warning message only", "has not yet been delivered", "will be retried", "do not need to resend"]
            .iter()
            .any(|words| text.to_ascii_lowercase().contains(words));
    if is_only_late {
        let detail = text.lines().find(|line| status_in(line).is_some()).and_then(texts::short);
        return Some(Report::Deferred { code: status_in(text), detail });
    }
    let line = text.lines().find(|line| status_in(line).is_some() || smtp_code_in(line).is_some());
    Some(bounced(status_in(text), line.and_then(texts::short), text))
}

const NO_SUCH_MAILBOX: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "unknown recipient",
    "recipient unknown",
    "unknown address",
    "unrouteable address",
    "unrouteable mail domain",
    "does not exist",
    "doesn't exist",
    "doesn't have a",
    "no mailbox here",
    "mailbox not found",
    "mailbox unavailable",
    "recipientnotfound",
    "recipient not found",
    "invalid recipient",
    "invalid mailbox",
    "address rejected",
    "unknown local-part",
    "not our customer",
    "account is disabled",
    "account disabled",
    "account has been disabled",
    "mailbox is disabled",
    "host or domain name not found",
    "host not found",
    "domain not found",
    "no such domain",
];

const MAILBOX_FULL: &[&str] = &[
    "mailbox full",
    "mailbox is full",
    "over quota",
    "overquota",
    "quota exceeded",
    "exceeded storage",
    "insufficient",
];

fn bounced(status: Option<String>, diagnostic: Option<String>, text: &str) -> Report {
    let words = diagnostic.as_deref().unwrap_or_else(|| searched(text)).to_lowercase();
    // A code in the server's own words is often more exact than the field: 5.0.0 says nothing.
    let written = status.filter(|status| !status.is_empty());
    let vague = |status: &String| matches!(status.as_str(), "5.0.0" | "4.0.0");
    let exact = match &written {
        Some(status) if !vague(status) => Some(status.clone()),
        _ => status_in(&words),
    };
    let code = exact.or(written);
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    let bounce = match code.as_deref() {
        _ if says(MAILBOX_FULL) => BounceKind::Soft,
        Some(status) if status.starts_with('4') => BounceKind::Soft,
        Some("5.1.7" | "5.1.8" | "5.1.9") => BounceKind::Soft,
        Some(status) if status.starts_with("5.1.") || matches!(status, "5.2.1" | "5.4.4" | "5.4.310") => {
            BounceKind::Hard
        }
        Some(status) if status.starts_with("5.7.") || matches!(status, "5.2.2" | "5.2.3" | "5.3.4") => BounceKind::Soft,
        _ if says(NO_SUCH_MAILBOX) => BounceKind::Hard,
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

/// The first enhanced status code (RFC 3463) of a failure: 4.x.x or 5.x.x.
fn status_in(text: &str) -> Option<String> {
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
