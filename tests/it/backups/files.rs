//! Files in backups.

use std::path::Path;

use chrono::TimeDelta;
use commlog::boot::Stores;
use commlog::clock::Ambient;
use commlog::config::Config;
use commlog::domain::tenant::event::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::load::{beside, master_of};
use super::{Place, empty};
use crate::cli::server::Server;
use crate::support::app::{Actor, Engine, TestApp, http_client};

/// Several frames, which repeat nothing much.
fn content() -> Vec<u8> {
    (0..600_001_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// Uploads a file for a customer; what names it.
async fn uploaded(actor: &Actor, customer: &str, name: &str, bytes: Vec<u8>) -> String {
    let request = http_client().post(actor.url(&format!("/attachments?customer={customer}"))).bearer_auth(&actor.token);
    let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
    let response = request.header("content-type", "application/pdf").body(bytes).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::CREATED);
    let answer: Value = response.json().await.expect("JSON");
    answer["attachment"].as_str().expect("a token").to_owned()
}

/// Sends a mail with a file; where that can be downloaded.
async fn sent_with(actor: &Actor, app: &TestApp, customer: &str, file: &str) -> String {
    let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId refusal { code } } }";
    let input = json!({ "customerId": customer, "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "news",
        "subject": "Here", "body": "See the file.", "attachments": [file] });
    let done = actor.data(mutation, json!({ "input": input })).await;
    app.visible(app.head().await).await;
    let query = "query($id: ID!) { message(id: $id) { attachments { url } } }";
    let data = actor.data(query, json!({ "id": done["sendMessage"]["messageId"] })).await;
    let url = data["message"]["attachments"][0]["url"].as_str().unwrap_or_else(|| panic!("{done:#} {data:#}"));
    url[url.find("/attachments/").expect("the path of a file")..].to_owned()
}

/// The stores of a place, opened by the test itself.
async fn open(place: &Place, engine: Engine) -> Stores {
    let mut variables = vec![("COMMLOG_DATA_DIR".to_owned(), place.folder("data"))];
    if engine == Engine::Postgres {
        let of_databases = ["COMMLOG_LOG_URL", "COMMLOG_KEYS_URL"];
        variables.extend(of_databases.map(|name| (name.to_owned(), place.variable(name).to_owned())));
    }
    variables.push(("COMMLOG_MASTER_KEY".to_owned(), place.variable("COMMLOG_MASTER_KEY").to_owned()));
    let config = Config::from_parts(None::<(&Path, &str)>, variables, &[]).expect("a configuration");
    Stores::open(&config, &Ambient::system()).await.expect("the restored stores open")
}

async fn a_file_is_restored_and_stays(engine: Engine) {
    let app = TestApp::on(engine).await;
    let agent = app.actor(Role::Admin).await;
    let customer = agent.customer("Ada").await;
    let bare = customer.trim_start_matches("Customer:").to_owned();
    let file = uploaded(&agent, &bare, "invoice.pdf", content()).await;
    let path = sent_with(&agent, &app, &customer, &file).await;
    // Nothing ever names this one.
    uploaded(&agent, &bare, "draft.pdf", b"never sent".to_vec()).await;
    let (place, mut target) = (beside(&app), empty(engine, &master_of(&app)).await);
    let place = tokio::task::spawn_blocking(move || {
        place.back_up();
        place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
        place
    });
    let place = place.await.unwrap();
    app.finish().await;
    let target = tokio::task::spawn_blocking(move || {
        target.restore(&place);
        target.set("COMMLOG_LISTEN", "127.0.0.1:0");
        target
    })
    .await
    .unwrap();

    // As the job does that takes away what nobody uses, a day later.
    let stores = open(&target, engine).await;
    let later = Ambient::system().now() + TimeDelta::days(2);
    let taken_away = stores.app.collect_files(later).await.expect("files are looked at");
    assert!(taken_away <= 1, "{taken_away} files were taken away");
    stores.close().await;
    // A backup holds no read tables, and where the file is stands there: a server answers before it has made them.
    let target = tokio::task::spawn_blocking(move || {
        target.ok(&["rebuild"]);
        target
    });
    let target = target.await.unwrap();
    let server = Server::start(&target, &["serve"]);
    let request = http_client().get(format!("http://{}{path}", server.address())).bearer_auth(&agent.token);
    let response = request.send().await.expect("the restored node answers");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.expect("a whole file") == content(), "it is another file");
    assert_eq!(server.stop(), Some(0));
}

on_each_engine! {
    a_file_is_restored_and_stays
}
