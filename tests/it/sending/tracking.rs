//! Our own tracking, through the whole: what leaves, what following it does, and what is recorded of it.

use commlog::app::Caller;
use commlog::domain::tenant::event::Role;
use commlog::ids::{CustomerId, MessageId};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, Response, redirect};
use serde_json::{Value, json};

use super::story::{Accounts, PUBLIC, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::{Act, sendgrid};

pub(super) const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PREFETCHER: &str = "Mozilla/5.0";

/// MJML, for the conditional comments that it makes.
const PAGE: &str = "<mjml><mj-body><mj-section><mj-column><mj-button href=\"https://shop.example/wine?a=1&amp;b=2#new\">Buy\
    </mj-button><mj-text><a href=\"https://shop.example/wine?a=1&amp;b=2#new\">Again</a> <a href=\"https://shop.example/legal\" \
    data-track=\"off\">Legal</a> <a href=\"mailto:shop@shop.example\">Write</a> <a href=\"{{ unsubscribe_url }}\">Unsubscribe\
    </a></mj-text></mj-column></mj-section></mj-body></mjml>";

/// A message without anything that the tests do not look at.
pub(super) fn message(customer: CustomerId, channel: &str, body: &str) -> Value {
    json!({
        "customerId": customer.to_string(), "channel": channel, "class": "MARKETING", "topic": "news",
        "subject": if channel == "EMAIL" { Some("A new vintage") } else { None }, "body": body,
    })
}

impl Wire {
    pub(super) async fn track(&self, settings: Value) {
        let mutation =
            "mutation($to: TrackingInput!) { updatePolicy(changes: { tracking: $to }) { refusal { message field } } }";
        let answer = self.agent.data(mutation, json!({ "to": settings })).await;
        assert!(answer["updatePolicy"]["refusal"].is_null(), "{answer:#}");
    }

    /// Sends, and waits until so many messages of the customer were handed over.
    pub(super) async fn sent(&self, customer: CustomerId, input: Value, so_many: usize) -> String {
        let mutation =
            "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId refusal { message } } }";
        let data = self.agent.data(mutation, json!({ "input": input })).await;
        let id = data["sendMessage"]["messageId"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned();
        self.app.until(customer, |types| count(types, "MessageSent") == so_many).await;
        id
    }

    /// The plain text of the last mail that SendGrid took.
    pub(super) fn mail_text(&self) -> String {
        let request = self.sendgrid.taken().pop().expect("SendGrid took it").request;
        request["content"][0]["value"].as_str().expect("a text").to_owned()
    }

    fn sms_text(&self) -> String {
        self.twilio.taken().pop().and_then(|sms| sms.field("Body").map(str::to_owned)).expect("Twilio took it")
    }

    /// A published template of a mail.
    async fn template(&self, code: &str) {
        let email = json!({ "subject": "A new vintage", "markup": "MJML", "source": PAGE });
        let input = json!({ "code": code, "title": code, "class": "MARKETING", "defaultLocale": "en",
            "contents": [{ "locale": "en", "texts": { "email": email } }] });
        let save = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { message } } }";
        let saved = self.agent.data(save, json!({ "input": input })).await;
        assert!(saved["saveTemplate"]["refusal"].is_null(), "{saved:#}");
        let publish = "mutation($code: String!) { publishTemplate(code: $code) { refusal { message } } }";
        let published = self.agent.data(publish, json!({ "code": code })).await;
        assert!(published["publishTemplate"]["refusal"].is_null(), "{published:#}");
    }

    /// Follows a link of ours, but no redirect.
    pub(super) async fn follow(&self, method: Method, url: &str, headers: &[(&'static str, &str)]) -> Response {
        let path = url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url} is not ours"));
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        let request = client.request(method, format!("http://{}{path}", self.app.address()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("the node answers")
    }

    pub(super) async fn get(&self, url: &str, user_agent: &str) -> Response {
        self.follow(Method::GET, url, &[("user-agent", user_agent)]).await
    }

    async fn restart(self) -> Self {
        let app = self.app.restart().await;
        let agent = app.actor(Role::Admin).await;
        Self { app, agent, ..self }
    }

    async fn consent(&self, customer: CustomerId, state: &str) {
        let mutation = "mutation($id: ID!, $state: ConsentState!) { setConsent(input: { customerId: $id, channel: EMAIL, \
            topic: \"tracking\", state: $state, method: \"form\" }) { refusal { message } } }";
        let answer = self.agent.data(mutation, json!({ "id": customer.to_string(), "state": state })).await;
        assert!(answer["setConsent"]["refusal"].is_null(), "{answer:#}");
    }

    pub(super) async fn engagement(&self, message: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        let query = "query($id: ID!) { message(id: $id) { state opens { total human machine } \
            clicks { total human machine } } }";
        self.agent.data(query, json!({ "id": message })).await["message"].take()
    }
}

/// The links of a text.
pub(super) fn links(text: &str) -> Vec<String> {
    text.split_whitespace().filter(|word| word.starts_with("http")).map(str::to_owned).collect()
}

pub(super) fn location(headers: &HeaderMap) -> Option<&str> {
    headers.get(LOCATION).and_then(|value| value.to_str().ok())
}

async fn links_of_a_mail_lead_on_whatever_stands_in_them(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.track(json!({ "clicks": true, "textLinks": true })).await;
    // As public reports have them; each with what a browser would have asked the other site for.
    let reported = [
        ("https://shop.example/?this=test&that=test2", None),
        ("https://shop.example/?a=1&copy=2&amp;b=3", None),
        ("https://shop.example/search?fulltext=campus&f[0]=themes:2&f[1]=themes:1706", None),
        ("https://shop.example/TD-W9970(EU)_V2_Guide_1482286347761d.pdf", None),
        ("https://shop.example/part1/part3@part4/part5/", None),
        ("https://shop.example/sites/2017/09/why-begin/#4e9332a55050", None),
        ("https://shop.example/dialog/share?app_id=9662&href=http://google.ca/", None),
        ("https://shop.example/a%20b?c=%26%2520&d=a+b", None),
        ("https://shop.example/#/route?x=1", None),
        ("https://shop.example", Some("https://shop.example/")),
        ("https://shop.example/hírlevél?ü=🍷", Some("https://shop.example/h%C3%ADrlev%C3%A9l?%C3%BC=%F0%9F%8D%B7")),
        ("https://münchen.example/", Some("https://xn--mnchen-3ya.example/")),
        ("http://shop.example:8080/a//b/../c", Some("http://shop.example:8080/a//c")),
    ];
    let body: String = reported.iter().map(|(link, _)| format!("See {link} .\n")).collect();
    let id = wire.sent(ada, message(ada, "EMAIL", &body), 1).await;
    let text = wire.mail_text();
    let rewritten = links(&text);
    assert_eq!(rewritten.len(), reported.len(), "{text}");
    for ((link, location_of), url) in reported.iter().zip(&rewritten) {
        assert!(url.starts_with(&format!("{PUBLIC}/t/c/")), "{url}");
        let answer = wire.get(url, BROWSER).await;
        assert_eq!(answer.status(), 302);
        assert_eq!(location(answer.headers()), Some(location_of.unwrap_or(link)));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        // As it stands in the comments that Outlook reads.
        let in_comment = wire.follow(Method::HEAD, &url.replace('-', "%2D"), &[]).await;
        assert_eq!(location(in_comment.headers()), Some(location_of.unwrap_or(link)));
    }
    wire.app.until(ada, |types| count(types, "MessageClicked") == 13).await;
    assert_eq!(wire.engagement(&id).await["clicks"], json!({ "total": 13, "human": 13, "machine": 0 }));
    let stored = "query($id: ID!) { message(id: $id) { body } }";
    let stored = wire.agent.data(stored, json!({ "id": id })).await["message"]["body"].take();
    assert_eq!(stored, json!(body), "the log keeps what was written");
    wire.app.finish().await;
}

/// The value of each `href`, as a browser reads it.
fn hrefs(page: &str) -> Vec<String> {
    let values = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| value.replace("&amp;", "&")).collect()
}

async fn a_page_gets_a_picture_and_links_and_its_campaign_shows_who_followed_them(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let campaign = "0b8a2e3c-5f1d-4c7e-9a44-6d2c1f0e9b11";
    wire.template("vintage").await;
    wire.track(json!({ "opens": true, "clicks": true })).await;
    let input = json!({ "customerId": ada.to_string(), "channel": "EMAIL", "class": "MARKETING", "topic": "news",
        "campaignId": campaign, "template": { "code": "vintage" } });
    let id = wire.sent(ada, input, 1).await;
    wire.app.visible(wire.app.head().await).await;
    let stored = wire.agent.data("query($id: ID!) { message(id: $id) { body html } }", json!({ "id": id })).await;
    let written = stored["message"]["html"].as_str().expect("a page").to_owned();
    let request = wire.sendgrid.taken().pop().expect("SendGrid took it").request;
    assert_eq!(request["content"][0]["value"], stored["message"]["body"], "the plain text stays");
    let off =
        json!({ "click_tracking": { "enable": false, "enable_text": false }, "open_tracking": { "enable": false } });
    assert_eq!(request["tracking_settings"], off);
    let page = request["content"][1]["value"].as_str().expect("a page").to_owned();

    let (before, after) = (hrefs(&written), hrefs(&page));
    assert_eq!(before.len(), after.len(), "{page}");
    let mut followed = vec![];
    for (before, after) in before.iter().zip(&after) {
        if before.starts_with("https://shop.example/wine") {
            assert!(after.starts_with(&format!("{PUBLIC}/t/c/")), "{after}");
            followed.push(after.clone());
        } else {
            assert_eq!(before, after, "it stays");
        }
    }
    assert_eq!(followed.len(), 2, "{page}");
    let picture = page.split("<img src=\"").find_map(|rest| rest.split('"').next().filter(|url| url.contains("/t/o/")));
    let picture = picture.expect("a picture").to_owned();
    let image = page.find(&picture).expect("it is there");
    let end = &page[image..page.rfind("</body>").expect("an end")];
    assert!(end.ends_with('>') && end.matches('>').count() == 1, "it is the last of the body: {end}");
    assert_eq!(page.matches("<!--[if mso").count(), written.matches("<!--[if mso").count());

    let asked = wire.follow(Method::HEAD, &picture, &[]).await;
    assert_eq!(
        (asked.status().as_u16(), &asked.headers()["content-type"]),
        (200, &"image/gif".parse().expect("a value"))
    );
    assert_eq!(wire.follow(Method::GET, &picture, &[("purpose", "prefetch")]).await.status(), 200);
    assert_eq!(wire.engagement(&id).await["opens"], json!({ "total": 0, "human": 0, "machine": 0 }));
    for user_agent in [PREFETCHER, BROWSER, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Thunderbird/140.0"] {
        let answer = wire.get(&picture, user_agent).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().expect("a value"))
        );
        assert!(answer.bytes().await.expect("a picture").starts_with(b"GIF89a"));
    }
    for link in &followed {
        let answer = wire.get(link, BROWSER).await;
        assert_eq!(location(answer.headers()), Some("https://shop.example/wine?a=1&b=2#new"));
    }
    wire.app.until(ada, |types| count(types, "MessageOpened") == 3 && count(types, "MessageClicked") > 0).await;
    let seen = wire.engagement(&id).await;
    assert_eq!((&seen["state"], &seen["opens"]), (&json!("CLICKED"), &json!({ "total": 3, "human": 2, "machine": 1 })));
    assert!(seen["clicks"]["total"].as_u64().is_some_and(|clicks| clicks >= 1), "{seen}");
    let query = "query($id: ID!) { campaignMetrics(campaignId: $id) { totals { opens { raw human machine uniqueHuman } \
        clicks { uniqueHuman } } } }";
    let figures = wire.agent.data(query, json!({ "id": campaign })).await["campaignMetrics"]["totals"].take();
    let opens = json!({ "raw": 3, "human": 2, "machine": 1, "uniqueHuman": 1 });
    assert_eq!(figures, json!([{ "opens": opens, "clicks": { "uniqueHuman": 1 } }]));
    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
    wire.app.finish().await;
}

async fn what_the_provider_tracks_is_left_to_it(engine: Engine) {
    let wire = Wire::with(engine, Accounts::OverApi).await;
    let ada = wire.ada().await;
    wire.template("vintage").await;
    let parameters = json!([{ "name": "utm_source", "text": "crm" }]);
    wire.track(json!({ "opens": true, "clicks": true, "parameters": parameters })).await;
    let setting = |name: &str, value: &str| json!({ "name": name, "value": value });
    let settings = [
        setting("base_url", wire.sendgrid.settings().base_url.as_str()),
        setting("from", &format!("news@{}", sendgrid::DOMAIN)),
        setting("track_clicks", "true"),
    ];
    let account = json!({ "provider": "sendgrid", "name": "main", "settings": settings,
        "secrets": [setting("api_key", sendgrid::KEY)] });
    let mutation = "mutation($input: AccountInput!) { configureAccount(input: $input) { refusal { message field } } }";
    let configured = wire.agent.data(mutation, json!({ "input": account })).await;
    assert!(configured["configureAccount"]["refusal"].is_null(), "{configured:#}");

    let input = json!({ "customerId": ada.to_string(), "channel": "EMAIL", "class": "MARKETING", "topic": "news",
        "template": { "code": "vintage" } });
    wire.sent(ada, input, 1).await;
    let request = wire.sendgrid.taken().pop().expect("SendGrid took it").request;
    let page = request["content"][1]["value"].as_str().expect("a page");
    assert!(hrefs(page).contains(&"https://shop.example/wine?a=1&b=2&utm_source=crm#new".to_owned()), "{page}");
    assert!(page.contains("/t/o/") && !page.contains("/t/c/"), "{page}");
    let tracking =
        json!({ "click_tracking": { "enable": true, "enable_text": true }, "open_tracking": { "enable": false } });
    assert_eq!(request["tracking_settings"], tracking);
    wire.app.finish().await;
}

async fn only_what_somebody_asked_for_is_counted_and_machines_are_told_apart(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let parameters = json!([
        { "name": "utm_source", "text": "crm" }, { "name": "utm_medium", "source": "CHANNEL" },
        { "name": "utm_campaign", "source": "TOPIC" }, { "name": "utm_content", "source": "VARIANT" },
    ]);
    wire.track(json!({ "clicks": true, "textLinks": true, "parameters": parameters })).await;
    let body = "https://shop.example/a?utm_source=own#b mailto:a@shop.example https://commlog.example/preferences/x";
    let id = wire.sent(ada, message(ada, "EMAIL", body), 1).await;
    let text = wire.mail_text();
    let [link, preferences] = links(&text).try_into().expect("two links");
    assert!(text.contains("mailto:a@shop.example"));
    assert_eq!(preferences, "https://commlog.example/preferences/x");
    let request = wire.sendgrid.taken().pop().expect("SendGrid took it").request;
    assert_eq!(request["tracking_settings"], json!({ "click_tracking": { "enable": false, "enable_text": false } }));

    let target = "https://shop.example/a?utm_source=own&utm_medium=email&utm_campaign=news#b";
    let head = wire.follow(Method::HEAD, &link, &[("user-agent", BROWSER)]).await;
    assert_eq!((head.status().as_u16(), location(head.headers())), (302, Some(target)));
    for header in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")] {
        assert_eq!(wire.follow(Method::GET, &link, &[("user-agent", BROWSER), header]).await.status(), 503);
    }
    assert_eq!(wire.follow(Method::POST, &link, &[]).await.status(), 405);
    assert_eq!(wire.engagement(&id).await["clicks"], json!({ "total": 0, "human": 0, "machine": 0 }));

    for user_agent in ["BarracudaSentinel (EE)", BROWSER, PREFETCHER] {
        assert_eq!(location(wire.get(&link, user_agent).await.headers()), Some(target));
    }
    wire.app.until(ada, |types| count(types, "MessageClicked") == 3).await;
    let seen = wire.engagement(&id).await;
    assert_eq!(
        (&seen["state"], &seen["clicks"]),
        (&json!("CLICKED"), &json!({ "total": 3, "human": 1, "machine": 2 }))
    );
    let query = "query($id: ID!) { events(filter: { customerId: $id, types: [\"MessageClicked\"] }, first: 3) { nodes { \
        data personal actor } } }";
    let events = wire.agent.data(query, json!({ "id": ada.to_string() })).await["events"]["nodes"].take();
    let clicks = events.as_array().expect("events");
    assert_eq!(clicks.len(), 3, "{events:#}");
    for click in clicks {
        assert_eq!(click["actor"], "process:tracking");
        assert_eq!((&click["data"]["provider"], &click["data"]["account"]), (&json!("sendgrid"), &json!("main")));
        assert_eq!((&click["personal"]["url"], &click["personal"]["ip"]), (&json!(target), &json!("127.0.0.1")));
    }
    wire.app.finish().await;
}

async fn what_is_not_ours_leads_nowhere_and_records_nothing(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.track(json!({ "clicks": true, "textLinks": true, "shortLinks": true })).await;
    wire.sent(ada, message(ada, "EMAIL", "https://shop.example/"), 1).await;
    let link = links(&wire.mail_text()).remove(0);
    wire.sent(ada, message(ada, "SMS", "See https://shop.example/a-rather-long-path"), 2).await;
    let short = links(&wire.sms_text()).remove(0);
    let token = link.strip_prefix(&format!("{PUBLIC}/t/c/")).expect("a token");
    let code = short.strip_prefix(&format!("{PUBLIC}/t/")).expect("a code");
    let before = wire.app.head().await;
    let changed = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("text")
    };
    let mut wrong = vec![
        format!("/t/o/{token}"),
        format!("/u/{token}"),
        format!("/t/{token}"),
        format!("/t/c/{code}"),
        format!("/t/c/{token}x"),
        format!("/t/{code}x"),
        "/t/c/".to_owned() + &"A".repeat(5_000),
        "/t/AzL8n0Y58m700000000".to_owned(),
        "/t/0".to_owned(),
        "/t/c/x?url=https://evil.example".to_owned(),
    ];
    wrong.extend((0..token.len()).step_by(7).map(|at| format!("/t/c/{}", changed(token, at))));
    wrong.extend((0..code.len()).map(|at| format!("/t/{}", changed(code, at))));
    for path in wrong {
        let answer = wire.get(&format!("{PUBLIC}{path}"), BROWSER).await;
        assert_eq!((answer.status().as_u16(), location(answer.headers())), (404, None), "{path}");
    }
    // Another tenant's secret proves nothing here, and nobody makes a tenant by asking.
    let other = wire.app.other_tenant().await;
    wire.app.actor_of(other, Role::Admin, None).await;
    let after_tenant = wire.app.head().await;
    let mut bytes = token.as_bytes().to_vec();
    bytes[10] ^= 1;
    let foreign = format!("{PUBLIC}/t/c/{}", String::from_utf8_lossy(&bytes));
    assert_eq!(wire.get(&foreign, BROWSER).await.status(), 404);
    assert_eq!(wire.app.head().await, after_tenant);
    assert!(before < after_tenant);
    // What is appended to a link changes nothing of where it leads.
    let answer = wire.get(&format!("{link}?url=https://evil.example"), BROWSER).await;
    assert_eq!(location(answer.headers()), Some("https://shop.example/"));
    wire.app.finish().await;
}

async fn short_links_take_no_more_segments_and_survive_a_restart(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let parameters = json!([{ "name": "utm_source", "text": "sms" }]);
    wire.track(json!({ "shortLinks": true, "parameters": parameters })).await;
    let long = format!("https://shop.example/{}?a=1&b=2", "wine/".repeat(28));
    let body =
        format!("The new vintage is in: {long} and (http://shop.example/a-page-of-which-the-name-is-long). Cheers!");
    let id = wire.sent(ada, message(ada, "SMS", &body), 1).await;
    let text = wire.sms_text();
    assert!(text.len() <= 160, "it was two segments, and is one: {text}");
    let [first, second] = links(&text.replace(['(', ')'], " ")).try_into().expect("two links");
    assert!(first.len() <= PUBLIC.len() + "/t/".len() + 13, "{first}");
    assert!(
        text.starts_with("The new vintage is in: https://commlog.example/t/") && text.ends_with("). Cheers!"),
        "{text}"
    );
    // One that would make the text longer than its segment stays.
    let tight = format!("{} https://x.example/", "a".repeat(140));
    wire.sent(ada, message(ada, "SMS", &tight), 2).await;
    assert_eq!(wire.sms_text(), tight);

    // Nothing but the log knows the link: the read tables need not have it.
    let wire = wire.restart().await;
    let head = wire.follow(Method::HEAD, &first, &[]).await;
    assert_eq!(location(head.headers()), Some(format!("{long}&utm_source=sms").as_str()));
    assert_eq!(wire.engagement(&id).await["clicks"], json!({ "total": 0, "human": 0, "machine": 0 }));
    let answer = wire.get(&second, BROWSER).await;
    let expected = "http://shop.example/a-page-of-which-the-name-is-long?utm_source=sms";
    assert_eq!((answer.status().as_u16(), location(answer.headers())), (302, Some(expected)));
    wire.app.until(ada, |types| count(types, "MessageClicked") == 1).await;
    assert_eq!(wire.engagement(&id).await["clicks"], json!({ "total": 1, "human": 1, "machine": 0 }));
    wire.app.finish().await;
}

async fn who_does_not_agree_is_not_tracked(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let settings =
        |require| json!({ "clicks": true, "textLinks": true, "requireOptIn": require, "untrackedTopics": ["Health"] });
    wire.track(settings(false)).await;
    let body = "https://shop.example/";
    wire.sent(ada, message(ada, "EMAIL", body), 1).await;
    let link = links(&wire.mail_text()).remove(0);
    // Transactional messages and topics of the list are left alone.
    let mut transactional = message(ada, "EMAIL", body);
    transactional["class"] = json!("TRANSACTIONAL");
    wire.sent(ada, transactional, 2).await;
    assert_eq!(wire.mail_text(), body);
    let mut of_topic = message(ada, "EMAIL", body);
    of_topic["topic"] = json!("health");
    wire.sent(ada, of_topic, 3).await;
    assert_eq!(wire.mail_text(), body);

    wire.consent(ada, "OPTED_OUT").await;
    wire.sent(ada, message(ada, "EMAIL", body), 4).await;
    assert_eq!(wire.mail_text(), body);
    // A link of before leads on, and nothing is recorded of it any more.
    let before = wire.app.head().await;
    assert_eq!(location(wire.get(&link, BROWSER).await.headers()), Some(body));
    assert_eq!(wire.app.head().await, before);

    wire.consent(ada, "OPTED_IN").await;
    wire.track(settings(true)).await;
    wire.sent(ada, message(ada, "EMAIL", body), 5).await;
    assert_ne!(wire.mail_text(), body);
    assert_eq!(location(wire.get(&link, BROWSER).await.headers()), Some(body));
    wire.app.until(ada, |types| count(types, "MessageClicked") == 1).await;
    // Once it is off, it is off for what has left, too.
    wire.track(json!({})).await;
    let before = wire.app.head().await;
    assert_eq!(location(wire.get(&link, BROWSER).await.headers()), Some(body));
    assert_eq!(wire.app.head().await, before);
    wire.app.finish().await;
}

async fn nothing_is_recorded_of_who_was_forgotten(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.track(json!({ "clicks": true, "textLinks": true, "shortLinks": true })).await;
    wire.sent(ada, message(ada, "EMAIL", "https://shop.example/invoice"), 1).await;
    let link = links(&wire.mail_text()).remove(0);
    wire.sent(ada, message(ada, "SMS", "See https://shop.example/a-rather-long-path"), 2).await;
    let short = links(&wire.sms_text()).remove(0);
    let forget = "mutation($id: ID!) { forgetCustomer(customerId: $id, reason: \"request\") { refusal { code } } }";
    let forgotten = wire.agent.data(forget, json!({ "id": ada.to_string() })).await;
    assert!(forgotten["forgetCustomer"]["refusal"].is_null(), "{forgotten:#}");
    wire.app.until(ada, |types| count(types, "ErasureCompleted") == 1).await;
    let before = wire.app.head().await;
    let answer = wire.get(&link, BROWSER).await;
    assert_eq!((answer.status().as_u16(), location(answer.headers())), (302, Some("https://shop.example/invoice")));
    let answer = wire.get(&short, BROWSER).await;
    assert_eq!((answer.status().as_u16(), location(answer.headers())), (410, None));
    assert!(answer.text().await.expect("a page").contains("<header><bdi>Test</bdi></header>"), "the tenant is known");
    assert_eq!(wire.app.head().await, before);
    wire.app.finish().await;
}

async fn a_text_in_doubt_is_looked_for_as_it_was_sent(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    wire.track(json!({ "shortLinks": true })).await;
    wire.twilio.script([Act::Half { taken: true }]);
    let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId } }";
    let input = message(ada, "SMS", "See https://shop.example/a-rather-long-path");
    let data = wire.agent.data(mutation, json!({ "input": input })).await;
    let id = data["sendMessage"]["messageId"].as_str().and_then(|id| id.split(':').next_back()).expect("an id");
    wire.app.until(ada, |types| count(types, "DispatchInDoubt") == 1).await;
    let sent = wire.sms_text();
    assert!(sent.contains(&format!("{PUBLIC}/t/")), "{sent}");
    let wire = wire.restart().await;
    let (app, caller) = (&wire.app.stores().app, Caller::new(wire.app.tenant, "test"));
    let id = MessageId(id.parse().expect("a UUID"));
    let doubt = app.in_doubt(&caller, ada, id, app.ambient().now()).await.expect("the log answers");
    assert_eq!(doubt.map(|doubt| doubt.content.body), Some(sent));
    wire.app.finish().await;
}

on_each_engine! {
    links_of_a_mail_lead_on_whatever_stands_in_them
    a_page_gets_a_picture_and_links_and_its_campaign_shows_who_followed_them
    what_the_provider_tracks_is_left_to_it
    only_what_somebody_asked_for_is_counted_and_machines_are_told_apart
    what_is_not_ours_leads_nowhere_and_records_nothing
    short_links_take_no_more_segments_and_survive_a_restart
    who_does_not_agree_is_not_tracked
    nothing_is_recorded_of_who_was_forgotten
    a_text_in_doubt_is_looked_for_as_it_was_sent
}
