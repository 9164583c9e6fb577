//! What the events of SES report: the samples of its developer guide, and what damaged ones come to.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass};
use crate::providers::ses::token as tokens;

const SAMPLES: &str = include_str!("tests/samples.json");
const ID: &str = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

fn sample(name: &str) -> Value {
    let mut samples: Value = serde_json::from_str(SAMPLES).expect("JSON");
    let sample = samples[name].take();
    assert!(sample.is_object(), "{name}");
    sample
}

fn told(event: &Value) -> Vec<NoticeKind> {
    let notices = parse(event.to_string().as_bytes(), "us-east-1", now());
    notices.into_iter().map(|notice| notice.kind).collect()
}

fn one(event: &Value) -> NoticeKind {
    let mut told = told(event);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

fn report(event: &Value) -> Report {
    match one(event) {
        NoticeKind::Report { report, .. } => report,
        other => panic!("{other:?}"),
    }
}

fn event_id(event: &Value) -> String {
    match one(event) {
        NoticeKind::Report { provider_event_id, .. } => provider_event_id.expect("an id"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_event_of_the_guide_is_read() {
    let names = [
        ("Send", "sent"),
        ("Delivery", "delivered"),
        ("Bounce", "bounced"),
        ("Complaint", "complained"),
        ("Reject", "failed"),
        ("Open", "opened"),
        ("Click", "clicked"),
        ("Rendering Failure", "failed"),
        ("DeliveryDelay", "deferred"),
        ("Subscription", "opted_out"),
        ("Bounce notification with a DSN", "bounced"),
        ("Bounce notification without a DSN", "bounced"),
        ("Complaint notification with a feedback report", "complained"),
        ("Complaint notification without a feedback report", "complained"),
        ("Amazon SNS delivery notification example", "delivered"),
    ];
    for (name, expected) in names {
        let NoticeKind::Report { provider_message_id, to, occurred_at, provider_event_id, token, report, channel } =
            one(&sample(name))
        else {
            panic!("{name}")
        };
        let word = match report {
            Report::Sent { .. } => "sent",
            Report::Delivered => "delivered",
            Report::Deferred { .. } => "deferred",
            Report::Bounced { .. } => "bounced",
            Report::Failed { .. } => "failed",
            Report::Opened { .. } => "opened",
            Report::Clicked { .. } => "clicked",
            Report::Dismissed => "dismissed",
            Report::CallEnded { .. } => "call_ended",
            Report::Complained { .. } => "complained",
            Report::OptedOut { .. } => "opted_out",
            Report::OptedIn { .. } => "opted_in",
        };
        assert_eq!((word, channel), (expected, Channel::Email), "{name}");
        assert!(provider_message_id.is_some_and(|id| id.ends_with("-000000")), "{name}");
        assert!(
            to.is_some_and(|to| to.contains('@')) && occurred_at.is_some() && provider_event_id.is_some(),
            "{name}"
        );
        assert_eq!(token, None, "{name}");
    }
}

#[test]
fn what_is_said_of_a_mail_is_taken_over() {
    let bounce = report(&sample("Bounce"));
    let Report::Bounced { bounce: BounceKind::Hard, code, diagnostic } = bounce else { panic!("{bounce:?}") };
    assert_eq!(code.as_deref(), Some("5.1.1"));
    assert_eq!(diagnostic.as_deref(), Some("smtp; 550 5.1.1 user unknown"));
    let delay = report(&sample("DeliveryDelay"));
    let Report::Deferred { code, detail } = delay else { panic!("{delay:?}") };
    assert_eq!((code.as_deref(), detail.is_some()), (Some("4.4.1"), true));
    assert_eq!(report(&sample("Complaint")), Report::Complained { kind: Some("abuse".to_owned()) });
    assert_eq!(report(&sample("Complaint notification without a feedback report")), Report::Complained { kind: None });
    let reject = report(&sample("Reject"));
    let Report::Failed { class: RetryClass::ContentRefused, code, detail } = reject else { panic!("{reject:?}") };
    assert_eq!((code.as_deref(), detail.as_deref()), (Some("reject"), Some("Bad content")));
    let click = report(&sample("Click"));
    let Report::Clicked { class: EngagementClass::Human, url: Some(url), ip: Some(ip), .. } = click else {
        panic!("{click:?}")
    };
    assert!(url.starts_with("http://docs.aws.amazon.com/") && ip == "192.0.2.1");
    let mut open = sample("Open");
    open["open"]["userAgent"] = "Mozilla/5.0".into();
    assert!(matches!(report(&open), Report::Opened { class: EngagementClass::Machine, flagged: None, .. }));
}

#[test]
fn what_is_said_of_one_receiver_is_said_of_no_other() {
    for (name, expected) in [
        ("Bounce notification with a DSN", "jane@example.com"),
        ("Complaint notification with a feedback report", "richard@example.com"),
    ] {
        let event = sample(name);
        assert_eq!(event["mail"]["destination"].as_array().map(Vec::len), Some(3), "the mail went to three");
        let NoticeKind::Report { to, .. } = one(&event) else { panic!("{name}") };
        assert_eq!(to.as_deref(), Some(expected));
    }
}

#[test]
fn a_sent_mail_says_which_id_its_answers_name() {
    let Report::Sent { provider_message_id, mail_id, .. } = report(&sample("Send")) else { panic!() };
    assert_eq!(provider_message_id.as_deref(), Some(ID));
    assert_eq!(mail_id, Some(format!("<{ID}@email.amazonses.com>")));
    let elsewhere = parse(sample("Send").to_string().as_bytes(), "eu-west-1", now());
    let NoticeKind::Report { report: Report::Sent { mail_id, .. }, .. } = &elsewhere[0].kind else { panic!() };
    assert_eq!(*mail_id, Some(format!("<{ID}@eu-west-1.amazonses.com>")));
}

#[test]
fn a_token_in_the_tags_comes_back_whole() {
    let written = "t".repeat(300);
    let mut event = sample("Delivery");
    for tag in tokens::tags(&written) {
        event["mail"]["tags"][tag["Name"].as_str().expect("a name")] = json!([tag["Value"]]);
    }
    let NoticeKind::Report { token, .. } = one(&event) else { panic!() };
    assert_eq!(token, Some(written));
}

#[test]
fn an_event_has_the_same_id_in_each_repetition_and_another_one_than_others() {
    let bounce = sample("Bounce");
    let mut as_notification = bounce.clone();
    let fields = as_notification.as_object_mut().expect("an object");
    fields.remove("eventType");
    fields.insert("notificationType".to_owned(), json!("Bounce"));
    assert_eq!(event_id(&bounce), event_id(&as_notification), "both ways to hear of one bounce are switched on");
    assert_eq!(event_id(&sample("Delivery")), format!("Delivery:{ID}"));
    let open = sample("Open");
    let mut later = open.clone();
    later["open"]["timestamp"] = "2017-08-09T22:00:19.653Z".into();
    assert_eq!(event_id(&open), event_id(&open));
    assert_ne!(event_id(&open), event_id(&later));
    assert!(!event_id(&bounce).contains("example.com"));
}

#[test]
fn what_a_receiver_changes_on_the_page_of_ses_is_heeded_topic_by_topic() {
    let topics = |list: &[(&str, &str)]| -> Vec<Value> {
        list.iter().map(|(name, status)| json!({ "topicName": name, "subscriptionStatus": status })).collect()
    };
    let mut event = sample("Subscription");
    assert_eq!(report(&event), Report::OptedOut { method: ONE_CLICK.to_owned(), topic: None });
    let before = topics(&[("News", "OptIn"), ("Offers", "OptOut")]);
    event["subscription"]["oldTopicPreferences"] =
        json!({ "unsubscribeAll": false, "topicSubscriptionStatus": before });
    event["subscription"]["newTopicPreferences"] = json!({
        "unsubscribeAll": false,
        "topicSubscriptionStatus": topics(&[("News", "OptOut"), ("Offers", "OptIn"), ("Events", "OptOut")]),
    });
    let told = told(&event);
    let words: Vec<_> = told
        .iter()
        .map(|kind| match kind {
            NoticeKind::Report { report: Report::OptedOut { topic: Some(topic), .. }, .. } => format!("-{topic}"),
            NoticeKind::Resubscribed { group: Some(group), .. } => format!("+{group}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words, ["-group-news", "+Offers", "-group-events"]);
    event["subscription"]["newTopicPreferences"] = event["subscription"]["oldTopicPreferences"].clone();
    assert!(super::parse(event.to_string().as_bytes(), "us-east-1", now()).is_empty(), "nothing has changed");
}

#[test]
fn what_is_written_when_a_topic_is_connected_says_nothing() {
    let plain = b"Successfully validated SNS topic for Amazon SES event publishing.";
    assert!(parse(plain, "us-east-1", now()).is_empty());
    let connected =
        json!({ "notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully …" });
    assert!(told(&connected).is_empty());
    let mut rescued = sample("Complaint");
    rescued["complaint"]["complaintFeedbackType"] = "not-spam".into();
    assert!(told(&rescued).is_empty());
}

#[test]
fn odd_events_are_kept_and_harm_nobody() {
    let mut future = sample("Open");
    future["open"]["timestamp"] = "2999-01-01T00:00:00Z".into();
    let NoticeKind::Report { occurred_at: None, .. } = one(&future) else { panic!("not that far ahead") };
    for event in [
        json!({}),
        json!({ "eventType": "Supernova" }),
        json!({ "eventType": "Bounce" }),
        json!({ "eventType": "Complaint", "mail": null }),
        json!({ "eventType": 7 }),
        json!([]),
        json!("text"),
        json!(null),
    ] {
        assert!(matches!(one(&event), NoticeKind::Unclear { .. }), "{event}");
    }
    for message in [&b""[..], b"{", b"\xff\xfe", b"plain words"] {
        let notices = parse(message, "us-east-1", now());
        assert!(matches!(&notices[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]));
    }
    let bare = report(&json!({ "eventType": "Bounce", "bounce": { "bouncedRecipients": "nobody" } }));
    assert!(matches!(bare, Report::Bounced { bounce: BounceKind::Soft, .. }));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in any::<Vec<u8>>(), text in ".{0,80}", at in 0..15_usize, cut in 0..2_000_usize) {
        parse(&bytes, "us-east-1", now());
        let samples: Value = serde_json::from_str(SAMPLES).expect("JSON");
        let sample = samples.as_object().expect("an object").values().nth(at).expect("a sample").to_string();
        parse(&sample.as_bytes()[..cut.min(sample.len())], "us-east-1", now());
        for name in ["bounceType", "messageId", "emailAddress", "timestamp", "commlog_token", "topicName"] {
            let changed = sample.replace(&format!("\"{name}\":"), &format!("\"{name}\":{},\"x\":", json!(text)));
            parse(changed.as_bytes(), "us-east-1", now());
        }
    }
}
