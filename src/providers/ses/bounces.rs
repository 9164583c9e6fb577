//! What the bounces and complaints of SES say of an address, by type and subtype.
//!
//! The type is SES's reading of what the receiving server wrote. It errs at times: a domain without mail servers comes as
//! transient (`5.4.4`), a refusal for what was sent as permanent (`5.7.1`). So the status is looked at, too.

use serde_json::Value;

use crate::domain::value::message::{BounceKind, Report, RetryClass};
use crate::providers::kit::mime::machine;
use crate::providers::kit::texts;

/// A bounce: the object `bounce` of an event.
pub(super) fn bounced(bounce: &Value) -> Report {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).and_then(texts::short);
    let recipient = bounce.pointer("/bouncedRecipients/0").unwrap_or(&Value::Null);
    let (kind, subkind) = (text(bounce, "bounceType"), text(bounce, "bounceSubType"));
    let (kind, subkind) = (kind.as_deref().unwrap_or_default(), subkind.as_deref().unwrap_or_default());
    let (status, diagnostic) = (text(recipient, "status"), text(recipient, "diagnosticCode"));
    let named = || Some(texts::bounded(&format!("{kind}/{subkind}"), 100));
    let failed = |class| Report::Failed { class, code: status.clone().or_else(named), detail: diagnostic.clone() };
    match (kind, subkind) {
        // Of a contact list of SES, which this account's mail does not name; the receiver's own word all the same.
        (_, "UnsubscribedRecipient") => failed(RetryClass::OptedOut),
        ("Transient", "ContentRejected" | "AttachmentRejected" | "MessageTooLarge") => {
            failed(RetryClass::ContentRefused)
        }
        // Without a server's words it is an out-of-office note as often as a full mailbox: nothing is known of the address,
        // and a delivery outranks it.
        ("Transient", "General") if status.is_none() && diagnostic.is_none() => {
            Report::Deferred { code: named(), detail: None }
        }
        ("Permanent", _) => {
            let is_soft = subkind == "General" && status.as_deref().is_some_and(says_nothing_of_the_address);
            let bounce = if is_soft { BounceKind::Soft } else { BounceKind::Hard };
            Report::Bounced { bounce, code: status.or_else(named), diagnostic }
        }
        _ => match machine::bounced(status, diagnostic, "") {
            Report::Bounced { bounce, code, diagnostic } if subkind != "MailboxFull" => {
                Report::Bounced { bounce, code: code.or_else(named), diagnostic }
            }
            Report::Bounced { code, diagnostic, .. } => {
                Report::Bounced { bounce: BounceKind::Soft, code: code.or_else(named), diagnostic }
            }
            other => other,
        },
    }
}

/// Refusals for what was sent, how fast, or by whom, and full mailboxes.
fn says_nothing_of_the_address(status: &str) -> bool {
    status.starts_with("5.7.") || matches!(status, "5.2.2" | "5.2.3" | "5.3.4")
}

/// A complaint: the object `complaint` of an event; [`None`] if nobody complains.
pub(super) fn complained(complaint: &Value) -> Option<Report> {
    let text = |name: &str| complaint.get(name).and_then(Value::as_str).and_then(texts::short);
    // The mail was not tried: its receiver had complained before.
    if text("complaintSubType").as_deref() == Some("OnAccountSuppressionList") {
        let code = Some("Complaint/OnAccountSuppressionList".to_owned());
        return Some(Report::Failed { class: RetryClass::OptedOut, code, detail: None });
    }
    let kind = text("complaintFeedbackType").map(|kind| kind.to_ascii_lowercase());
    // Somebody who takes the mail out of the spam folder, and a server that tells of a failed check of the sender.
    let is_none = matches!(kind.as_deref(), Some("not-spam" | "auth-failure"));
    (!is_none).then_some(Report::Complained { kind })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(kind: &str, subkind: &str, status: &str, diagnostic: &str) -> Report {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let recipient = json!({
            "emailAddress": "ada@example.org", "status": given(status), "diagnosticCode": given(diagnostic),
        });
        bounced(&json!({ "bounceType": kind, "bounceSubType": subkind, "bouncedRecipients": [recipient] }))
    }

    #[test]
    fn every_type_and_subtype_has_its_meaning() {
        let cases = [
            ("Permanent", "General", "5.1.1", "hard"),
            ("Permanent", "General", "", "hard"),
            ("Permanent", "NoEmail", "", "hard"),
            ("Permanent", "Suppressed", "5.1.1", "hard"),
            ("Permanent", "OnAccountSuppressionList", "", "hard"),
            ("Permanent", "UnsubscribedRecipient", "", "opted_out"),
            ("Permanent", "General", "5.7.1", "soft"),
            ("Permanent", "General", "5.2.2", "soft"),
            ("Transient", "General", "", "deferred"),
            ("Transient", "General", "4.4.7", "soft"),
            ("Transient", "General", "5.3.0", "soft"),
            ("Transient", "General", "5.4.4", "hard"),
            ("Transient", "General", "5.1.1", "hard"),
            ("Transient", "MailboxFull", "5.1.1", "soft"),
            ("Transient", "MailboxFull", "", "soft"),
            ("Transient", "MessageTooLarge", "5.3.4", "content_refused"),
            ("Transient", "ContentRejected", "5.7.1", "content_refused"),
            ("Transient", "AttachmentRejected", "", "content_refused"),
            ("Transient", "CustomTimeoutExceeded", "", "soft"),
            ("Undetermined", "Undetermined", "", "soft"),
            ("Undetermined", "Undetermined", "5.1.1", "hard"),
            ("Tomorrow", "New", "", "soft"),
        ];
        for (kind, subkind, status, expected) in cases {
            let word = match report(kind, subkind, status, "") {
                Report::Bounced { bounce, code, .. } => {
                    assert!(code.is_some(), "{kind}/{subkind}");
                    bounce.word()
                }
                Report::Failed { class, .. } => class.word(),
                Report::Deferred { .. } => "deferred",
                other => panic!("{other:?}"),
            };
            assert_eq!(word, expected, "{kind}/{subkind} {status}");
        }
    }

    #[test]
    fn a_servers_words_count_where_its_status_is_vague() {
        let gone = report("Transient", "General", "5.0.0", "smtp; 550 No such user here");
        assert!(matches!(gone, Report::Bounced { bounce: BounceKind::Hard, .. }), "{gone:?}");
        let full = report("Undetermined", "Undetermined", "5.0.0", "smtp; 552 mailbox full");
        assert!(matches!(full, Report::Bounced { bounce: BounceKind::Soft, .. }), "{full:?}");
    }

    #[test]
    fn only_who_complains_has_complained() {
        let kind = |complaint: &Value| match complained(complaint) {
            Some(Report::Complained { kind }) => kind.unwrap_or_else(|| "unnamed".to_owned()),
            Some(Report::Failed { class, .. }) => class.word().to_owned(),
            None => "nobody".to_owned(),
            Some(other) => panic!("{other:?}"),
        };
        for named in ["abuse", "fraud", "virus", "other", "something-new"] {
            assert_eq!(kind(&json!({ "complaintFeedbackType": named })), named);
        }
        assert_eq!(kind(&json!({ "complaintSubType": null })), "unnamed");
        assert_eq!(kind(&json!({ "complaintFeedbackType": "not-spam" })), "nobody");
        assert_eq!(kind(&json!({ "complaintFeedbackType": "auth-failure" })), "nobody");
        assert_eq!(kind(&json!({ "complaintSubType": "OnAccountSuppressionList" })), "opted_out");
    }
}
