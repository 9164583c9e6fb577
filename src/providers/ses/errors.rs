//! What to do about the errors of SES: by their type, and by their words where a type stands for several causes.
//!
//! Types: the page of `SendEmail` and the common errors of the API reference, with and without `Exception` at the end, as
//! both are seen.

use std::time::Duration;

use crate::domain::value::message::RetryClass;

/// How long to wait where the day's quota is used up: it counts the last 24 hours, which the attempts must outlast.
const QUOTA_PAUSE: Duration = Duration::from_hours(4);

/// The type of an error without what surrounds it: `com.amazonaws.ses#MessageRejected`, `MessageRejected:http://…`.
pub(super) fn name(written: &str) -> &str {
    let name = written.rsplit_once('#').map_or(written, |(_, name)| name);
    name.split(':').next().unwrap_or_default().trim()
}

/// The class of a refusal; [`None`] if the type is not known, so that its status decides.
pub(super) fn class(name: &str, words: &str) -> Option<RetryClass> {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};
    let words = words.to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|part| words.contains(part));
    Some(match name.strip_suffix("Exception").unwrap_or(name) {
        "Throttling" | "ThrottledRequest" | "TooManyRequests" | "RequestLimitExceeded" | "LimitExceeded" => RateLimited,
        // Whose mail is paused: the account's, the configuration set's or the tenant's.
        "AccountSuspended"
        | "SendingPaused"
        | "AccountSendingPaused"
        | "ConfigurationSetSendingPaused"
        | "MailFromDomainNotVerified"
        | "FromEmailAddressNotVerified"
        | "NotFound"
        | "ConfigurationSetDoesNotExist" => Configuration,
        // Who calls.
        "AccessDenied"
        | "NotAuthorized"
        | "OptInRequired"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidAction"
        | "UnknownOperation" => Configuration,
        // A sender that is not verified, or, in the sandbox, a receiver: an operator mends both.
        "MessageRejected" | "BadRequest" | "InvalidParameterValue" | "Validation" | "ValidationError"
            if says(&["not verified", "sandbox"]) =>
        {
            Configuration
        }
        "MessageRejected" if says(&["blacklisted", "suppression list"]) => Permanent,
        "MessageRejected" => ContentRefused,
        "BadRequest" | "InvalidParameterValue" | "Validation" | "ValidationError" => match () {
            () if says(&["configuration set", "tenant", "identity", "arn ", "tag name", "tag value"]) => Configuration,
            () if says(&[
                "address",
                "final '@domain'",
                "domain name",
                "domain contains",
                "destination",
                "recipient",
            ]) =>
            {
                Permanent
            }
            () if says(&[
                "header",
                "attachment",
                "message length",
                "too long",
                "mime",
                "content",
                "subject",
                "size",
            ]) =>
            {
                ContentRefused
            }
            () => Permanent,
        },
        "Conflict" | "ConcurrentModification" | "RequestTimeout" | "RequestAbort" => Transient,
        _ => return None,
    })
}

/// How long to wait, where the words of a refusal say so and no header does.
pub(super) fn pause(words: &str) -> Option<Duration> {
    words.to_ascii_lowercase().contains("daily message quota").then_some(QUOTA_PAUSE)
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};

    use super::*;

    #[test]
    fn a_type_is_read_out_of_what_surrounds_it() {
        for written in [
            "MessageRejected",
            "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.ses/",
            "com.amazonaws.services.sesv2#MessageRejected",
            " MessageRejected ",
        ] {
            assert_eq!(name(written), "MessageRejected", "{written}");
        }
    }

    #[test]
    fn every_documented_error_has_its_class() {
        let not_verified =
            "Email address is not verified. The following identities failed the check in region US-EAST-1: x";
        let cases = [
            ("AccountSuspendedException", "", Configuration),
            ("SendingPausedException", "Email sending is disabled for the configuration set.", Configuration),
            ("MailFromDomainNotVerifiedException", "", Configuration),
            ("NotFoundException", "Configuration set <news> does not exist.", Configuration),
            ("MessageRejected", not_verified, Configuration),
            ("MessageRejected", "Email address not verified", Configuration),
            ("MessageRejected", "Address blacklisted.", Permanent),
            ("MessageRejected", "Transaction failed: Invalid file name.", ContentRefused),
            ("BadRequestException", not_verified, Configuration),
            ("BadRequestException", "Configuration set does not exist", Configuration),
            ("BadRequestException", "Tenant news does not exist", Configuration),
            ("BadRequestException", "Illegal address", Permanent),
            ("BadRequestException", "Missing final '@domain'", Permanent),
            ("BadRequestException", "Domain contains illegal character", Permanent),
            ("BadRequestException", "Local address contains control or whitespace", Permanent),
            ("BadRequestException", "Message length is more than 41943040 bytes long", ContentRefused),
            ("BadRequestException", "Empty header names are illegal", ContentRefused),
            ("BadRequestException", "Duplicate header 'Subject'.", ContentRefused),
            ("InvalidParameterValue", "Invalid tag value <a:b>: only alphanumeric ASCII characters", Configuration),
            ("BadRequestException", "something new", Permanent),
            ("TooManyRequestsException", "", RateLimited),
            ("ThrottlingException", "Maximum sending rate exceeded.", RateLimited),
            ("Throttling", "Daily message quota exceeded.", RateLimited),
            ("LimitExceededException", "Daily message quota exceeded.", RateLimited),
            ("AccessDeniedException", "User is not authorized to perform ses:SendEmail", Configuration),
            ("SignatureDoesNotMatch", "", Configuration),
            ("InvalidSignatureException", "", Configuration),
            ("ExpiredTokenException", "", Configuration),
            ("UnrecognizedClientException", "The security token included in the request is invalid.", Configuration),
            ("InvalidClientTokenId", "", Configuration),
            ("MissingAuthenticationTokenException", "", Configuration),
            ("ConflictException", "", Transient),
        ];
        for (name, words, expected) in cases {
            assert_eq!(class(name, words), Some(expected), "{name} {words}");
        }
        assert_eq!(class("BrandNewException", "whatever"), None);
    }

    #[test]
    fn only_a_days_quota_is_waited_for_by_the_hour() {
        assert_eq!(pause("Daily message quota exceeded."), Some(QUOTA_PAUSE));
        assert_eq!(pause("Maximum sending rate exceeded."), None);
    }
}
