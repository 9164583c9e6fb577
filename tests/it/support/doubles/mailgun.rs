//! A strict Mailgun: messages, events, domains, stored mail, and what its webhooks post.

use std::collections::HashMap;
use std::convert::Infallible;
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
use commlog::providers::mailgun::{MailgunSettings, TOKEN, sign};
use multer::Multipart;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Act, Answered, Book, Server, Signed};

pub(crate) const KEY: &str = "key-of-the-account";
/// May post messages, and nothing else.
pub(crate) const SENDING_KEY: &str = "key-of-the-domain";
pub(crate) const DOMAIN: &str = "mg.shop.example";
const SIGNING_KEY: &str = "key-of-the-webhooks";
/// Of `o:`, `h:`, `v:` and `t:` together.
const MAX_OPTIONS: usize = 16 * 1024;
const MAX_BYTES: usize = 25 * 1024 * 1024;
const PAGE: usize = 2;

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct MailgunMail {
    pub(crate) id: String,
    pub(crate) fields: Vec<(String, String)>,
    /// The field, the file's name and type, and what it holds.
    pub(crate) files: Vec<(String, String, String, Bytes)>,
    taken_at: i64,
}

impl MailgunMail {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// An event about it; `more` are the fields of its kind.
    pub(crate) fn event(&self, kind: &str, id: &str, timestamp: i64, more: Value) -> Value {
        let to = self.field("to").unwrap_or_default();
        let token = self.field(&format!("v:{TOKEN}")).unwrap_or_default();
        let mut event = json!({
            "event": kind,
            "id": id,
            "timestamp": timestamp,
            "recipient": to,
            "message": { "headers": { "to": to, "message-id": self.id } },
            "user-variables": { TOKEN: token },
            "flags": { "is-routed": false },
        });
        if let Value::Object(more) = more {
            event.as_object_mut().expect("an object").extend(more);
        }
        event
    }
}

struct Shared {
    book: Book<MailgunMail>,
    /// How what is stored is handed out.
    store: Book<()>,
    stored: Mutex<HashMap<String, Bytes>>,
    state: Mutex<&'static str>,
    ambient: Ambient,
}

/// The server.
pub(crate) struct MailgunDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl MailgunDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let (book, store, state) = (Book::new(), Book::new(), Mutex::new("active"));
        let shared = Arc::new(Shared { book, store, stored: Mutex::default(), state, ambient });
        let router = Router::new()
            .route("/v3/{domain}/messages", post(send))
            .route("/v3/{domain}/events", get(events))
            .route("/v3/domains/{domain}", get(domain))
            .route("/v3/domains/{domain}/messages/{key}", get(stored))
            .route("/v3/domains/{domain}/messages/{key}/attachments/{number}", get(attachment))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::start(router).await }
    }

    /// Settings that it accepts, and that believe it.
    pub(crate) fn settings(&self) -> MailgunSettings {
        let from = Mailbox { email: "news@shop.example".to_owned(), name: Some("Shop".to_owned()) };
        let base_url = Url::parse(&format!("http://{}", self.server.address)).expect("a URL");
        let mut settings = MailgunSettings::new("main", Secret::new(KEY), DOMAIN, from, base_url);
        settings.signing_keys = vec![Secret::new(SIGNING_KEY)];
        settings
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}", self.server.address)),
            ("api_key", KEY.to_owned()),
            ("domain", DOMAIN.to_owned()),
            ("from", "news@shop.example".to_owned()),
            ("webhook_signing_key", SIGNING_KEY.to_owned()),
        ]
    }

    /// How the next calls to send are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// How the next stored mails and files are handed out.
    pub(crate) fn script_store(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.store.script(acts);
    }

    /// What is said of the domain.
    pub(crate) fn domain_is(&self, state: &'static str) {
        *self.shared.state.lock().expect("no panic before") = state;
    }

    pub(crate) fn taken(&self) -> Vec<MailgunMail> {
        self.shared.book.taken()
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    pub(crate) fn times(&self, token: &str) -> usize {
        self.shared.book.times(token)
    }

    pub(crate) fn most_per_token(&self) -> usize {
        self.shared.book.most_per_token()
    }

    /// An event as its webhook posts it.
    pub(crate) fn event(&self, url: &str, event: &Value) -> Signed {
        let (timestamp, token) = self.proof();
        let signature = sign(&Secret::new(SIGNING_KEY), &timestamp, &token);
        let signed = json!({ "timestamp": timestamp, "token": token, "signature": signature });
        let body = json!({ "signature": signed, "event-data": event }).to_string();
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(body) }
    }

    /// A form as a route posts it.
    pub(crate) fn inbound(&self, url: &str, fields: &[(&str, &str)]) -> Signed {
        let (timestamp, token) = self.proof();
        let signature = sign(&Secret::new(SIGNING_KEY), &timestamp, &token);
        let proof = [("timestamp", timestamp.as_str()), ("token", &token), ("signature", &signature)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).extend_pairs(proof).finish();
        let headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(body) }
    }

    fn proof(&self) -> (String, String) {
        let ambient = &self.shared.ambient;
        (ambient.now().timestamp().to_string(), hex::encode(ambient.bytes::<25>()))
    }

    /// Stores a mail or a file. Returns its URL.
    pub(crate) fn store(&self, content: impl Into<Bytes>) -> String {
        let key = hex::encode(self.shared.ambient.bytes::<8>());
        self.shared.stored.lock().expect("no panic before").insert(key.clone(), content.into());
        format!("http://{}/v3/domains/{DOMAIN}/messages/{key}", self.server.address)
    }
}

fn error(status: u16, message: &str) -> Response<Body> {
    super::json(status, &json!({ "message": message }))
}

/// A bare word, and no JSON.
fn forbidden() -> Response<Body> {
    super::text(401, "text/plain", "Forbidden")
}

fn is_from(headers: &HeaderMap, keys: &[&str]) -> bool {
    let given = headers.get("authorization").and_then(|given| given.to_str().ok()).unwrap_or_default();
    keys.iter().any(|key| given == format!("Basic {}", STANDARD.encode(format!("api:{key}"))))
}

async fn domain(State(shared): State<Arc<Shared>>, Path(name): Path<String>, headers: HeaderMap) -> Answered {
    if !is_from(&headers, &[KEY]) {
        return Ok(forbidden());
    }
    if name != DOMAIN {
        return Ok(error(404, "Domain not found"));
    }
    let state = *shared.state.lock().expect("no panic before");
    Ok(super::json(200, &json!({ "domain": { "name": name, "state": state } })))
}

async fn send(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    if !is_from(&headers, &[KEY, SENDING_KEY]) {
        return Ok(forbidden());
    }
    if name != DOMAIN {
        return Ok(error(404, "Domain not found"));
    }
    let act = shared.book.next_act();
    let Some((fields, files)) = read(&headers, body.clone()).await else { return Ok(error(400, "a form is needed")) };
    let id = format!("{}@{DOMAIN}", hex::encode(shared.ambient.bytes::<8>()));
    let mail = MailgunMail { id: id.clone(), fields, files, taken_at: shared.ambient.now().timestamp() };
    if let Err((status, message)) = check(&mail, body.len()) {
        return Ok(error(status, message));
    }
    if act.takes() {
        let token = mail.field(&format!("v:{TOKEN}")).map(str::to_owned);
        shared.book.take(token.as_deref(), mail);
    }
    Ok(act.spoil(super::json(200, &json!({ "id": format!("<{id}>"), "message": "Queued. Thank you." }))).await)
}

type Read = (Vec<(String, String)>, Vec<(String, String, String, Bytes)>);

async fn read(headers: &HeaderMap, body: Bytes) -> Option<Read> {
    let boundary = multer::parse_boundary(headers.get("content-type")?.to_str().ok()?).ok()?;
    let stream = futures::stream::once(async move { Ok::<_, Infallible>(body) });
    let mut parts = Multipart::new(stream, boundary);
    let (mut fields, mut files) = (vec![], vec![]);
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name()?.to_owned();
        let head = part.headers().get("content-disposition")?.as_bytes().to_vec();
        match part.file_name().map(str::to_owned) {
            // A file without a plain name is dropped, and nothing said.
            None if matches!(name.as_str(), "attachment" | "inline") => {}
            Some(_) if head.windows(10).any(|part| part == b"filename*=") => {}
            Some(file) => {
                let kind = part.content_type().map(ToString::to_string).unwrap_or_default();
                files.push((name, file, kind, part.bytes().await.ok()?));
            }
            None => fields.push((name, part.text().await.ok()?)),
        }
    }
    Some((fields, files))
}

fn check(mail: &MailgunMail, bytes: usize) -> Result<(), (u16, &'static str)> {
    if bytes > MAX_BYTES {
        return Err((413, "Request Entity Too Large"));
    }
    let is_mailbox = |text: &str| {
        let address = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
        address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    };
    if !mail.field("from").is_some_and(is_mailbox) {
        return Err((400, "from parameter is not a valid address. please check documentation"));
    }
    match mail.field("to") {
        None => return Err((400, "to parameter is missing")),
        Some(to) if !to.split(',').all(is_mailbox) => {
            return Err((400, "to parameter is not a valid address. please check documentation"));
        }
        Some(_) => {}
    }
    if mail.field("subject").is_none_or(str::is_empty) {
        return Err((400, "subject parameter is missing"));
    }
    if ["text", "html"].iter().all(|name| mail.field(name).is_none_or(str::is_empty)) {
        return Err((400, "Need at least one of 'text', 'html' or 'template' parameters specified"));
    }
    let is_option = |name: &str| ["o:", "h:", "v:", "t:"].iter().any(|prefix| name.starts_with(prefix));
    let options = mail.fields.iter().filter(|(name, _)| is_option(name));
    if options.map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_OPTIONS {
        return Err((400, "the total size of o:, h:, v: and t: parameters is too large"));
    }
    Ok(())
}

/// Pages of two, so that paging is tried; the last one is empty.
async fn events(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answered {
    if !is_from(&headers, &[KEY]) {
        return Ok(forbidden());
    }
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let begin: i64 = given("begin").parse().unwrap_or_default();
    let page: usize = given("page").parse().unwrap_or_default();
    let mails = shared.book.taken();
    let is_asked = |mail: &&MailgunMail| mail.taken_at >= begin && mail.field("to") == Some(given("recipient"));
    let found = mails.iter().filter(is_asked).skip(page * PAGE).take(PAGE);
    let items: Vec<_> = found.map(|mail| mail.event("accepted", &mail.id, mail.taken_at, Value::Null)).collect();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut next = form_urlencoded::Serializer::new(String::new());
    for name in ["recipient", "begin"] {
        next.append_pair(name, given(name));
    }
    let next = next.append_pair("page", &(page + 1).to_string()).finish();
    let next = format!("http://{host}/v3/{DOMAIN}/events?{next}");
    Ok(super::json(200, &json!({ "items": items, "paging": { "next": next } })))
}

async fn stored(
    State(shared): State<Arc<Shared>>,
    Path((_, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let act = shared.store.next_act();
    if !is_from(&headers, &[KEY]) {
        return Ok(forbidden());
    }
    let mail = shared.stored.lock().expect("no panic before").get(&key).cloned();
    let usual = match mail {
        // Only who asks for the mail as it was written gets it so.
        Some(mail) if headers.get_all("accept").iter().any(|accept| accept == "message/rfc2822") => {
            super::json(200, &json!({ "body-mime": String::from_utf8_lossy(&mail) }))
        }
        Some(_) => super::json(200, &json!({ "body-plain": "taken apart" })),
        None => error(404, "Message not found"),
    };
    Ok(act.spoil(usual).await)
}

async fn attachment(
    State(shared): State<Arc<Shared>>,
    Path((_, key, _)): Path<(String, String, u32)>,
    headers: HeaderMap,
) -> Answered {
    let act = shared.store.next_act();
    if !is_from(&headers, &[KEY]) {
        return Ok(forbidden());
    }
    let file = shared.stored.lock().expect("no panic before").get(&key).cloned();
    Ok(act.spoil(file.map_or_else(|| error(404, "Not found"), |file| Response::new(Body::from(file)))).await)
}
