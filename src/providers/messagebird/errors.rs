//! What to do about MessageBird's error codes: those that a call is refused with, and those of reports (`docs.bird.com`, extended
//! error codes of SMS).

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, Transient};

/// The class of a refused call, by the first error's code and the parameter that it names. Only 2 and 20 are confirmed by the
/// provider's own tests; the others are from its older pages.
pub(super) fn call_class(code: u64, parameter: Option<&str>, words: &str) -> Option<RetryClass> {
    Some(match code {
        // The access key; a path that does not exist; no balance.
        2 | 20 | 25 => Configuration,
        // "No (correct) recipients found. Note: during your test period you can only send messages to yourself."
        9 if words.contains("test period") => Configuration,
        // A parameter is missing or invalid: the sender is the account's, the text is the message's.
        9 | 10 => match parameter.unwrap_or_default() {
            "originator" | "reportUrl" => Configuration,
            "body" | "mediaUrls" | "subject" => ContentRefused,
            _ => Permanent,
        },
        21 => Permanent,
        98 | 99 => Transient,
        _ => return None,
    })
}

/// The class of a message that was not delivered, by its `statusErrorCode`.
pub(super) fn report_class(code: u32) -> RetryClass {
    match code {
        // The receiver said STOP.
        103 => OptedOut,
        // No such subscriber, not provisioned, barred.
        1 | 2 | 3 | 5 | 9 | 10 | 11 | 12 => Permanent,
        // Busy, a failure of the network, and what is not documented: most of those pass.
        _ => Transient,
    }
}

/// What a report says of a message that did not arrive. Only a subscriber whom the network does not know is a dead number.
pub(super) fn not_delivered(code: Option<u32>, detail: Option<String>) -> Report {
    let written = code.map(|code| code.to_string());
    match code {
        Some(1) => Report::Bounced { bounce: BounceKind::Hard, code: written, diagnostic: detail },
        Some(code) => Report::Failed { class: report_class(code), code: written, detail },
        None => Report::Failed { class: Transient, code: None, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_code_of_a_call_has_its_class() {
        let cases = [
            (2, None, Some(Configuration)),
            (9, Some("recipients"), Some(Permanent)),
            (9, Some("originator"), Some(Configuration)),
            (9, Some("body"), Some(ContentRefused)),
            (10, None, Some(Permanent)),
            (20, None, Some(Configuration)),
            (21, None, Some(Permanent)),
            (25, None, Some(Configuration)),
            (98, None, Some(Transient)),
            (99, None, Some(Transient)),
            (1_000, None, None),
        ];
        let trial =
            "no (correct) recipients found. Note: during your test period you can only send messages to yourself.";
        assert_eq!(call_class(9, Some("recipients"), trial), Some(Configuration));
        for (code, parameter, expected) in cases {
            assert_eq!(call_class(code, parameter, ""), expected, "{code} {parameter:?}");
        }
    }

    #[test]
    fn every_known_code_of_a_report_has_its_class() {
        let cases: &[(RetryClass, &[u32])] =
            &[(OptedOut, &[103]), (Permanent, &[1, 2, 3, 5, 9, 10, 11, 12]), (Transient, &[4, 31, 32, 34, 255])];
        for (expected, codes) in cases {
            for &code in *codes {
                assert_eq!(report_class(code), *expected, "{code}");
            }
        }
        assert!(matches!(not_delivered(Some(1), None), Report::Bounced { bounce: BounceKind::Hard, .. }));
        assert!(matches!(not_delivered(Some(11), None), Report::Failed { class: Permanent, .. }));
        assert!(matches!(not_delivered(None, None), Report::Failed { class: Transient, code: None, .. }));
    }
}
