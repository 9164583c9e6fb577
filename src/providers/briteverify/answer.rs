//! What BriteVerify's answers say.

use serde_json::Value;

use crate::domain::value::validation::{ValidityReason, Verdict};

/// What an answer says; [`None`] if it is not one.
pub(super) fn read(answer: &Value) -> Option<Verdict> {
    let email = answer.get("email")?;
    let is = |name: &str| email.get(name).and_then(Value::as_bool).unwrap_or(false);
    Some(match email.get("status")?.as_str()? {
        "valid" | "accept_all" if is("disposable") => Verdict::risky(ValidityReason::Disposable),
        "accept_all" => Verdict::risky(ValidityReason::CatchAll),
        "valid" if is("role_address") => Verdict::risky(ValidityReason::Role),
        "valid" => Verdict::DELIVERABLE,
        "unknown" => Verdict::UNKNOWN,
        "invalid" => Verdict::undeliverable(match email.get("error_code").and_then(Value::as_str) {
            Some("email_address_invalid") => ValidityReason::Syntax,
            Some("email_domain_invalid") => ValidityReason::Domain,
            Some("email_account_invalid") => ValidityReason::Mailbox,
            Some(_) | None => ValidityReason::Unstated,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As the documentation shows `sales@validity.com`, with these differences.
    fn checked(status: &str, error_code: Option<&str>, disposable: bool, role: bool) -> Option<Verdict> {
        read(&json!({
            "email": {
                "address": "sales@validity.com",
                "account": "sales",
                "domain": "validity.com",
                "status": status,
                "connected": null,
                "error_code": error_code,
                "disposable": disposable,
                "role_address": role,
            },
            "duration": 0.05,
        }))
    }

    #[test]
    fn every_status_has_its_verdict() {
        assert_eq!(checked("valid", None, false, false), Some(Verdict::DELIVERABLE));
        assert_eq!(checked("valid", None, false, true), Some(Verdict::risky(ValidityReason::Role)));
        assert_eq!(checked("valid", None, true, true), Some(Verdict::risky(ValidityReason::Disposable)));
        assert_eq!(checked("accept_all", None, false, true), Some(Verdict::risky(ValidityReason::CatchAll)));
        assert_eq!(checked("accept_all", None, true, false), Some(Verdict::risky(ValidityReason::Disposable)));
        assert_eq!(checked("unknown", None, false, false), Some(Verdict::UNKNOWN));
        let invalid = [
            (Some("email_address_invalid"), ValidityReason::Syntax),
            (Some("email_domain_invalid"), ValidityReason::Domain),
            (Some("email_account_invalid"), ValidityReason::Mailbox),
            (Some("something_new"), ValidityReason::Unstated),
            (None, ValidityReason::Unstated),
        ];
        for (code, reason) in invalid {
            assert_eq!(checked("invalid", code, false, false), Some(Verdict::undeliverable(reason)), "{code:?}");
        }
    }

    #[test]
    fn what_has_no_status_is_no_answer() {
        assert_eq!(checked("perhaps", None, false, false), None);
        for odd in [json!({}), json!([]), json!({ "email": {} }), json!({ "errors": [] }), json!({ "email": "valid" })]
        {
            assert_eq!(read(&odd), None, "{odd}");
        }
    }
}
