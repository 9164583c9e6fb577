//! What to do about Resend's refusals and about mail that it did not deliver.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use crate::providers::SendError;
use crate::providers::kit::client::Reply;
use crate::providers::kit::mime::machine;
use crate::providers::kit::texts;

/// The class of a refused request, by Resend's name of the error; [`None`] where the status must decide.
pub(super) fn class(status: u16, name: &str, words: &str) -> Option<RetryClass> {
    let words = words.to_ascii_lowercase();
    Some(match name {
        "missing_api_key"
        | "invalid_api_key"
        | "restricted_api_key"
        | "suspended_api_key"
        | "invalid_access"
        | "invalid_region"
        | "invalid_from_address"
        | "not_found"
        | "method_not_allowed" => RetryClass::Configuration,
        // The plan is used up for a month: only an operator can do something about that.
        "monthly_quota_exceeded" => RetryClass::Configuration,
        "rate_limit_exceeded" | "daily_quota_exceeded" => RetryClass::RateLimited,
        // A domain that is not verified, or an account that may write to its owner only.
        "validation_error" if status == 403 || words.contains("`from`") => RetryClass::Configuration,
        "invalid_attachment" => RetryClass::ContentRefused,
        "missing_required_field" | "validation_error" | "invalid_parameter"
            if ["`subject`", "`html`", "`text`", "`headers`", "`attachments`"].iter().any(|f| words.contains(f)) =>
        {
            RetryClass::ContentRefused
        }
        // The body with which a key came first is another one. Ours are never used twice.
        "missing_required_field"
        | "validation_error"
        | "invalid_parameter"
        | "invalid_idempotency_key"
        | "invalid_idempotent_request"
        | "security_error" => RetryClass::Permanent,
        _ => return None,
    })
}

/// What a status other than 2xx means.
pub(super) fn refusal(reply: &Reply, now: DateTime<Utc>) -> SendError {
    // The limiter in front of the API answers in plain text.
    let error = reply.json().unwrap_or_default();
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, detail) = (text("name"), texts::bounded(text("message"), 1_000));
    // A request with this key is being worked on: it has not failed, and may well succeed. A new attempt would have another
    // key, and be a second mail.
    if name == "concurrent_idempotent_requests" {
        return SendError::Ambiguous { cause: "not_an_answer" };
    }
    let class = class(reply.status, name, &detail);
    let code = texts::short(name);
    match reply.refusal(class, code, detail, now) {
        // A status of 429 is a pause to all other eyes.
        SendError::Refused { code, detail, .. } if name == "monthly_quota_exceeded" => {
            SendError::refused(RetryClass::Configuration, code, detail)
        }
        SendError::Refused { class, code, detail, retry_after: None } if name == "daily_quota_exceeded" => {
            let tomorrow = (now.date_naive() + chrono::Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
            SendError::Refused { class, code, detail, retry_after: (tomorrow - now).to_std().ok() }
        }
        other => other,
    }
}

/// A bounce, by Resend's type (that of Amazon SES, which sends for it) and the server's words; older ones have words only.
pub(super) fn bounced(kind: &str, sub_kind: &str, message: Option<String>, diagnostic: Option<String>) -> Report {
    let words = diagnostic.or(message);
    let judged = machine::bounced(None, words.clone(), "");
    let Report::Bounced { bounce, code, .. } = judged else { return judged };
    let bounce = match (kind, sub_kind) {
        // Full, too large or refused for what it says: nothing is wrong with the address.
        (_, "MailboxFull" | "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => BounceKind::Soft,
        ("Permanent", _) => BounceKind::Hard,
        ("Transient", _) => BounceKind::Soft,
        _ => bounce,
    };
    Report::Bounced { bounce, code, diagnostic: words }
}

/// Mail that Resend did not even try to deliver, as the address is on its list.
pub(super) fn suppressed(reason: &str, message: Option<String>) -> Report {
    match reason {
        "previous_complaint" => {
            Report::Failed { class: RetryClass::OptedOut, code: Some("suppressed".to_owned()), detail: message }
        }
        // Without a reason: only bounces and complaints put an address on the list, and both mean that nothing gets through.
        _ => Report::Bounced { bounce: BounceKind::Hard, code: Some("suppressed".to_owned()), diagnostic: message },
    }
}

/// A message that Resend took and could not send, by its reason, such as `reached_daily_quota`.
pub(super) fn failed(reason: Option<String>) -> Report {
    let words = reason.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    let class = if says(&["quota", "limit"]) {
        RetryClass::RateLimited
    } else if says(&["domain", "api key", "api_key", "suspended", "not verified"]) {
        RetryClass::Configuration
    } else if says(&["attachment", "content", "template"]) {
        RetryClass::ContentRefused
    } else {
        RetryClass::Permanent
    };
    Report::Failed { class, code: Some("failed".to_owned()), detail: reason }
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited};

    use super::*;

    #[test]
    fn every_documented_error_has_its_class() {
        let cases = [
            (400, "validation_error", "", Some(Permanent)),
            (400, "invalid_idempotency_key", "", Some(Permanent)),
            (401, "missing_api_key", "", Some(Configuration)),
            (401, "restricted_api_key", "This API key is restricted to only send emails", Some(Configuration)),
            (403, "invalid_api_key", "API key is invalid", Some(Configuration)),
            (403, "suspended_api_key", "", Some(Configuration)),
            (403, "validation_error", "The shop.example domain is not verified", Some(Configuration)),
            (404, "not_found", "", Some(Configuration)),
            (405, "method_not_allowed", "", Some(Configuration)),
            (409, "invalid_idempotent_request", "", Some(Permanent)),
            (422, "invalid_attachment", "", Some(ContentRefused)),
            (422, "invalid_from_address", "", Some(Configuration)),
            (422, "validation_error", "Invalid `from` field.", Some(Configuration)),
            (422, "validation_error", "Invalid `to` field.", Some(Permanent)),
            (422, "invalid_access", "", Some(Configuration)),
            (422, "invalid_parameter", "", Some(Permanent)),
            (422, "invalid_region", "", Some(Configuration)),
            (422, "missing_required_field", "Missing `subject` field.", Some(ContentRefused)),
            (422, "missing_required_field", "Missing `to` field.", Some(Permanent)),
            (429, "rate_limit_exceeded", "", Some(RateLimited)),
            (429, "daily_quota_exceeded", "", Some(RateLimited)),
            (429, "monthly_quota_exceeded", "", Some(Configuration)),
            (451, "security_error", "", Some(Permanent)),
            (500, "application_error", "", None),
            (500, "internal_server_error", "", None),
            (429, "", "local_rate_limited", None),
            (422, "something_new", "", None),
        ];
        for (status, name, words, expected) in cases {
            assert_eq!(class(status, name, words), expected, "{status} {name}");
        }
    }

    fn bounce(kind: &str, sub_kind: &str, words: &str) -> BounceKind {
        match bounced(kind, sub_kind, Some(words.to_owned()), None) {
            Report::Bounced { bounce, .. } => bounce,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_an_address_that_does_not_exist_bounces_hard() {
        let cases = [
            ("Permanent", "General", "", BounceKind::Hard),
            ("Permanent", "NoEmail", "", BounceKind::Hard),
            ("Permanent", "Suppressed", "", BounceKind::Hard),
            ("Permanent", "ContentRejected", "", BounceKind::Soft),
            ("Transient", "General", "smtp; 550 5.1.1 user unknown", BounceKind::Soft),
            ("Transient", "MailboxFull", "", BounceKind::Soft),
            ("Transient", "MessageTooLarge", "", BounceKind::Soft),
            ("Transient", "AttachmentRejected", "", BounceKind::Soft),
            ("Undetermined", "Undetermined", "", BounceKind::Soft),
            ("Undetermined", "Undetermined", "smtp; 550 5.1.1 user unknown", BounceKind::Hard),
            ("", "", "The recipient's mailbox is full", BounceKind::Soft),
            ("", "", "550 5.1.1 no such user", BounceKind::Hard),
        ];
        for (kind, sub_kind, words, expected) in cases {
            assert_eq!(bounce(kind, sub_kind, words), expected, "{kind} {sub_kind} {words}");
        }
    }

    #[test]
    fn those_on_resends_list_are_not_written_to_again() {
        let hard = suppressed("previous_bounce", None);
        assert!(matches!(hard, Report::Bounced { bounce: BounceKind::Hard, .. }));
        assert!(matches!(suppressed("", None), Report::Bounced { bounce: BounceKind::Hard, .. }));
        assert!(matches!(suppressed("previous_complaint", None), Report::Failed { class: OptedOut, .. }));
    }

    #[test]
    fn what_fails_after_all_has_its_class() {
        let class_of = |reason: &str| match failed(Some(reason.to_owned())) {
            Report::Failed { class, .. } => class,
            other => panic!("{other:?}"),
        };
        assert_eq!(class_of("reached_daily_quota"), RateLimited);
        assert_eq!(class_of("The domain is not verified"), Configuration);
        assert_eq!(class_of("invalid_attachment"), ContentRefused);
        assert_eq!(class_of("something new"), Permanent);
    }
}
