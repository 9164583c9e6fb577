//! What each kind of event means, in the fields of `resend-openapi`, and what hostile bodies come to.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass, RetryClass};

const ID: &str = "56761188-7520-42d8-8898-ff6fc54ce618";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn event(kind: &str, more: &Value) -> Value {
    let mut data = json!({
        "email_id": ID, "created_at": "2024-02-22T23:41:11.894719+00:00", "from": "Acme <onboarding@resend.dev>",
        "to": ["delivered@resend.dev"], "subject": "Sending this example", "tags": { "commlog_token": "our-token" }
    });
    data.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({ "type": kind, "created_at": "2024-02-22T23:41:12.126Z", "data": data })
}

fn report(kind: &str, more: &Value) -> Report {
    match notice(&event(kind, more), Some("msg_1".to_owned()), now()) {
        Ok(Some(NoticeKind::Report { report, .. })) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_names_its_message_its_own_time_and_the_id_of_its_request() {
    let told = notice(&event("email.delivered", &json!({})), Some("msg_1".to_owned()), now());
    let expected = NoticeKind::Report {
        token: Some("our-token".to_owned()),
        provider_message_id: Some(ID.to_owned()),
        to: Some("delivered@resend.dev".to_owned()),
        channel: Channel::Email,
        occurred_at: DateTime::from_timestamp_millis(1_708_645_272_126),
        provider_event_id: Some("msg_1".to_owned()),
        report: Report::Delivered,
    };
    assert_eq!(told, Ok(Some(expected)));
}

#[test]
fn times_come_in_several_spellings() {
    let at = |text: &str| time(&json!(text)).map(|time| time.timestamp_micros());
    assert_eq!(at("2024-02-22T23:41:11.894719+00:00"), Some(1_708_645_271_894_719));
    assert_eq!(at("2024-02-22T23:41:12.126Z"), Some(1_708_645_272_126_000));
    assert_eq!(at("2024-02-22 23:41:11.894719+00"), Some(1_708_645_271_894_719));
    for odd in ["", "yesterday", "2024-02-22", "1708645272"] {
        assert_eq!(at(odd), None, "{odd}");
    }
}

#[test]
fn every_event_of_a_mail_has_its_meaning() {
    let sent = report("email.sent", &json!({ "message_id": "<0100@email.amazonses.com>" }));
    let Report::Sent { provider_message_id, mail_id, .. } = sent else { panic!("{sent:?}") };
    assert_eq!((provider_message_id.as_deref(), mail_id.as_deref()), (Some(ID), Some("<0100@email.amazonses.com>")));
    let bare = report("email.sent", &json!({ "message_id": "0100@email.amazonses.com" }));
    assert!(matches!(bare, Report::Sent { mail_id: Some(id), .. } if id == "<0100@email.amazonses.com>"));
    assert_eq!(report("email.delivery_delayed", &json!({})), Report::Deferred { code: None, detail: None });
    assert_eq!(report("email.complained", &json!({})), Report::Complained { kind: Some("abuse".to_owned()) });
    assert!(matches!(
        report("email.opened", &json!({})),
        Report::Opened { flagged: None, ip: None, user_agent: None, .. }
    ));
    let click = json!({ "click": {
        "ipAddress": "122.115.53.11", "link": "https://resend.com", "userAgent": "BarracudaSentinel (EE)",
        "timestamp": "2024-11-24T05:00:57.163Z"
    }});
    let Report::Clicked { class: EngagementClass::Machine, url, ip, .. } = report("email.clicked", &click) else {
        panic!()
    };
    assert_eq!((url.as_deref(), ip.as_deref()), (Some("https://resend.com"), Some("122.115.53.11")));
    let failed = report("email.failed", &json!({ "failed": { "reason": "reached_daily_quota" } }));
    assert!(matches!(failed, Report::Failed { class: RetryClass::RateLimited, .. }));
    let suppressed = json!({ "suppressed": {
        "diagnosticCode": [], "message": "on the list", "reason": "previous_complaint", "type": "OnAccountSuppressionList"
    }});
    assert!(matches!(report("email.suppressed", &suppressed), Report::Failed { class: RetryClass::OptedOut, .. }));
}

#[test]
fn a_bounce_is_read_with_and_without_its_type() {
    let bounce = json!({ "bounce": {
        "diagnosticCode": ["smtp; 550 5.1.1 user unknown"], "message": "The server rejected it", "type": "Permanent",
        "subType": "General"
    }});
    let diagnostic = Some("smtp; 550 5.1.1 user unknown".to_owned());
    let expected = Report::Bounced { bounce: BounceKind::Hard, code: Some("5.1.1".to_owned()), diagnostic };
    assert_eq!(report("email.bounced", &bounce), expected);
    // As they were until 2023.
    let old = report("email.bounced", &json!({ "bounce": { "message": "The recipient's mailbox is full" } }));
    assert!(matches!(old, Report::Bounced { bounce: BounceKind::Soft, diagnostic: Some(_), .. }));
    assert!(matches!(report("email.bounced", &json!({})), Report::Bounced { bounce: BounceKind::Soft, .. }));
}

#[test]
fn what_is_not_about_our_messages_gives_no_notice_and_what_is_new_is_kept() {
    for kind in ["email.scheduled", "contact.created", "contact.updated", "domain.deleted", "suppression.added"] {
        assert_eq!(notice(&event(kind, &json!({})), None, now()), Ok(None), "{kind}");
    }
    let new = notice(&event("email.supernova", &json!({})), None, now());
    assert_eq!(new, Err("an unknown event: email.supernova".to_owned()));
    for odd in [json!(null), json!([]), json!({}), json!({ "type": 1 }), json!("email.sent")] {
        assert!(notice(&odd, None, now()).is_err(), "{odd}");
    }
    assert!(matches!(notice(&json!({ "type": "email.delivered" }), None, now()), Ok(Some(_))));
}

#[test]
fn only_what_is_fit_for_a_path_is_an_id() {
    assert_eq!(id_in(&json!(ID)).as_deref(), Some(ID));
    for odd in
        [json!(""), json!("a/b"), json!("../domains"), json!("a?b"), json!("x".repeat(101)), json!(1), json!(null)]
    {
        assert_eq!(id_in(&odd), None, "{odd}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(kind in "email\\.[a-z_]{0,12}|.{0,20}", text in ".{0,60}", name in "[a-z_]{0,10}") {
        let kinds = ["email.sent", "email.bounced", "email.clicked", "email.failed", "email.suppressed", kind.as_str()];
        for kind in kinds {
            for value in [json!(text), json!([text]), json!({ "reason": text, "message": text, "type": [text] }), json!(1e300)] {
                let data = json!({ name.as_str(): value, "tags": value, "bounce": value, "to": value });
                let _some = notice(&event(kind, &data), None, now());
            }
        }
    }
}
