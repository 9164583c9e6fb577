//! Who is believed, and for what: a signature proves no more than one body.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::super::settings::tests::settings;
use super::*;
use crate::providers::kit::client::ClientOptions;

const KEY: &str = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0";
const AT: i64 = 1_790_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(AT, 0).expect("a time")
}

fn webhook() -> MailgunWebhook {
    let mut settings = settings();
    settings.signing_keys = vec![Secret::new(KEY)];
    let client = HttpClient::new(ClientOptions::default()).expect("a client");
    MailgunWebhook::try_new(&settings, client).expect("valid settings")
}

fn request(content_type: &str, body: &str) -> WebhookRequest {
    let headers = vec![("Content-Type".to_owned(), Bytes::from(content_type.to_owned()))];
    WebhookRequest {
        method: "POST".to_owned(),
        url: "https://crm.example.com/hooks?a=b".to_owned(),
        headers,
        body: Bytes::from(body.to_owned()),
    }
}

fn event(token: &str, name: &str) -> WebhookRequest {
    let signature = signature::sign(&Secret::new(KEY), &AT.to_string(), token);
    let signed = json!({ "timestamp": AT.to_string(), "token": token, "signature": signature });
    let data = json!({ "event": name, "id": "a", "timestamp": AT, "recipient": "ada@example.org" });
    request("application/json", &json!({ "signature": signed, "event-data": data }).to_string())
}

/// The body is not covered, so that whoever gets hold of a signature could say anything with it (PostHog/posthog#77489).
#[test]
fn a_token_proves_one_body_however_often_it_comes() {
    let webhook = webhook();
    let genuine = event("token-1", "delivered");
    for _ in 0..3 {
        assert_eq!(webhook.verify(&genuine, now()), Ok(()));
    }
    assert_eq!(webhook.verify(&event("token-1", "complained"), now()), Err(SignatureError::Forged));
    assert_eq!(webhook.verify(&genuine, now()), Ok(()));
    assert_eq!(webhook.verify(&event("token-2", "complained"), now()), Ok(()));
}

/// A window of minutes loses what is repeated after hours (beyondcode/laravel-mailbox#93).
#[test]
fn what_is_repeated_for_eight_hours_is_believed_and_no_longer() {
    let genuine = event("token-1", "delivered");
    assert_eq!(webhook().verify(&genuine, now() + TimeDelta::hours(8)), Ok(()));
    let late = now() + TimeDelta::hours(10);
    assert_eq!(webhook().verify(&genuine, late), Err(SignatureError::Stale { age: TimeDelta::hours(10) }));
}

#[tokio::test]
async fn what_is_kept_says_the_same_and_proves_nothing() {
    let webhook = webhook();
    let genuine = event("token-1", "delivered");
    let told = webhook.parse(&genuine, now()).await;
    let kept = webhook.part(&genuine, &told[0].raw);
    assert_eq!(webhook.verify(&kept, now()), Err(SignatureError::Missing));
    assert_eq!((kept.url.as_str(), webhook.parse(&kept, now()).await), ("", told));

    let signature = signature::sign(&Secret::new(KEY), &AT.to_string(), "token-2");
    let fields = format!("from=ada%40example.org&body-plain=Hello&timestamp={AT}&token=token-2&signature={signature}");
    let mail = request("application/x-www-form-urlencoded", &fields);
    assert_eq!(webhook.verify(&mail, now()), Ok(()));
    let told = webhook.parse(&mail, now()).await;
    let kept = webhook.part(&mail, &told[0].raw);
    assert_eq!(webhook.verify(&kept, now()), Err(SignatureError::Forged));
    assert_eq!(webhook.parse(&kept, now()).await, told);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(
        kind in "multipart/form-data; boundary=x|multipart/form-data|application/(json|x-www-form-urlencoded)|.{0,20}",
        signature in "[0-9a-f]{0,70}|.{0,20}",
        body in any::<Vec<u8>>(),
    ) {
        static WEBHOOK: LazyLock<MailgunWebhook> = LazyLock::new(webhook);
        let signed = json!({ "signature": { "timestamp": AT, "token": "t", "signature": signature } }).to_string();
        let form = format!("timestamp={AT}&token=t&signature={signature}");
        for body in [body, signed.into_bytes(), form.into_bytes()] {
            let request = WebhookRequest { body: body.into(), ..request(&kind, "") };
            prop_assert!(WEBHOOK.verify(&request, now()).is_err());
            let told = futures::executor::block_on(WEBHOOK.parse(&request, now()));
            for notice in told {
                WEBHOOK.part(&request, &notice.raw);
            }
        }
    }
}
