use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use url::form_urlencoded;

use super::super::settings::tests::settings;
use super::*;
use crate::domain::value::Currency;
use crate::domain::value::message::{BounceKind, RetryClass};

const URL: &str = "https://crm.example.com/webhooks/messagebird/main";

static WEBHOOK: LazyLock<MessagebirdWebhook> =
    LazyLock::new(|| MessagebirdWebhook::try_new(&settings()).expect("valid settings"));

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_276_000, 0).expect("a time")
}

fn get(query: &str) -> WebhookRequest {
    let url = format!("{URL}?{query}");
    WebhookRequest { method: "GET".to_owned(), url, ..WebhookRequest::default() }
}

fn post(body: impl Into<Bytes>) -> WebhookRequest {
    WebhookRequest { method: "POST".to_owned(), url: URL.to_owned(), headers: vec![], body: body.into() }
}

fn parse(request: &WebhookRequest) -> Vec<NoticeKind> {
    let notices = futures::executor::block_on(WEBHOOK.parse(request, now()));
    notices.into_iter().map(|notice| notice.kind).collect()
}

fn inbound(body: &str) -> Inbound {
    match parse(&post(body.to_owned())).pop() {
        Some(NoticeKind::Inbound(inbound)) => *inbound,
        other => panic!("{body}: {other:?}"),
    }
}

fn status(more: &str) -> Option<Report> {
    match parse(&get(&format!("id=b6aae1b5dfb2427a8f7ea6a717ba31a9&recipient=14155550101&{more}"))).pop()? {
        NoticeKind::Report { report, .. } => Some(report),
        other => panic!("{more}: {other:?}"),
    }
}

#[test]
fn a_report_comes_in_the_query_and_carries_our_token() {
    let query = "token=t-o_k&datacoding=plain&id=b6aae1b5dfb2427a8f7ea6a717ba31a9&mccmnc=310010&mess\
        ageLength=4&messagePartCount=1&ported=0&price%5Bamount%5D=0.000&price%5Bcurrency%5D=USD&recipient=141555\
        50101&reference=01JABCDEF&status=delivered&statusDatetime=2026-01-01T14%3A00%3A00%2B00%3A00&statusReason\
        =successfully+delivered";
    let kinds = parse(&get(query));
    let [NoticeKind::Report { token, provider_message_id, to, channel, occurred_at, provider_event_id, report }] =
        &kinds[..]
    else {
        panic!("{kinds:?}")
    };
    assert_eq!((token.as_deref(), to.as_deref(), *channel), (Some("t-o_k"), Some("+14155550101"), Channel::Sms));
    assert_eq!(provider_message_id.as_deref(), Some("b6aae1b5dfb2427a8f7ea6a717ba31a9"));
    assert_eq!(provider_event_id.as_deref(), Some("b6aae1b5dfb2427a8f7ea6a717ba31a9:delivered:0"));
    assert_eq!((*occurred_at, report), (Some(now()), &Report::Delivered));
    let bare = parse(&get(query.trim_start_matches("token=t-o_k&")));
    assert!(matches!(&bare[0], NoticeKind::Report { token: Some(token), .. } if token == "01JABCDEF"));
    // Where the plus was not encoded, it arrives as a space.
    let plus = parse(&get(&query.replace("%2B", "+")));
    assert!(matches!(&plus[0], NoticeKind::Report { occurred_at: Some(at), .. } if *at == now()));
}

#[test]
fn each_status_means_what_it_means() {
    assert_eq!(status("status=scheduled"), None);
    let sent = status("status=sent&messagePartCount=2&price%5Bamount%5D=0.075&price%5Bcurrency%5D=EUR");
    let eur: Currency = "EUR".parse().expect("a currency");
    assert!(
        matches!(sent, Some(Report::Sent { segments: 2, cost_micros: Some(75_000), currency: Some(c), .. }) if c == eur)
    );
    assert_eq!(status("status=buffered"), Some(Report::Deferred { code: None, detail: None }));
    assert_eq!(status("status=Delivered"), Some(Report::Delivered));
    let class = |more: &str| match status(more) {
        Some(Report::Failed { class, .. }) => class,
        other => panic!("{more}: {other:?}"),
    };
    assert_eq!(class("status=delivery_failed&statusErrorCode=103"), RetryClass::OptedOut);
    assert_eq!(class("status=delivery_failed&statusErrorCode=34"), RetryClass::Transient);
    assert_eq!(class("status=delivery_failed&statusErrorCode=11"), RetryClass::Permanent);
    assert_eq!(class("status=expired"), RetryClass::Transient);
    assert_eq!(class("status=expired&statusErrorCode=0"), RetryClass::Transient);
    let dead = status("status=delivery_failed&statusErrorCode=1&statusReason=unknown+subscriber");
    assert!(matches!(dead, Some(Report::Bounced { bounce: BounceKind::Hard, diagnostic: Some(_), .. })));
}

#[test]
fn incoming_texts_have_several_shapes() {
    let body = "id=3b53c137369242138120d6b0b2122607&recipient=12025550199&originator=14155550101&body=Hello\
        &createdDatetime=2026-01-01T14%3A00%3A00%2B00%3A00";
    let text = inbound(body);
    assert_eq!((text.from.as_str(), text.to.as_deref()), ("+14155550101", Some("+12025550199")));
    assert_eq!((text.text.as_str(), text.occurred_at), ("Hello", Some(now())));
    assert_eq!(text.provider_message_id, "3b53c137369242138120d6b0b2122607");
    assert_eq!(text.original, body);
    // A repeated id counts once, and names differ in case.
    let odd = inbound(&format!(
        "{}&id=2",
        body.replace("createdDatetime", "CreatedDatetime").replace("recipient", "receiver")
    ));
    assert_eq!(
        (odd.provider_message_id, odd.occurred_at, odd.to),
        (text.provider_message_id, text.occurred_at, text.to)
    );
    let code = "shortcode=51515&mid=3b53c137369242138120d6b0b2122607&message=Hello&originator=14155550101\
        &receive_datetime=20260101140000";
    let code = inbound(code);
    assert_eq!((code.text.as_str(), code.to.as_deref(), code.occurred_at), ("Hello", Some("51515"), None));
    let json = inbound(r#"{"id":"1","originator":31612345678,"recipient":3197,"body":"h\u00e9"}"#);
    assert_eq!((json.from.as_str(), json.text.as_str(), json.to.as_deref()), ("+31612345678", "h\u{e9}", Some("3197")));
}

#[test]
fn an_incoming_text_needs_its_sender_and_not_its_receiver() {
    let text = inbound("id=1&originator=14155550101&body=Hello");
    assert_eq!((text.from.as_str(), text.to), ("+14155550101", None));
    let without = parse(&post("id=1&recipient=12025550199&body=Hello"));
    assert!(matches!(&without[..], [NoticeKind::Unclear { .. }]));
}

#[test]
fn pictures_are_noted_and_not_fetched() {
    let picture = |more: &str| inbound(&format!("message_id=1&originator=14155550101&recipient=1&{more}"));
    let one = picture("subject=Bill&body=&mediaUrls=https%3A%2F%2Fx.example%2Fa.png&mediaUrls=file%3A%2F%2F%2Fetc");
    let urls: Vec<_> = one.media.iter().filter_map(|media| media.url.as_deref()).collect();
    assert_eq!(urls, ["https://x.example/a.png", "file:///etc"]);
    assert_eq!((one.subject.as_deref(), one.text.as_str()), (Some("Bill"), ""));
    let listed = picture("mediaURLs=%5B%22https%3A%2F%2Fx.example%2Fa%22%2C%22https%3A%2F%2Fx.example%2Fb%22%5D");
    assert_eq!(listed.media.len(), 2);
}

#[test]
fn what_cannot_be_read_is_kept_and_said_so() {
    let unclear = |kinds: Vec<NoticeKind>| matches!(&kinds[..], [NoticeKind::Unclear { .. }]);
    let long = format!("id=1&status={}", "x".repeat(100_000));
    for query in
        ["", "a=b", "id=1&status=teleported", "id=1&status=sent&statusErrorCode=many", "id=1&originator=1", &long]
    {
        assert!(unclear(parse(&get(query))), "{query}");
    }
    for body in ["id=1&body=x", "[1]", "{}", "\u{0}=\u{0}"] {
        assert!(unclear(parse(&post(body.to_owned()))), "{body}");
    }
    assert!(unclear(parse(&post(vec![0xff, 0, b'=', 0xfe]))));
    assert_eq!(WEBHOOK.answer().body, "OK");
}

#[test]
fn hostile_texts_are_taken_without_harm() {
    let text = |body: &str| inbound(&format!("id=1&originator=14155550101&body={body}"));
    assert_eq!(text("a%00b").text, "a\u{FFFD}b");
    assert_eq!(text("%FF%FE").text, "\u{FFFD}\u{FFFD}");
    let huge = text(&"x".repeat(1024 * 1024));
    assert_eq!((huge.text.len(), huge.hints.is_cut), (100_000, true));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(
        method in "GET|POST|.{0,4}",
        url in ".{0,80}",
        headers in proptest::collection::vec(
            ("messagebird-(signature|signature-jwt|request-timestamp)|.{0,10}", "[0-9]{0,20}|.{0,40}"), 0..4),
        body in any::<Vec<u8>>(),
        fields in proptest::collection::vec(
            ("id|status|originator|body|statusErrorCode|statusDatetime|mediaUrls|price\\[amount\\]", ".{0,30}"), 0..8),
    ) {
        let headers = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let mut request = WebhookRequest { method, url, headers, body: body.into() };
        prop_assert!(WEBHOOK.verify(&request, now()).is_err());
        parse(&request);
        request.body = form.into();
        prop_assert!(WEBHOOK.verify(&request, now()).is_err());
        prop_assert!(parse(&request).len() <= 1);
    }
}
