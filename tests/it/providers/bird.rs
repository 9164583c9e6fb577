//! Bird against its double.

use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::message::{BounceKind, Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::bird::{Bird, BirdSettings, BirdWebhook};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, Secret, SendError, TextContent, Unconfirmed, Webhook,
};
use serde_json::{Value, json};

use super::{ambient, cause_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::bird::{BirdDouble, BirdMessage, NUMBER};

fn provider(settings: BirdSettings) -> Bird {
    Bird::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (BirdDouble, Bird) {
    let double = BirdDouble::start(ambient(2)).await;
    let account = provider(double.settings());
    (double, account)
}

/// Spoils a message.
type Change = fn(&mut OutboundMessage);

fn sms() -> OutboundMessage {
    message(Channel::Sms, 9)
}

fn text(message: &mut OutboundMessage) -> &mut TextContent {
    let Content::Text(text) = &mut message.content else { panic!("no text message") };
    text
}

fn unconfirmed() -> Unconfirmed {
    Unconfirmed {
        key: sms().key,
        token: sms().token,
        to: sms().to,
        subject: None,
        body: "Hello".to_owned(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    }
}

fn refusal(status: u16, code: &str, name: &str) -> Act {
    Act::Refuse(status, vec![], json!({ "error": { "code": code, "name": name, "message": "words" } }))
}

#[tokio::test]
async fn a_message_is_handed_over_with_everything_that_matters() {
    let (double, account) = start().await;
    let accepted = account.send(sms()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!(accepted.provider_message_id.as_deref(), Some(taken.id.as_str()));
    assert_eq!((accepted.segments, accepted.cost), (1, None));
    assert_eq!((taken.field("to"), taken.field("from")), (Some("+14155550101"), Some(NUMBER)));
    assert_eq!((taken.field("text"), taken.field("category")), (Some("Hello"), Some("marketing")));
    assert_eq!(double.times(&sms().token.expect("a token")), 1);
    let mut long = message(Channel::Sms, 10);
    text(&mut long).body = "ж".repeat(71);
    assert_eq!(account.send(long).await.expect("taken").segments, 2);
}

#[tokio::test]
async fn a_call_that_is_repeated_on_its_way_makes_one_message_and_another_attempt_makes_its_own() {
    let (double, account) = start().await;
    let first = account.send(sms()).await.expect("taken");
    let replayed = account.send(sms()).await.expect("answered as before");
    assert_eq!((first, double.taken().len()), (replayed, 1));
    let mut again = sms();
    again.attempt = 2;
    account.send(again).await.expect("taken");
    let keys: Vec<_> = double.taken().into_iter().map(|message| message.key).collect();
    let id = sms().key.message_id;
    assert_eq!(keys, [format!("sms/{id}/1"), format!("sms/{id}/2")]);
}

#[tokio::test]
async fn what_bird_refuses_is_refused_for_its_reason() {
    let (double, account) = start().await;
    let refused = async |change: Change| {
        let mut message = sms();
        change(&mut message);
        match account.send(message).await.expect_err("refused") {
            SendError::Refused { class, .. } => class,
            ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
        }
    };
    let cases: [(Change, RetryClass); 5] = [
        (|message| message.to = "4155550101".to_owned(), RetryClass::Permanent),
        (|message| message.from = Some("+4930123456".to_owned()), RetryClass::Configuration),
        (|message| text(message).body = String::new(), RetryClass::ContentRefused),
        (|message| text(message).body = "ж".repeat(805), RetryClass::ContentRefused),
        (|message| text(message).media_urls.push("https://x.example/a".to_owned()), RetryClass::ContentRefused),
    ];
    for (change, class) in cases {
        assert_eq!(refused(change).await, class);
    }
    double.script([
        refusal(402, "E09001", "InsufficientBalance"),
        refusal(422, "E04002", "SenderCategoryNotPermitted"),
        refusal(503, "E01033", "IdempotencyUnavailable"),
        Act::Refuse(
            202,
            vec![],
            json!({ "id": "sms_1", "status": "rejected", "last_error": { "code": "recipient_opted_out" } }),
        ),
    ]);
    for class in [RetryClass::Configuration, RetryClass::Configuration, RetryClass::Transient, RetryClass::OptedOut] {
        assert_eq!(refused(|_| {}).await, class);
    }
    double.script([Act::Refuse(429, vec![("retry-after", "3".to_owned())], json!({ "error": { "code": "E01010" } }))]);
    let error = account.send(sms()).await.expect_err("refused");
    let SendError::Refused { class: RetryClass::RateLimited, code, retry_after, .. } = error else { panic!("{error}") };
    assert_eq!((code.as_deref(), retry_after.map(|pause| pause.as_secs())), (Some("E01010"), Some(3)));
    assert!(double.taken().is_empty());
}

#[tokio::test]
async fn trouble_of_birds_own_leaves_doubt() {
    let (double, account) = start().await;
    let cases = [
        (refusal(503, "E01099", "Unavailable"), "server_error"),
        (refusal(409, "E01004", "RequestInProgress"), "not_an_answer"),
        (refusal(409, "E01005", "IdempotencyKeyReuse"), "not_an_answer"),
    ];
    for (number, (act, expected)) in cases.into_iter().enumerate() {
        double.script([act.clone()]);
        let mut message = sms();
        message.attempt = u32::try_from(number).expect("a small number") + 1;
        let error = account.send(message).await.expect_err("no success");
        assert_eq!(cause_of(&error), Some(expected), "{act:?}");
        assert_eq!(double.calls(), number + 1, "{act:?} is not repeated");
    }
}

#[tokio::test]
async fn a_message_in_doubt_is_found_by_its_token() {
    let (double, account) = start().await;
    assert_eq!(account.find(&unconfirmed()).await, Ok(None));
    account.send(message(Channel::Sms, 20)).await.expect("taken");
    double.script([Act::ServerError { status: 500, taken: true }]);
    assert!(account.send(sms()).await.is_err());
    for number in 21..24 {
        account.send(message(Channel::Sms, number)).await.expect("taken");
    }
    // The list has several pages, and others with the same text and number stand around ours.
    let found = account.find(&unconfirmed()).await.expect("it answers").expect("found");
    assert_eq!(found.accepted.provider_message_id.as_ref(), Some(&double.taken()[1].id));
    assert_eq!((found.report, found.accepted_at), (None, Some(now())));
    let mut claimed = unconfirmed();
    claimed.claimed = vec![double.taken()[1].id.clone()];
    assert_eq!(account.find(&claimed).await, Ok(None));
    let mut nameless = unconfirmed();
    nameless.token = None;
    assert_eq!(account.find(&nameless).await, Ok(None));
}

#[tokio::test]
async fn what_is_found_tells_its_price_and_fate() {
    let (double, account) = start().await;
    let fields = json!({ "to": "+14155550101", "from": NUMBER, "text": "Hello", "metadata": { "token": sms().token } });
    let (id, status, key) = ("sms_5".to_owned(), "delivered".to_owned(), String::new());
    double.plant(BirdMessage { id, created: now(), status, fields, key });
    let found = account.find(&unconfirmed()).await.expect("it answers").expect("found");
    let cost = found.accepted.cost.map(|(micros, currency)| (micros, currency.to_string()));
    assert_eq!((cost, found.report), (Some((15_800, "USD".to_owned())), Some(Report::Delivered)));
}

#[tokio::test]
async fn events_carry_our_token_and_are_believed_only_as_they_were_signed() {
    let (double, account) = start().await;
    account.send(sms()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = BirdWebhook::try_new(&double.settings()).expect("valid settings");
    let failed = json!({ "error": { "code": "invalid_destination", "description": "unassigned" } });
    let cases: [(&str, Value, usize); 4] = [
        ("sms.accepted", json!({ "segments": { "count": 1 } }), 0),
        ("sms.sent", json!({}), 1),
        ("sms.delivered", json!({}), 1),
        ("sms.failed", failed, 1),
    ];
    for (kind, more, expected) in cases {
        let request = BirdDouble::event(&sent, kind, more, now()).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{kind}");
        let told = webhook.parse(&request, now()).await;
        assert_eq!(told.len(), expected, "{kind}");
        let Some(told) = told.into_iter().next() else { continue };
        let NoticeKind::Report { token, provider_message_id, occurred_at, report, .. } = told.kind else { panic!() };
        assert_eq!(open(&token.expect("a token"), &secret()), Some(correlation(Channel::Sms, 9)));
        assert_eq!((provider_message_id.as_ref(), occurred_at), (Some(&sent.id), Some(now())));
        let is_dead = matches!(report, Report::Bounced { bounce: BounceKind::Hard, .. });
        assert_eq!(is_dead, kind == "sms.failed");
        let mut forged = request.clone();
        forged.body = String::from_utf8_lossy(&forged.body).replace("sms_0", "sms_1").into();
        assert!(webhook.verify(&forged, now()).is_err());
        assert!(webhook.verify(&request, now() + TimeDelta::minutes(6)).is_err(), "stale");
    }
}

#[tokio::test]
async fn somebodys_message_is_believed_only_as_it_was_signed() {
    let double = BirdDouble::start(ambient(2)).await;
    let webhook = BirdWebhook::try_new(&double.settings()).expect("valid settings");
    let request = BirdDouble::inbound("sms_in_1", "Stop", now()).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let NoticeKind::Inbound(inbound) = webhook.parse(&request, now()).await.remove(0).kind else { panic!() };
    assert_eq!((inbound.text.as_str(), inbound.from.as_str()), ("Stop", "+14155550101"));
    assert_eq!((inbound.to.as_deref(), inbound.provider_message_id.as_str()), (Some(NUMBER), "sms_in_1"));
    let mut other = double.settings();
    other.webhook_secrets = vec![Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")];
    let other = BirdWebhook::try_new(&other).expect("valid settings");
    assert!(other.verify(&request, now()).is_err());
}
