//! The same hostile cases with every provider, as the whole node takes them. What a provider alone makes of requests that
//! are forged, stale, repeated, huge or half is in its contract.

use chrono::TimeDelta;
use commlog::clock::Ambient;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::sending::desk::Desk;
use crate::sending::stories::{
    ADA, Bird, Fate, Mailgun, Mails, Messagebird, Odd, Resend, Ses, Texts, Told, VonageMessages, VonageSms, account,
    hook, start,
};
use crate::sending::story::{PUBLIC, count};
use crate::support::app::{Engine, TestApp};
use crate::support::doubles::ses::SesDouble;
use crate::support::doubles::twilio::TwilioDouble;
use crate::support::doubles::{Act, Signed};

/// Sends to Ada, who has every address, and waits until nobody knows whether the provider took it.
async fn in_doubt(desk: &Desk<'_>, channel: &str) -> String {
    let ada = desk.customer("Ada", &[("PHONE", ADA), ("EMAIL", "ada@example.org")]).await;
    let (id, _) = desk.send(ada, channel, "TRANSACTIONAL", json!({})).await;
    desk.app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    assert_eq!(desk.message(&id).await["state"], "IN_DOUBT");
    id
}

/// What is odd is kept once each, however often it comes, and changes nothing else.
async fn is_kept_once(desk: &Desk<'_>, odd: [Signed; 2]) {
    let before = desk.app.head().await;
    for _ in 0..3 {
        for signed in &odd {
            desk.take(signed).await;
        }
    }
    assert_eq!(desk.app.head().await.counter() - before.counter(), 2);
    assert_eq!(desk.events("CallbackKept").await.len(), 2);
}

async fn half_an_answer_is_made_whole_by_a_report_that_comes_early_to_a_text<T: Texts>() {
    let double = T::start().await;
    let (app, agent) = start(Engine::Sqlite, T::PROVIDER, &double.settings()).await;
    let desk = Desk { app: &app, agent: &agent };
    double.script(Act::Half { taken: true });
    let id = in_doubt(&desk, "SMS").await;
    is_kept_once(&desk, [Odd::OfNobody, Odd::UnknownState].map(|odd| double.odd(0, odd, app.now()))).await;
    assert_eq!(desk.message(&id).await["state"], "IN_DOUBT");
    desk.take(&double.report(0, Fate::Delivered, app.now())).await;
    assert_eq!(desk.message(&id).await["state"], "DELIVERED");
    assert_eq!((double.calls(), double.taken().len()), (1, 1));
    app.finish().await;
}

async fn half_an_answer_is_made_whole_by_a_report_that_comes_early_to_a_mail<M: Mails>() {
    let double = M::start().await;
    let (app, agent) = start(Engine::Sqlite, M::PROVIDER, &double.settings()).await;
    let desk = Desk { app: &app, agent: &agent };
    double.script(Act::Half { taken: true });
    let id = in_doubt(&desk, "EMAIL").await;
    is_kept_once(&desk, [Odd::OfNobody, Odd::UnknownState].map(|odd| double.odd(0, odd, app.now()))).await;
    desk.take(&double.tell(0, Told::Delivered, app.now())).await;
    assert_eq!(desk.message(&id).await["state"], "DELIVERED");
    assert_eq!((double.calls(), double.taken().len()), (1, 1));
    app.finish().await;
}

macro_rules! with_each {
    ($($story:ident: $($name:ident $double:ty),+;)*) => {$(
        mod $story {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$story::<$double>().await;
                }
            )+
        }
    )*};
}

with_each! {
    half_an_answer_is_made_whole_by_a_report_that_comes_early_to_a_text:
        vonage_sms VonageSms, vonage_messages VonageMessages, messagebird Messagebird, bird Bird;
    half_an_answer_is_made_whole_by_a_report_that_comes_early_to_a_mail:
        mailgun Mailgun, resend Resend, ses Ses;
}

/// A receipt of the SMS API names our message by its id alone, which only the read tables and the log can tell the provider of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_overtakes_the_read_tables_is_completed_when_they_have_followed() {
    let double = VonageSms::start().await;
    let (app, agent) = start(Engine::Sqlite, VonageSms::PROVIDER, &double.settings()).await;
    let ada = Desk { app: &app, agent: &agent }.customer("Ada", &[("PHONE", ADA)]).await;
    let app = app.restart_as("api,processes").await;
    let agent = agent.at(&app);
    let desk = Desk { app: &app, agent: &agent };
    double.script(Act::Half { taken: true });
    let (id, _) = desk.send(ada, "SMS", "TRANSACTIONAL", json!({})).await;
    app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    let delivered = double.report(0, Fate::Delivered, app.now());
    for _ in 0..2 {
        desk.take(&delivered).await;
    }
    assert_eq!((desk.events("MessageDelivered").await.len(), desk.events("CallbackKept").await.len()), (0, 1));
    let projector = app.beside("projector").await;
    projector.visible(app.head().await).await;
    let recently = app.now() - TimeDelta::hours(1);
    for _ in 0..2 {
        app.intake().retry_kept(recently).await.expect("the log answers");
    }
    assert_eq!((desk.events("MessageDelivered").await.len(), desk.events("CallbackResolved").await.len()), (1, 1));
    assert_eq!(desk.message(&id).await["state"], "DELIVERED");
    projector.finish().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_provider_says_nothing_of_a_message_that_is_with_another() {
    let (vonage, twilio) = (VonageSms::start().await, TwilioDouble::start(Ambient::system()).await);
    let file = format!(
        "public_url = '{PUBLIC}'\n{}priority = 1\n{}",
        account("vonage", &vonage.settings()),
        account("twilio", &twilio.account()),
    );
    let app = TestApp::with(Engine::Sqlite, &file).await;
    let agent = app.actor(commlog::domain::tenant::event::Role::Admin).await;
    let desk = Desk { app: &app, agent: &agent };
    // Twilio was called, and Vonage's genuine receipt names the message: in doubt, and when it was sent.
    twilio.script([Act::Half { taken: false }]);
    let doubtful = in_doubt(&desk, "SMS").await;
    let bob = desk.customer("Bob", &[("PHONE", "+14155550102")]).await;
    let (sent, _) = desk.send(bob, "SMS", "TRANSACTIONAL", json!({})).await;
    app.until(bob, |types| count(types, "MessageSent") == 1).await;
    app.visible(app.head().await).await;
    for (id, state) in [(&doubtful, "IN_DOUBT"), (&sent, "SENT")] {
        desk.take(&vonage.receipt_of(id.trim_start_matches("Message:"), app.now())).await;
        assert_eq!(desk.message(id).await["state"], *state);
    }
    assert_eq!(desk.events("CallbackKept").await.len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_sns_whose_certificate_is_on_another_host_is_refused_and_nothing_is_fetched() {
    let double = SesDouble::start(Ambient::system()).await;
    let (app, agent) = start(Engine::Sqlite, Ses::PROVIDER, &double.account()).await;
    let desk = Desk { app: &app, agent: &agent };
    let genuine = double.published(&hook("ses"), "{\"eventType\":\"Send\"}");
    let at = |url: &str| {
        let mut envelope: Value = serde_json::from_slice(&genuine.body).expect("JSON");
        envelope["SigningCertURL"] = json!(url);
        Signed { body: envelope.to_string().into(), ..genuine.clone() }
    };
    let before = app.head().await;
    let own = double.settings().base_url.expect("a URL");
    for url in [
        own.join("SimpleNotificationService-double.pem").expect("a URL").as_str(),
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-double.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-double.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-double.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-double.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-double.pem",
    ] {
        assert_eq!(desk.call(&at(url)).await, StatusCode::UNAUTHORIZED, "{url}");
    }
    assert_eq!((double.other_calls(), app.head().await), (0, before));
    app.finish().await;
}
