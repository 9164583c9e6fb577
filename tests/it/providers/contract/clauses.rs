//! The clauses. Each says of a provider what holds of all of them.

use std::fmt::Write as _;

use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::message::RetryClass;
use commlog::providers::{NoticeKind, SendError, SignatureError, Webhook, WebhookRequest};
use serde_json::json;
use tokio::net::TcpListener;

use super::super::{cause_of, class_of, message, now};
pub(super) use super::odd::*;
use super::{Account, Subject};
use crate::support::doubles::Act;

pub(super) async fn a_message_is_handed_over_once_with_our_token(subject: &dyn Subject) {
    subject.account(Account::Right).send(subject.message(9)).await.expect("taken");
    assert_eq!((subject.calls(), subject.taken().len()), (1, 1));
    assert_eq!(subject.times(9), 1, "{:?} has our token", subject.taken());
}

pub(super) async fn an_answer_with_its_id_is_acceptance(subject: &dyn Subject) {
    let accepted = subject.account(Account::Right).send(subject.message(9)).await.expect("taken");
    let taken = subject.taken().remove(0);
    assert_eq!((accepted.provider_message_id, accepted.segments), (Some(taken.id), 1));
}

/// Whether the message was taken or not, nobody here knows, and nothing is sent again.
async fn leaves_doubt(subject: &dyn Subject, act: fn(bool) -> Act, cause: &str) {
    for is_taken in [true, false] {
        let before = subject.calls();
        // A message of its own each time: some providers recognise one that they have taken.
        let number = 9 + before as u128;
        subject.script(act(is_taken));
        let outcome = subject.account(Account::Right).send(subject.message(number)).await;
        let error = outcome.expect_err("no success");
        assert_eq!(cause_of(&error), Some(cause), "taken: {is_taken}: {error}");
        assert_eq!(subject.calls(), before + 1, "taken: {is_taken}: called once");
        assert_eq!(subject.times(number), usize::from(is_taken));
    }
}

pub(super) async fn a_timeout_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::Hang { taken }, "timeout").await;
}

pub(super) async fn a_lost_connection_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::Lost { taken }, "connection_lost").await;
}

pub(super) async fn half_an_answer_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::Half { taken }, "half_an_answer").await;
}

pub(super) async fn an_endless_answer_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::Endless { taken }, "half_an_answer").await;
}

pub(super) async fn a_server_error_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::ServerError { status: 500, taken }, "server_error").await;
    leaves_doubt(subject, |taken| Act::ServerError { status: 504, taken }, "server_error").await;
}

pub(super) async fn a_page_of_something_else_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::Html { taken }, "not_an_answer").await;
}

pub(super) async fn an_answer_that_is_no_success_leaves_doubt(subject: &dyn Subject) {
    leaves_doubt(subject, |taken| Act::OkWithError { taken }, "not_an_answer").await;
}

pub(super) async fn a_refused_connection_is_a_definite_transient_refusal(subject: &dyn Subject) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let account = subject.account(Account::At(address));
    let error = account.send(subject.message(9)).await.expect_err("no success");
    assert_eq!(class_of(&error), Some(RetryClass::Transient), "{error:?}");
    let error = account.check().await.expect_err("no success");
    assert_eq!(class_of(&error), Some(RetryClass::Transient), "{error:?}");
    assert_eq!(subject.calls(), 0);
}

pub(super) async fn a_rate_limit_says_how_long_to_wait(subject: &dyn Subject) {
    subject.script_limit(7);
    let error = subject.account(Account::Right).send(subject.message(9)).await.expect_err("refused");
    let SendError::Refused { class, retry_after, .. } = error else { panic!("{error}") };
    assert_eq!((class, retry_after.map(|pause| pause.as_secs())), (RetryClass::RateLimited, Some(7)));
    assert_eq!((subject.calls(), subject.taken().len()), (1, 0), "called once");
}

pub(super) async fn wrong_credentials_are_a_configuration_error(subject: &dyn Subject) {
    let account = subject.account(Account::Wrong);
    let error = account.send(subject.message(9)).await.expect_err("refused");
    assert_eq!(class_of(&error), Some(RetryClass::Configuration), "{error:?}");
    let error = account.check().await.expect_err("refused");
    assert_eq!(class_of(&error), Some(RetryClass::Configuration), "{error:?}");
    let SendError::Refused { code, .. } = error else { panic!("{error}") };
    assert!(code.is_some_and(|code| !code.is_empty()), "it names what is wrong");
    assert!(subject.taken().is_empty());
}

pub(super) async fn a_check_passes_with_right_credentials_and_sends_nothing(subject: &dyn Subject) {
    assert_eq!(subject.account(Account::Right).check().await, Ok(()));
    assert!(subject.taken().is_empty());
}

pub(super) async fn a_channel_that_is_not_served_is_refused_before_any_call(subject: &dyn Subject) {
    let account = subject.account(Account::Right);
    let foreign = Channel::ALL.iter().filter(|channel| !account.channels().contains(channel));
    for &channel in foreign {
        let error = account.send(message(channel, 9)).await.expect_err("refused");
        assert_eq!(error, SendError::channel_not_served(), "{channel}");
    }
    assert_eq!((subject.calls(), subject.taken().len()), (0, 0));
}

pub(super) async fn no_debug_output_or_error_text_shows_an_address_a_text_or_a_secret(subject: &dyn Subject) {
    let (account, sent) = (subject.account(Account::Right), subject.message(9));
    let mut shown = format!("{}\n{sent:?}\n", subject.settings());
    let words = format!("{} is no address; {}", sent.to, subject.secrets().join(" "));
    let refusal = json!({ "message": words, "error": { "message": words }, "errors": [{ "message": words }] });
    for act in [Act::Hang { taken: false }, Act::Refuse(400, vec![], refusal)] {
        subject.script(act);
        let error = account.send(sent.clone()).await.expect_err("refused");
        let _infallible = writeln!(shown, "{error}");
        if matches!(error, SendError::Ambiguous { .. }) {
            let _infallible = writeln!(shown, "{error:?}");
        }
    }
    for outcome in [subject.account(Account::Wrong).send(sent.clone()).await.map(|_| ()), account.check().await] {
        let _infallible = writeln!(shown, "{outcome:?}");
    }
    let (right, other) = (subject.webhook(true).await, subject.webhook(false).await);
    let request = subject.proved(&*right).await;
    let _infallible = writeln!(shown, "{request:?} {:?}", other.verify(&request, now()));
    let secrets = subject.secrets();
    for secret in secrets.iter().chain([&sent.to]).chain(&sent.token) {
        assert!(!shown.contains(secret.as_str()), "{secret} is shown: {shown}");
    }
}

pub(super) async fn a_callback_brings_our_token_back(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    let notices = webhook.parse(&request, now()).await;
    assert!(!notices.is_empty());
    for notice in notices {
        let token = match &notice.kind {
            NoticeKind::Report { token, .. } => token.clone(),
            NoticeKind::Inbound(inbound) => inbound.reply_token.clone(),
            _ => None,
        };
        assert_eq!(token, Some(subject.token(9)), "{notice:?}");
    }
}

pub(super) async fn a_repeated_callback_has_the_same_event_id(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    let mut told = vec![];
    for now in [now(), now() + TimeDelta::minutes(1)] {
        assert_eq!(webhook.verify(&request, now), Ok(()), "a repetition is believed too");
        let ids = webhook.parse(&request, now).await.into_iter().map(|notice| match notice.kind {
            NoticeKind::Report { provider_event_id: Some(id), .. } => id,
            NoticeKind::Inbound(inbound) => inbound.provider_message_id,
            other => panic!("no id: {other:?}"),
        });
        told.push(ids.collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].iter().all(|id| !id.is_empty()));
}

pub(super) async fn a_webhook_without_proof_is_refused(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    refuses(&*webhook, &subject.unproved(&request)).await;
}

pub(super) async fn a_webhook_proved_with_other_secrets_is_refused(subject: &dyn Subject) {
    let request = subject.called_back().await;
    refuses(&*subject.webhook(false).await, &request).await;
}

/// Somebody in between changed the receiver; also where the same was believed before.
pub(super) async fn a_webhook_whose_content_was_changed_is_refused(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    let change = |text: &str| text.replace("14155550101", "14155550102").replace("ada", "eva");
    let body = change(&String::from_utf8_lossy(&request.body));
    let changed = WebhookRequest { url: change(&request.url), body: body.into(), ..request.clone() };
    assert!((&changed.url, &changed.body) != (&request.url, &request.body), "nothing was changed");
    refuses(&*webhook, &changed).await;
}

async fn refuses(webhook: &dyn Webhook, request: &WebhookRequest) {
    // What cannot be prepared was written by somebody else, too.
    let _ = webhook.prepare(request).await;
    let error = webhook.verify(request, now()).expect_err("it is not believed");
    assert!(!matches!(error, SignatureError::Stale { .. }), "{error}");
}

pub(super) async fn a_stale_webhook_is_refused(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    let age = TimeDelta::days(30);
    for (moment, age) in [(now() + age, age), (now() - age, -age)] {
        let Err(SignatureError::Stale { age: told }) = webhook.verify(&request, moment) else { panic!("{age}") };
        assert!((told - age).abs() < TimeDelta::minutes(1), "{told}");
    }
}

pub(super) async fn what_is_kept_of_a_notice_parses_again_to_the_same(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    let notices = webhook.parse(&request, now()).await;
    assert!(!notices.is_empty());
    for notice in &notices {
        let again = webhook.parse(&webhook.part(&request, &notice.raw), now()).await;
        assert!(again.iter().any(|again| again.kind == notice.kind), "{notice:?} became {again:?}");
        assert!(again.iter().all(|again| notices.iter().any(|notice| notice.kind == again.kind)), "{again:?}");
    }
}

pub(super) async fn what_is_kept_of_a_notice_proves_nothing(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let request = subject.proved(&*webhook).await;
    for notice in webhook.parse(&request, now()).await {
        refuses(&*webhook, &webhook.part(&request, &notice.raw)).await;
    }
}
