//! What to do about Mailgun's refusals and about mail that it did not deliver.

use std::time::Duration;

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use crate::providers::kit::mime::machine;

/// The longest pause that words may ask for.
const MAX_PAUSE: Duration = Duration::from_hours(24);

/// The class of a refused request, by its status and Mailgun's words: it has no codes.
pub(super) fn class(status: u16, words: &str) -> Option<RetryClass> {
    let words = words.to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    match status {
        400 if says(&["from parameter", "sandbox", "free account", "not allowed to send", "authorized recipients"]) => {
            Some(RetryClass::Configuration)
        }
        400 if says(&[
            "need at least one of 'text'",
            "subject",
            "attachment",
            "size",
            "too large",
            "h: ",
            "header",
        ]) =>
        {
            Some(RetryClass::ContentRefused)
        }
        400 => Some(RetryClass::Permanent),
        // The key, the plan, the domain: all of them the account's.
        401..=404 => Some(RetryClass::Configuration),
        413 => Some(RetryClass::ContentRefused),
        429 => Some(RetryClass::RateLimited),
        _ if (400..500).contains(&status) => Some(RetryClass::Permanent),
        _ => None,
    }
}

/// How long Mailgun asks to wait in words: `… limit exceeded, try again after 120 seconds`. No header that says so is
/// confirmed.
pub(super) fn pause_in(words: &str) -> Option<Duration> {
    let (_, rest) = words.split_once("try again after ")?;
    let (number, unit) = rest.trim_start().split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim_start().to_ascii_lowercase() {
        unit if unit.starts_with("sec") => number,
        unit if unit.starts_with("min") => number.checked_mul(60)?,
        unit if unit.starts_with("hour") => number.checked_mul(3_600)?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}

/// What Mailgun says of a delivery that failed.
pub(super) struct Failure<'a> {
    /// Why, in a word; an open set.
    pub(super) reason: &'a str,
    /// An answer code of SMTP, or one of Mailgun's own from 600 on.
    pub(super) code: Option<u64>,
    /// Such as `5.1.1`.
    pub(super) enhanced: Option<String>,
    /// The server's or Mailgun's words.
    pub(super) words: Option<String>,
}

/// A delivery that is not tried again. Mailgun calls it permanent whenever it gives up, which says nothing of the address: a
/// block for reputation or content is permanent too. So the server's code and words decide, and only a mailbox that does
/// not exist bounces hard.
pub(super) fn failed(failure: Failure<'_>) -> Report {
    let Failure { reason, code, enhanced, words } = failure;
    let written = enhanced.clone().or_else(|| code.map(|code| code.to_string()));
    // 605 to 607 are Mailgun's own lists; none of them is documented, and the reasons say the same.
    match (reason, code) {
        ("suppress-bounce", _) | (_, Some(605)) => {
            Report::Bounced { bounce: BounceKind::Hard, code: written, diagnostic: words }
        }
        ("suppress-unsubscribe" | "suppress-complaint", _) | (_, Some(606 | 607)) => {
            Report::Failed { class: RetryClass::OptedOut, code: written, detail: words }
        }
        _ => match machine::bounced(enhanced, words, "") {
            Report::Bounced { bounce, code, diagnostic } => {
                // Tried until it was too old: nobody refused the address.
                let bounce = if reason == "old" { BounceKind::Soft } else { bounce };
                Report::Bounced { bounce, code: code.or(written), diagnostic }
            }
            other => other,
        },
    }
}

/// A message that Mailgun took and then did not send, by its reason.
pub(super) fn rejected(reason: Option<String>) -> Report {
    let words = reason.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    let class = if says(&["sandbox", "authorized", "disabled", "suspended", "not allowed", "limit"]) {
        RetryClass::Configuration
    } else if says(&["spam", "virus", "phish", "content"]) {
        RetryClass::ContentRefused
    } else {
        RetryClass::Permanent
    };
    Report::Failed { class, code: Some("rejected".to_owned()), detail: reason }
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited};

    use super::*;

    #[test]
    fn every_documented_status_has_its_class() {
        let cases = [
            (400, "to parameter is not a valid address. please check documentation", Some(Permanent)),
            (400, "from parameter is not a valid address. please check documentation", Some(Configuration)),
            (400, "Need at least one of 'text', 'html' or 'template' parameters specified", Some(ContentRefused)),
            (400, "", Some(Permanent)),
            (401, "", Some(Configuration)),
            (402, "", Some(Configuration)),
            (403, "Domain mg.shop.example is not allowed to send: unverified", Some(Configuration)),
            (404, "Domain not found: mg.shop.example", Some(Configuration)),
            (413, "", Some(ContentRefused)),
            (429, "", Some(RateLimited)),
            (418, "", Some(Permanent)),
            (500, "", None),
            (503, "", None),
        ];
        for (status, words, expected) in cases {
            assert_eq!(class(status, words), expected, "{status} {words}");
        }
    }

    #[test]
    fn a_pause_stands_in_words() {
        let limit =
            |pause: &str| format!("Domain x is not allowed to send: recipient limit exceeded, try again after {pause}");
        for (pause, expected) in [("120 seconds", 120), ("1 second", 1), ("5 minutes", 300), ("99 hours", 86_400)] {
            assert_eq!(pause_in(&limit(pause)), Some(Duration::from_secs(expected)), "{pause}");
        }
        for odd in ["later", "-1 seconds", "18446744073709551615 hours", "5", "5 moons"] {
            assert_eq!(pause_in(&limit(odd)), None, "{odd}");
        }
    }

    fn outcome(reason: &str, code: u64, enhanced: &str, words: &str) -> Report {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        failed(Failure { reason, code: Some(code), enhanced: text(enhanced), words: text(words) })
    }

    #[test]
    fn only_an_address_that_does_not_exist_bounces_hard() {
        let cases = [
            (
                "bounce",
                550,
                "5.1.1",
                "5.1.1 The email account that you tried to reach does not exist",
                BounceKind::Hard,
            ),
            ("generic", 550, "", "550 5.1.1 <x@y.example>: user unknown", BounceKind::Hard),
            ("bounce", 550, "", "No Such User Here", BounceKind::Hard),
            ("suppress-bounce", 605, "", "Not delivering to previously bounced address", BounceKind::Hard),
            ("generic", 605, "", "", BounceKind::Hard),
            ("bounce", 550, "5.7.1", "blocked for its reputation", BounceKind::Soft),
            ("espblock", 421, "", "too many mails from your address", BounceKind::Soft),
            ("bounce", 552, "5.2.2", "mailbox is full", BounceKind::Soft),
            ("old", 602, "", "Too old", BounceKind::Soft),
            ("old", 550, "5.1.1", "no such user", BounceKind::Soft),
            ("generic", 498, "", "No MX for example.org", BounceKind::Soft),
            ("", 0, "", "", BounceKind::Soft),
        ];
        for (reason, code, enhanced, words, expected) in cases {
            let Report::Bounced { bounce, .. } = outcome(reason, code, enhanced, words) else { panic!("{reason}") };
            assert_eq!(bounce, expected, "{reason} {code} {enhanced} {words}");
        }
    }

    #[test]
    fn those_who_want_no_mail_get_none() {
        for (reason, code) in [("suppress-unsubscribe", 606), ("suppress-complaint", 607), ("generic", 606), ("", 607)]
        {
            let Report::Failed { class, .. } = outcome(reason, code, "", "") else { panic!("{reason}") };
            assert_eq!(class, OptedOut, "{reason} {code}");
        }
    }

    #[test]
    fn what_is_rejected_after_all_has_its_class() {
        let class_of = |reason: &str| match rejected(Some(reason.to_owned())) {
            Report::Failed { class, .. } => class,
            other => panic!("{other:?}"),
        };
        assert_eq!(class_of("Sandbox subdomains are for test purposes only"), Configuration);
        assert_eq!(class_of("Spam detected"), ContentRefused);
        assert_eq!(class_of("something new"), Permanent);
    }
}
