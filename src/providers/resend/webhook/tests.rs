//! Who is believed, and that a repetition is known by the id of its request, kept or not.

use std::sync::LazyLock;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::super::settings::tests::{SECRET, settings};
use super::*;
use crate::providers::kit::client::ClientOptions;

const AT: i64 = 1_708_645_272;
const DELIVERED: &str =
    r#"{"type":"email.delivered","created_at":"2024-02-22T23:41:12.126Z","data":{"email_id":"5676"}}"#;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(AT, 0).expect("a time")
}

static WEBHOOK: LazyLock<ResendWebhook> = LazyLock::new(|| {
    let client = HttpClient::new(ClientOptions::default()).expect("a client");
    ResendWebhook::try_new(&settings(), client).expect("valid settings")
});

fn request(signature: &str, body: &str) -> WebhookRequest {
    let timestamp = AT.to_string();
    let headers = [("svix-id", "msg_test0000"), ("svix-timestamp", &timestamp), ("svix-signature", signature)];
    let headers = [("content-type", "application/json")].into_iter().chain(headers);
    let headers = headers.map(|(name, value)| (name.to_owned(), Bytes::from(value.to_owned()))).collect();
    let (url, body) = ("https://crm.example.com/hooks?webhook-id=another".to_owned(), Bytes::from(body.to_owned()));
    WebhookRequest { method: "POST".to_owned(), url, headers, body }
}

fn signed(body: &str) -> WebhookRequest {
    let signature = standard_webhooks::sign(&Secret::new(SECRET), "msg_test0000", &AT.to_string(), body.as_bytes());
    request(&signature.expect("a secret"), body)
}

/// A body that was read and written anew is another one (pathment/pathment#408).
#[test]
fn only_the_bytes_that_were_signed_are_believed() {
    // Made with the secret of the official vectors.
    let body = "{\"type\":\"email.sent\",\"created_at\":\"2024-02-22T23:41:12.126Z\",\"data\":{\"email_id\":\
        \"56761188-7520-42d8-8898-ff6fc54ce618\",\"created_at\":\"2024-02-22T23:41:11.894719+00:00\",\"from\":\
        \"Acme <onboarding@resend.dev>\",\"to\":[\"delivered@resend.dev\"],\"subject\":\"Sending this example\",\
        \"tags\":{\"crm_message\":\"0190b6b2\"}}}";
    let genuine = request("v1,1gaxirrJ6Gx6Upuj64IkBa7BByML3CvojV+f3tAE1iM=", body);
    assert_eq!(WEBHOOK.verify(&genuine, now()), Ok(()));
    let rewritten = WebhookRequest { body: Bytes::from(body.replace("\":", "\": ")), ..genuine.clone() };
    assert_eq!(WEBHOOK.verify(&rewritten, now()), Err(SignatureError::Forged));
    let late = now() + TimeDelta::minutes(6);
    assert_eq!(WEBHOOK.verify(&genuine, late), Err(SignatureError::Stale { age: TimeDelta::minutes(6) }));
}

#[test]
fn without_a_secret_nothing_is_believed() {
    let mut settings = settings();
    settings.webhook_secrets = vec![];
    let client = HttpClient::new(ClientOptions::default()).expect("a client");
    let webhook = ResendWebhook::try_new(&settings, client).expect("valid settings");
    assert_eq!(webhook.verify(&signed(DELIVERED), now()), Err(SignatureError::Missing));
}

#[tokio::test]
async fn what_is_kept_says_the_same_under_the_same_id_and_proves_nothing() {
    let genuine = signed(DELIVERED);
    let told = WEBHOOK.parse(&genuine, now()).await;
    let NoticeKind::Report { provider_event_id, .. } = &told[0].kind else { panic!("{told:?}") };
    assert_eq!(provider_event_id.as_deref(), Some("msg_test0000"));
    let kept = WEBHOOK.part(&genuine, &told[0].raw);
    assert_eq!(WEBHOOK.verify(&kept, now()), Err(SignatureError::Missing));
    assert_eq!(WEBHOOK.parse(&kept, now()).await, told);
}

#[tokio::test]
async fn hostile_bodies_are_kept_and_harm_nobody() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["", "{", "null", "[]", "{}", &deep] {
        let told = WEBHOOK.parse(&signed(body), now()).await;
        assert!(matches!(&told[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]), "{told:?}");
    }
    assert_eq!(WEBHOOK.parse(&signed(r#"{"type":"contact.created"}"#), now()).await, []);
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(signature in "v1,[A-Za-z0-9+/=]{0,50}|.{0,30}", body in any::<Vec<u8>>()) {
        let request = WebhookRequest { body: body.into(), ..request(&signature, "") };
        prop_assert!(WEBHOOK.verify(&request, now()).is_err());
        for notice in futures::executor::block_on(WEBHOOK.parse(&request, now())) {
            WEBHOOK.part(&request, &notice.raw);
        }
    }
}
