use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::super::settings::tests::{SECRET, settings};
use super::*;
use crate::domain::value::Currency;
use crate::domain::value::message::BounceKind;

static WEBHOOK: LazyLock<BirdWebhook> = LazyLock::new(|| BirdWebhook::try_new(&settings()).expect("valid settings"));

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_276_000, 0).expect("a time")
}

fn request(body: impl Into<Bytes>) -> WebhookRequest {
    WebhookRequest { method: "POST".to_owned(), body: body.into(), ..WebhookRequest::default() }
}

fn parse(body: &Value) -> Vec<NoticeKind> {
    let notices = futures::executor::block_on(WEBHOOK.parse(&request(body.to_string()), now()));
    notices.into_iter().map(|notice| notice.kind).collect()
}

fn event(kind: &str, more: Value) -> Value {
    let mut data = json!({
        "sms_id": "sms_01jabc",
        "workspace_id": "ws_01jabc",
        "from": "+12025550199",
        "to": "+14155550101",
        "tags": null,
        "metadata": { "token": "t-o_k" },
    });
    let Value::Object(more) = more else { panic!() };
    data.as_object_mut().expect("an object").extend(more);
    json!({ "type": kind, "timestamp": "2026-01-01T14:00:00Z", "data": data })
}

fn report_of(kind: &str, more: Value) -> Option<Report> {
    match parse(&event(kind, more)).pop()? {
        NoticeKind::Report { report, .. } => Some(report),
        other => panic!("{kind}: {other:?}"),
    }
}

#[test]
fn a_request_is_believed_as_standard_webhooks_sign_it() {
    let body = event("sms.delivered", json!({})).to_string();
    let timestamp = now().timestamp().to_string();
    let signature = standard_webhooks::sign(&Secret::new(SECRET), "msg_1", &timestamp, body.as_bytes());
    let headers = [("webhook-id", "msg_1".to_owned()), ("webhook-timestamp", timestamp)];
    let mut signed = request(body);
    signed.headers = headers.map(|(name, value)| (name.to_owned(), Bytes::from(value))).to_vec();
    assert_eq!(WEBHOOK.verify(&signed, now()), Err(SignatureError::Missing));
    signed.headers.push(("webhook-signature".to_owned(), Bytes::from(signature.expect("a signature"))));
    assert_eq!(WEBHOOK.verify(&signed, now()), Ok(()));
    let late = now() + chrono::TimeDelta::seconds(301);
    assert!(matches!(WEBHOOK.verify(&signed, late), Err(SignatureError::Stale { .. })));
    signed.body = Bytes::from_static(b"{}");
    assert_eq!(WEBHOOK.verify(&signed, now()), Err(SignatureError::Forged));
    let mut settings = settings();
    settings.webhook_secrets.clear();
    let unset = BirdWebhook::try_new(&settings).expect("valid settings");
    assert_eq!(unset.verify(&signed, now()), Err(SignatureError::Missing));
}

#[test]
fn a_status_carries_our_token() {
    let failed = json!({ "error": { "code": "recipient_opted_out", "description": "STOP" } });
    let kinds = parse(&event("sms.failed", failed));
    let [NoticeKind::Report { token, provider_message_id, to, channel, occurred_at, provider_event_id, report }] =
        &kinds[..]
    else {
        panic!("{kinds:?}")
    };
    assert_eq!((token.as_deref(), to.as_deref(), *channel), (Some("t-o_k"), Some("+14155550101"), Channel::Sms));
    assert_eq!(provider_message_id.as_deref(), Some("sms_01jabc"));
    assert_eq!(provider_event_id.as_deref(), Some("sms_01jabc:failed:recipient_opted_out"));
    assert_eq!(*occurred_at, Some(now()));
    assert!(matches!(report, Report::Failed { class: RetryClass::OptedOut, code: Some(_), detail: Some(_) }));
    let bare = parse(&event("sms.delivered", json!({ "metadata": null })));
    assert!(matches!(&bare[..], [NoticeKind::Report { token: None, provider_message_id: Some(_), .. }]));
}

#[test]
fn each_event_means_what_it_means() {
    assert_eq!(report_of("sms.accepted", json!({ "segments": { "count": 2 } })), None);
    let cost = json!({ "segments": { "count": 3 }, "cost": { "amount": "0.0158", "currency_code": "USD" } });
    let usd: Currency = "USD".parse().expect("a currency");
    let sent = report_of("sms.sent", cost);
    assert!(
        matches!(sent, Some(Report::Sent { segments: 3, cost_micros: Some(15_800), currency: Some(c), .. }) if c == usd)
    );
    assert_eq!(report_of("sms.delivered", json!({ "carrier": null, "mcc_mnc": null })), Some(Report::Delivered));
    let class = |kind: &str, code: Value| match report_of(kind, json!({ "error": { "code": code } })) {
        Some(Report::Failed { class, .. }) => class,
        other => panic!("{kind}: {other:?}"),
    };
    assert_eq!(class("sms.undelivered", json!("unreachable")), RetryClass::Transient);
    assert_eq!(class("sms.rejected", json!("insufficient_balance")), RetryClass::Configuration);
    assert_eq!(class("sms.failed", json!("content_rejected")), RetryClass::ContentRefused);
    assert_eq!(class("sms.expired", json!(null)), RetryClass::Transient);
    assert_eq!(class("sms.canceled", json!(null)), RetryClass::Permanent);
    let dead = report_of("sms.failed", json!({ "error": { "code": "invalid_destination" } }));
    assert!(matches!(dead, Some(Report::Bounced { bounce: BounceKind::Hard, .. })));
    assert_eq!(parse(&json!({ "type": "email.opened", "data": {} })), [], "the endpoint hears of more than SMS");
}

#[test]
fn an_incoming_text_is_read() {
    let received = json!({ "from": "+14155550101", "to": "+12025550199", "text": "STOP", "metadata": null });
    let kinds = parse(&event("sms.received", received));
    let [NoticeKind::Inbound(inbound)] = &kinds[..] else { panic!("{kinds:?}") };
    assert_eq!((inbound.from.as_str(), inbound.to.as_deref()), ("+14155550101", Some("+12025550199")));
    assert_eq!((inbound.text.as_str(), inbound.occurred_at, inbound.opt_out), ("STOP", Some(now()), None));
    assert_eq!(inbound.provider_message_id, "sms_01jabc");
    assert!(inbound.original.contains("sms.received"));
}

#[test]
fn what_cannot_be_read_is_kept_and_said_so() {
    let unclear = |kinds: Vec<NoticeKind>| matches!(&kinds[..], [NoticeKind::Unclear { .. }]);
    let cases = [
        json!([]),
        json!({}),
        json!({ "type": "sms.delivered" }),
        json!({ "type": "sms.delivered", "data": { "sms_id": "" } }),
        event("sms.teleported", json!({})),
        event("sms.received", json!({ "text": null })),
        event("sms.received", json!({ "from": null, "text": "hi" })),
        json!({ "type": "preference.revoked", "data": { "handle": "+14155550101", "channel": "sms" } }),
    ];
    for case in cases {
        assert!(unclear(parse(&case)), "{case}");
    }
    let bytes = futures::executor::block_on(WEBHOOK.parse(&request(vec![0xff, 0]), now()));
    assert!(matches!(&bytes[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]));
}

#[test]
fn hostile_texts_are_taken_without_harm() {
    let text = |text: &str| match parse(&event("sms.received", json!({ "text": text }))).pop() {
        Some(NoticeKind::Inbound(inbound)) => *inbound,
        other => panic!("{other:?}"),
    };
    assert_eq!(text("a\0b").text, "a\u{FFFD}b");
    assert_eq!(text("").text, "");
    let huge = text(&"x".repeat(1024 * 1024));
    assert_eq!((huge.text.len(), huge.hints.is_cut), (100_000, true));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(
        headers in proptest::collection::vec(
            ("webhook-(id|timestamp|signature)", "[0-9]{1,12}|v1,[A-Za-z0-9+/=]{0,50}"), 0..5),
        kind in "sms\\.(sent|delivered|failed|received)|.{0,20}",
        fields in proptest::collection::vec(("sms_id|from|to|text|error|metadata|segments|cost", ".{0,30}"), 0..8),
        noise in any::<Vec<u8>>(),
    ) {
        let data: Value = Value::Object(fields.into_iter().map(|(name, value)| (name, json!(value))).collect());
        let document = json!({ "type": kind, "timestamp": "x", "data": data }).to_string();
        for body in [Bytes::from(document), Bytes::from(noise)] {
            let headers = headers.iter().map(|(name, value)| (name.clone(), Bytes::from(value.clone()))).collect();
            let request = WebhookRequest { headers, ..request(body) };
            prop_assert!(WEBHOOK.verify(&request, now()).is_err());
            prop_assert!(futures::executor::block_on(WEBHOOK.parse(&request, now())).len() <= 1);
        }
    }
}
