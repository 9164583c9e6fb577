//! A strict FCM with Google's token endpoint: assertions, access tokens, messages, and the errors of devices that are gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use chrono::TimeDelta;
use commlog::clock::Ambient;
use commlog::providers::fcm::{FcmSettings, ServiceAccount};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Act, Answered, Book, Description, Server, Signed, json as answer};

pub(crate) const PROJECT: &str = "my-project";
/// A key that was made for tests, and belongs to nobody.
const KEY_FILE: &str = include_str!("fcm_key.json");

/// Keys that apps must not use in data.
const RESERVED: &[&str] = &["from", "message_type"];

/// What a device's token is to FCM; one that it does not know is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// The app was removed.
    Gone,
    /// It never was a token.
    Wrong,
    /// It belongs to another project.
    Foreign,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct FcmMessage {
    /// As FCM named it.
    pub(crate) name: String,
    /// `message` of the request.
    pub(crate) message: Value,
}

impl FcmMessage {
    pub(crate) fn data(&self, key: &str) -> Option<&str> {
        self.message["data"][key].as_str()
    }

    /// What its app posts.
    pub(crate) fn report(&self, event: &str, more: &Value) -> Signed {
        let mut body = json!({ "token": self.data("commlog_token"), "event": event });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let url = self.data("commlog_url").expect("where to report").to_owned();
        let headers = vec![("content-type".to_owned(), "text/plain;charset=UTF-8".to_owned())];
        Signed { method: "POST", url, headers, body: Bytes::from(body.to_string()) }
    }
}

struct Shared {
    book: Book<FcmMessage>,
    ambient: Ambient,
    public: Vec<u8>,
    state: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    devices: HashMap<String, Device>,
    exchanges: Vec<Act>,
    /// How many access tokens were given out; only the last one is good.
    given: usize,
    revoked: usize,
    asked: usize,
    address: String,
    lasts: i64,
}

/// The server.
pub(crate) struct FcmDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl FcmDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let file: Value = serde_json::from_str(KEY_FILE).expect("JSON");
        let pem = file["private_key"].as_str().expect("a key");
        let letters: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(letters).expect("base64")).expect("a key");
        let public = pair.public_key().as_ref().to_vec();
        let state = Mutex::new(Tokens { lasts: 3_599, ..Tokens::default() });
        let shared = Arc::new(Shared { book: Book::new(), ambient, public, state });
        let router = Router::new()
            .route("/token", post(exchange))
            .route("/v1/projects/{project}/{call}", post(send))
            .with_state(Arc::clone(&shared));
        let server = Server::described(router, Description::Fcm).await;
        shared.state.lock().expect("no panic before").address = server.address.to_string();
        Self { shared, server }
    }

    /// The base URL of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// A key file that it believes.
    pub(crate) fn key_file(&self) -> String {
        KEY_FILE.replace("https://oauth2.googleapis.com", &self.url())
    }

    /// Settings that it accepts.
    pub(crate) fn settings(&self, report_url: &str) -> FcmSettings {
        FcmSettings {
            account_name: "main".to_owned(),
            key: Arc::new(ServiceAccount::parse(&self.key_file()).expect("a key file")),
            project_id: PROJECT.to_owned(),
            time_to_live: TimeDelta::hours(1),
            android_channel: None,
            base_url: Url::parse(&self.url()).expect("a URL"),
            report_url: Some(Url::parse(report_url).expect("a URL")),
        }
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![("base_url", self.url()), ("service_account", self.key_file()), ("project_id", PROJECT.to_owned())]
    }

    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// How the next exchanges of an assertion are answered, the last one first.
    pub(crate) fn script_exchanges(&self, acts: Vec<Act>) {
        self.tokens().exchanges = acts;
    }

    /// What a token is from now on.
    pub(crate) fn set(&self, token: &str, device: Device) {
        self.tokens().devices.insert(token.to_owned(), device);
    }

    /// Knows nothing bad of a token any more.
    pub(crate) fn forget(&self, token: &str) {
        self.tokens().devices.remove(token);
    }

    /// Takes back all access tokens.
    pub(crate) fn revoke(&self) {
        let mut tokens = self.tokens();
        tokens.revoked = tokens.given;
    }

    /// How often an access token was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.tokens().asked
    }

    pub(crate) fn taken(&self) -> Vec<FcmMessage> {
        self.shared.book.taken()
    }

    /// How many calls to send were made with an access token that is good.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.shared.state.lock().expect("no panic before")
    }
}

/// `POST /token`.
async fn exchange(State(shared): State<Arc<Shared>>, body: Bytes) -> Answered {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let refused =
        |description: &str| answer(400, &json!({ "error": "invalid_grant", "error_description": description }));
    let (act, usual) = {
        let mut tokens = shared.state.lock().expect("no panic before");
        tokens.asked += 1;
        let act = tokens.exchanges.pop().unwrap_or(Act::Usual);
        let aud = format!("http://{}/token", tokens.address);
        let usual = match check_assertion(&shared, &form, &aud) {
            Err(description) => refused(description),
            Ok(()) => {
                tokens.given += 1;
                let token = format!("ya29.double.{}", tokens.given);
                answer(200, &json!({ "access_token": token, "expires_in": tokens.lasts, "token_type": "Bearer" }))
            }
        };
        (act, usual)
    };
    Ok(act.spoil(usual).await)
}

fn check_assertion(shared: &Shared, form: &HashMap<String, String>, aud: &str) -> Result<(), &'static str> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return Err("Unsupported grant type");
    }
    let parts: Vec<&str> = field("assertion").split('.').collect();
    let [header, claims, signature] = parts[..] else { return Err("Invalid JWT") };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &shared.public);
    if key.verify(format!("{header}.{claims}").as_bytes(), &decoded(signature)).is_err() {
        return Err("Invalid JWT Signature.");
    }
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&decoded(claims)).unwrap_or_default();
    let now = shared.ambient.now().timestamp();
    let (iat, exp) = (claims["iat"].as_i64().unwrap_or_default(), claims["exp"].as_i64().unwrap_or_default());
    if header["alg"] != "RS256" || header["kid"].as_str().is_none_or(str::is_empty) || claims["aud"] != aud {
        return Err("Invalid JWT: audience or header");
    }
    if claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging" {
        return Err("Invalid OAuth scope");
    }
    if (iat - now).abs() > 300 || !(iat..=iat + 3_600).contains(&exp) || exp <= now {
        return Err("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
    }
    Ok(())
}

/// `POST /v1/projects/{project}/messages:send`.
async fn send(
    State(shared): State<Arc<Shared>>,
    Path((project, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let bearer = headers.get("authorization").and_then(|given| given.to_str().ok()).unwrap_or_default();
    let is_good = {
        let tokens = shared.state.lock().expect("no panic before");
        tokens.given > tokens.revoked && bearer == format!("Bearer ya29.double.{}", tokens.given)
    };
    if !is_good {
        let message = "Request had invalid authentication credentials.";
        return Ok(answer(401, &json!({ "error": { "code": 401, "message": message, "status": "UNAUTHENTICATED" } })));
    }
    let act = shared.book.next_act();
    if call != "messages:send" || project != PROJECT {
        return Ok(failed(404, "NOT_FOUND", None, "Requested entity was not found."));
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = &request["message"];
    if let Err((field, description)) = check(message) {
        let details = json!([{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{ "field": field, "description": description }],
        }]);
        let error = json!({ "code": 400, "message": description, "status": "INVALID_ARGUMENT", "details": details });
        return Ok(answer(400, &json!({ "error": error })));
    }
    let token = message["token"].as_str().unwrap_or_default().to_owned();
    let device = shared.state.lock().expect("no panic before").devices.get(&token).copied();
    match device {
        Some(Device::Gone) => {
            return Ok(failed(404, "NOT_FOUND", Some("UNREGISTERED"), "Requested entity was not found."));
        }
        Some(Device::Wrong) => {
            let words = "The registration token is not a valid FCM registration token";
            return Ok(failed(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"), words));
        }
        Some(Device::Foreign) => {
            return Ok(failed(403, "PERMISSION_DENIED", Some("SENDER_ID_MISMATCH"), "SenderId mismatch"));
        }
        None => {}
    }
    let name = format!("projects/{PROJECT}/messages/0:{}", shared.ambient.uuid().simple());
    let usual = answer(200, &json!({ "name": name }));
    if act.takes() && request["validateOnly"] != true {
        let taken = FcmMessage { name, message: message.clone() };
        let token = taken.data("commlog_token").map(str::to_owned);
        shared.book.take(token.as_deref(), taken);
    }
    Ok(act.spoil(usual).await)
}

/// An error as FCM writes it, with its own code where it has one.
pub(crate) fn error(status: &str, code: Option<&str>, message: &str) -> Value {
    let details: Vec<Value> = code
        .into_iter()
        .map(|code| json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code }))
        .collect();
    json!({ "error": { "code": 400, "message": message, "status": status, "details": details } })
}

fn failed(http: u16, status: &str, code: Option<&str>, message: &str) -> Response<Body> {
    answer(http, &error(status, code, message))
}

/// The field that is wrong, and why.
fn check(message: &Value) -> Result<(), (String, &'static str)> {
    let wrong = |field: &str, why| Err((format!("message.{field}"), why));
    let Some(fields) = message.as_object() else { return wrong("", "Invalid JSON payload received.") };
    let known = ["token", "topic", "notification", "data", "android", "apns", "webpush", "fcm_options"];
    if let Some(unknown) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return wrong(unknown, "Invalid JSON payload received. Unknown name");
    }
    if message["token"].is_string() == message["topic"].is_string() {
        return wrong("token", "Recipient of the message is not set.");
    }
    let (mut size, empty) = (0, serde_json::Map::new());
    let data = message["data"].as_object().unwrap_or(&empty);
    for (key, value) in data {
        let is_reserved = RESERVED.contains(&key.as_str()) || key.starts_with("google") || key.starts_with("gcm");
        let Some(value) = value.as_str().filter(|_| !is_reserved) else { return wrong("data", "Invalid value") };
        size += key.len() + value.len();
    }
    for (key, value) in message["notification"].as_object().unwrap_or(&empty) {
        let Some(value) = value.as_str().filter(|_| ["title", "body", "image"].contains(&key.as_str())) else {
            return wrong("notification", "Invalid value");
        };
        size += key.len() + value.len();
    }
    if size > 4_096 {
        return wrong("data", "Android message is too big");
    }
    let is_texts = |value: &Value| value.as_object().is_none_or(|map| map.values().all(Value::is_string));
    if !is_texts(&message["apns"]["headers"]) || !is_texts(&message["webpush"]["headers"]) {
        return wrong("apns.headers", "Invalid value (TYPE_STRING)");
    }
    let seconds = |ttl: &str| ttl.strip_suffix('s').and_then(|text| text.parse::<u64>().ok());
    if message["android"]["ttl"].as_str().is_some_and(|ttl| seconds(ttl).is_none_or(|ttl| ttl > 2_419_200)) {
        return wrong("android.ttl", "Invalid duration format");
    }
    if message["apns"]["headers"]["apns-collapse-id"].as_str().is_some_and(|id| id.len() > 64)
        || message["webpush"]["headers"]["Topic"].as_str().is_some_and(|topic| topic.len() > 32)
    {
        return wrong("apns.headers", "Too long");
    }
    Ok(())
}
