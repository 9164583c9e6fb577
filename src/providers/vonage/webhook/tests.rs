use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::settings::tests::{messages as messages_settings, sms as sms_settings};
use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass, Report, RetryClass};
use crate::domain::value::{Channel, Currency};

const URL: &str = "https://crm.example.com/webhooks/vonage/main";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_276_000, 0).expect("a time")
}

// Settings are read once: a client that is made with them loads the system's certificates.
static SMS: LazyLock<VonageWebhook> =
    LazyLock::new(|| VonageWebhook::try_new(&sms_settings(&[]).expect("valid settings")).expect("a webhook"));
static MESSAGES: LazyLock<VonageWebhook> =
    LazyLock::new(|| VonageWebhook::try_new(&messages_settings(&[]).expect("valid settings")).expect("a webhook"));

fn post(url: &str, body: impl Into<Bytes>) -> WebhookRequest {
    WebhookRequest { method: "POST".to_owned(), url: url.to_owned(), headers: vec![], body: body.into() }
}

fn parse(webhook: &VonageWebhook, request: &WebhookRequest) -> Vec<Notice> {
    futures::executor::block_on(webhook.parse(request, now()))
}

/// What parameters of the SMS API say.
fn said(parameters: &[(&str, &str)]) -> Vec<NoticeKind> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    parse(&SMS, &post(URL, body)).into_iter().map(|notice| notice.kind).collect()
}

/// What a document of the Messages API says.
fn told(document: &Value) -> Vec<NoticeKind> {
    let request = post(&format!("{URL}?token=t-o_k"), document.to_string());
    parse(&MESSAGES, &request).into_iter().map(|notice| notice.kind).collect()
}

fn inbound(mut notices: Vec<NoticeKind>) -> Inbound {
    match notices.pop() {
        Some(NoticeKind::Inbound(inbound)) => *inbound,
        other => panic!("{other:?}"),
    }
}

fn report(mut notices: Vec<NoticeKind>) -> Report {
    match notices.pop() {
        Some(NoticeKind::Report { report, .. }) => report,
        other => panic!("{other:?}"),
    }
}

const RECEIPT: &[(&str, &str)] = &[
    ("msisdn", "447700900000"),
    ("to", "AcmeInc"),
    ("network-code", "23410"),
    ("messageId", "0A0000001234567B"),
    ("price", "0.03330000"),
    ("scts", "2601011359"),
    ("api-key", "abcd1234"),
    ("client-ref", "00000000-0000-0000-0000-000000000009"),
    ("message-timestamp", "2026-01-01 14:00:00"),
];

#[test]
fn a_receipt_names_the_receiver_and_our_reference() {
    let kinds = said(&[RECEIPT, &[("status", "delivered"), ("err-code", "0")]].concat());
    let [NoticeKind::Report { token, provider_message_id, to, channel, occurred_at, provider_event_id, report }] =
        &kinds[..]
    else {
        panic!("{kinds:?}")
    };
    assert_eq!(token.as_deref(), Some("00000000-0000-0000-0000-000000000009"));
    assert_eq!(provider_message_id.as_deref(), Some("0A0000001234567B"));
    assert_eq!((to.as_deref(), *channel, *occurred_at), (Some("+447700900000"), Channel::Sms, Some(now())));
    assert_eq!(provider_event_id.as_deref(), Some("0A0000001234567B:delivered:0"));
    assert_eq!(*report, Report::Delivered);
    let earlier: Vec<_> = RECEIPT.iter().filter(|(name, _)| *name != "message-timestamp").copied().collect();
    let kinds = said(&[&earlier[..], &[("status", "delivered")]].concat());
    let NoticeKind::Report { occurred_at, .. } = &kinds[0] else { panic!() };
    assert_eq!(occurred_at.map(|at| (now() - at).num_seconds()), Some(60), "the carrier's minute");
}

#[test]
fn receipts_are_read_from_query_form_and_json_alike() {
    let parameters = [RECEIPT, &[("status", "delivered"), ("err-code", "0")]].concat();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    let mut json = Value::Object(parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect());
    json["err-code"] = json!(0);
    let mut get = post(&format!("{URL}?{query}"), "");
    get.method = "GET".to_owned();
    let as_form = parse(&SMS, &post(URL, query.clone()));
    for request in [get, post(&format!("{URL}?{query}"), ""), post(URL, json.to_string())] {
        assert_eq!(parse(&SMS, &request)[0].kind, as_form[0].kind);
    }
    assert_eq!(as_form[0].raw, query);
}

#[test]
fn each_status_of_a_receipt_means_what_it_means() {
    let report_of = |status, code| report(said(&[RECEIPT, &[("status", status), ("err-code", code)]].concat()));
    assert!(matches!(report_of("accepted", "0"), Report::Sent { cost_micros: None, .. }));
    assert_eq!(report_of("buffered", "0"), Report::Deferred { code: None, detail: None });
    assert_eq!(report_of("Delivered", "0"), Report::Delivered);
    let class = |status, code| match report_of(status, code) {
        Report::Failed { class, .. } => class,
        other => panic!("{other:?}"),
    };
    assert_eq!(class("failed", "9"), RetryClass::OptedOut);
    assert_eq!(class("rejected", "50"), RetryClass::ContentRefused);
    assert_eq!(class("expired", "0"), RetryClass::Transient);
    assert_eq!(class("rejected", "0"), RetryClass::Permanent);
    assert_eq!(class("deleted", "0"), RetryClass::Permanent);
    assert!(matches!(report_of("failed", "3"), Report::Bounced { bounce: BounceKind::Hard, .. }));
    assert_eq!(said(&[RECEIPT, &[("status", "unknown")]].concat()), []);
}

#[test]
fn an_incoming_text_comes_from_the_msisdn() {
    let text = [
        ("api-key", "abcd1234"),
        ("msisdn", "447700900001"),
        ("to", "447700900000"),
        ("messageId", "0A0000000123ABC1"),
        ("text", "STOP"),
        ("type", "text"),
        ("keyword", "STOP"),
        ("message-timestamp", "2026-01-01 14:00:00"),
    ];
    let read = inbound(said(&text));
    assert_eq!((read.from.as_str(), read.to.as_deref()), ("+447700900001", Some("+447700900000")));
    assert_eq!((read.text.as_str(), read.occurred_at), ("STOP", Some(now())));
    assert_eq!(read.opt_out, None, "Vonage does not say that it acts on the word");
    assert!(read.original.contains("keyword=STOP"));
    let short = inbound(said(&[&text[..2], &[("to", "24680"), ("messageId", "1"), ("text", "hi")]].concat()));
    assert_eq!(short.to.as_deref(), Some("24680"));
}

#[test]
fn the_parts_of_a_long_text_say_their_place() {
    let part = |number, id, text| {
        let concat = [("concat", "true"), ("concat-ref", "1"), ("concat-total", "2"), ("concat-part", number)];
        let rest = [("msisdn", "447700900001"), ("messageId", id), ("text", text)];
        inbound(said(&[&concat[..], &rest].concat())).text
    };
    assert_eq!(part("2", "0A0000000123ABC2", "stop"), "(2/2) stop", "a fragment is no keyword");
    assert_eq!(part("1", "0A0000000123ABC1", "Hello"), "(1/2) Hello");
    let whole = [("concat", "false"), ("msisdn", "447700900001"), ("messageId", "1"), ("text", "Hello")];
    assert_eq!(inbound(said(&whole)).text, "Hello");
}

#[test]
fn parts_that_do_not_say_their_place_are_texts_of_their_own_in_the_order_in_which_they_come() {
    let parts = [("3", "end."), ("1", "It begins, "), ("2", "goes on, ")];
    let texts = parts.map(|(id, text)| inbound(said(&[("msisdn", "447700900001"), ("messageId", id), ("text", text)])));
    assert_eq!(texts.each_ref().map(|text| text.text.as_str()), ["end.", "It begins, ", "goes on, "]);
    assert_eq!(texts.map(|text| text.provider_message_id), ["3", "1", "2"]);
}

fn status(more: Value) -> Value {
    let mut event = json!({
        "message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab",
        "to": "447700900000",
        "from": "447700900001",
        "timestamp": "2026-01-01T14:00:00.000Z",
        "channel": "sms",
        "client_ref": "01JABCDEF",
    });
    let Value::Object(more) = more else { panic!() };
    event.as_object_mut().expect("an object").extend(more);
    event
}

#[test]
fn a_status_carries_our_token_and_the_price() {
    let usage = json!({ "currency": "EUR", "price": "0.0333" });
    let usage = json!({ "status": "submitted", "usage": usage, "sms": { "count_total": "2" } });
    let kinds = told(&status(usage));
    let [NoticeKind::Report { token, to, occurred_at, provider_event_id, report, .. }] = &kinds[..] else { panic!() };
    assert_eq!((token.as_deref(), to.as_deref(), *occurred_at), (Some("t-o_k"), Some("+447700900000"), Some(now())));
    assert_eq!(provider_event_id.as_deref(), Some("aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab:submitted:"));
    let eur: Currency = "EUR".parse().expect("a currency");
    assert!(
        matches!(report, Report::Sent { segments: 2, cost_micros: Some(33_300), currency: Some(c), .. } if *c == eur)
    );
    let bare = parse(&MESSAGES, &post(URL, status(json!({ "status": "delivered" })).to_string()));
    assert!(matches!(&bare[0].kind, NoticeKind::Report { token: Some(token), .. } if token == "01JABCDEF"));
}

#[test]
fn each_status_of_the_messages_api_means_what_it_means() {
    let report_of = |more| report(told(&status(more)));
    assert_eq!(report_of(json!({ "status": "delivered" })), Report::Delivered);
    assert!(matches!(report_of(json!({ "status": "read" })), Report::Opened { class: EngagementClass::Human, .. }));
    let error = |title: Value, detail: &str| {
        let kind = "https://developer.vonage.com/api-errors/messages#1000";
        json!({ "status": "rejected", "error": { "type": kind, "title": title, "detail": detail } })
    };
    let failed = |more| match report_of(more) {
        Report::Failed { class, code, detail } => (class, code.unwrap_or_default(), detail.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let limited = (RetryClass::RateLimited, "1000".to_owned(), "Throttled".to_owned());
    assert_eq!(failed(error(json!(1000), "Throttled")), limited);
    assert_eq!(failed(error(json!("1000"), "Throttled")), limited);
    let (class, code, words) = failed(error(json!("Rate Limit Hit"), "wait"));
    assert_eq!((class, code.as_str(), words.as_str()), (RetryClass::RateLimited, "1000", "Rate Limit Hit: wait"));
    assert_eq!(failed(error(json!(1240), "Recipient opted out")).0, RetryClass::OptedOut);
    assert_eq!(failed(json!({ "status": "undeliverable" })).0, RetryClass::Transient);
    assert_eq!(failed(json!({ "status": "rejected", "error": null })).0, RetryClass::Permanent);
}

fn message(more: Value) -> Value {
    status(more)
}

#[test]
fn what_people_write_is_read_whatever_its_kind() {
    let read = |more| inbound(told(&message(more)));
    let text =
        read(json!({ "message_type": "text", "text": "Hello", "sms": { "num_messages": "2", "keyword": "HELLO" } }));
    assert_eq!((text.from.as_str(), text.text.as_str(), text.channel), ("+447700900001", "Hello", Channel::Sms));
    assert_eq!(text.occurred_at, Some(now()));
    let button = read(json!({
        "channel": "whatsapp",
        "message_type": "button",
        "button": { "payload": "visit:confirm", "text": "Confirm" },
        "profile": { "name": "Ana" },
        "context": { "message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ae", "message_from": "447700900000" },
    }));
    assert_eq!((button.text.as_str(), button.channel), ("Confirm", Channel::Whatsapp));
    assert_eq!(button.in_reply_to.as_deref(), Some("aaaaaaaa-bbbb-4ccc-8ddd-0123456789ae"));
    assert_eq!(button.sender_name.as_deref(), Some("Ana"));
    let reply = read(json!({ "message_type": "reply", "reply": { "id": "row1", "title": "Red wine" } }));
    assert_eq!(reply.text, "Red wine");
    let reaction = read(json!({ "message_type": "reaction", "reaction": { "action": "react", "emoji": "\u{1F44D}" } }));
    assert_eq!(reaction.text, "\u{1F44D}");
    let place = json!({ "message_type": "location", "location": { "lat": 48.2, "long": "16.37", "name": "Cafe" } });
    let place = read(place);
    assert_eq!(place.text, "Cafe\n48.2, 16.37");
    assert_eq!(place.location.map(|location| location.latitude).as_deref(), Some("48.2"));
}

#[test]
fn files_are_noted_with_their_captions_and_not_fetched() {
    let read = |more| inbound(told(&message(more)));
    let image = json!({ "url": "http://169.254.169.254/x", "caption": "A bill", "name": "b.jpg" });
    let image = read(json!({ "message_type": "image", "image": image }));
    assert_eq!((image.text.as_str(), image.media.len()), ("A bill", 1));
    assert_eq!(image.media[0].url.as_deref(), Some("http://169.254.169.254/x"));
    assert_eq!(image.media[0].name.as_deref(), Some("b.jpg"));
    let mut content = vec![json!({ "type": "text", "text": "Two pictures" })];
    content.extend((0..12).map(|number| json!({ "type": "image", "url": format!("https://x.example/{number}") })));
    let mms = read(json!({ "channel": "mms", "message_type": "content", "content": content }));
    assert_eq!((mms.text.as_str(), mms.media.len(), mms.channel), ("Two pictures", 10, Channel::Sms));
}

#[test]
fn what_cannot_be_read_is_kept_and_said_so() {
    let unclear = |kinds: Vec<NoticeKind>| matches!(&kinds[..], [NoticeKind::Unclear { .. }]);
    let cases: &[&[(&str, &str)]] = &[
        &[],
        &[("a", "b")],
        &[("messageId", "1"), ("status", "teleported")],
        &[("messageId", "1"), ("status", "failed"), ("err-code", "many")],
        &[("messageId", "1"), ("status", "failed"), ("err-code", "99999999999")],
        &[("messageId", "1"), ("text", "hi")],
        &[("messageId", "1"), ("msisdn", "447700900001")],
        &[("messageId", "1"), ("msisdn", "447700900001"), ("type", "binary"), ("data", "0011"), ("udh", "06")],
        &[("messageId", "1"), ("status", &"x".repeat(100_000))],
    ];
    for case in cases {
        assert!(unclear(said(case)), "{case:?}");
    }
    let documents = [
        json!([]),
        json!({}),
        json!({ "message_uuid": 1 }),
        status(json!({ "status": "teleported" })),
        status(json!({ "channel": "messenger", "status": "delivered" })),
        status(json!({ "message_type": "unsupported" })),
        status(json!({ "message_type": "order", "order": {} })),
        json!({ "message_uuid": "1", "channel": "sms", "text": "hi" }),
    ];
    for document in documents {
        assert!(unclear(told(&document)), "{document}");
    }
    let bytes = parse(&MESSAGES, &post(URL, vec![0xff, 0, 0xfe]));
    assert!(matches!(&bytes[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]));
    assert!(!bytes[0].raw.contains('\0'));
}

#[test]
fn hostile_texts_are_taken_without_harm() {
    let text = |text: &str| inbound(said(&[("messageId", "1"), ("msisdn", "447700900001"), ("text", text)]));
    assert_eq!(text("a\0b").text, "a\u{FFFD}b");
    assert_eq!(text("").text, "");
    let huge = text(&"x".repeat(1024 * 1024));
    assert_eq!((huge.text.len(), huge.hints.is_cut), (100_000, true));
    assert_eq!(text("<script>").text, "<script>");
    assert_eq!(text("\u{65e5}\u{672c} \u{1F377}").text, "\u{65e5}\u{672c} \u{1F377}");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(
        method in "GET|POST|.{0,4}",
        url in ".{0,80}",
        headers in proptest::collection::vec(("authorization|.{0,10}", "Bearer .{0,40}|.{0,40}"), 0..4),
        body in any::<Vec<u8>>(),
        fields in proptest::collection::vec(
            ("messageId|status|msisdn|text|err-code|concat(-part|-total)?|sig|timestamp|message_uuid", ".{0,30}"), 0..8,
        ),
    ) {
        let headers = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let json = Value::Object(fields.into_iter().map(|(name, value)| (name, json!(value))).collect()).to_string();
        let mut request = WebhookRequest { method, url, headers, body: body.into() };
        for body in [request.body.clone(), form.into(), json.into()] {
            request.body = body;
            for webhook in [&*SMS, &*MESSAGES] {
                prop_assert!(webhook.verify(&request, now()).is_err());
                prop_assert!(parse(webhook, &request).len() <= 1);
            }
        }
    }
}
