use serde_json::json;

use super::*;
use crate::domain::value::validation::Validity;

/// As `twilio_lookups_v2.json` shows it, with what the package says.
fn answer(line: Value) -> Value {
    json!({
        "calling_country_code": "1",
        "country_code": "US",
        "phone_number": "+14159929960",
        "national_format": "(415) 992-9960",
        "valid": true,
        "validation_errors": null,
        "line_status": null,
        "line_type_intelligence": line,
        "url": "https://lookups.twilio.com/v2/PhoneNumbers/+14159929960",
    })
}

fn verdict(answer: &Value) -> Verdict {
    read(answer).expect("an answer").expect("a verdict")
}

#[test]
fn twilios_samples_are_read() {
    let sample = answer(json!({
        "error_code": null,
        "mobile_country_code": "240",
        "mobile_network_code": "38",
        "carrier_name": "Twilio - SMS/MMS-SVR",
        "type": "nonFixedVoip",
    }));
    let found = verdict(&sample);
    assert_eq!((found.validity, found.line_type), (Validity::Deliverable, Some(LineType::Voip)));
    assert_eq!(found.carrier.as_deref(), Some("Twilio - SMS/MMS-SVR"));
    assert_eq!(verdict(&answer(Value::Null)), Verdict::DELIVERABLE);
    let invalid = json!({
        "calling_country_code": null,
        "country_code": null,
        "phone_number": "+141599299600",
        "valid": false,
        "validation_errors": ["TOO_LONG"],
        "line_type_intelligence": null,
    });
    assert_eq!(verdict(&invalid), Verdict::undeliverable(ValidityReason::Syntax));
}

#[test]
fn every_reason_of_a_wrong_number_has_its_verdict() {
    let wrong = |errors: Value| verdict(&json!({ "valid": false, "validation_errors": errors }));
    for word in ["TOO_SHORT", "TOO_LONG", "INVALID_LENGTH", "NOT_A_NUMBER"] {
        assert_eq!(wrong(json!([word])), Verdict::undeliverable(ValidityReason::Syntax), "{word}");
    }
    assert_eq!(wrong(json!(["INVALID_COUNTRY_CODE"])), Verdict::undeliverable(ValidityReason::Number));
    assert_eq!(wrong(Value::Null), Verdict::undeliverable(ValidityReason::Number));
    assert_eq!(wrong(json!(["INVALID_BUT_POSSIBLE"])), Verdict::risky(ValidityReason::Number));
}

#[test]
fn every_type_of_line_has_its_word() {
    let cases = [
        ("mobile", LineType::Mobile),
        ("landline", LineType::Landline),
        ("fixedVoip", LineType::Voip),
        ("nonFixedVoip", LineType::Voip),
        ("tollFree", LineType::TollFree),
        ("premium", LineType::Service),
        ("sharedCost", LineType::Service),
        ("uan", LineType::Service),
        ("voicemail", LineType::Service),
        ("pager", LineType::Service),
        ("personal", LineType::Unknown),
        ("unknown", LineType::Unknown),
        ("tomorrow", LineType::Unknown),
    ];
    for (word, expected) in cases {
        assert_eq!(verdict(&answer(json!({ "type": word, "error_code": null }))).line_type, Some(expected), "{word}");
    }
    assert_eq!(verdict(&answer(json!({ "type": null }))).line_type, Some(LineType::Unknown));
}

#[test]
fn errors_of_the_package_are_no_verdict_unless_only_the_line_is_unknown() {
    use RetryClass::{Configuration, RateLimited, Transient};
    let cases = [
        (60601, Configuration),
        (60606, Configuration),
        (60607, Transient),
        (60608, Transient),
        (60611, RateLimited),
        (60616, RateLimited),
        (60699, Transient),
    ];
    for (code, class) in cases {
        let refused = read(&answer(json!({ "type": null, "error_code": code }))).expect("an answer");
        assert_eq!(refused, Err(ValidatorError::refused(class, code.to_string())), "{code}");
    }
    for code in [json!(60600), json!("60612")] {
        let found = verdict(&answer(json!({ "type": null, "carrier_name": null, "error_code": code })));
        assert_eq!((found.validity, found.line_type), (Validity::Deliverable, Some(LineType::Unknown)));
    }
}

#[test]
fn what_says_nothing_of_a_number_is_no_answer() {
    for odd in [json!({}), json!([]), json!({ "valid": "yes" }), json!({ "error": "try again" }), answer(json!("x"))] {
        assert_eq!(read(&odd), None, "{odd}");
    }
    assert_eq!(read(&answer(json!({ "error_code": "soon" }))), None);
}
