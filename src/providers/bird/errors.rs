//! What to do about Bird's errors: those that a call is refused with, and those of messages that were not delivered.

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, Transient};

/// The class of a refused call, by its status, the error's name and the parameter that it is about.
pub(super) fn call_class(status: u16, name: &str, parameter: &str) -> Option<RetryClass> {
    match name.to_ascii_lowercase().as_str() {
        "smsinvalidrecipient" => return Some(Permanent),
        "smssendernotconfigured" | "smsnoeligiblesender" | "sendercategorynotpermitted" | "smsunsupportedfeature" => {
            return Some(Configuration);
        }
        // Whether a call to somebody who opted out is refused, or taken and then rejected, is not documented.
        name if name.contains("optedout") || name.contains("suppress") => return Some(OptedOut),
        _ => {}
    }
    Some(match (status, parameter) {
        // Credentials and balance; what the settings say.
        (401..=404, _) | (400 | 422, "from" | "category") => Configuration,
        (400 | 422, "text") => ContentRefused,
        (400 | 422, _) => Permanent,
        _ => return None,
    })
}

/// The class of a message that was not delivered, by the code of its error. The list is open: what is new may pass.
pub(super) fn class(code: &str) -> RetryClass {
    match code {
        "recipient_opted_out" => OptedOut,
        "blocked_by_carrier" | "content_rejected" => ContentRefused,
        "sender_unregistered" | "insufficient_balance" => Configuration,
        "invalid_destination" | "landline_unreachable" | "blocked_by_recipient" | "blocked_by_fraud_protection" => {
            Permanent
        }
        // `unreachable`, `provider_unavailable`, `unknown`.
        _ => Transient,
    }
}

/// What a failure says of a message. Only a number that is not assigned is a dead one.
pub(super) fn not_delivered(code: Option<String>, detail: Option<String>) -> Report {
    match code {
        Some(code) if code == "invalid_destination" => {
            Report::Bounced { bounce: BounceKind::Hard, code: Some(code), diagnostic: detail }
        }
        code => Report::Failed { class: class(code.as_deref().unwrap_or_default()), code, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_refusal_has_its_class() {
        let cases = [
            (422, "SMSInvalidRecipient", "to", Some(Permanent)),
            (422, "SMSSenderNotConfigured", "from", Some(Configuration)),
            (422, "SMSNoEligibleSender", "", Some(Configuration)),
            (422, "SenderCategoryNotPermitted", "", Some(Configuration)),
            (422, "SMSUnsupportedFeature", "media_urls", Some(Configuration)),
            (422, "SMSRecipientOptedOut", "to", Some(OptedOut)),
            (422, "ValidationError", "text", Some(ContentRefused)),
            (422, "ValidationError", "to", Some(Permanent)),
            (422, "ValidationError", "category", Some(Configuration)),
            (400, "", "", Some(Permanent)),
            (401, "Unauthorized", "", Some(Configuration)),
            (402, "InsufficientBalance", "", Some(Configuration)),
            (403, "Forbidden", "", Some(Configuration)),
            (404, "", "", Some(Configuration)),
            (429, "RateLimited", "", None),
            (500, "", "", None),
        ];
        for (status, name, parameter, expected) in cases {
            assert_eq!(call_class(status, name, parameter), expected, "{status} {name} {parameter}");
        }
    }

    #[test]
    fn every_documented_failure_has_its_class() {
        let cases: &[(RetryClass, &[&str])] = &[
            (OptedOut, &["recipient_opted_out"]),
            (ContentRefused, &["blocked_by_carrier", "content_rejected"]),
            (Configuration, &["sender_unregistered", "insufficient_balance"]),
            (Permanent, &["landline_unreachable", "blocked_by_recipient", "blocked_by_fraud_protection"]),
            (Transient, &["unreachable", "provider_unavailable", "unknown", "something_new", ""]),
        ];
        for (expected, codes) in cases {
            for code in *codes {
                assert_eq!(class(code), *expected, "{code}");
            }
        }
        let dead = not_delivered(Some("invalid_destination".to_owned()), None);
        assert!(matches!(dead, Report::Bounced { bounce: BounceKind::Hard, .. }));
        assert!(matches!(not_delivered(None, None), Report::Failed { class: Transient, code: None, .. }));
    }
}
