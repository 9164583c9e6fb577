//! FCM against its double.

use std::sync::Arc;

use chrono::TimeDelta;
use commlog::clock::{Ambient, ManualClock, SeededEntropy};
use commlog::domain::value::Channel;
use commlog::domain::value::message::{Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::fcm::{Fcm, FcmSettings, FcmWebhook};
use commlog::providers::{Content, NoticeKind, NotificationContent, OutboundMessage, Provider, SendError, Webhook};
use serde_json::json;

use super::{ambient, cause_of, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::fcm::{Device, FcmDouble, error};

const REPORTS: &str = "https://crm.example.com/webhooks/fcm/main";
const DEVICE: &str = "bk3RNwTe3H0:CI2k_EXAMPLE";

fn provider(settings: FcmSettings, ambient: Ambient) -> Fcm {
    Fcm::try_new(settings, client(), ambient).expect("valid settings")
}

async fn start() -> (FcmDouble, Fcm) {
    let double = FcmDouble::start(ambient(2)).await;
    let fcm = provider(double.settings(REPORTS), ambient(1));
    (double, fcm)
}

fn push() -> OutboundMessage {
    to(DEVICE)
}

fn to(device: &str) -> OutboundMessage {
    OutboundMessage { to: device.to_owned(), ..message(Channel::Push, 9) }
}

fn saying(title: &str, body: String) -> OutboundMessage {
    let content = Content::Push(NotificationContent { title: Some(title.to_owned()), body });
    OutboundMessage { content, ..push() }
}

#[tokio::test]
async fn a_notification_is_handed_over_with_everything_that_matters() {
    let (double, fcm) = start().await;
    let accepted = fcm.send(push()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id.as_deref(), Some(taken.name.as_str()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    let sent = &taken.message;
    assert_eq!(sent["token"], DEVICE);
    assert_eq!(sent["notification"], json!({ "title": "News", "body": "Hello" }));
    // Whatever arrives twice replaces what is there, on every kind of device.
    let id = push().key.message_id.0.simple().to_string();
    assert_eq!((&sent["android"]["collapseKey"], &sent["android"]["notification"]["tag"]), (&json!(id), &json!(id)));
    assert_eq!(
        (&sent["apns"]["headers"]["apns-collapse-id"], &sent["webpush"]["headers"]["Topic"]),
        (&json!(id), &json!(id))
    );
    assert_eq!((&sent["android"]["ttl"], taken.data("commlog_url")), (&json!("3600s"), Some(REPORTS)));
    let expires_at = (now() + TimeDelta::hours(1)).timestamp().to_string();
    assert_eq!(sent["apns"]["headers"]["apns-expiration"], expires_at);
}

#[tokio::test]
async fn each_error_is_what_it_says() {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};
    let (double, fcm) = start().await;
    let cases = [
        (400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"), ContentRefused),
        (401, "UNAUTHENTICATED", Some("THIRD_PARTY_AUTH_ERROR"), Configuration),
        (401, "UNAUTHENTICATED", Some("APNS_AUTH_ERROR"), Configuration),
        (403, "PERMISSION_DENIED", Some("SENDER_ID_MISMATCH"), Permanent),
        (403, "PERMISSION_DENIED", None, Configuration),
        (429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), RateLimited),
        (500, "INTERNAL", Some("INTERNAL"), Transient),
        (503, "UNAVAILABLE", Some("UNAVAILABLE"), Transient),
        (500, "UNKNOWN", Some("UNSPECIFIED_ERROR"), Transient),
    ];
    for (http, status, code, expected) in cases {
        double.script([Act::Refuse(http, vec![], error(status, code, "words"))]);
        let refused = fcm.send(push()).await.expect_err("refused");
        assert_eq!(class_of(&refused), Some(expected), "{code:?}: {refused:?}");
    }
    let again = OutboundMessage { attempt: 2, ..push() };
    double.script([Act::Refuse(500, vec![], error("UNKNOWN", Some("UNSPECIFIED_ERROR"), "words"))]);
    assert_eq!(class_of(&fcm.send(again).await.expect_err("refused")), Some(Permanent));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn a_device_that_is_gone_is_told_from_one_of_another_project() {
    let (double, fcm) = start().await;
    double.set("gone", Device::Gone);
    double.set("wrong", Device::Wrong);
    double.set("foreign", Device::Foreign);
    let gone = |error: &SendError| {
        let SendError::Refused { class: RetryClass::Permanent, code: Some(code), .. } = error else { return None };
        Some(fcm.is_gone(code))
    };
    for device in ["gone", "wrong"] {
        assert_eq!(gone(&fcm.send(to(device)).await.expect_err("refused")), Some(true), "{device}");
    }
    let foreign = fcm.send(to("foreign")).await.expect_err("refused");
    assert_eq!(gone(&foreign), Some(false), "its own project may reach it: {foreign:?}");
    // A bare NOT_FOUND of Google's means the same; the page of a proxy does not.
    double.script([Act::Refuse(404, vec![], error("NOT_FOUND", None, "Requested entity was not found."))]);
    assert_eq!(gone(&fcm.send(push()).await.expect_err("refused")), Some(true));
    double.script([Act::Refuse(404, vec![], json!("not here"))]);
    assert_eq!(class_of(&fcm.send(push()).await.expect_err("refused")), Some(RetryClass::Configuration));
}

#[tokio::test]
async fn fcm_says_how_long_to_wait_in_seconds_or_as_a_date() {
    let (double, fcm) = start().await;
    let date = (now() + TimeDelta::seconds(45)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let quota = || error("RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), "words");
    let unavailable = || error("UNAVAILABLE", Some("UNAVAILABLE"), "words");
    let cases = [
        (Act::Refuse(429, vec![("retry-after", "30".to_owned())], quota()), Some(30)),
        // Quotas are filled up each minute.
        (Act::Refuse(429, vec![], quota()), Some(60)),
        (Act::Refuse(503, vec![("retry-after", date)], unavailable()), Some(45)),
        (Act::Refuse(503, vec![], unavailable()), None),
    ];
    for (act, expected) in cases {
        double.script([act]);
        let Err(SendError::Refused { retry_after, .. }) = fcm.send(push()).await else { panic!("{expected:?}") };
        assert_eq!(retry_after.map(|wait| wait.as_secs()), expected);
    }
}

#[tokio::test]
async fn a_server_error_that_is_not_fcms_own_word_leaves_doubt() {
    let (double, fcm) = start().await;
    double.script([Act::Refuse(503, vec![], error("UNAVAILABLE", None, "words"))]);
    assert_eq!(cause_of(&fcm.send(push()).await.expect_err("no success")), Some("server_error"));
}

#[tokio::test]
async fn what_is_too_large_never_leaves() {
    let (double, fcm) = start().await;
    let fits = fcm.send(saying("News", "ü".repeat(1_700))).await;
    assert!(fits.is_ok(), "{fits:?}");
    for message in [saying("News", "ü".repeat(1_900)), saying(&"t".repeat(3_000), "b".repeat(900))] {
        let refused = fcm.send(message).await.expect_err("refused");
        assert_eq!(class_of(&refused), Some(RetryClass::ContentRefused));
    }
    assert_eq!(double.calls(), 1);
}

#[tokio::test]
async fn one_access_token_serves_all_calls_until_shortly_before_its_end() {
    let double = FcmDouble::start(ambient(2)).await;
    let clock = Arc::new(ManualClock::new(now()));
    let entropy = Arc::new(SeededEntropy::new(1));
    let fcm = Arc::new(provider(double.settings(REPORTS), Ambient::new(clock.clone(), entropy)));
    let calls = (0..20).map(|number| {
        let fcm = Arc::clone(&fcm);
        async move { fcm.send(message(Channel::Push, number)).await }
    });
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(double.asked(), 1, "who finds none asks, and the others wait");
    clock.set(now() + TimeDelta::minutes(54));
    fcm.send(push()).await.expect("taken");
    assert_eq!(double.asked(), 1);
    clock.set(now() + TimeDelta::minutes(55));
    // The double's clock stands still: an assertion of an hour later would be refused there.
    assert_eq!(class_of(&fcm.send(push()).await.expect_err("refused")), Some(RetryClass::Configuration));
    assert_eq!(double.asked(), 2);
}

#[tokio::test]
async fn an_access_token_that_is_not_taken_is_replaced_once() {
    let (double, fcm) = start().await;
    fcm.send(push()).await.expect("taken");
    double.revoke();
    fcm.send(push()).await.expect("taken with another one");
    assert_eq!((double.asked(), double.taken().len()), (2, 2));
    // If that one is not taken either, the account is wrong; nobody goes on asking.
    let unauthenticated = || Act::Refuse(401, vec![], error("UNAUTHENTICATED", None, "words"));
    double.script([unauthenticated(), unauthenticated()]);
    assert_eq!(class_of(&fcm.send(push()).await.expect_err("refused")), Some(RetryClass::Configuration));
    assert_eq!(double.asked(), 3);
}

#[tokio::test]
async fn without_an_access_token_the_message_certainly_did_not_leave() {
    let revoked = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
    let cases = [
        (Act::Refuse(400, vec![], revoked), RetryClass::Configuration),
        (Act::Hang { taken: false }, RetryClass::Transient),
        (Act::ServerError { status: 503, taken: false }, RetryClass::Transient),
        (Act::Html { taken: false }, RetryClass::Transient),
        (Act::Refuse(429, vec![], json!({ "error": "rate_limit_exceeded" })), RetryClass::RateLimited),
    ];
    for (act, expected) in cases {
        let (double, fcm) = start().await;
        double.script_exchanges(vec![act.clone()]);
        let refused = fcm.send(push()).await.expect_err("no success");
        assert_eq!(class_of(&refused), Some(expected), "{act:?}: {refused:?}");
        // What waits behind it does not ask again, each for itself.
        assert_eq!(class_of(&fcm.send(push()).await.expect_err("no success")), Some(expected));
        assert_eq!((double.asked(), double.calls()), (1, 0));
    }
}

#[tokio::test]
async fn a_check_tests_key_and_project_and_notifies_nobody() {
    let (double, fcm) = start().await;
    assert_eq!(fcm.check().await, Ok(()));
    let mut elsewhere = double.settings(REPORTS);
    elsewhere.project_id = "another-project".to_owned();
    let refused = provider(elsewhere, ambient(1)).check().await.expect_err("refused");
    assert_eq!(class_of(&refused), Some(RetryClass::Configuration));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn an_app_reports_of_its_notification_and_of_no_other() {
    let (double, fcm) = start().await;
    fcm.send(push()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = FcmWebhook::new(&double.settings(REPORTS));
    for (event, is_opened) in [("delivered", false), ("opened", true)] {
        let request = sent.report(event, &json!({})).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{event}");
        let NoticeKind::Report { token, report, channel, .. } = webhook.parse(&request, now()).await.remove(0).kind
        else {
            panic!("{event}")
        };
        assert_eq!(token.and_then(|token| open(&token, &secret())), Some(correlation(Channel::Push, 9)));
        assert_eq!((matches!(report, Report::Opened { .. }), channel), (is_opened, Channel::Push));
    }
    let mut forged = sent.clone();
    let token = forged.data("commlog_token").expect("a token").replacen('A', "B", 1);
    forged.message["data"]["commlog_token"] = json!(token);
    assert!(webhook.verify(&forged.report("opened", &json!({})).request(), now()).is_err());
}
