//! What `/metrics` tells of providers after a story.

use commlog::clock::Ambient;
use reqwest::StatusCode;
use serde_json::json;

use super::accounts::{Office, call};
use crate::support::app::Engine;
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::doubles::{Act, Signed};

/// The value of a counter with these labels; 0 if it was never counted.
fn value(text: &str, name: &str, labels: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("commlog_{name}{{{labels}}} ")));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

async fn callbacks_and_calls_are_counted_by_provider_and_account(engine: Engine) {
    let office = Office::open(engine).await;
    office.configure(office.twilio_input("main", twilio::TOKEN)).await;
    office.configure(office.sendgrid_input()).await;
    let ada = office.customer(1).await;
    let of_twilio = "provider=\"twilio\",account=\"of tenants\"";
    let of_sendgrid = "provider=\"sendgrid\",account=\"of tenants\"";

    // One is taken; of one nobody hears an answer; one is refused for good.
    let busy = json!({ "code": 21211, "message": "Invalid 'To' Phone Number", "status": 400 });
    office.send(ada, "SMS").await;
    office.until(ada, "MessageSent", 1).await;
    let sms = office.twilio.taken().pop().expect("Twilio took it");
    office.twilio.script([Act::Half { taken: true }]);
    office.send(ada, "SMS").await;
    office.until(ada, "DispatchInDoubt", 1).await;
    office.twilio.script([Act::Refuse(400, vec![], busy)]);
    office.send(ada, "SMS").await;
    office.until(ada, "DispatchFailed", 1).await;
    office.send(ada, "EMAIL").await;
    office.until(ada, "MessageSent", 2).await;

    let delivered = TwilioDouble::status(&sms, "delivered", None);
    for _ in 0..3 {
        assert_eq!(call(&office.app, &delivered).await, StatusCode::OK);
    }
    let mut forged = delivered.clone();
    forged.headers.retain(|(name, _)| name != "x-twilio-signature");
    assert_eq!(call(&office.app, &forged).await, StatusCode::UNAUTHORIZED);
    let nowhere = Signed { url: delivered.url.replace(".main", ".other"), ..delivered };
    assert_eq!(call(&office.app, &nowhere).await, StatusCode::NOT_FOUND);
    let letter = office.sendgrid.taken().pop().expect("SendGrid took it");
    let hook = office.account("mail").await["webhookUrl"].as_str().expect("a URL").to_owned();
    let at = Ambient::system().now().timestamp();
    let events = [letter.event("delivered", "e1", at, json!({})), letter.event("vaporised", "e2", at, json!({}))];
    for _ in 0..2 {
        assert_eq!(call(&office.app, &office.sendgrid.events(&hook, &events)).await, StatusCode::OK);
    }
    let mut large = office.sendgrid.events(&hook, &[]);
    large.body = vec![b' '; 33 * 1024 * 1024].into();
    assert_eq!(call(&office.app, &large).await, StatusCode::PAYLOAD_TOO_LARGE);

    let text = office.admin.get("/metrics").await.text().await.expect("a text");
    assert!(!text.contains(&office.app.tenant.0.simple().to_string()), "tenants are not named without a key");
    assert!(!text.contains(&office.app.tenant.to_string()), "tenants are not named without a key");
    let count = |name: &str, labels: &str| value(&text, name, labels);
    let with = |labels: &str, more: &str| format!("{labels},{more}");
    let expected = [
        ("webhook_requests_total", of_twilio.to_owned(), 4.0),
        ("webhook_told_total", with(of_twilio, "kind=\"delivered\""), 1.0),
        ("webhook_duplicates_total", of_twilio.to_owned(), 2.0),
        ("webhook_refused_total", with(of_twilio, "reason=\"signature\""), 1.0),
        ("webhook_handling_seconds_count", of_twilio.to_owned(), 3.0),
        (
            "webhook_refused_total",
            "provider=\"unknown\",account=\"unknown\",reason=\"unknown_account\"".to_owned(),
            1.0,
        ),
        ("webhook_told_total", with(of_sendgrid, "kind=\"delivered\""), 1.0),
        ("webhook_kept_total", of_sendgrid.to_owned(), 1.0),
        ("webhook_duplicates_total", of_sendgrid.to_owned(), 2.0),
        ("webhook_refused_total", with(of_sendgrid, "reason=\"too_large\""), 1.0),
        ("provider_sent_total", of_twilio.to_owned(), 1.0),
        ("provider_sent_total", of_sendgrid.to_owned(), 1.0),
        ("provider_in_doubt_total", of_twilio.to_owned(), 1.0),
        ("provider_refusals_total", with(of_twilio, "class=\"permanent\""), 1.0),
        ("provider_queue_wait_seconds_count", of_twilio.to_owned(), 3.0),
        ("provider_retries_total", of_twilio.to_owned(), 0.0),
    ];
    for (name, labels, times) in &expected {
        assert!((count(name, labels) - times).abs() < f64::EPSILON, "{name}{{{labels}}} is not {times}:\n{text}");
    }
    assert!(!text.contains(".other"), "only accounts that there are get labels");
    office.app.finish().await;
}

on_each_engine! {
    callbacks_and_calls_are_counted_by_provider_and_account
}
