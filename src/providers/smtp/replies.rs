//! What a server's replies and a connection's end mean, by the step of the conversation at which they came.
//!
//! Reply codes are RFC 5321's, enhanced status codes RFC 3463's and RFC 7372's. Servers use both freely, so that words count
//! where the codes say nothing.

use std::error::Error as _;
use std::time::Duration;

use super::wire::{DialError, Progress};
use crate::domain::value::message::{NO_SUCH_ADDRESS, RetryClass};
use crate::providers::SendError;
use crate::providers::kit::mime::machine::{says_mailbox_is_full, says_no_such_mailbox, status_in};
use crate::providers::kit::texts;

/// The longest pause that a server's words may ask for.
const MAX_PAUSE: Duration = Duration::from_hours(24);

/// How far the conversation had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Connection, greeting, EHLO, TLS.
    Hello,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, before anything of the message has left.
    Data,
    /// The message itself, up to the reply behind its last dot.
    Body,
}

impl Stage {
    const fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
        }
    }
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Cause {
    /// The server refused: its code and words.
    Reply(u16, String),
    /// No connection came about.
    NoConnection(DialError),
    /// The connection ended.
    Lost,
    /// The server took too long.
    Late,
    /// What came back is not SMTP, or not what may follow.
    Odd,
    /// lettre goes no further.
    Local,
    /// We go no further: the account has to be set up otherwise. A code and why.
    Unusable(&'static str, &'static str),
    /// We go no further with this message: what that means, a code, and why.
    Unsendable(RetryClass, &'static str, &'static str),
}

/// A conversation that ended early.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    pub(super) cause: Cause,
    /// The server certainly did not get all that was said.
    pub(super) is_unwritten: bool,
    /// The server had begun to respond.
    pub(super) has_heard: bool,
}

impl Failure {
    /// Something that has nothing to do with a connection's end.
    pub(super) fn new(stage: Stage, cause: Cause) -> Self {
        Self { stage, cause, is_unwritten: false, has_heard: false }
    }

    /// With what the connection knows.
    pub(super) fn at(stage: Stage, cause: Cause, progress: &Progress) -> Self {
        Self { stage, cause, is_unwritten: progress.is_unwritten(), has_heard: progress.has_heard() }
    }

    /// Whether the connection can be used for another message.
    pub(super) const fn leaves_connection(&self) -> bool {
        // 421 announces that the server closes the connection.
        matches!(self.cause, Cause::Reply(code, _) if code != 421) || matches!(self.cause, Cause::Unsendable(..))
    }

    /// Whether a connection that had been idle was gone, so that a new one may be asked: nothing of the message was taken.
    pub(super) const fn is_of_stale_connection(&self) -> bool {
        matches!(self.stage, Stage::Mail) && matches!(self.cause, Cause::Lost | Cause::Late | Cause::Reply(421, _))
    }
}

/// What lettre's error is.
pub(super) fn cause_of(error: &lettre::transport::smtp::Error) -> Cause {
    let words = || error.source().map_or_else(String::new, ToString::to_string);
    if let Some(code) = error.status() {
        return Cause::Reply(u16::from(code), words());
    }
    if error.is_response() {
        // So lettre calls a connection that ends within a reply, or before one.
        return if words() == "incomplete response" { Cause::Lost } else { Cause::Odd };
    }
    if error.is_client() {
        return Cause::Local;
    }
    Cause::Lost
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        let Failure { stage, cause, is_unwritten, has_heard } = failure;
        // Behind the last dot, only a reply says whether the message was taken.
        let is_open = stage == Stage::Body && !is_unwritten;
        let transient = |detail: &str| {
            let code = format!("connection:{}", stage.word());
            Self::refused(RetryClass::Transient, Some(code), detail)
        };
        match cause {
            Cause::Reply(code, words) => refusal(stage, code, &words),
            Cause::Lost if is_open => {
                Self::Ambiguous { cause: if has_heard { "half_an_answer" } else { "connection_lost" } }
            }
            Cause::Late if is_open => Self::Ambiguous { cause: "timeout" },
            Cause::Odd if stage == Stage::Body => Self::Ambiguous { cause: "not_an_answer" },
            Cause::Lost => transient("the connection ended before the message was handed over"),
            Cause::Late => transient("the server took too long before the message was handed over"),
            Cause::Odd if stage == Stage::Hello => {
                let detail = "what answers at this host and port is no mail server";
                Self::refused(RetryClass::Configuration, Some("not_smtp".to_owned()), detail)
            }
            Cause::Odd | Cause::Local => transient("the server did not keep to the protocol"),
            Cause::NoConnection(error) => no_connection(&error),
            Cause::Unusable(code, why) => Self::refused(RetryClass::Configuration, Some(code.to_owned()), why),
            Cause::Unsendable(class, code, why) => Self::refused(class, Some(code.to_owned()), why),
        }
    }
}

/// What it means that no connection came about.
pub(super) fn no_connection(error: &DialError) -> SendError {
    let (class, code) = match error {
        DialError::Unknown(_) | DialError::Refused(_) | DialError::Late => (RetryClass::Transient, "connect"),
        DialError::NotPublic => (RetryClass::Configuration, "not_public"),
        DialError::Tls(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => (RetryClass::Transient, "tls"),
        DialError::Tls(_) => (RetryClass::Configuration, "tls"),
    };
    // A certificate's fault is worth telling; addresses and names in it are the server's own.
    let detail = match error {
        DialError::Tls(cause) => format!("{error}: {}", texts::bounded(&cause.to_string(), 300)),
        _ => error.to_string(),
    };
    SendError::refused(class, Some(code.to_owned()), detail)
}

fn refusal(stage: Stage, code: u16, words: &str) -> SendError {
    let lower = words.to_lowercase();
    let status = status_in(&lower);
    let class = class(stage, code, status.as_deref(), &lower);
    let is_limited = matches!(class, RetryClass::Transient | RetryClass::RateLimited);
    let written = match &status {
        Some(status) => format!("{code} {status}"),
        None => code.to_string(),
    };
    let is_address = class == RetryClass::Permanent && is_of_address(stage, code, status.as_deref(), &lower);
    SendError::Refused {
        class,
        code: Some(if is_address { format!("{NO_SUCH_ADDRESS}: {written}") } else { written }),
        detail: texts::bounded(words.trim(), 1_000),
        retry_after: is_limited.then(|| pause_in(&lower)).flatten(),
    }
}

/// What to do about a refusal. `words` are in small letters.
fn class(stage: Stage, code: u16, status: Option<&str>, words: &str) -> RetryClass {
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    let status = status.unwrap_or_default();
    let is_slow_down = matches!(status, "4.7.28" | "5.7.28" | "4.4.5" | "5.4.5" | "4.5.3" | "4.7.232")
        || code == 454 && says(&["throttl"])
        || says(SLOW_DOWN);
    if code < 500 {
        return if is_slow_down { RetryClass::RateLimited } else { RetryClass::Transient };
    }
    match stage {
        Stage::Hello | Stage::Auth => RetryClass::Configuration,
        _ if matches!(code, 530 | 534 | 535 | 538) || status == "5.7.0" && says(&["auth", "starttls"]) => {
            RetryClass::Configuration
        }
        _ if status == "5.4.5" || says(SLOW_DOWN) => RetryClass::RateLimited,
        Stage::Mail if matches!(status, "5.3.4" | "5.2.3") || code == 552 => RetryClass::ContentRefused,
        Stage::Mail => RetryClass::Configuration,
        _ if is_of_address(stage, code, Some(status), words) => RetryClass::Permanent,
        // Full today: even where the code says for ever.
        _ if says_mailbox_is_full(words) || status == "5.2.2" => RetryClass::Transient,
        _ if matches!(status, "5.1.7" | "5.1.8") || says(NOT_FOR_US) => RetryClass::Configuration,
        // RFC 7372, and Google's and Microsoft's numbers: SPF, DKIM or DMARC of the sender do not hold.
        _ if (20..=27).any(|number| status == format!("5.7.{number}"))
            || matches!(status, "5.7.509" | "5.7.515" | "5.7.60") =>
        {
            RetryClass::Configuration
        }
        Stage::Rcpt => RetryClass::Permanent,
        _ if code == 552
            || matches!(status, "5.3.4" | "5.2.3")
            || status.starts_with("5.6.")
            || status.starts_with("5.7.")
            || says(CONTENT) =>
        {
            RetryClass::ContentRefused
        }
        _ => RetryClass::Permanent,
    }
}

/// Whether a refusal says that the receiver's mailbox or domain does not exist.
fn is_of_address(stage: Stage, code: u16, status: Option<&str>, words: &str) -> bool {
    if stage < Stage::Rcpt || code < 500 {
        return false;
    }
    let is_another_matter = says_mailbox_is_full(words) || NOT_FOR_US.iter().any(|part| words.contains(part));
    match status.unwrap_or_default() {
        "5.1.7" | "5.1.8" | "5.1.9" => false,
        status if status.starts_with("5.7.") => false,
        status if status.starts_with("5.1.") => true,
        "5.2.1" | "5.4.4" | "5.4.310" => true,
        // Exchange and others number nothing, or everything alike: 5.5.0, 5.0.0, 5.3.0.
        _ => says_no_such_mailbox(words) && !is_another_matter,
    }
}

/// What servers say of senders that are too fast or have sent their share.
const SLOW_DOWN: &[&str] = &[
    "rate limit",
    "ratelimit",
    "too many messages",
    "too many connections",
    "too many login",
    "too many concurrent",
    "sending limit",
    "sending quota",
    "daily quota",
    "limit exceeded",
    "throttl",
    "unusual rate",
    "unusual sending rate",
];

/// What relays say that do not pass on mail of this account.
const NOT_FOR_US: &[&str] = &[
    "relay access denied",
    "relaying denied",
    "unable to relay",
    "not permitted to relay",
    "relay not permitted",
    "authentication required",
    "authentication is required",
    "sender address rejected",
    "not owned by user",
    "not authorized to send",
    "sendasdenied",
    "is not verified",
];

/// What servers say of mail that they do not like.
const CONTENT: &[&str] = &["spam", "virus", "malware", "content", "blocked using", "too large", "too big", "size"];

/// How long greylisting asks to wait: "try again in 300 seconds", "in 5 minutes".
fn pause_in(words: &str) -> Option<Duration> {
    let (_, after) = words.split_once(" in ").or_else(|| words.split_once(" after "))?;
    let mut parts = after.split_whitespace();
    let number = parts.next()?;
    let digits = number.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = if digits.len() == number.len() { parts.next()? } else { &number[digits.len()..] };
    let seconds: u64 = digits.parse().ok()?;
    let scale = match unit.chars().next()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    Some(Duration::from_secs(seconds.saturating_mul(scale)).min(MAX_PAUSE))
}

#[cfg(test)]
mod tests;
