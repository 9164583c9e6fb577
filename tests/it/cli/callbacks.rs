//! `commlog callbacks`, and what was kept before a restart: a newer parser records it.

use bytes::Bytes;
use commlog::app::{Caller, KeepCallback};
use commlog::boot::Stores;
use commlog::clock::Ambient;
use commlog::config::Config;
use commlog::domain::callback::event::KeptRequest;
use serde_json::Value;

use super::Place;
use super::server::{Server, place};
use crate::support::doubles::Signed;
use crate::support::doubles::sendgrid::{DOMAIN, INBOUND_SECRET, KEY, SendgridDouble};

const HOOK: &str = "https://commlog.example/webhooks/sendgrid/main";

/// A place with an account at SendGrid that takes mail in.
async fn with_account() -> Place {
    let settings = SendgridDouble::start(Ambient::system()).await.settings();
    let place = place();
    let file = format!(
        "public_url = 'https://commlog.example'\n[[accounts]]\nprovider = 'sendgrid'\nname = 'main'\nbase_url = '{}'\n\
         api_key = '{KEY}'\nfrom = 'news@{DOMAIN}'\nwebhook_public_key = '{}'\ninbound_secret = '{INBOUND_SECRET}'\n",
        settings.base_url, settings.event_public_keys[0],
    );
    place.file("commlog.toml", file);
    place
}

/// Hands a request over to a running server.
fn take(server: &Server, request: &Signed) {
    let path = request.url.strip_prefix("https://commlog.example").unwrap();
    let (name, value) = &request.headers[0];
    let answer = server
        .request(&format!("POST {path} HTTP/1.1\r\n{name}: {value}"), std::str::from_utf8(&request.body).unwrap());
    assert!(answer.contains("200 OK"), "{answer}");
}

fn kept(place: &Place, more: &[&str]) -> Vec<Value> {
    let printed = place.ok(&[&["callbacks", "list", "--format", "jsonl"], more].concat());
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Keeps a mail that somebody wrote, as a version of commlog would have that could not read it.
async fn keep(place: &Place, mail: &Signed) {
    let data = place.path("data").display().to_string();
    let config = Config::from_parts(None, [("COMMLOG_DATA_DIR".to_owned(), data)], &[]).unwrap();
    let stores = Stores::open(&config, &Ambient::system()).await.unwrap();
    let callback = KeepCallback {
        provider: "sendgrid".to_owned(),
        account: "main".to_owned(),
        reason: "a form of a kind that is not known yet".to_owned(),
        provider_message_id: None,
        report: None,
        parser: 0,
        request: Some(KeptRequest { content_type: Some(mail.headers[0].1.clone()), ..KeptRequest::default() }),
        raw: "a form".to_owned(),
        body: Some(Bytes::from(mail.body.to_vec())),
    };
    stores.app.keep_callback(&Caller::new(config.tenant, "provider:sendgrid"), callback).await.unwrap();
    stores.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_callback_is_listed_and_shown_as_it_came() {
    let place = with_account().await;
    tokio::task::spawn_blocking(move || {
        let server = Server::start(&place, &["serve"]);
        let mail = SendgridDouble::inbound(HOOK, "nobody", "hello@reply.shop.example", "Words of nobody", "");
        take(&server, &mail);
        take(&server, &mail);
        let rows = kept(&place, &["--provider", "sendgrid", "--account", "main"]);
        assert_eq!(rows.len(), 1, "{rows:#?}");
        assert_eq!(rows[0]["reason"], "an incoming mail without a sender");
        let id = rows[0]["callback_id"].as_str().unwrap();
        assert_eq!(kept(&place, &["--reason", "an incoming mail without a sender"]).len(), 1);
        assert!(place.run(&["callbacks", "list", "--provider", "twilio"]).stderr.contains("no callback is kept"));
        assert!(place.ok(&["callbacks", "list"]).contains(id), "the table names it");
        let shown = place.run(&["callbacks", "show", id]);
        assert_eq!((shown.code, shown.stdout.as_bytes()), (Some(0), &mail.body[..]));
        assert!(
            shown.stderr.contains("sendgrid to account main: an incoming mail without a sender"),
            "{}",
            shown.stderr
        );
        assert_eq!(place.ok(&["export", "events", "--type", "PersonalDataRead"]).lines().count(), 1);
        let unknown = place.fails(3, &["callbacks", "show", "0198c0de-0000-8000-8000-000000000000"]);
        assert!(unknown.contains("there is no kept callback 0198c0de"), "{unknown}");
        assert_eq!(server.stop(), Some(0));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_version_kept_is_recorded_after_a_restart() {
    let place = with_account().await;
    let place = tokio::task::spawn_blocking(move || {
        assert_eq!(Server::start(&place, &["serve"]).stop(), Some(0));
        place
    })
    .await
    .unwrap();
    let headers = "Message-ID: <w1@mail.example>\n";
    let mail = SendgridDouble::inbound(HOOK, "ada@example.org", "hello@reply.shop.example", "Words of Ada", headers);
    keep(&place, &mail).await;
    tokio::task::spawn_blocking(move || {
        let rows = kept(&place, &[]);
        assert_eq!((rows.len(), &rows[0]["parser"]), (1, &Value::from(0)));
        let id = rows[0]["callback_id"].as_str().unwrap();
        let server = Server::start(&place, &["serve"]);
        // The first look comes with the start.
        while !kept(&place, &[]).is_empty() {}
        let ended = kept(&place, &["--ended"]);
        assert!(ended.len() == 1 && ended[0]["resolved_at"].is_string(), "{ended:#?}");
        let gone = place.fails(3, &["callbacks", "show", id]);
        assert!(gone.contains("nothing is kept of it any more"), "{gone}");
        let messages = place.ok(&["export", "messages"]);
        assert!(messages.lines().count() == 1 && messages.contains("Words of Ada"), "{messages}");
        assert_eq!(server.stop(), Some(0));
        place.ok(&["rebuild", "--check"]);
    })
    .await
    .unwrap();
}
