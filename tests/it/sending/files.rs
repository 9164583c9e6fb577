//! Files of messages: out by mail and text, in by mail and text, never from elsewhere, and gone with whoever is forgotten.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::TimeDelta;
use commlog::app::{ArrivedFile, Caller, FileContent};
use commlog::clock::Ambient;
use commlog::config::BlobsUrl;
use commlog::domain::customer::decide::ForgetCustomer;
use commlog::domain::customer::event::Source;
use commlog::domain::message::decide::ReceiveMessage;
use commlog::domain::tenant::event::Role;
use commlog::domain::value::Channel;
use commlog::ids::CustomerId;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::story::{Accounts, MAILBOX, PHONE, PUBLIC, Wire, count};
use crate::support::app::{Actor, Engine, http_client};
use crate::support::doubles::sendgrid::SendgridDouble;
use crate::support::doubles::twilio::{Media, TwilioDouble};

/// Bytes that repeat nothing.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).expect("a byte")
    };
    (0..length).map(|_| next()).collect()
}

async fn upload(actor: &Actor, customer: CustomerId, name: &str, kind: &str, bytes: &[u8]) -> Response {
    let request = http_client().post(actor.url(&format!("/attachments?customer={customer}"))).bearer_auth(&actor.token);
    let disposition = format!("attachment; filename=\"{name}\"");
    let request = request.header("content-type", kind).header("content-disposition", disposition);
    request.body(bytes.to_vec()).send().await.expect("the node answers")
}

/// Uploads; what names the file.
async fn uploaded(actor: &Actor, customer: CustomerId, name: &str, kind: &str, bytes: &[u8]) -> String {
    let response = upload(actor, customer, name, kind, bytes).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!((&answer["name"], &answer["size"]), (&json!(name), &json!(bytes.len())));
    answer["attachment"].as_str().expect("a token").to_owned()
}

/// Sends files; the message's id, or the code of the refusal.
async fn send(wire: &Wire, customer: CustomerId, channel: &str, files: &[&str]) -> Result<String, String> {
    let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
        { messageId refusal { code } } }";
    let input = json!({
        "customerId": customer.to_string(), "channel": channel, "class": "TRANSACTIONAL", "topic": "news",
        "subject": "Here", "body": "See the file.", "attachments": files,
    });
    let data = wire.agent.data(mutation, json!({ "input": input })).await;
    let answer = &data["sendMessage"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    text(&answer["messageId"]).ok_or_else(|| text(&answer["refusal"]["code"]).unwrap_or_else(|| panic!("{data:#}")))
}

/// The files of a message, as the read tables show them.
async fn files_of(wire: &Wire, message: &str) -> Vec<Value> {
    wire.app.visible(wire.app.head().await).await;
    let query = "query($id: ID!) { message(id: $id) { attachments { id name contentType size state reason url } } }";
    let data = wire.agent.data(query, json!({ "id": message })).await;
    data["message"]["attachments"].as_array().unwrap_or_else(|| panic!("{data:#}")).clone()
}

/// The only inbound message of a customer.
async fn inbound_of(wire: &Wire, customer: CustomerId) -> String {
    wire.app.visible(wire.app.head().await).await;
    let query = "query($id: ID!) { customer(id: $id) { timeline(first: 50) \
        { nodes { direction message { details { id } } } } } }";
    let data = wire.agent.data(query, json!({ "id": customer.to_string() })).await;
    let nodes = data["customer"]["timeline"]["nodes"].as_array().unwrap_or_else(|| panic!("{data:#}")).clone();
    let mut inbound = nodes.iter().filter(|node| node["direction"] == "INBOUND");
    let (Some(message), None) = (inbound.next(), inbound.next()) else { panic!("{data:#}") };
    message["message"]["details"]["id"].as_str().expect("an id").to_owned()
}

async fn get(actor: &Actor, url: &str) -> Response {
    let path = url.strip_prefix(PUBLIC).unwrap_or(url);
    http_client().get(actor.url(path)).bearer_auth(&actor.token).send().await.expect("the node answers")
}

async fn bytes(response: Response) -> Bytes {
    assert_eq!(response.status(), StatusCode::OK);
    response.bytes().await.expect("a whole body")
}

/// Nothing parked, and tables that equal those built anew.
async fn tables_are_what_the_log_says(wire: &Wire) {
    wire.app.visible(wire.app.head().await).await;
    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
}

async fn files_go_out_by_mail_and_by_text(engine: Engine) {
    for accounts in [Accounts::OfFile, Accounts::OverApi] {
        files_go_out_by_mail_and_by_text_for(engine, accounts).await;
    }
}

async fn files_go_out_by_mail_and_by_text_for(engine: Engine, accounts: Accounts) {
    let wire = Wire::with(engine, accounts).await;
    let ada = wire.ada().await;
    let (invoice, picture) = (content(600_001), content(300_000));
    let invoice_token = uploaded(&wire.agent, ada, "invoice 7.pdf", "application/pdf", &invoice).await;
    let empty = uploaded(&wire.agent, ada, "empty.txt", "text/plain", b"").await;
    // SendGrid refuses a mail with an empty file; it is refused before it is queued.
    let refused = send(&wire, ada, "EMAIL", &[&invoice_token, &empty]).await;
    assert_eq!(refused, Err("ATTACHMENT_EMPTY".to_owned()));
    let note = uploaded(&wire.agent, ada, "note.txt", "text/plain", b"Thank you").await;
    let mail = send(&wire, ada, "EMAIL", &[&invoice_token, &note]).await.expect("is queued");
    let picture_token = uploaded(&wire.agent, ada, "wine.png", "image/png", &picture).await;
    let text = send(&wire, ada, "SMS", &[&picture_token]).await.expect("is queued");
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;

    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let sent = letter.request["attachments"].as_array().expect("files");
    let decoded = |file: &Value| STANDARD.decode(file["content"].as_str().expect("text")).expect("base64");
    assert_eq!(decoded(&sent[0]), invoice);
    assert_eq!(decoded(&sent[1]), b"Thank you");
    assert_eq!(sent[0]["filename"], "invoice 7.pdf");
    assert_eq!((&sent[0]["type"], &sent[0]["disposition"]), (&json!("application/pdf"), &json!("attachment")));

    // The provider fetches the picture, without a key of ours.
    let sms = wire.twilio.taken().pop().expect("Twilio took it");
    let url = sms.field("MediaUrl").expect("a picture").to_owned();
    let path = url.strip_prefix(PUBLIC).expect("our public URL");
    let fetched = wire.agent.get(path).await;
    assert_eq!(fetched.headers()["content-type"], "image/png");
    assert_eq!(bytes(fetched).await, picture);
    let changed = format!("{}A", &path[..path.len() - 1]);
    let guessed = if changed == path { format!("{}B", &path[..path.len() - 1]) } else { changed };
    for wrong in [guessed.as_str(), "/media/AAAA", "/media/x"] {
        assert_eq!(wire.agent.get(wrong).await.status(), StatusCode::NOT_FOUND, "{wrong}");
    }

    // People download it, and no browser opens it.
    let files = files_of(&wire, &mail).await;
    assert_eq!((&files[0]["name"], &files[0]["size"]), (&json!("invoice 7.pdf"), &json!(600_001)));
    assert_eq!((&files[0]["state"], files.len()), (&json!("STORED"), 2));
    let saved = get(&wire.agent, files[0]["url"].as_str().expect("a URL")).await;
    let header = |name: &str| saved.headers()[name].to_str().expect("text").to_owned();
    assert!(header("content-disposition").starts_with("attachment; filename=\"invoice 7.pdf\""));
    assert_eq!((header("x-content-type-options"), header("content-length")), ("nosniff".into(), "600001".into()));
    assert_eq!(bytes(saved).await, invoice);
    assert_eq!(files_of(&wire, &text).await[0]["contentType"], "image/png");
    tables_are_what_the_log_says(&wire).await;
    wire.app.finish().await;
}

async fn what_may_not_be_sent_or_seen_is_refused_by_name(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    let bob = wire.customer("Bob", &[("EMAIL", "bob@example.org")]).await;
    let (analyst, stranger) = (
        wire.app.actor(Role::Analyst).await,
        wire.app.actor_of(wire.app.other_tenant().await, Role::Admin, None).await,
    );

    // Uploading: by whom, for whom, what.
    assert_eq!(upload(&analyst, ada, "a", "image/png", b"x").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        upload(&wire.agent.with_token("clk_no"), ada, "a", "x/y", b"x").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(upload(&stranger, ada, "a", "x/y", b"x").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(upload(&wire.agent, ada, "../a", "x/y", b"x").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(upload(&wire.agent, ada, "a", "nonsense", b"x").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let large = vec![0; 25 * 1024 * 1024 + 1];
    assert_eq!(upload(&wire.agent, ada, "a", "x/y", &large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let parts = large.chunks(1 << 20).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>();
    let url = wire.agent.url(&format!("/attachments?customer={ada}"));
    let endless = http_client().post(url).bearer_auth(&wire.agent.token);
    let endless = endless.body(reqwest::Body::wrap_stream(futures::stream::iter(parts))).send().await;
    assert_eq!(endless.expect("the node answers").status(), StatusCode::PAYLOAD_TOO_LARGE);

    // Sending: what belongs to somebody else, twice the same, too much, what the channel does not carry.
    let page = uploaded(&wire.agent, ada, "a.html", "text/html", b"<script>alert(1)</script>").await;
    let half = uploaded(&wire.agent, ada, "half", "x/y", &content(12_000_000)).await;
    let other_half = uploaded(&wire.agent, ada, "half", "x/y", &content(12_000_000)).await;
    let eleven = vec![page.as_str(); 11];
    let cases: [(CustomerId, &str, &[&str], &str); 8] = [
        (bob, "EMAIL", &[&page], "ATTACHMENT_UNKNOWN"),
        (ada, "EMAIL", &["AAAA"], "ATTACHMENT_UNKNOWN"),
        (ada, "EMAIL", &["\u{fffd}"], "ATTACHMENT_UNKNOWN"),
        (ada, "EMAIL", &[&page, &page], "INVALID_INPUT"),
        (ada, "EMAIL", &eleven, "INVALID_INPUT"),
        (ada, "EMAIL", &[&half, &other_half], "ATTACHMENTS_TOO_LARGE"),
        (ada, "SMS", &[&page], "ATTACHMENT_TYPE_REFUSED"),
        (ada, "PUSH", &[&page], "CHANNEL_TAKES_NO_ATTACHMENTS"),
    ];
    for (number, (customer, channel, files, code)) in cases.into_iter().enumerate() {
        let refused = send(&wire, customer, channel, files).await.expect_err("is refused");
        assert!(refused == code || (code == "INVALID_INPUT" && refused.starts_with("INVALID")), "{number}: {refused}");
    }
    assert!(wire.sendgrid.taken().is_empty() && wire.twilio.taken().is_empty());

    // Seeing: nothing without the right to see people, nothing of another tenant's; a page is saved, never shown.
    let mail = send(&wire, ada, "EMAIL", &[&page]).await.expect("is queued");
    let file = files_of(&wire, &mail).await.remove(0);
    let url = file["url"].as_str().expect("a URL");
    assert_eq!(get(&analyst, url).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(get(&stranger, url).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(wire.agent.get(url.strip_prefix(PUBLIC).expect("ours")).await.status(), StatusCode::UNAUTHORIZED);
    let saved = get(&wire.agent, url).await;
    assert_eq!(saved.headers()["content-type"], "application/octet-stream");
    assert!(saved.headers()["content-security-policy"].to_str().expect("text").contains("sandbox"));
    let query = "query($id: ID!) { message(id: $id) { attachments { name contentType size url } } }";
    let seen = analyst.data(query, json!({ "id": mail })).await;
    let expected = json!([{ "name": null, "contentType": null, "size": 25, "url": null }]);
    assert_eq!(seen["message"]["attachments"], expected);
    wire.app.finish().await;
}

async fn files_that_come_in_by_mail_are_stored_once_and_bombs_are_noted(engine: Engine) {
    for accounts in [Accounts::OfFile, Accounts::OverApi] {
        files_that_come_in_by_mail_are_stored_once_and_bombs_are_noted_for(engine, accounts).await;
    }
}

async fn files_that_come_in_by_mail_are_stored_once_and_bombs_are_noted_for(engine: Engine, accounts: Accounts) {
    let wire = Wire::with(engine, accounts).await;
    let ada = wire.ada().await;
    let (scan, notes) = (content(400_000), content(10));
    let files: [(&str, &str, &[u8]); 2] = [("scan.pdf", "application/pdf", &scan), ("notes.txt", "text/plain", &notes)];
    let headers = "Message-ID: <m1@mail.example.org>\nSubject: My papers\n";
    let hook = wire.hook("sendgrid");
    let mail_in = SendgridDouble::inbound_with_files(&hook, (MAILBOX, "hello@shop.example"), "Here.", headers, &files);
    for _ in 0..3 {
        assert!(wire.call(&mail_in).await.is_success());
    }
    let message = inbound_of(&wire, ada).await;
    let stored = files_of(&wire, &message).await;
    assert_eq!(stored.len(), 2);
    for (file, (name, kind, expected)) in stored.iter().zip(files) {
        assert_eq!((&file["name"], &file["contentType"]), (&json!(name), &json!(kind)));
        assert_eq!(bytes(get(&wire.agent, file["url"].as_str().expect("a URL")).await).await, expected);
    }

    // A bomb: more files than are stored, one that is too large, more parts than are read. The message stands.
    let cleo = wire.customer("Cleo", &[("EMAIL", "cleo@example.org")]).await;
    let huge = vec![7; 26 * 1024 * 1024];
    let mut files: Vec<(&str, &str, &[u8])> = vec![("huge.bin", "x/y", &huge)];
    files.extend(vec![("tiny.bin", "x/y", &b"tiny"[..]); 300]);
    let headers = "Message-ID: <m2@mail.example.org>\n";
    let addresses = ("cleo@example.org", "hello@shop.example");
    let bomb = SendgridDouble::inbound_with_files(&hook, addresses, "Boom.", headers, &files);
    assert!(wire.call(&bomb).await.is_success());
    let message = inbound_of(&wire, cleo).await;
    let noted = files_of(&wire, &message).await;
    let reasons = |reason: &str| noted.iter().filter(|file| file["reason"] == reason).count();
    // What it was made of is kept as it came, before its files.
    assert_eq!((&noted[0]["name"], &noted[0]["state"]), (&json!("original.txt"), &json!("STORED")));
    assert_eq!((&noted[1]["name"], &noted[1]["reason"]), (&json!("huge.bin"), &json!("too_large")));
    assert_eq!(noted.iter().filter(|file| file["state"] == "STORED").count(), 20);
    assert!(reasons("too_many") > 100, "{noted:?}");
    assert_eq!(reasons("not_read"), 1);
    tables_are_what_the_log_says(&wire).await;
    wire.app.finish().await;
}

async fn pictures_at_the_provider_are_fetched_and_nothing_elsewhere_is_called(engine: Engine) {
    for accounts in [Accounts::OfFile, Accounts::OverApi] {
        pictures_at_the_provider_are_fetched_and_nothing_elsewhere_is_called_for(engine, accounts).await;
    }
}

async fn pictures_at_the_provider_are_fetched_and_nothing_elsewhere_is_called_for(engine: Engine, accounts: Accounts) {
    let wire = Wire::with(engine, accounts).await;
    let ada = wire.ada().await;
    // Whoever is called here was called by us: nobody else knows the port.
    let private = TcpListener::bind("127.0.0.1:0").expect("a free port");
    private.set_nonblocking(true).expect("a socket");
    let trap = format!("http://{}/latest/meta-data", private.local_addr().expect("an address"));
    let picture = content(200_000);
    let good = wire.twilio.host("ME1", Media::Content(picture.clone().into()));
    let redirected = wire.twilio.host("ME2", Media::Elsewhere(trap.clone()));
    let gone = good.replace("ME1", "ME9");
    let too_large = wire.twilio.host("ME3", Media::Content(vec![0; 17 * 1024 * 1024].into()));
    let more = [
        ("NumMedia", "6"),
        ("MediaUrl0", good.as_str()),
        ("MediaContentType0", "image/png"),
        ("MediaUrl1", trap.as_str()),
        ("MediaUrl2", redirected.as_str()),
        ("MediaUrl3", "http://169.254.169.254/latest/meta-data"),
        ("MediaUrl4", gone.as_str()),
        ("MediaUrl5", too_large.as_str()),
    ];
    let hook = wire.hook("twilio");
    let message = TwilioDouble::inbound(&hook, "MMbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01", PHONE, "Look!", &more);
    for _ in 0..2 {
        assert!(wire.call(&message).await.is_success());
    }
    let types = wire.app.until(ada, |types| count(types, "AttachmentMissed") == 5).await;
    let types = if count(&types, "AttachmentFetched") == 1 {
        types
    } else {
        wire.app.until(ada, |types| count(types, "AttachmentFetched") == 1).await
    };
    assert_eq!(count(&types, "MessageAttached"), 6);
    let called = private.accept().expect_err("nobody called");
    assert_eq!(called.kind(), std::io::ErrorKind::WouldBlock);
    let id = inbound_of(&wire, ada).await;
    let files = files_of(&wire, &id).await;
    let reasons: Vec<_> = files.iter().map(|file| file["reason"].as_str().unwrap_or_default()).collect();
    assert_eq!(reasons, ["", "foreign_host", "redirect_refused", "foreign_host", "gone", "too_large"]);
    assert_eq!((&files[0]["state"], &files[0]["size"]), (&json!("STORED"), &json!(200_000)));
    assert_eq!(bytes(get(&wire.agent, files[0]["url"].as_str().expect("a URL")).await).await, picture);
    tables_are_what_the_log_says(&wire).await;
    wire.app.finish().await;
}

async fn a_file_given_up_for_want_of_its_account_is_fetched_once_the_account_is_there(engine: Engine) {
    let wire = Wire::with(engine, Accounts::OverApi).await;
    let app = &wire.app.stores().app;
    let ada = wire.ada().await;
    let picture = content(50_000);
    let url = wire.twilio.host("ME7", Media::Content(picture.clone().into()));
    let caller = Caller::new(wire.app.tenant, "test");
    let message = ReceiveMessage {
        customer_id: Some(ada),
        channel: Channel::Sms,
        from: Some(PHONE.to_owned()),
        to: None,
        subject: None,
        body: "Look!".to_owned(),
        occurred_at: None,
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: Some("MM07".to_owned()),
        hint: None,
        source: Source::Provider,
        arrival: None,
    };
    let content = FileContent::Remote { url, provider: "twilio".to_owned(), account: "second".to_owned() };
    let file = ArrivedFile { name: None, content_type: Some("image/png".to_owned()), content };
    let received = app.receive_with_files(&caller, message, vec![file]).await.expect("the log answers");
    received.into_result().expect("is received");
    let id = inbound_of(&wire, ada).await;
    let types = wire.app.until(ada, |types| count(types, "MessageAttached") == 1).await;
    let attached = types.iter().position(|name| name == "MessageAttached").expect("stands there") as u64 + 1;
    let remote = app.remote_file(&caller, ada, attached).await.expect("the log answers").expect("lies elsewhere");
    app.file_missed(&caller, ada, remote, "no_account").await.expect("is recorded");
    let missed = files_of(&wire, &id).await.remove(0);
    assert_eq!((&missed["state"], &missed["reason"]), (&json!("MISSING"), &json!("no_account")));

    wire.set_up("twilio", "second").await;
    wire.app.until(ada, |types| count(types, "AttachmentFetched") == 1).await;
    let fetched = files_of(&wire, &id).await.remove(0);
    assert_eq!((&fetched["state"], &fetched["reason"]), (&json!("STORED"), &json!(null)));
    assert_eq!(bytes(get(&wire.agent, fetched["url"].as_str().expect("a URL")).await).await, picture);
    tables_are_what_the_log_says(&wire).await;
    wire.app.finish().await;
}

/// How many blobs there are, whosever they are.
async fn blobs(wire: &Wire) -> usize {
    match &wire.app.stores().config().blobs {
        BlobsUrl::Folder(folder) => ["new", "kept"].iter().map(|part| files_below(&folder.join(part))).sum(),
        BlobsUrl::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.expect("the test server answers");
            let sql = "SELECT count(*) FROM blobs.blobs b JOIN blobs.frames f USING (write_id) WHERE f.number = 0";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("blobs are counted");
            usize::try_from(count).expect("a count")
        }
    }
}

fn files_below(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// As a crash would leave it that came before anybody noted that an event refers to the blobs.
async fn forget_that_they_are_kept(wire: &Wire) {
    match &wire.app.stores().config().blobs {
        BlobsUrl::Folder(folder) => {
            for tenant in
                std::fs::read_dir(folder.join("kept")).expect("a folder").map(|entry| entry.expect("one").path())
            {
                for subject in std::fs::read_dir(&tenant).expect("a folder").map(|entry| entry.expect("one").path()) {
                    for blob in std::fs::read_dir(&subject).expect("a folder").map(|entry| entry.expect("one").path()) {
                        let name =
                            |path: &std::path::Path| path.file_name().expect("a name").to_string_lossy().into_owned();
                        let young = format!("{}.{}.{}", name(&tenant), name(&subject), name(&blob));
                        std::fs::rename(&blob, folder.join("new").join(young)).expect("is moved");
                    }
                }
            }
        }
        BlobsUrl::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.expect("the test server answers");
            let update = AssertSqlSafe("UPDATE blobs.blobs SET kept = false");
            sqlx::query(update).execute(&mut connection).await.expect("is changed");
        }
    }
}

async fn what_no_event_refers_to_is_collected_when_it_is_old(engine: Engine) {
    let wire = Wire::start(engine).await;
    let app = &wire.app.stores().app;
    let ada = wire.ada().await;
    let used = uploaded(&wire.agent, ada, "a.txt", "text/plain", b"used").await;
    let unused = uploaded(&wire.agent, ada, "b.txt", "text/plain", b"unused").await;
    let mail = send(&wire, ada, "EMAIL", &[&used]).await.expect("is queued");
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let now = Ambient::system().now();
    assert_eq!(app.collect_files(now - TimeDelta::hours(24)).await.expect("is looked at"), 0);
    forget_that_they_are_kept(&wire).await;
    assert_eq!(app.collect_files(now + TimeDelta::hours(1)).await.expect("is looked at"), 1);
    assert_eq!(app.collect_files(now + TimeDelta::hours(1)).await.expect("is looked at"), 0);
    assert_eq!(blobs(&wire).await, 1);
    let refused = send(&wire, ada, "EMAIL", &[&unused]).await;
    assert_eq!(refused, Err("ATTACHMENT_UNKNOWN".to_owned()));
    let file = files_of(&wire, &mail).await.remove(0);
    assert_eq!(bytes(get(&wire.agent, file["url"].as_str().expect("a URL")).await).await, &b"used"[..]);
    // What was sent once can be sent again.
    send(&wire, ada, "EMAIL", &[&used]).await.expect("is queued");
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;
    tables_are_what_the_log_says(&wire).await;
    wire.app.finish().await;
}

async fn whoever_is_forgotten_leaves_no_file(engine: Engine) {
    let wire = Wire::start(engine).await;
    let app = &wire.app.stores().app;
    let (ada, bob) = (wire.ada().await, wire.customer("Bob", &[("EMAIL", "bob@example.org")]).await);
    let secret = content(300_000);
    for customer in [ada, bob] {
        let token = uploaded(&wire.agent, customer, "passport.png", "image/png", &secret).await;
        send(&wire, customer, "EMAIL", &[&token]).await.expect("is queued");
        wire.app.until(customer, |types| count(types, "MessageSent") == 1).await;
    }
    let token = uploaded(&wire.agent, ada, "passport.png", "image/png", &secret).await;
    send(&wire, ada, "SMS", &[&token]).await.expect("is queued");
    wire.app.until(ada, |types| count(types, "MessageSent") == 2).await;
    uploaded(&wire.agent, ada, "unsent.png", "image/png", &secret).await;
    let link = wire.twilio.taken().pop().expect("Twilio took it").field("MediaUrl").expect("a picture").to_owned();
    let path = link.strip_prefix(PUBLIC).expect("our public URL");
    assert_eq!(wire.agent.get(path).await.status(), StatusCode::OK);
    assert_eq!(blobs(&wire).await, 4);

    let command = ForgetCustomer { customer_id: ada, reason: "asked".to_owned() };
    let caller = Caller::new(wire.app.tenant, "test");
    app.forget_customer(&caller, command).await.expect("the log answers").into_result().expect("is forgotten");
    assert_eq!(blobs(&wire).await, 1, "Bob's");
    assert_eq!(wire.agent.get(path).await.status(), StatusCode::NOT_FOUND);
    wire.app.until(ada, |types| count(types, "ErasureCompleted") == 1).await;
    // Again, as after a crash half-way: nothing is in the way.
    app.erase(&caller, ada).await.expect("is done already");
    assert_eq!(upload(&wire.agent, ada, "a", "x/y", b"x").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    tables_are_what_the_log_says(&wire).await;
    // What is left of all files in the clear: neither their content nor their names.
    let folder = wire.app.folder().to_owned();
    let sample = secret[1_000..1_064].to_vec();
    for path in paths_below(&folder).into_iter().filter(|path| path.starts_with(folder.join("blobs"))) {
        let bytes = std::fs::read(&path).expect("a file");
        assert!(!bytes.windows(sample.len()).any(|window| window == sample), "{}", path.display());
        assert!(!path.to_string_lossy().contains("passport"));
    }
    wire.app.finish().await;
}

fn paths_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { paths_below(&path) } else { vec![path] }).collect()
}

on_each_engine! {
    files_go_out_by_mail_and_by_text
    what_may_not_be_sent_or_seen_is_refused_by_name
    files_that_come_in_by_mail_are_stored_once_and_bombs_are_noted
    pictures_at_the_provider_are_fetched_and_nothing_elsewhere_is_called
    a_file_given_up_for_want_of_its_account_is_fetched_once_the_account_is_there
    what_no_event_refers_to_is_collected_when_it_is_old
    whoever_is_forgotten_leaves_no_file
}
