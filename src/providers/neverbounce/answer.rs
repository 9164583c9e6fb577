//! What NeverBounce's answers say.

use serde_json::Value;

use crate::domain::value::message::RetryClass;
use crate::domain::value::validation::{ValidityReason, Verdict};
use crate::providers::ValidatorError;

/// What an answer says; [`None`] if it is not one.
pub(super) fn read(answer: &Value) -> Option<Result<Verdict, ValidatorError>> {
    let status = answer.get("status")?.as_str()?;
    let class = match status {
        "success" => return verdict(answer).map(Ok),
        // What is wrong in general stands in words only; most often the credits are used up.
        "auth_failure" | "bad_referrer" | "general_failure" => RetryClass::Configuration,
        "temp_unavail" => RetryClass::Transient,
        "throttle_triggered" => RetryClass::RateLimited,
        _ => return None,
    };
    Some(Err(ValidatorError::refused(class, status)))
}

fn verdict(answer: &Value) -> Option<Verdict> {
    let flags = answer.get("flags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has = |flag: &str| flags.iter().any(|given| given.as_str() == Some(flag));
    Some(match answer.get("result")?.as_str()? {
        "valid" if has("role_account") => Verdict::risky(ValidityReason::Role),
        "valid" => Verdict::DELIVERABLE,
        "disposable" => Verdict::risky(ValidityReason::Disposable),
        "catchall" => Verdict::risky(ValidityReason::CatchAll),
        "unknown" => Verdict::UNKNOWN,
        "invalid" => Verdict::undeliverable(match () {
            () if flags.is_empty() => ValidityReason::Unstated,
            () if has("has_dns") => ValidityReason::Mailbox,
            () => ValidityReason::Domain,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(result: &str, flags: &[&str]) -> Option<Result<Verdict, ValidatorError>> {
        read(&json!({
            "status": "success",
            "result": result,
            "flags": flags,
            "suggested_correction": "",
            "execution_time": 499,
        }))
    }

    #[test]
    fn every_result_has_its_verdict() {
        let dns = ["has_dns", "has_dns_mx", "smtp_connectable"];
        let cases = [
            ("valid", &dns[..], Verdict::DELIVERABLE),
            // As NeverBounce's own support@ is shown in its documentation.
            ("valid", &["has_dns", "role_account"], Verdict::risky(ValidityReason::Role)),
            ("disposable", &dns, Verdict::risky(ValidityReason::Disposable)),
            ("catchall", &dns, Verdict::risky(ValidityReason::CatchAll)),
            ("unknown", &[], Verdict::UNKNOWN),
            ("invalid", &dns, Verdict::undeliverable(ValidityReason::Mailbox)),
            ("invalid", &["free_email_host"], Verdict::undeliverable(ValidityReason::Domain)),
            ("invalid", &[], Verdict::undeliverable(ValidityReason::Unstated)),
        ];
        for (result, flags, expected) in cases {
            assert_eq!(checked(result, flags), Some(Ok(expected)), "{result} {flags:?}");
        }
    }

    #[test]
    fn every_failure_with_status_200_has_its_class() {
        use RetryClass::{Configuration, RateLimited, Transient};
        let cases = [
            ("auth_failure", Configuration),
            ("bad_referrer", Configuration),
            ("general_failure", Configuration),
            ("temp_unavail", Transient),
            ("throttle_triggered", RateLimited),
        ];
        for (status, class) in cases {
            let said = read(&json!({ "status": status, "message": "ada@example.org", "execution_time": 22 }));
            assert_eq!(said, Some(Err(ValidatorError::refused(class, status))), "{status}");
        }
    }

    #[test]
    fn what_is_no_result_is_no_answer() {
        assert_eq!(checked("perhaps", &[]), None);
        for odd in [json!({}), json!([]), json!({ "status": "success" }), json!({ "status": "later" })] {
            assert_eq!(read(&odd), None, "{odd}");
        }
    }
}
