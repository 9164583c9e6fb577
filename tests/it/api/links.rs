//! What people decide by links in messages: GET shows, POST acts, and the evidence is kept.

use commlog::app::{App, Caller};
use commlog::domain::message::decide::SendMessage;
use commlog::domain::message::event::MessageClass;
use commlog::domain::tenant::event::Role;
use commlog::domain::value::Channel;
use commlog::ids::CustomerId;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, http_client};

fn uuid(global: &str) -> CustomerId {
    global.split(':').next_back().expect("an id").parse().map(CustomerId).expect("a UUID")
}

/// The path of a URL that a message holds.
fn path(url: &str) -> String {
    url::Url::parse(url.trim_matches(['<', '>'])).expect("a URL").path().to_owned()
}

/// The unsubscribe link of a new email about `news`, if it has one.
async fn unsubscribe_link(app: &App, caller: &Caller, customer: &str, class: MessageClass) -> Option<String> {
    let command = SendMessage {
        customer_id: uuid(customer),
        channel: Channel::Email,
        class,
        topic: "news".to_owned(),
        address_id: None,
        subject: None,
        body: "A new vintage is in.".to_owned(),
        // Nothing dispatches it before the test is done with it.
        send_at: Some(app.ambient().now() + chrono::TimeDelta::days(1)),
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    };
    let sent =
        app.send_message(caller, command, None).await.expect("the log answers").into_result().expect("is queued");
    let headers =
        app.list_unsubscribe(caller, uuid(customer), sent.value.message_id).await.expect("the log answers")?;
    assert_eq!(headers.list_unsubscribe_post, "List-Unsubscribe=One-Click");
    assert!(headers.list_unsubscribe.starts_with("<http") && headers.list_unsubscribe.ends_with('>'));
    Some(path(&headers.list_unsubscribe))
}

async fn history(app: &TestApp, actor: &Actor, customer: &str) -> Vec<Value> {
    app.visible(app.head().await).await;
    let query = "query($id: ID!) { customer(id: $id) { consentHistory { nodes { channel topic state method source \
        author { actor } ip userAgent wording messageId } } } }";
    let mut data = actor.data(query, json!({ "id": customer })).await;
    serde_json::from_value(data["customer"]["consentHistory"]["nodes"].take()).expect("a list")
}

async fn post(actor: &Actor, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let request = http_client().post(actor.url(path)).header("user-agent", "Mail/1.0").form(form);
    let answer = request.send().await.expect("the server answers");
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_unsubscribes_and_looking_does_not() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Wim Example").await;
    let caller = Caller::new(app.tenant, "test");
    let use_cases = &app.stores().app;
    let link = unsubscribe_link(use_cases, &caller, &customer, MessageClass::Marketing).await.expect("a link");
    assert_eq!(unsubscribe_link(use_cases, &caller, &customer, MessageClass::Transactional).await, None);

    let page = admin.get(&link).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let html = page.text().await.expect("a page");
    assert!(html.contains("<form method=\"post\">") && !html.contains("<script") && !html.contains("Wim"), "{html}");
    assert_eq!(http_client().head(admin.url(&link)).send().await.expect("an answer").status(), 200);
    assert!(history(&app, &admin, &customer).await.is_empty(), "looking records nothing");

    for _ in 0..2 {
        let (status, page) = post(&admin, &link, &[("List-Unsubscribe", "One-Click")]).await;
        assert_eq!(status, 200);
        assert!(page.contains("unsubscribed"), "{page}");
    }
    let told = history(&app, &admin, &customer).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let about = (&told[0]["channel"], &told[0]["topic"], &told[0]["state"], &told[0]["method"], &told[0]["source"]);
    assert_eq!(about, (&json!("EMAIL"), &json!("news"), &json!("OPTED_OUT"), &json!("one_click"), &json!("CUSTOMER")));
    assert_eq!((&told[0]["ip"], &told[0]["userAgent"]), (&json!("127.0.0.1"), &json!("Mail/1.0")));
    assert!(told[0]["wording"].as_str().is_some_and(|wording| wording.contains("news")), "{told:?}");
    assert!(told[0]["messageId"].is_string());

    let analyst = app.actor(Role::Analyst).await;
    assert_eq!(history(&app, &analyst, &customer).await[0]["ip"], Value::Null, "evidence is personal");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_link_is_a_friendly_page_and_records_nothing() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Xia Example").await;
    let caller = Caller::new(app.tenant, "test");
    let link = unsubscribe_link(&app.stores().app, &caller, &customer, MessageClass::Marketing).await.expect("a link");
    let before = app.stores().app.end_of_log();
    let token = link.strip_prefix("/u/").expect("a token").to_owned();
    let mut forged = token.clone().into_bytes();
    forged[60] = if forged[60] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("text");
    let long = "A".repeat(5_000);
    for wrong in [
        format!("/u/{forged}"),
        format!("/confirm/{token}"),
        format!("/preferences/{token}"),
        "/u/x".to_owned(),
        format!("/u/{long}"),
    ] {
        let (status, page) = post(&admin, &wrong, &[("List-Unsubscribe", "One-Click")]).await;
        assert_eq!(status, 404, "{wrong}");
        assert!(page.contains("This link does not work"), "{page}");
        assert_eq!(admin.get(&wrong).await.status(), 404);
    }
    assert_eq!(app.stores().app.end_of_log(), before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_opt_in_is_pending_until_it_is_confirmed() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Yan Example").await;
    let ask = "mutation($id: ID!, $key: String) { requestOptIn(input: { customerId: $id, channel: EMAIL, topic: \"Offers\", \
        wording: \"Offers, twice a month\" }, idempotencyKey: $key) { confirmUrl expiresAt repeated refusal { code } } }";
    let asked = admin.data(ask, json!({ "id": customer, "key": "ask" })).await["requestOptIn"].take();
    let again = admin.data(ask, json!({ "id": customer, "key": "ask" })).await["requestOptIn"].take();
    assert_eq!(asked["confirmUrl"], again["confirmUrl"]);
    let link = path(asked["confirmUrl"].as_str().expect("a link"));
    assert_eq!(admin.get(&link).await.status(), 200);
    assert_eq!(history(&app, &admin, &customer).await[0]["state"], "PENDING");
    for _ in 0..2 {
        let (status, page) = post(&admin, &link, &[("confirm", "yes")]).await;
        assert_eq!(status, 200, "{page}");
    }
    let told = history(&app, &admin, &customer).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        (&told[0]["state"], &told[0]["topic"], &told[0]["method"]),
        (&json!("OPTED_IN"), &json!("offers"), &json!("double_opt_in"))
    );
    let refused = admin.data(ask, json!({ "id": customer })).await;
    assert_eq!(refused["requestOptIn"]["refusal"]["code"], "OPTED_IN_ALREADY");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preference_page_shows_what_is_sent_and_changes_it() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Zoe Example").await;
    let consent = "mutation($id: ID!, $topic: String!, $state: ConsentState!) { setConsent(input: { customerId: $id, \
        channel: EMAIL, topic: $topic, state: $state, method: \"form\" }) { state } }";
    for (topic, state) in [("news", "OPTED_IN"), ("<b>offers</b>", "OPTED_OUT")] {
        admin.data(consent, json!({ "id": customer, "topic": topic, "state": state })).await;
    }
    let query = "query($id: ID!) { preferencesUrl(customerId: $id) }";
    let url = admin.data(query, json!({ "id": customer })).await;
    let link = path(url["preferencesUrl"].as_str().expect("a link"));
    let page = admin.get(&link).await.text().await.expect("a page");
    assert!(page.contains("value=\"email:news\" checked"), "{page}");
    assert!(page.contains("<bdi>&lt;b&gt;offers&lt;/b&gt;</bdi>") && !page.contains("<b>"), "{page}");
    assert!(!page.contains("Zoe") && !page.contains("@example.com"), "{page}");

    let form = [("shown", "email:news"), ("shown", "email:<b>offers</b>"), ("wanted", "email:<b>offers</b>")];
    let (status, page) = post(&admin, &link, &form).await;
    assert_eq!(status, 200);
    assert!(page.contains("Your choices are saved") && page.contains("value=\"email:news\">"), "{page}");
    let told = history(&app, &admin, &customer).await;
    let states: Vec<_> = told.iter().take(2).map(|change| (&change["topic"], &change["state"])).collect();
    assert!(states.contains(&(&json!("news"), &json!("OPTED_OUT"))), "{told:?}");
    assert!(states.contains(&(&json!("<b>offers</b>"), &json!("OPTED_IN"))), "{told:?}");
    post(&admin, &link, &[("nothing", "yes")]).await;
    let told = history(&app, &admin, &customer).await;
    assert_eq!(
        (&told[0]["topic"], &told[0]["state"], &told[0]["method"]),
        (&json!("all"), &json!("OPTED_OUT"), &json!("preferences"))
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_tracked_has_a_line_for_it_on_the_preference_page() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let customer = admin.customer("Abe Example").await;
    let query = "query($id: ID!) { preferencesUrl(customerId: $id) }";
    let url = admin.data(query, json!({ "id": customer })).await;
    let link = path(url["preferencesUrl"].as_str().expect("a link"));
    let page = async || admin.get(&link).await.text().await.expect("a page");
    assert!(!page().await.contains("email:tracking"), "nobody is tracked");
    let track = async |settings| {
        let mutation = "mutation($to: TrackingInput) { updatePolicy(changes: { tracking: $to }) { position } }";
        admin.data(mutation, json!({ "to": settings })).await
    };
    track(json!({ "opens": true })).await;
    let shown = page().await;
    assert!(
        shown.contains("value=\"email:tracking\" checked><span><bdi>Test</bdi> may record when I open emails"),
        "{shown}"
    );
    assert!(shown.contains("value=\"email:all\""), "{shown}");
    let form = [("shown", "email:tracking"), ("shown", "email:all"), ("wanted", "email:all")];
    let (status, shown) = post(&admin, &link, &form).await;
    assert!(status == 200 && shown.contains("value=\"email:tracking\"><span>"), "{shown}");
    let told = history(&app, &admin, &customer).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["topic"], &told[0]["state"]), (&json!("tracking"), &json!("OPTED_OUT")));
    app.finish().await;
}
