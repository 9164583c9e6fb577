//! What Mailgun's own samples mean (its manual's page on events), and what hostile bodies come to.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass, RetryClass};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn read(event: &Value) -> Option<NoticeKind> {
    let body = json!({ "signature": { "timestamp": "1", "token": "t", "signature": "s" }, "event-data": event });
    parse(body.to_string().as_bytes(), now()).map(|notice| notice.kind)
}

fn report(event: &Value) -> Report {
    match read(event) {
        Some(NoticeKind::Report { report, .. }) => report,
        other => panic!("{other:?}"),
    }
}

fn unclear(body: &[u8]) -> String {
    match parse(body, now()).map(|notice| notice.kind) {
        Some(NoticeKind::Unclear { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_names_its_message_its_time_and_itself() {
    let event = json!({
        "event": "accepted", "id": "jxVuhYlhReaK3QsggHfFRA", "timestamp": 1_529_692_198.641_821, "log-level": "info",
        "flags": { "is-authenticated": false },
        "message": { "headers": { "to": "team@example.org", "message-id": "20180622182958.1.48906CB188F1A454@example.org" } },
        "recipient": "team@example.org", "user-variables": { "commlog_token": "our-token" }
    });
    let Some(NoticeKind::Report { token, provider_message_id, to, occurred_at, provider_event_id, report, .. }) =
        read(&event)
    else {
        panic!("no report")
    };
    let id = "20180622182958.1.48906CB188F1A454@example.org";
    assert_eq!((token.as_deref(), to.as_deref()), (Some("our-token"), Some("team@example.org")));
    assert_eq!(provider_message_id.as_deref(), Some(id));
    // Ids are unique within a day.
    assert_eq!(provider_event_id.as_deref(), Some("jxVuhYlhReaK3QsggHfFRA 2018-06-22"));
    assert_eq!(occurred_at, DateTime::from_timestamp_micros(1_529_692_198_641_821));
    let Report::Sent { provider_message_id, mail_id, .. } = report else { panic!("{report:?}") };
    assert_eq!((provider_message_id, mail_id), (Some(id.to_owned()), Some(format!("<{id}>"))));
}

#[test]
fn a_kept_event_says_the_same_without_its_signature() {
    let event = json!({ "event": "delivered", "id": "a", "timestamp": 1_529_692_198, "recipient": "a@b.example" });
    let whole = json!({ "signature": { "token": "secret-token" }, "event-data": event }).to_string();
    let notice = parse(whole.as_bytes(), now()).expect("a notice");
    assert!(!notice.raw.contains("secret-token"));
    assert_eq!(parse(notice.raw.as_bytes(), now()), Some(notice));
}

#[test]
fn failures_are_told_apart_by_severity_reason_and_code() {
    let event = |more: Value| {
        let mut event = json!({ "event": "failed", "id": "a", "timestamp": 1_529_701_969, "recipient": "a@b.example" });
        event.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        report(&event)
    };
    // The manual's sample of an address that bounced before.
    let suppressed = event(json!({
        "severity": "permanent", "reason": "suppress-bounce",
        "delivery-status": { "code": 605, "message": "", "description": "Not delivering to previously bounced address" }
    }));
    let Report::Bounced { bounce: BounceKind::Hard, code, diagnostic } = suppressed else { panic!("{suppressed:?}") };
    assert_eq!(code.as_deref(), Some("605"));
    assert_eq!(diagnostic.as_deref(), Some("Not delivering to previously bounced address"));
    // The manual's sample of a bounce after a delivery: without variables, with an empty envelope.
    let delayed = event(json!({
        "severity": "permanent", "reason": "generic", "envelope": {}, "user-variables": [],
        "flags": { "is-delayed-bounce": true },
        "delivery-status": {
            "bounce-code": "5.1.1", "code": 550, "enhanced-code": "5.1.1",
            "message": "smtp; 550-5.1.1 The email account that you tried to reach does not exist."
        }
    }));
    assert!(matches!(delayed, Report::Bounced { bounce: BounceKind::Hard, code: Some(code), .. } if code == "5.1.1"));
    // What others took for a bounce: a connection that failed, a greylist (anymail/django-anymail#130).
    let temporary = event(json!({
        "severity": "temporary", "reason": "greylisted",
        "delivery-status": { "code": 450, "enhanced-code": "4.2.0", "message": "Greylisted, try again" }
    }));
    assert_eq!(
        temporary,
        Report::Deferred { code: Some("4.2.0".to_owned()), detail: Some("Greylisted, try again".to_owned()) }
    );
    // A block is permanent to Mailgun, and says nothing of the address (putyourlightson/craft-campaign#178).
    let blocked = event(json!({
        "severity": "permanent", "reason": "espblock", "delivery-status": { "code": 550, "message": "5.7.1 rejected as spam" }
    }));
    assert!(matches!(blocked, Report::Bounced { bounce: BounceKind::Soft, .. }));
    let opted_out = event(json!({ "severity": "permanent", "reason": "suppress-unsubscribe", "delivery-status": {} }));
    assert!(matches!(opted_out, Report::Failed { class: RetryClass::OptedOut, .. }));
    // Without anything that says why.
    assert!(matches!(event(json!({})), Report::Bounced { bounce: BounceKind::Soft, .. }));
}

#[test]
fn what_receivers_do_is_told_with_mailguns_own_guess() {
    let person =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 6_1 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Mobile/10B143";
    let opened = |bot: Value| {
        let client = json!({ "user-agent": person, "bot": bot });
        report(&json!({ "event": "opened", "timestamp": 1, "ip": "192.0.2.1", "client-info": client }))
    };
    let Report::Opened { class: EngagementClass::Human, flagged: Some(false), ip, user_agent, .. } = opened(json!(""))
    else {
        panic!("no person")
    };
    assert_eq!((ip.as_deref(), user_agent.as_deref()), (Some("192.0.2.1"), Some(person)));
    for bot in ["apple", "gmail", "generic"] {
        let report = opened(json!(bot));
        assert!(matches!(report, Report::Opened { class: EngagementClass::Machine, flagged: Some(true), .. }), "{bot}");
    }
    assert!(matches!(opened(json!(null)), Report::Opened { flagged: None, .. }));
    let clicked = report(&json!({ "event": "clicked", "url": "http://example.com/signup", "client-info": {} }));
    assert!(matches!(clicked, Report::Clicked { url: Some(url), .. } if url == "http://example.com/signup"));
    assert_eq!(report(&json!({ "event": "complained" })), Report::Complained { kind: Some("abuse".to_owned()) });
    let unsubscribed = report(&json!({ "event": "unsubscribed" }));
    assert_eq!(unsubscribed, Report::OptedOut { method: "one_click".to_owned(), topic: None });
    assert_eq!(report(&json!({ "event": "delivered" })), Report::Delivered);
    let rejected = report(&json!({ "event": "rejected", "reject": { "reason": "Spam detected", "description": "" } }));
    assert!(matches!(rejected, Report::Failed { class: RetryClass::ContentRefused, .. }));
}

#[test]
fn what_is_not_about_our_messages_gives_no_notice() {
    for name in ["stored", "list_member_uploaded", "list_member_upload_error", "list_uploaded"] {
        assert_eq!(read(&json!({ "event": name })), None, "{name}");
    }
    // The manual's sample of a mail that came in and was passed on.
    assert_eq!(
        read(&json!({ "event": "accepted", "flags": { "is-routed": true }, "recipient": "john@example.com" })),
        None
    );
}

#[test]
fn hostile_bodies_are_kept_and_harm_nobody() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["", "null", "[]", "\"x\"", "{", "{}", "{\"event-data\":1}", "{\"event-data\":{}}", &deep] {
        assert!(!unclear(body.as_bytes()).is_empty(), "{}", body.get(..20).unwrap_or(body));
    }
    assert_eq!(unclear(br#"{"event-data":{"event":"supernova"}}"#), "an unknown event: supernova");
    for seconds in [json!(-1), json!(1e300), json!("soon"), json!(1e18), json!(null), json!(99_999_999_999_u64)] {
        let Some(NoticeKind::Report { occurred_at: None, .. }) =
            read(&json!({ "event": "delivered", "timestamp": seconds }))
        else {
            panic!("{seconds}")
        };
    }
    let long =
        json!({ "event": "opened", "client-info": { "user-agent": "x".repeat(100_000) }, "user-variables": "none" });
    let Report::Opened { user_agent: Some(user_agent), .. } = report(&long) else { panic!("no open") };
    assert_eq!(user_agent.len(), texts::MAX_SHORT);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(body in any::<Vec<u8>>(), name in "[a-z_]{0,12}", value in ".{0,40}", number in any::<f64>()) {
        parse(&body, now());
        let _some = read(&json!({ "event": name, "timestamp": number, "id": value, "recipient": value, "reason": value }));
        let _some = read(&json!({ "event": "failed", "delivery-status": { "code": number, "message": value } }));
    }
}
