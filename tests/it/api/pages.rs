//! The pages behind links in messages as their readers see them: in the tenant's brand, in their own language.

use commlog::domain::tenant::event::Role;
use reqwest::header::ACCEPT_LANGUAGE;
use serde_json::{Value, json};

use crate::support::app::{Actor, TestApp, http_client, on_both_engines};

/// The path of a customer's preference page.
pub(super) async fn preferences(admin: &Actor, customer: &str) -> String {
    let query = "query($id: ID!) { preferencesUrl(customerId: $id) }";
    let data = admin.data(query, json!({ "id": customer })).await;
    url::Url::parse(data["preferencesUrl"].as_str().expect("a link")).expect("a URL").path().to_owned()
}

/// The path of a page that confirms emails about offers.
async fn confirmation(admin: &Actor, customer: &str) -> String {
    let ask = "mutation($id: ID!) { requestOptIn(input: { customerId: $id, channel: EMAIL, topic: \"offers\" }) { confirmUrl } }";
    let data = admin.data(ask, json!({ "id": customer })).await;
    let url = data["requestOptIn"]["confirmUrl"].as_str().expect("a link").to_owned();
    url::Url::parse(&url).expect("a URL").path().to_owned()
}

async fn brand(admin: &Actor, changes: Value) {
    let update = "mutation($changes: BrandPatch!) { updateBrand(changes: $changes) { refusal { message } } }";
    let data = admin.data(update, json!({ "changes": changes })).await;
    assert!(data["updateBrand"]["refusal"].is_null(), "{data:#}");
}

async fn change(admin: &Actor, customer: &str, changes: Value) {
    let update = "mutation($id: ID!, $changes: CustomerPatch!) { changeCustomer(customerId: $id, changes: $changes) { refusal { message } } }";
    let data = admin.data(update, json!({ "id": customer, "changes": changes })).await;
    assert!(data["changeCustomer"]["refusal"].is_null(), "{data:#}");
}

/// The page at a path, for a browser that asks for languages.
pub(super) async fn read(admin: &Actor, path: &str, languages: &str) -> String {
    let request = http_client().get(admin.url(path)).header(ACCEPT_LANGUAGE, languages);
    request.send().await.expect("the server answers").text().await.expect("a page")
}

pub(super) async fn post(admin: &Actor, path: &str, form: &[(&str, &str)]) -> String {
    let answer = http_client().post(admin.url(path)).form(form).send().await.expect("the server answers");
    answer.text().await.expect("a page")
}

/// What is recorded of a customer: the newest consents first.
async fn consents(app: &TestApp, admin: &Actor, customer: &str) -> Vec<Value> {
    app.visible(app.head().await).await;
    let query = "query($id: ID!) { customer(id: $id) { consentHistory { nodes { channel topic state wording } } } }";
    let mut data = admin.data(query, json!({ "id": customer })).await;
    serde_json::from_value(data["customer"]["consentHistory"]["nodes"].take()).expect("a list")
}

async fn profile(app: &TestApp, admin: &Actor, customer: &str) -> Value {
    app.visible(app.head().await).await;
    let query = "query($id: ID!) { customer(id: $id) { locale timeZone } }";
    admin.data(query, json!({ "id": customer })).await["customer"].take()
}

fn language(page: &str) -> &str {
    page.split_once("<html lang=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a language").0
}

on_both_engines! {
    a_page_is_in_the_customers_language_else_the_browsers_else_the_tenants(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        let link = preferences(&admin, &customer).await;
        assert_eq!(language(&read(&admin, &link, "fr").await), "en");
        assert_eq!(language(&read(&admin, &link, "fr, de-CH;q=0.8, en;q=0.5").await), "de");
        brand(&admin, json!({ "language": "GERMAN" })).await;
        assert_eq!(language(&read(&admin, &link, "fr").await), "de");
        change(&admin, &customer, json!({ "locale": "en-GB" })).await;
        assert_eq!(language(&read(&admin, &link, "de").await), "en");
        change(&admin, &customer, json!({ "locale": "fr-FR" })).await;
        assert_eq!(language(&read(&admin, &link, "fr, en;q=0.1").await), "en");
        let page = read(&admin, &format!("{link}?language=de"), "en").await;
        assert_eq!(language(&page), "de", "what the reader chooses on the page comes first");
        assert!(page.contains("Ihre Einstellungen") && page.contains("<a href=\"?language=en\""), "{page}");
        assert_eq!(language(&read(&admin, &format!("{link}?language=klingon"), "de").await), "de");
        // Whoever made up the link names no tenant.
        let nobody = read(&admin, "/preferences/x", "de").await;
        assert!(nobody.contains("Dieser Link funktioniert nicht") && !nobody.contains("<header"), "{nobody}");
    }

    a_page_wears_the_brand_and_whatever_its_texts_are_they_stay_texts(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        let link = preferences(&admin, &customer).await;
        assert!(read(&admin, &link, "en").await.contains("<header><bdi>Test</bdi></header>"));
        let topics: Vec<Value> = (0..40).map(|number| json!({ "topic": format!("t{number}"), "name": format!("Topic {number} <b>&\"{{name}}") })).collect();
        brand(&admin, json!({
            "name": "</title><script>alert(1)</script>\u{202e}{topic}", "accent": "#ffe000", "banner": "#000",
            "imprint": "<img src=x onerror=alert(1)>\nLine 2", "privacyUrl": "https://shop.example/a?b=1&c=%22", "topics": topics,
        })).await;
        let consent = "mutation($id: ID!, $topic: String!) { setConsent(input: { customerId: $id, channel: EMAIL, topic: $topic, \
            state: OPTED_IN, method: \"form\" }) { state } }";
        for number in 0..40 {
            admin.data(consent, json!({ "id": customer, "topic": format!("t{number}") })).await;
        }
        let answer = admin.get(&link).await;
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains("style-src 'sha256-") && policy.contains("img-src data:") && !policy.contains("unsafe"), "{policy}");
        let page = answer.text().await.expect("a page");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains(" <b>"), "{page}");
        assert!(page.contains("<header class=\"banner\"><bdi>&lt;/title&gt;&lt;script&gt;"), "{page}");
        assert!(page.contains("Topic 39 &lt;b&gt;&amp;&quot;{name}</bdi>"), "{page}");
        assert!(page.contains("href=\"https://shop.example/a?b=1&amp;c=%22\""), "{page}");
        assert_eq!(page.matches("name=\"wanted\"").count(), 40);
        assert_eq!(page.matches(" checked>").count(), 40 + 7, "and the days of the hours");
    }

    the_evidence_is_the_wording_that_was_shown(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        brand(&admin, json!({ "name": "Weingut", "topics": [{ "topic": "offers", "language": "GERMAN", "name": "Angebote" }] })).await;
        let confirm = confirmation(&admin, &customer).await;
        let question = "Möchten Sie E-Mails zum Thema „Angebote“ von Weingut erhalten?";
        let page = read(&admin, &confirm, "de").await;
        assert!(page.replace("<bdi>", "").replace("</bdi>", "").contains(question), "{page}");
        // The browser asks for nothing here: the form says which language was shown.
        let page = post(&admin, &confirm, &[("language", "de"), ("confirm", "yes")]).await;
        assert!(page.contains("Ihre Anmeldung ist bestätigt."), "{page}");
        let told = consents(app, &admin, &customer).await;
        assert_eq!((&told[0]["state"], &told[0]["wording"]), (&json!("OPTED_IN"), &json!(question)));

        let link = preferences(&admin, &customer).await;
        let page = read(&admin, &link, "de").await;
        assert!(page.contains("<legend>E-Mails</legend>") && page.contains("<bdi>Angebote</bdi>"), "{page}");
        let page = post(&admin, &link, &[("language", "de"), ("shown", "email:offers")]).await;
        assert!(page.contains("Ihre Auswahl ist gespeichert."), "{page}");
        let told = consents(app, &admin, &customer).await;
        let wording = "Welche Nachrichten möchten Sie von Weingut erhalten?\nE-Mails\nAngebote";
        assert_eq!((&told[0]["state"], &told[0]["wording"]), (&json!("OPTED_OUT"), &json!(wording)));
        post(&admin, &link, &[("language", "en"), ("nothing", "yes")]).await;
        let told = consents(app, &admin, &customer).await;
        assert_eq!((&told[0]["topic"], &told[0]["wording"]), (&json!("all"), &json!("Unsubscribe from everything")));
    }

    a_reader_chooses_language_and_time_zone_and_changes_nothing_else(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        let link = preferences(&admin, &customer).await;
        let form = [("locale", "de"), ("locale_shown", ""), ("time_zone", "Europe/Vienna"), ("time_zone_shown", "")];
        let page = post(&admin, &link, &form).await;
        assert_eq!(language(&page), "de", "the page speaks it at once");
        assert!(page.contains("<option value=\"Europe/Vienna\" selected>Vienna</option>"), "{page}");
        assert_eq!(profile(app, &admin, &customer).await, json!({ "locale": "de", "timeZone": "Europe/Vienna" }));
        assert!(consents(app, &admin, &customer).await.is_empty(), "no line was shown, none is changed");

        // What a colleague changed while the page was open stays, if the reader did not touch it.
        change(&admin, &customer, json!({ "locale": "de-AT" })).await;
        let form = [("locale", "de"), ("locale_shown", "de"), ("time_zone", "UTC"), ("time_zone_shown", "Europe/Vienna")];
        post(&admin, &link, &form).await;
        assert_eq!(profile(app, &admin, &customer).await, json!({ "locale": "de-AT", "timeZone": "UTC" }));
        let end = app.head().await;
        for forged in [
            [("locale", "<script>"), ("locale_shown", "de-AT"), ("time_zone", "Mars/Olympus"), ("time_zone_shown", "UTC")],
            [("locale", "de-AT"), ("locale_shown", "de-AT"), ("time_zone", "UTC"), ("time_zone_shown", "UTC")],
        ] {
            let page = post(&admin, &link, &forged).await;
            assert!(page.contains("role=\"status\""), "{page}");
        }
        assert_eq!(app.head().await, end, "nothing to change, or nothing that exists");
        post(&admin, &link, &[("time_zone", ""), ("time_zone_shown", "UTC")]).await;
        assert_eq!(profile(app, &admin, &customer).await, json!({ "locale": "de-AT", "timeZone": null }));
    }

    a_link_that_has_expired_says_so_and_whose_it_was(app) {
        let admin = app.actor(Role::Admin).await;
        let customer = admin.customer("Ada Example").await;
        brand(&admin, json!({ "name": "Weingut" })).await;
        change(&admin, &customer, json!({ "locale": "de" })).await;
        let confirm = confirmation(&admin, &customer).await;
        app.advance(chrono::TimeDelta::days(8));
        let end = app.head().await;
        for page in [admin.get(&confirm).await, http_client().post(admin.url(&confirm)).send().await.expect("an answer")] {
            assert_eq!(page.status(), 410);
            let page = page.text().await.expect("a page");
            assert!(page.contains("Dieser Link ist abgelaufen") && page.contains("<bdi>Weingut</bdi>"), "{page}");
        }
        assert_eq!(app.head().await, end);
    }
}
