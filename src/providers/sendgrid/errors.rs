//! What to do about SendGrid's refusals and about mail that it did not deliver.

use crate::domain::value::message::{BounceKind, Report, RetryClass};

/// The class of a refused request, by its status and the field that the first error names.
pub(super) fn class(status: u16, field: Option<&str>) -> Option<RetryClass> {
    match status {
        401 | 403 => Some(RetryClass::Configuration),
        413 => Some(RetryClass::ContentRefused),
        400 => Some(match field.unwrap_or_default().split(['.', '[']).next().unwrap_or_default() {
            // The sender is the account's; the texts are the message's.
            "from" => RetryClass::Configuration,
            "content" | "subject" | "attachments" | "headers" => RetryClass::ContentRefused,
            _ => RetryClass::Permanent,
        }),
        429 => Some(RetryClass::RateLimited),
        _ if (400..500).contains(&status) => Some(RetryClass::Permanent),
        _ => None,
    }
}

/// A bounce. `blocked` means that the mail was refused and the address is not on SendGrid's bounce list; of the rest,
/// full mailboxes and refusals for what was sent or how fast say nothing about the address.
pub(super) fn bounced(kind: &str, status: Option<String>, classification: &str, reason: Option<String>) -> Report {
    let digits = status.as_deref().unwrap_or_default();
    let is_soft = kind == "blocked"
        || digits.starts_with('4')
        || digits.ends_with(".2.2")
        || matches!(
            classification.to_ascii_lowercase().as_str(),
            "content" | "reputation" | "technical" | "frequency or volume too high"
        );
    let bounce = if is_soft { BounceKind::Soft } else { BounceKind::Hard };
    Report::Bounced { bounce, code: status, diagnostic: reason }
}

/// Mail that SendGrid did not even try to deliver, by its reason.
pub(super) fn dropped(reason: Option<String>, status: Option<String>) -> Report {
    let class = match reason.as_deref().unwrap_or_default().to_ascii_lowercase().as_str() {
        // On its list of addresses that do not exist, or of none that could.
        "bounced address" | "invalid" => {
            return Report::Bounced { bounce: BounceKind::Hard, code: status, diagnostic: reason };
        }
        // On its lists of unsubscribed and of complaining receivers: nothing gets through any more.
        "unsubscribed address" | "spam reporting address" => RetryClass::OptedOut,
        "spam content" => RetryClass::ContentRefused,
        "invalid smtpapi header" | "recipient list over package quota" => RetryClass::Configuration,
        _ => RetryClass::Permanent,
    };
    Report::Failed { class, code: Some(status.unwrap_or_else(|| "dropped".to_owned())), detail: reason }
}

/// The code in a server's answer: the extended one (`4.2.1`), or the first three digits.
pub(super) fn code_in(response: &str) -> Option<String> {
    let is_code = |word: &str| {
        let mut parts = word.split('.');
        let is_number = |part: Option<&str>| {
            part.is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        is_number(parts.next()) && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
    };
    let mut words = response.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter(|word| !word.is_empty());
    let extended = words.clone().take(4).find(|word| is_code(word));
    let basic = words.find(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    extended.or(basic).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent};

    use super::*;

    #[test]
    fn every_documented_status_has_its_class() {
        let cases = [
            (400, None, Some(Permanent)),
            (400, Some("personalizations.0.to.0.email"), Some(Permanent)),
            (400, Some("from.email"), Some(Configuration)),
            (400, Some("content.0.value"), Some(ContentRefused)),
            (400, Some("attachments[0].content"), Some(ContentRefused)),
            (400, Some("subject"), Some(ContentRefused)),
            (401, None, Some(Configuration)),
            (403, Some("from"), Some(Configuration)),
            (404, None, Some(Permanent)),
            (405, None, Some(Permanent)),
            (406, None, Some(Permanent)),
            (413, None, Some(ContentRefused)),
            (415, None, Some(Permanent)),
            (429, None, Some(RetryClass::RateLimited)),
            (451, None, Some(Permanent)),
            (500, None, None),
        ];
        for (status, field, expected) in cases {
            assert_eq!(class(status, field), expected, "{status} {field:?}");
        }
    }

    #[test]
    fn only_an_address_that_does_not_exist_bounces_hard() {
        let cases = [
            ("bounce", "5.1.1", "Invalid Address", BounceKind::Hard),
            ("bounce", "5.0.0", "", BounceKind::Hard),
            ("", "5.0.0", "", BounceKind::Hard),
            ("bounce", "5.2.2", "Mailbox Unavailable", BounceKind::Soft),
            ("bounce", "5.7.1", "Content", BounceKind::Soft),
            ("bounce", "5.7.1", "Reputation", BounceKind::Soft),
            ("bounce", "4.4.7", "Unclassified", BounceKind::Soft),
            ("blocked", "5.7.1", "Unclassified", BounceKind::Soft),
        ];
        for (kind, status, classification, expected) in cases {
            let report = bounced(kind, Some(status.to_owned()), classification, None);
            assert!(matches!(report, Report::Bounced { bounce, .. } if bounce == expected), "{kind} {status}");
        }
    }

    #[test]
    fn every_reason_for_dropping_has_its_class() {
        let class_of = |reason: &str| match dropped(Some(reason.to_owned()), None) {
            Report::Failed { class, .. } => Some(class),
            _ => None,
        };
        assert_eq!(class_of("Bounced Address"), None);
        assert_eq!(class_of("Invalid"), None);
        assert_eq!(class_of("Unsubscribed Address"), Some(OptedOut));
        assert_eq!(class_of("Spam Reporting Address"), Some(OptedOut));
        assert_eq!(class_of("Spam Content"), Some(ContentRefused));
        assert_eq!(class_of("Invalid SMTPAPI header"), Some(Configuration));
        assert_eq!(class_of("Recipient List over Package Quota"), Some(Configuration));
        assert_eq!(class_of("something new"), Some(Permanent));
    }

    #[test]
    fn codes_are_found_in_servers_words() {
        let cases = [
            ("400 try again later", Some("400")),
            ("452 4.2.2 The email account is over quota", Some("4.2.2")),
            ("unable to get mx info", None),
            ("421-4.7.0 [198.51.100.7] rate limited", Some("4.7.0")),
            ("", None),
        ];
        for (response, expected) in cases {
            assert_eq!(code_in(response).as_deref(), expected, "{response}");
        }
    }
}
