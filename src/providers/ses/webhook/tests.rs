//! What the webhook believes before anything is fetched, and what it keeps.

use super::*;
use crate::clock::Ambient;
use crate::providers::NoticeKind;
use crate::providers::kit::client::ClientOptions;
use crate::providers::ses::settings::tests::settings;
use crate::providers::ses::sns::tests::message;

const TOPIC: &str = "arn:aws:sns:us-west-2:131990247566:dongie-standard-topic";

fn webhook(change: fn(&mut SesSettings)) -> SesWebhook {
    let mut settings = settings();
    settings.topic_arns = vec![TOPIC.to_owned()];
    change(&mut settings);
    let client = HttpClient::new(ClientOptions::default()).expect("a client");
    SesWebhook::try_new(&settings, client, Ambient::system()).expect("a webhook")
}

fn posted(url: &str, headers: &[(&str, &str)], body: &str) -> WebhookRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from((*value).to_owned()))).collect();
    WebhookRequest { method: "POST".to_owned(), url: url.to_owned(), headers, body: Bytes::from(body.to_owned()) }
}

fn now() -> DateTime<Utc> {
    "2026-03-06T20:05:00Z".parse().expect("a time")
}

#[test]
fn nothing_is_believed_without_topics_a_secret_or_a_certificate() {
    let signed = posted("https://x.example/", &[], &message("notification_v2_no_subject").to_string());
    assert_eq!(webhook(|settings| settings.topic_arns.clear()).verify(&signed, now()), Err(SignatureError::Missing));
    assert_eq!(webhook(|_| {}).verify(&signed, now()), Err(SignatureError::Forged), "no certificate was fetched");
    let foreign = webhook(|settings| settings.topic_arns = vec![TOPIC.replace("dongie", "other")]);
    assert_eq!(foreign.verify(&signed, now()), Err(SignatureError::Forged));
    let raw = posted("https://x.example/", &[("x-amz-sns-topic-arn", TOPIC)], "{\"eventType\":\"Send\"}");
    assert_eq!(webhook(|_| {}).verify(&raw, now()), Err(SignatureError::Missing));
}

#[test]
fn raw_message_delivery_is_believed_by_the_secret_of_its_url_and_its_topic() {
    let webhook = webhook(|settings| settings.webhook_secret = Some(Secret::new("a secret of the URL")));
    let check = |url: &str, topic: &str| {
        webhook.verify(&posted(url, &[("X-Amz-Sns-Topic-Arn", topic)], "{\"eventType\":\"Send\"}"), now())
    };
    let url = "https://x.example/webhooks/ses/main?secret=a%20secret%20of%20the%20URL";
    assert_eq!(check(url, TOPIC), Ok(()));
    assert_eq!(check(url, "arn:aws:sns:us-west-2:131990247566:other"), Err(SignatureError::Forged));
    assert_eq!(check("https://x.example/?secret=wrong", TOPIC), Err(SignatureError::Forged));
    assert_eq!(check("https://x.example/", TOPIC), Err(SignatureError::Missing));
    // Whoever knows the secret cannot pass off what claims to be signed.
    let signed = posted(url, &[("x-amz-sns-topic-arn", TOPIC)], &message("notification_v2_no_subject").to_string());
    assert_eq!(webhook.verify(&signed, now()), Err(SignatureError::Forged));
}

#[tokio::test]
async fn what_is_kept_says_the_same_and_holds_no_proof() {
    let webhook = webhook(|_| {});
    let mut notification = message("notification_v2_no_subject");
    notification["Message"] = "{\"eventType\":\"Supernova\"}".into();
    let headers = [("content-type", "text/plain; charset=UTF-8"), ("x-amz-sns-topic-arn", TOPIC)];
    let request = posted("https://x.example/?secret=s", &headers, &notification.to_string());
    let told = webhook.parse(&request, now()).await;
    let [Notice { raw, kind: NoticeKind::Unclear { .. } }] = &told[..] else { panic!("{told:?}") };
    let part = webhook.part(&request, raw);
    assert_eq!((part.url.as_str(), part.headers.len(), &part.body[..]), ("", 1, raw.as_bytes()));
    assert_eq!(webhook.parse(&part, now()).await, told);
}

#[tokio::test]
async fn the_end_of_a_subscription_is_kept_without_what_would_renew_it() {
    let webhook = webhook(|_| {});
    let request = posted("https://x.example/", &[], &message("unsubscribe_confirmation_v2").to_string());
    assert!(matches!(webhook.complete(&request).await, Ok(Cow::Borrowed(_))), "nobody is called");
    let told = webhook.parse(&request, now()).await;
    let [Notice { raw, kind: NoticeKind::Unclear { reason } }] = &told[..] else { panic!("{told:?}") };
    assert!(reason.contains("ended") && raw.contains(TOPIC) && !raw.contains("Token") && !raw.contains("Signature"));
    assert_eq!(webhook.part(&request, raw).body, raw.as_bytes());
    let confirmation = posted("https://x.example/", &[], &message("subscription_confirmation_v1").to_string());
    assert!(webhook.parse(&confirmation, now()).await.is_empty());
}

#[tokio::test]
async fn a_mail_in_a_bucket_that_is_not_ours_is_not_fetched() {
    let notification = "{\"notificationType\":\"Received\",\"receipt\":{\"action\":{\"type\":\"S3\",\
                        \"bucketName\":\"other\",\"objectKey\":\"1\"}}}";
    let request = posted("https://x.example/", &[], notification);
    assert_eq!(webhook(|_| {}).complete(&request).await.err(), Some(Incomplete::Never("no_bucket")));
    let webhook = webhook(|settings| settings.inbound_bucket = Some("mail".to_owned()));
    assert_eq!(webhook.complete(&request).await.err(), Some(Incomplete::Never("foreign_bucket")));
}
