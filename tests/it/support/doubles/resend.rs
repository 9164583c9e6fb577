//! A strict Resend: mails with idempotency keys, domains, mail that came in, and its signed webhooks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use commlog::clock::Ambient;
use commlog::providers::Secret;
use commlog::providers::kit::mail::Mailbox;
use commlog::providers::kit::standard_webhooks::sign;
use commlog::providers::resend::ResendSettings;
use serde_json::{Map, Value, json};
use url::Url;

use super::{Act, Answered, Book, Server, Signed};

pub(crate) const KEY: &str = "re_full_access";
/// May send mails, and nothing else.
pub(crate) const SENDING_KEY: &str = "re_sending_access";
pub(crate) const DOMAIN: &str = "shop.example";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KNOWN: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "reply_to",
    "subject",
    "html",
    "text",
    "headers",
    "attachments",
    "tags",
    "scheduled_at",
];
/// What a name before an address must not hold.
const ODD: &str = "\",;:()[]\\";

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct ResendMail {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) request: Value,
    created_at: String,
}

impl ResendMail {
    /// As events have them: names and values of an object.
    fn tags(&self) -> Value {
        let tags = self.request["tags"].as_array().into_iter().flatten();
        tags.map(|tag| (tag["name"].as_str().unwrap_or_default().to_owned(), tag["value"].clone())).collect()
    }

    /// An event about it; `more` are the fields of its kind.
    pub(crate) fn event(&self, kind: &str, created_at: &str, more: Value) -> Value {
        let mut data = json!({
            "email_id": self.id,
            "created_at": self.created_at,
            "from": self.request["from"],
            "to": self.request["to"],
            "subject": self.request["subject"],
            "tags": self.tags(),
        });
        if let Value::Object(more) = more {
            data.as_object_mut().expect("an object").extend(more);
        }
        json!({ "type": kind, "created_at": created_at, "data": data })
    }
}

struct Shared {
    book: Book<ResendMail>,
    /// How mail that came in is handed out.
    store: Book<()>,
    received: Mutex<HashMap<String, Value>>,
    files: Mutex<HashMap<String, Bytes>>,
    /// The request under each idempotency key, and its id.
    keys: Mutex<HashMap<String, (Value, String)>>,
    ambient: Ambient,
}

/// The server.
pub(crate) struct ResendDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl ResendDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let (book, store) = (Book::new(), Book::new());
        let (received, files, keys) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { book, store, received, files, keys, ambient });
        let router = Router::new()
            .route("/emails", post(send).get(list))
            .route("/emails/{id}", get(retrieve))
            .route("/domains", get(domains))
            .route("/emails/receiving/{id}", get(receiving))
            .route("/emails/receiving/{id}/attachments/{file}", get(attachment))
            .route("/files/{id}", get(file))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::start(router).await }
    }

    /// Settings that it accepts, and that believe it.
    pub(crate) fn settings(&self) -> ResendSettings {
        let from = Mailbox { email: format!("news@{DOMAIN}"), name: Some("Shop, Inc.".to_owned()) };
        let base_url = Url::parse(&format!("http://{}", self.server.address)).expect("a URL");
        let mut settings = ResendSettings::new("main", Secret::new(KEY), from, base_url);
        settings.webhook_secrets = vec![Secret::new(SECRET)];
        settings
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}", self.server.address)),
            ("api_key", KEY.to_owned()),
            ("from", format!("news@{DOMAIN}")),
            ("webhook_secret", SECRET.to_owned()),
        ]
    }

    /// How the next calls to send are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// How the next mails that came in, and their files, are handed out.
    pub(crate) fn script_store(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.store.script(acts);
    }

    pub(crate) fn taken(&self) -> Vec<ResendMail> {
        self.shared.book.taken()
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    /// An event as its webhook posts it.
    pub(crate) fn event(&self, url: &str, id: &str, event: &Value) -> Signed {
        let body = event.to_string();
        let timestamp = self.shared.ambient.now().timestamp().to_string();
        let signature = sign(&Secret::new(SECRET), id, &timestamp, body.as_bytes()).expect("a secret");
        let headers = [
            ("content-type", "application/json"),
            ("svix-id", id),
            ("svix-timestamp", &timestamp),
            ("svix-signature", &signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(body) }
    }

    /// A mail that came in, which the API tells in these words. Returns the event that announces it.
    pub(crate) fn receive(&self, id: &str, said: Value) -> Value {
        let metadata = ["from", "to", "subject", "message_id"].map(|name| (name.to_owned(), said[name].clone()));
        let mut data: Map<String, Value> = metadata.into_iter().collect();
        data.insert("email_id".to_owned(), json!(id));
        data.insert("created_at".to_owned(), json!("2026-09-21T13:33:20.000Z"));
        self.shared.received.lock().expect("no panic before").insert(id.to_owned(), said);
        json!({ "type": "email.received", "created_at": "2026-09-21T13:33:21.000Z", "data": data })
    }

    /// Lays a file into the store that links lead to. Returns its URL.
    pub(crate) fn store(&self, id: &str, content: impl Into<Bytes>) -> String {
        self.shared.files.lock().expect("no panic before").insert(id.to_owned(), content.into());
        format!("http://{}/files/{id}", self.server.address)
    }
}

fn error(status: u16, name: &str, message: &str) -> Response<Body> {
    super::json(status, &json!({ "statusCode": status, "name": name, "message": message }))
}

/// What is wrong with the one who asks.
fn stranger(headers: &HeaderMap, needs_full_access: bool) -> Option<Response<Body>> {
    let given = |name| headers.get(name).and_then(|given| given.to_str().ok()).unwrap_or_default();
    if given("user-agent").is_empty() {
        return Some(super::text(403, "text/plain", "error code: 1010"));
    }
    match given("authorization").strip_prefix("Bearer ") {
        Some(KEY) => None,
        Some(SENDING_KEY) if !needs_full_access => None,
        Some(SENDING_KEY) => Some(error(401, "restricted_api_key", "This API key is restricted to only send emails")),
        Some(_) => Some(error(403, "invalid_api_key", "API key is invalid")),
        None => Some(error(401, "missing_api_key", "Missing API key")),
    }
}

async fn send(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if let Some(refusal) = stranger(&headers, false) {
        return Ok(refusal);
    }
    let act = shared.book.next_act();
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else { return Ok(error(400, "validation_error", "no JSON")) };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    if key.len() > 256 {
        return Ok(error(400, "invalid_idempotency_key", "The key must be between 1-256 chars"));
    }
    let known = shared.keys.lock().expect("no panic before").get(&key).cloned();
    if let Some((request, id)) = known.filter(|_| !key.is_empty()) {
        return Ok(match request == mail {
            true => super::json(200, &json!({ "id": id })),
            false => {
                error(409, "invalid_idempotent_request", "Same idempotency key used with a different request payload")
            }
        });
    }
    if let Err((status, name, message)) = check(&mail) {
        return Ok(error(status, name, message));
    }
    let id = uuid::Uuid::from_bytes(shared.ambient.bytes::<16>()).to_string();
    if act.takes() {
        shared.keys.lock().expect("no panic before").insert(key.clone(), (mail.clone(), id.clone()));
        let created_at = shared.ambient.now().format("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
        let taken = ResendMail { id: id.clone(), key, request: mail, created_at };
        let token = taken.tags()["commlog_token"].as_str().map(str::to_owned);
        shared.book.take(token.as_deref(), taken);
    }
    Ok(act.spoil(super::json(200, &json!({ "id": id }))).await)
}

type Wrong = (u16, &'static str, &'static str);

fn check(mail: &Value) -> Result<(), Wrong> {
    let Some(fields) = mail.as_object() else { return Err((400, "validation_error", "no object")) };
    if fields.keys().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err((422, "validation_error", "Unrecognized key in object"));
    }
    let from = mail["from"].as_str().unwrap_or_default();
    if !is_mailbox(from) {
        return Err((422, "validation_error", "Invalid `from` field."));
    }
    if !from.trim_end_matches('>').ends_with(&format!("@{DOMAIN}")) {
        return Err((403, "validation_error", "The domain is not verified."));
    }
    let to = mail["to"].as_array().filter(|to| (1..=50).contains(&to.len()));
    if !to.is_some_and(|to| to.iter().all(|to| to.as_str().is_some_and(is_mailbox))) {
        return Err((422, "validation_error", "Invalid `to` field."));
    }
    let replies = mail["reply_to"].as_array().into_iter().flatten();
    if replies.filter_map(Value::as_str).any(|reply| !is_mailbox(reply)) {
        return Err((422, "validation_error", "Invalid `reply_to` field."));
    }
    if mail["subject"].as_str().is_none_or(str::is_empty) {
        return Err((422, "missing_required_field", "Missing `subject` field."));
    }
    if ["html", "text"].iter().all(|name| mail[*name].as_str().is_none_or(str::is_empty)) {
        return Err((422, "missing_required_field", "Missing `html` or `text` field."));
    }
    let is_word = |value: &Value| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        value.as_str().is_some_and(|text| (1..=256).contains(&text.len()) && text.bytes().all(is_allowed))
    };
    let tags = mail["tags"].as_array().into_iter().flatten();
    if !tags.into_iter().all(|tag| is_word(&tag["name"]) && is_word(&tag["value"])) {
        return Err((
            422,
            "validation_error",
            "Tags should only contain ASCII letters, numbers, underscores, or dashes.",
        ));
    }
    for file in mail["attachments"].as_array().into_iter().flatten() {
        let is_base64 = file["content"].as_str().is_some_and(|content| STANDARD.decode(content).is_ok());
        if !is_base64 || file["filename"].as_str().is_none_or(str::is_empty) {
            return Err((422, "invalid_attachment", "Attachments must have content and a filename."));
        }
    }
    Ok(())
}

fn is_mailbox(text: &str) -> bool {
    let (name, address) = text.rsplit_once('<').map_or(("", text), |(name, rest)| (name, rest.trim_end_matches('>')));
    let is_address = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    is_address && address.is_ascii() && !name.contains(|c| ODD.contains(c)) && !name.starts_with("=?")
}

async fn domains(headers: HeaderMap) -> Answered {
    Ok(stranger(&headers, true).unwrap_or_else(|| {
        super::json(
            200,
            &json!({ "object": "list", "has_more": false, "data": [{ "name": DOMAIN, "status": "verified" }] }),
        )
    }))
}

/// The newest first, without tags.
async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answered {
    if let Some(refusal) = stranger(&headers, true) {
        return Ok(refusal);
    }
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| (1..=100).contains(limit));
    let Some(limit) = limit else { return Ok(error(422, "validation_error", "limit")) };
    let mails = shared.book.taken();
    let after = query.get("after").and_then(|after| mails.iter().rev().position(|mail| mail.id == *after));
    let rest: Vec<_> = mails.iter().rev().skip(after.map_or(0, |at| at + 1)).collect();
    let page = rest.iter().take(limit).map(|mail| {
        json!({ "id": mail.id, "to": mail.request["to"], "subject": mail.request["subject"], "created_at": mail.created_at })
    });
    let page: Vec<_> = page.collect();
    Ok(super::json(200, &json!({ "object": "list", "has_more": rest.len() > limit, "data": page })))
}

async fn retrieve(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    if let Some(refusal) = stranger(&headers, true) {
        return Ok(refusal);
    }
    let mail = shared.book.taken().into_iter().find(|mail| mail.id == id);
    Ok(match mail {
        Some(mail) => super::json(
            200,
            &json!({
                "object": "email", "id": mail.id, "to": mail.request["to"], "tags": mail.request["tags"],
                "created_at": mail.created_at, "last_event": "sent",
            }),
        ),
        None => error(404, "not_found", "Email not found"),
    })
}

async fn receiving(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    if let Some(refusal) = stranger(&headers, true) {
        return Ok(refusal);
    }
    let act = shared.store.next_act();
    let said = shared.received.lock().expect("no panic before").get(&id).cloned();
    Ok(act.spoil(said.map_or_else(|| error(404, "not_found", "Email not found"), |said| super::json(200, &said))).await)
}

async fn attachment(
    State(shared): State<Arc<Shared>>,
    Path((_, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    if let Some(refusal) = stranger(&headers, true) {
        return Ok(refusal);
    }
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(match shared.files.lock().expect("no panic before").contains_key(&file) {
        true => super::json(
            200,
            &json!({ "object": "attachment", "id": file, "download_url": format!("http://{host}/files/{file}") }),
        ),
        false => error(404, "not_found", "Attachment not found"),
    })
}

/// What links lead to: nobody's key must come here.
async fn file(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    if headers.contains_key("authorization") {
        return Ok(super::text(400, "text/plain", "Only one auth mechanism allowed"));
    }
    let act = shared.store.next_act();
    let file = shared.files.lock().expect("no panic before").get(&id).cloned();
    let usual = file.map_or_else(|| super::text(404, "text/plain", "gone"), |file| Response::new(Body::from(file)));
    Ok(act.spoil(usual).await)
}
