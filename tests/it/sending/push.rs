//! Push notifications: sent to the device that registered last, reported by its app, and devices that are gone.

use commlog::clock::Ambient;
use commlog::ids::CustomerId;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::customers_page::CustomersPage;
use super::in_app::{register, send};
use super::stories::start;
use super::story::{PUBLIC, count};
use crate::support::app::{Actor, Engine, TestApp, http_client};
use crate::support::doubles::Signed;
use crate::support::doubles::fcm::{Device, FcmDouble};

struct Shop {
    app: TestApp,
    fcm: FcmDouble,
    backend: Actor,
}

impl Shop {
    async fn open(engine: Engine) -> Self {
        let fcm = FcmDouble::start(Ambient::system()).await;
        let (app, backend) = start(engine, "fcm", &fcm.account()).await;
        Self { app, fcm, backend }
    }

    /// Hands a report of an app to the node.
    async fn report(&self, signed: &Signed) -> StatusCode {
        let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
        let request = http_client().post(format!("http://{}{path}", self.app.address())).body(signed.body.clone());
        let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.send().await.expect("the node answers").status()
    }

    /// The devices that notifications went to, in order.
    fn devices(&self) -> Vec<String> {
        let to = |message: &Value| message["token"].as_str().expect("a token").to_owned();
        self.fcm.taken().iter().map(|taken| to(&taken.message)).collect()
    }

    /// Sends, and waits until it left or never will.
    async fn push(&self, customer: CustomerId, outcome: &str, times: usize) -> String {
        let id = send(&self.backend, customer, "PUSH", "Your order has left.").await;
        self.app.until(customer, |types| count(types, outcome) == times).await;
        id
    }
}

async fn sign_in(page: &CustomersPage, device: &str, replaces: Option<&str>) -> Value {
    let mutation = "mutation($t: String!, $r: String) { registerDevice(token: $t, replaces: $r) { refusal { code } } }";
    page.ask(mutation, json!({ "t": device, "r": replaces })).await["refusal"].take()
}

async fn a_notification_goes_to_the_device_in_use_and_its_app_reports(engine: Engine) {
    let shop = Shop::open(engine).await;
    let ada = register(&shop.backend, "PUSH_TOKEN", "device-a").await;
    shop.push(ada, "MessageSent", 1).await;
    // The app was given another token, and says which one it replaces.
    let page = CustomersPage::open(&shop.backend, ada, 60).await;
    assert!(sign_in(&page, "device-b", Some("device-a")).await.is_null());
    let id = shop.push(ada, "MessageSent", 2).await;
    assert_eq!(shop.devices(), ["device-a", "device-b"]);
    let sent = shop.fcm.taken().pop().expect("FCM took it");
    for event in ["delivered", "opened", "opened"] {
        assert_eq!(shop.report(&sent.report(event, &json!({}))).await, StatusCode::OK, "{event}");
    }
    let types = shop.app.until(ada, |types| count(types, "MessageOpened") == 1).await;
    assert_eq!((count(&types, "MessageDelivered"), count(&types, "MessageOpened")), (1, 1));
    shop.app.visible(shop.app.head().await).await;
    let state = shop.backend.data("query($id: ID!) { message(id: $id) { state } }", json!({ "id": id })).await;
    assert_eq!(state["message"]["state"], "OPENED");
    // Who was not notified reports nothing.
    let mut forged = sent.clone();
    forged.message["data"]["commlog_token"] = json!("made.up");
    assert_eq!(shop.report(&forged.report("opened", &json!({}))).await, StatusCode::UNAUTHORIZED);
    shop.app.finish().await;
}

async fn a_device_that_is_gone_is_taken_away_and_the_next_message_reaches_another(engine: Engine) {
    let shop = Shop::open(engine).await;
    let ada = register(&shop.backend, "PUSH_TOKEN", "tablet").await;
    shop.app.visible(shop.app.head().await).await;
    let page = CustomersPage::open(&shop.backend, ada, 60).await;
    assert!(sign_in(&page, "phone", None).await.is_null());
    shop.fcm.set("phone", Device::Gone);
    shop.push(ada, "DispatchFailed", 1).await;
    shop.app.until(ada, |types| count(types, "CustomerAddressRemoved") == 1).await;
    shop.push(ada, "MessageSent", 1).await;
    assert_eq!(shop.devices(), ["tablet"]);
    // One of another project is refused, and stays: its own account may reach it.
    shop.fcm.set("tablet", Device::Foreign);
    shop.push(ada, "DispatchFailed", 2).await;
    let types = shop.app.until(ada, |_| true).await;
    assert_eq!(count(&types, "CustomerAddressRemoved"), 1);
    // An app that is installed again may get the same token: nothing keeps it out.
    shop.fcm.forget("phone");
    assert!(sign_in(&page, "phone", None).await.is_null());
    shop.push(ada, "MessageSent", 2).await;
    assert_eq!(shop.devices(), ["tablet", "phone"]);
    shop.app.finish().await;
}

async fn a_device_belongs_to_whoever_signed_in_last(engine: Engine) {
    let shop = Shop::open(engine).await;
    let ada = register(&shop.backend, "PUSH_TOKEN", "family-tablet").await;
    let eve = register(&shop.backend, "EMAIL", "eve@example.org").await;
    shop.app.visible(shop.app.head().await).await;
    let eves = CustomersPage::open(&shop.backend, eve, 60).await;
    assert!(sign_in(&eves, "family-tablet", None).await.is_null());
    shop.app.until(ada, |types| count(types, "CustomerAddressRemoved") == 1).await;
    shop.push(eve, "MessageSent", 1).await;
    assert_eq!(shop.devices(), ["family-tablet"]);
    let mutation = "mutation($t: String!) { removeDevice(token: $t) { refusal { code } } }";
    for expected in [Value::Null, json!({ "code": "ADDRESS_UNKNOWN" })] {
        assert_eq!(eves.ask(mutation, json!({ "t": "family-tablet" })).await["refusal"], expected);
    }
    assert_eq!(sign_in(&eves, "two words", None).await["code"], "INVALID_INPUT");
    shop.app.finish().await;
}

on_each_engine! {
    a_notification_goes_to_the_device_in_use_and_its_app_reports
    a_device_that_is_gone_is_taken_away_and_the_next_message_reaches_another
    a_device_belongs_to_whoever_signed_in_last
}
