//! A strict Bird: the messages of a workspace, their list, their errors, and signed webhooks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commlog::clock::Ambient;
use commlog::domain::value::sms;
use commlog::providers::Secret;
use commlog::providers::bird::BirdSettings;
use commlog::providers::kit::standard_webhooks::sign;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Act, Answered, Book, Server, Signed};

pub(crate) const API_KEY: &str = "bk_eu1_bird_key_000";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const NUMBER: &str = "+12025550199";

/// What may stand in a message; more is refused as not supported so far.
const MEMBERS: &[&str] = &["to", "from", "text", "category", "tags", "metadata", "options"];

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct BirdMessage {
    pub(crate) id: String,
    pub(crate) created: DateTime<Utc>,
    /// As the list tells it.
    pub(crate) status: String,
    pub(crate) fields: Value,
    /// The key that the call had.
    pub(crate) key: String,
}

impl BirdMessage {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// Our token, out of the metadata.
    pub(crate) fn token(&self) -> Option<&str> {
        self.fields["metadata"]["token"].as_str()
    }

    fn resource(&self) -> Value {
        let text = self.field("text").unwrap_or_default();
        let cost = json!({ "amount": "0.01580", "currency_code": "USD", "passthrough_amount": null });
        json!({
            "id": self.id,
            "direction": "outbound",
            "status": self.status,
            "to": self.fields["to"],
            "from": self.fields["from"],
            "text": text,
            "category": self.fields["category"],
            "segments": { "count": sms::segments(text), "encoding": "GSM_7BIT", "characters": text.chars().count() },
            "cost": if self.status == "accepted" { Value::Null } else { cost },
            "metadata": self.fields["metadata"],
            "created_at": self.created.to_rfc3339(),
        })
    }
}

struct Shared {
    book: Book<BirdMessage>,
    /// The answers by the keys of their calls.
    answers: Mutex<HashMap<String, Value>>,
    ambient: Ambient,
}

/// The server.
pub(crate) struct BirdDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl BirdDouble {
    /// Starts it; message ids come out of `ambient`.
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let shared = Arc::new(Shared { book: Book::new(), answers: Mutex::default(), ambient });
        let router = Router::new().route("/v1/sms/messages", get(list).post(create)).with_state(Arc::clone(&shared));
        Self { shared, server: Server::start(router).await }
    }

    /// Settings that it accepts.
    pub(crate) fn settings(&self) -> BirdSettings {
        BirdSettings {
            account_name: "main".to_owned(),
            api_key: Secret::new(API_KEY),
            from: NUMBER.to_owned(),
            category: "marketing".to_owned(),
            webhook_secrets: vec![Secret::new(WEBHOOK_SECRET)],
            base_url: Url::parse(&format!("http://{}", self.server.address)).expect("a URL"),
        }
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}", self.server.address)),
            ("api_key", API_KEY.to_owned()),
            ("from", NUMBER.to_owned()),
            ("webhook_secret", WEBHOOK_SECRET.to_owned()),
        ]
    }

    /// How the next calls that create messages are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// Every message that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<BirdMessage> {
        self.shared.book.taken()
    }

    /// How many calls to create a message were made.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    /// How often the message with a token was taken.
    pub(crate) fn times(&self, token: &str) -> usize {
        self.shared.book.times(token)
    }

    /// Puts a message into the list that nobody sent through this double.
    pub(crate) fn plant(&self, message: BirdMessage) {
        let token = message.token().map(str::to_owned);
        self.shared.book.take(token.as_deref(), message);
    }

    /// An event about a message, signed. `more` are further members of its data.
    pub(crate) fn event(message: &BirdMessage, kind: &str, more: Value, now: DateTime<Utc>) -> Signed {
        let mut data = json!({
            "sms_id": message.id,
            "workspace_id": "ws_01jabc",
            "from": message.fields["from"],
            "to": message.fields["to"],
            "tags": null,
            "metadata": message.fields["metadata"],
        });
        let Value::Object(more) = more else { panic!("members") };
        data.as_object_mut().expect("an object").extend(more);
        signed(&json!({ "type": kind, "timestamp": now.to_rfc3339(), "data": data }), now)
    }

    /// A text from somebody, signed.
    pub(crate) fn inbound(id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        let data = json!({
            "sms_id": id,
            "workspace_id": "ws_01jabc",
            "from": "+14155550101",
            "to": NUMBER,
            "text": text,
            "segments": { "count": 1, "encoding": "GSM_7BIT", "characters": text.chars().count() },
            "tags": null,
            "metadata": null,
        });
        signed(&json!({ "type": "sms.received", "timestamp": now.to_rfc3339(), "data": data }), now)
    }
}

fn signed(event: &Value, now: DateTime<Utc>) -> Signed {
    let body = event.to_string();
    let timestamp = now.timestamp().to_string();
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let signature = sign(&Secret::new(WEBHOOK_SECRET), id, &timestamp, body.as_bytes()).expect("a secret");
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp),
        ("webhook-signature".to_owned(), signature),
    ];
    let url = "https://crm.example.com/webhooks/bird/main".to_owned();
    Signed { method: "POST", url, headers, body: Bytes::from(body) }
}

fn error(status: u16, code: &str, name: &str, parameter: Option<&str>) -> Response<Body> {
    let error = json!({ "type": "invalid_request", "code": code, "name": name, "message": "as the name says",
        "param": parameter, "request_id": "req_1" });
    super::json(status, &json!({ "error": error }))
}

fn refused(headers: &HeaderMap) -> Option<Response<Body>> {
    let given = headers.get("authorization").and_then(|given| given.to_str().ok());
    (given != Some(&format!("Bearer {API_KEY}"))).then(|| error(401, "E01001", "Unauthorized", None))
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if let Some(refused) = refused(&headers) {
        return Ok(refused);
    }
    let act = shared.book.next_act();
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    if key.is_empty() || key.len() > 255 {
        return Ok(error(400, "E01002", "InvalidIdempotencyKey", None));
    }
    let known = shared.answers.lock().expect("no panic before").get(&key).cloned();
    if let Some(answer) = known {
        let mut replayed = super::json(202, &answer);
        replayed.headers_mut().insert("idempotency-replay", "true".parse().expect("a header"));
        return Ok(replayed);
    }
    let fields: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Err((name, parameter)) = check(&fields) {
        return Ok(error(422, "E04001", name, Some(parameter)));
    }
    let id = format!("sms_{}", shared.ambient.uuid().simple());
    let created = shared.ambient.now();
    let message = BirdMessage { id, created, status: "accepted".to_owned(), fields, key: key.clone() };
    let answer = message.resource();
    let usual = super::json(202, &answer);
    if act.takes() {
        shared.answers.lock().expect("no panic before").insert(key, answer);
        shared.book.take(message.token(), message.clone());
    }
    Ok(act.spoil(usual).await)
}

fn check(fields: &Value) -> Result<(), (&'static str, &'static str)> {
    let object = fields.as_object().ok_or(("ValidationError", "body"))?;
    if object.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(("SMSUnsupportedFeature", "media_urls"));
    }
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    let to = text("to").strip_prefix('+').unwrap_or_default();
    if !(7..=15).contains(&to.len()) || !to.bytes().all(|byte| byte.is_ascii_digit()) || to.starts_with('0') {
        return Err(("SMSInvalidRecipient", "to"));
    }
    if text("from") != NUMBER {
        return Err(("SMSSenderNotConfigured", "from"));
    }
    if !["transactional", "marketing", "authentication", "service"].contains(&text("category")) {
        return Err(("ValidationError", "category"));
    }
    if text("text").is_empty() || sms::segments(text("text")) > 12 {
        return Err(("ValidationError", "text"));
    }
    if fields["metadata"].to_string().len() > 2_048 {
        return Err(("ValidationError", "metadata"));
    }
    Ok(())
}

async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    if let Some(refused) = refused(&headers) {
        return Ok(refused);
    }
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let since = get("created_after").map(|time| DateTime::parse_from_rfc3339(time).expect("a time").to_utc());
    let matching: Vec<_> = shared
        .book
        .taken()
        .into_iter()
        .rev()
        .filter(|message| get("to").is_none_or(|to| message.field("to") == Some(to)))
        .filter(|message| since.is_none_or(|since| message.created >= since))
        .collect();
    // The double's pages are small, so that following them is tried.
    let start = get("starting_after").and_then(|id| matching.iter().position(|message| message.id == id));
    let start = start.map_or(0, |position| position + 1);
    let page: Vec<_> = matching.iter().skip(start).take(2).collect();
    let next = page.last().filter(|_| start + page.len() < matching.len()).map(|message| message.id.clone());
    let data: Vec<_> = page.iter().map(|message| message.resource()).collect();
    Ok(super::json(200, &json!({ "data": data, "next_cursor": next })))
}
