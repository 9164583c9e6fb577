//! What to do about FCM's errors (`firebase-admin-node`, `messaging-errors-internal.ts`; Firebase's page on error codes).

use serde_json::Value;

use crate::domain::value::message::RetryClass;

/// The token's app was removed, or got another token.
const UNREGISTERED: &str = "UNREGISTERED";
/// What we call it where FCM says `INVALID_ARGUMENT` of the token, and of nothing else.
const INVALID_TOKEN: &str = "INVALID_ARGUMENT:token";

/// Whether a code, as we write it, says that there is no such device any more, or never was.
pub(super) fn is_gone(code: &str) -> bool {
    matches!(code, UNREGISTERED | INVALID_TOKEN)
}

/// What an answer with an error says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It was definitely not sent; what to do about it.
    Refused(RetryClass),
    /// Our access token is not taken: another one may be.
    Unauthenticated,
    /// Nothing that FCM documents: the status decides.
    Unknown,
}

/// An error as FCM writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FcmError {
    /// The code: FCM's own where there is one, else the status of Google's APIs. See [`is_gone`].
    pub(super) code: Option<String>,
    /// Its words.
    pub(super) message: String,
    pub(super) meaning: Meaning,
}

/// Reads the error of an answer. `attempt` counts the calls for the message.
pub(super) fn read(answer: Option<&Value>, attempt: u32) -> FcmError {
    let Some(error) = answer.and_then(|answer| answer.get("error")).filter(|error| error.is_object()) else {
        return FcmError { code: None, message: String::new(), meaning: Meaning::Unknown };
    };
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_type = |kind: &str| {
        let is_it = |detail: &&Value| detail.get("@type").and_then(Value::as_str).is_some_and(|t| t.ends_with(kind));
        details.iter().find(is_it)
    };
    let own = of_type("google.firebase.fcm.v1.FcmError").and_then(|detail| detail.get("errorCode")?.as_str());
    let violations = of_type("google.rpc.BadRequest").and_then(|detail| detail.get("fieldViolations")?.as_array());
    let (status, message) = (text("status"), text("message"));
    let names_field = violations.into_iter().flatten().any(|violation| {
        // A violation of the field `message.token` is about the token all the same.
        violation.get("field").and_then(Value::as_str).is_some_and(|field| field != "message.token")
    });
    let code = own.or(Some(status)).filter(|code| !code.is_empty());
    let code = match code {
        // As Firebase's own libraries take it: a message names nothing else than the device that could be missing.
        Some("NOT_FOUND") => Some(UNREGISTERED),
        Some("INVALID_ARGUMENT") if !names_field && is_about_token(message) => Some(INVALID_TOKEN),
        code => code,
    };
    let meaning = code.map_or(Meaning::Unknown, |code| meaning(code, own.is_some(), attempt));
    FcmError { code: code.map(str::to_owned), message: message.to_owned(), meaning }
}

/// FCM writes one code for a token that is none and for a message that cannot be read; only the words tell them apart
/// (firebase/firebase-admin-java#1064, xtrinch/fcm-django#223). A token is only given up if they name it.
fn is_about_token(message: &str) -> bool {
    message.to_ascii_lowercase().contains("registration token")
}

fn meaning(code: &str, is_own: bool, attempt: u32) -> Meaning {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};
    Meaning::Refused(match code {
        // Ours, or another field's than the token: the device stays.
        "INVALID_ARGUMENT" => ContentRefused,
        // The last one: the device belongs to another project, whose account may reach it.
        UNREGISTERED | INVALID_TOKEN | "SENDER_ID_MISMATCH" => Permanent,
        // The service account may not send, or the API is switched off in the project.
        "PERMISSION_DENIED" => Configuration,
        "QUOTA_EXCEEDED" | "RESOURCE_EXHAUSTED" => RateLimited,
        // The project's key for Apple's or the browser's push service is missing, or has ended.
        "THIRD_PARTY_AUTH_ERROR" | "APNS_AUTH_ERROR" => Configuration,
        "UNAUTHENTICATED" => return Meaning::Unauthenticated,
        // FCM's own word that it did not take the message. The message's id is what a device collapses by, so that even a
        // second one would replace the first and notify nobody again.
        "UNAVAILABLE" | "INTERNAL" if is_own => Transient,
        "UNSPECIFIED_ERROR" if attempt <= 1 => Transient,
        "UNSPECIFIED_ERROR" => Permanent,
        _ => return Meaning::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};
    use serde_json::json;

    use super::*;

    fn fcm(status: &str, code: &str, message: &str) -> Value {
        let detail = json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code });
        json!({ "error": { "code": 400, "message": message, "status": status, "details": [detail] } })
    }

    fn meant(answer: &Value) -> Meaning {
        read(Some(answer), 1).meaning
    }

    fn gone(answer: &Value) -> bool {
        read(Some(answer), 1).code.as_deref().is_some_and(is_gone)
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        let cases = [
            ("NOT_FOUND", "UNREGISTERED", Meaning::Refused(Permanent)),
            ("INVALID_ARGUMENT", "INVALID_ARGUMENT", Meaning::Refused(ContentRefused)),
            ("PERMISSION_DENIED", "SENDER_ID_MISMATCH", Meaning::Refused(Permanent)),
            ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", Meaning::Refused(RateLimited)),
            ("UNAVAILABLE", "UNAVAILABLE", Meaning::Refused(Transient)),
            ("INTERNAL", "INTERNAL", Meaning::Refused(Transient)),
            ("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", Meaning::Refused(Configuration)),
            ("UNAUTHENTICATED", "APNS_AUTH_ERROR", Meaning::Refused(Configuration)),
            ("UNKNOWN", "UNSPECIFIED_ERROR", Meaning::Refused(Transient)),
            ("UNKNOWN", "A_NEW_ONE", Meaning::Unknown),
        ];
        for (status, code, meaning) in cases {
            let error = read(Some(&fcm(status, code, "words")), 1);
            assert_eq!((error.code.as_deref(), error.meaning), (Some(code), meaning), "{code}");
        }
        assert_eq!(read(Some(&fcm("UNKNOWN", "UNSPECIFIED_ERROR", "")), 2).meaning, Meaning::Refused(Permanent));
    }

    #[test]
    fn googles_status_stands_in_where_fcm_says_nothing_of_its_own() {
        let bare = |status: &str| json!({ "error": { "code": 404, "message": "x", "status": status, "details": [] } });
        assert!(gone(&bare("NOT_FOUND")) && gone(&fcm("NOT_FOUND", "UNREGISTERED", "words")));
        assert_eq!(meant(&bare("UNAUTHENTICATED")), Meaning::Unauthenticated);
        assert_eq!(meant(&bare("PERMISSION_DENIED")), Meaning::Refused(Configuration));
        assert_eq!(meant(&bare("RESOURCE_EXHAUSTED")), Meaning::Refused(RateLimited));
        // A gateway of Google's, which does not know whether FCM took the message.
        assert_eq!(meant(&bare("UNAVAILABLE")), Meaning::Unknown);
        assert_eq!(meant(&bare("INTERNAL")), Meaning::Unknown);
    }

    #[test]
    fn a_token_is_given_up_only_if_the_words_name_it() {
        let words = "The registration token is not a valid FCM registration token";
        assert!(gone(&fcm("INVALID_ARGUMENT", "INVALID_ARGUMENT", words)));
        // rails/action_push_native#141, fcm-django#223: the payload is wrong, the token is not.
        let words = "Request contains an invalid argument.";
        assert!(!gone(&fcm("INVALID_ARGUMENT", "INVALID_ARGUMENT", words)));
        assert_eq!(meant(&fcm("INVALID_ARGUMENT", "INVALID_ARGUMENT", words)), Meaning::Refused(ContentRefused));
        let violation = |field: &str, message: &str| {
            let detail = json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": field, "description": "Invalid value" }],
            });
            json!({ "error": { "code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": [detail] } })
        };
        let payload =
            violation("message.data[0].value", "Invalid value at 'message.data[0].value' (registration token)");
        assert_eq!(meant(&payload), Meaning::Refused(ContentRefused));
        assert!(gone(&violation("message.token", "Invalid registration token")) && !gone(&payload));
    }

    #[test]
    fn what_is_not_an_error_of_googles_says_nothing() {
        for answer in [json!(null), json!({ "error": "invalid_grant" }), json!([]), json!({ "error": {} })] {
            assert_eq!(read(Some(&answer), 1).meaning, Meaning::Unknown);
        }
        assert_eq!(read(None, 1).code, None);
    }
}
