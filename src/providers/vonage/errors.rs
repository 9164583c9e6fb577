//! What to do about Vonage's error codes (`developer.vonage.com/api-errors`): those that a call of the SMS API is answered
//! with, those of its receipts, and those of the Messages API.

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited, Transient};

/// What the answer to a call of the SMS API means, by its `status`; [`None`] if it leaves open whether the message was taken.
pub(super) fn answer_class(status: u32) -> Option<RetryClass> {
    Some(match status {
        1 => RateLimited,
        // Credentials, an account that is barred, without credit or in its trial, a sender that is not ours.
        4 | 8 | 9 | 11 | 14 | 15 | 29 | 32 | 33 => Configuration,
        // Vonage's own trouble.
        5 => return None,
        10 => Transient,
        // Too long.
        12 => ContentRefused,
        // Parameters, no route, a number that is barred, and what is not documented.
        _ => Permanent,
    })
}

/// What a receipt of the SMS API means, by its `err-code`.
pub(super) fn receipt_class(code: u32) -> RetryClass {
    match code {
        // The receiver said STOP: an "illegal number" to Vonage.
        9 => OptedOut,
        // A filter of spam, or of what a number may send.
        6 | 10 | 50..=54 => ContentRefused,
        16 => RateLimited,
        // No such subscriber, no route, barred, too young, blocked by the carrier.
        3 | 4 | 5 | 11 | 12 | 13 | 14 => Permanent,
        // Switched off, busy, without credit, the network's trouble, and what nobody knows.
        _ => Transient,
    }
}

/// What a receipt says of a message that did not arrive. Only a subscriber who is gone for good is a dead number.
pub(super) fn not_delivered(code: Option<u32>, otherwise: RetryClass, detail: Option<String>) -> Report {
    let written = code.map(|code| code.to_string());
    match code {
        Some(3) => Report::Bounced { bounce: BounceKind::Hard, code: written, diagnostic: detail },
        // The code of a delivery says nothing.
        None | Some(0) => Report::Failed { class: otherwise, code: None, detail },
        Some(code) => Report::Failed { class: receipt_class(code), code: written, detail },
    }
}

/// The class of a code of the Messages API; [`None`] for those from 1170, of which too little is documented, and for words.
pub(super) fn message_class(code: &str) -> Option<RetryClass> {
    Some(match code.parse().ok()? {
        1000 => RateLimited,
        // Texts and templates.
        1022 | 1090 => ContentRefused,
        1010 | 1020 | 1021 | 1040 | 1050 | 1110 | 1130 | 1150 => Permanent,
        1030 | 1100 => Transient,
        1060 | 1070 | 1080 | 1120 | 1140 | 1160 => Configuration,
        _ => return None,
    })
}

/// The class of a message that the Messages API took and did not deliver. Which code stands for a receiver who said STOP is
/// not documented; its words are looked at instead.
pub(super) fn status_class(status: &str, code: Option<&str>, words: Option<&str>) -> RetryClass {
    let words = words.unwrap_or_default().to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if has(&["opted out", "opted-out", "opt-out", "opt out", "unsubscribed"]) {
        return OptedOut;
    }
    code.and_then(message_class).unwrap_or(if status == "rejected" { Permanent } else { Transient })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_answer_has_its_class() {
        let cases: &[(Option<RetryClass>, &[u32])] = &[
            (Some(RateLimited), &[1]),
            (Some(Permanent), &[2, 3, 6, 7, 22, 23, 999]),
            (Some(Configuration), &[4, 8, 9, 11, 14, 15, 29, 32, 33]),
            (Some(Transient), &[10]),
            (Some(ContentRefused), &[12]),
            (None, &[5]),
        ];
        for (expected, statuses) in cases {
            for &status in *statuses {
                assert_eq!(answer_class(status), *expected, "{status}");
            }
        }
    }

    #[test]
    fn every_documented_receipt_has_its_class() {
        let cases: &[(RetryClass, &[u32])] = &[
            (OptedOut, &[9]),
            (ContentRefused, &[6, 10, 50, 51, 52, 53, 54]),
            (RateLimited, &[16]),
            (Permanent, &[3, 4, 5, 11, 12, 13, 14]),
            (Transient, &[1, 2, 7, 8, 15, 99, 1234]),
        ];
        for (expected, codes) in cases {
            for &code in *codes {
                assert_eq!(receipt_class(code), *expected, "{code}");
            }
        }
    }

    #[test]
    fn only_a_subscriber_who_is_gone_is_a_dead_number() {
        let is_dead = |code| matches!(not_delivered(Some(code), Transient, None), Report::Bounced { .. });
        assert!(is_dead(3) && !is_dead(2) && !is_dead(12));
        let unknown = not_delivered(Some(0), Transient, None);
        assert!(matches!(unknown, Report::Failed { class: Transient, code: None, .. }));
    }

    #[test]
    fn codes_of_the_messages_api_have_their_class_and_others_go_by_the_status() {
        let cases: &[(RetryClass, &[&str])] = &[
            (RateLimited, &["1000"]),
            (Permanent, &["1010", "1020", "1021", "1040", "1050", "1110", "1130", "1150"]),
            (ContentRefused, &["1022", "1090"]),
            (Transient, &["1030", "1100"]),
            (Configuration, &["1060", "1070", "1080", "1120", "1140", "1160"]),
        ];
        for (expected, codes) in cases {
            for code in *codes {
                assert_eq!(message_class(code), Some(*expected), "{code}");
            }
        }
        assert_eq!((message_class("1170"), message_class("low-balance")), (None, None));
        assert_eq!(status_class("rejected", Some("1170"), None), Permanent);
        assert_eq!(status_class("undeliverable", Some("1180"), None), Transient);
        assert_eq!(status_class("undeliverable", None, None), Transient);
        assert_eq!(status_class("rejected", Some("1240"), Some("The user has Opted Out")), OptedOut);
    }
}
