//! A strict Vonage: the SMS API and the Messages API, their errors, and their signed webhooks.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commlog::clock::Ambient;
use commlog::providers::Secret;
use commlog::providers::kit::jwt::{self, RsaKey};
use commlog::providers::vonage::{SignatureMethod, VonageApi, VonageSettings, sign};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Act, Answered, Book, Description, Server, Signed};

pub(crate) const API_KEY: &str = "abcd1234";
pub(crate) const API_SECRET: &str = "vonage_secret_000";
pub(crate) const APPLICATION: &str = "78d335fa-323d-0114-9c3d-d6f0d48968cf";
pub(crate) const SIGNATURE_SECRET: &str = "vonage_signature_secret_0000000000";
pub(crate) const NUMBER: &str = "+447700900001";
const METHOD: SignatureMethod = SignatureMethod::Sha256Hmac;
const PRICE: &str = "0.04120000";

/// A key that opens nothing: it was made for tests.
pub(crate) const KEY: &str = include_str!("../../../../src/providers/kit/jwt/test_key.pem");

/// What may stand in the form of the SMS API.
const KNOWN: &[&str] = &[
    "from",
    "to",
    "text",
    "type",
    "client-ref",
    "status-report-req",
    "callback",
    "ttl",
    "message-class",
    "account-ref",
];
/// What may stand in the body of the Messages API.
const MEMBERS: &[&str] =
    &["message_type", "channel", "to", "from", "text", "client_ref", "sms", "ttl", "webhook_url", "webhook_version"];

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct VonageMessage {
    /// One for each part.
    pub(crate) ids: Vec<String>,
    /// The form of the SMS API, or the members of the Messages API.
    pub(crate) fields: Value,
}

impl VonageMessage {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    fn reference(&self) -> Option<&str> {
        self.field("client-ref").or_else(|| self.field("client_ref"))
    }

    /// Our token, out of the status webhook's URL.
    pub(crate) fn token(&self) -> Option<String> {
        let url = Url::parse(self.field("webhook_url")?).ok()?;
        url.query_pairs().find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
    }
}

struct Shared {
    book: Book<VonageMessage>,
    barred: Mutex<HashSet<String>>,
    ambient: Ambient,
}

/// The server.
pub(crate) struct VonageDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl VonageDouble {
    /// Starts it; message ids come out of `ambient`.
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let shared = Arc::new(Shared { book: Book::new(), barred: Mutex::default(), ambient });
        let router = Router::new()
            .route("/account/get-balance", get(balance))
            .route("/sms/json", post(sms))
            .route("/v1/messages", post(messages))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::described(router, Description::Vonage).await }
    }

    /// Settings of the SMS API that it accepts.
    pub(crate) fn sms_settings(&self, callback_url: &str) -> VonageSettings {
        self.settings(VonageApi::Sms { secret: Secret::new(API_SECRET), method: METHOD }, callback_url)
    }

    /// Settings of the Messages API that it accepts.
    pub(crate) fn messages_settings(&self, callback_url: &str) -> VonageSettings {
        let key = Arc::new(RsaKey::parse(&Secret::new(KEY)).expect("a key"));
        self.settings(VonageApi::Messages { application_id: APPLICATION.to_owned(), key }, callback_url)
    }

    fn settings(&self, api: VonageApi, callback_url: &str) -> VonageSettings {
        VonageSettings {
            account_name: "main".to_owned(),
            api_key: API_KEY.to_owned(),
            api,
            from: NUMBER.to_owned(),
            signature_secrets: vec![Secret::new(SIGNATURE_SECRET)],
            currency: "EUR".parse().expect("a currency"),
            base_url: Url::parse(&format!("http://{}", self.server.address)).expect("a URL"),
            callback_url: Some(Url::parse(callback_url).expect("a URL")),
        }
    }

    /// What an account of the SMS API is set up with, by the names of settings.
    pub(crate) fn sms_account(&self) -> Vec<(&'static str, String)> {
        self.account(&[("api_secret", API_SECRET), ("signature_method", "sha256-hmac")])
    }

    /// The same of the Messages API.
    pub(crate) fn messages_account(&self) -> Vec<(&'static str, String)> {
        self.account(&[("api", "messages"), ("application_id", APPLICATION), ("private_key", KEY)])
    }

    fn account(&self, of_api: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let base_url = format!("http://{}", self.server.address);
        let both =
            [("base_url", &*base_url), ("api_key", API_KEY), ("from", NUMBER), ("signature_secret", SIGNATURE_SECRET)];
        both.iter().chain(of_api).map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    /// How the next calls that create messages are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// Every message that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<VonageMessage> {
        self.shared.book.taken()
    }

    /// How many calls to create a message were made.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    /// How often the message with a reference was taken.
    pub(crate) fn times(&self, reference: &str) -> usize {
        self.shared.book.times(reference)
    }

    /// From now on, messages to the number are refused as barred.
    pub(crate) fn bar(&self, number: &str) {
        self.shared.barred.lock().expect("no panic before").insert(number.to_owned());
    }

    /// A receipt of the SMS API about a part of a message, signed, as a GET.
    pub(crate) fn receipt(message: &VonageMessage, part: usize, status: &str, code: u32, now: DateTime<Utc>) -> Signed {
        let number = |name| message.field(name).unwrap_or_default().to_owned();
        let parameters = vec![
            ("msisdn", number("to")),
            ("to", number("from")),
            ("network-code", "23410".to_owned()),
            ("messageId", message.ids[part].clone()),
            ("price", PRICE.to_owned()),
            ("status", status.to_owned()),
            ("scts", now.format("%y%m%d%H%M").to_string()),
            ("err-code", code.to_string()),
            ("api-key", API_KEY.to_owned()),
            ("client-ref", number("client-ref")),
            ("message-timestamp", now.format("%Y-%m-%d %H:%M:%S").to_string()),
        ];
        signed(message.field("callback").expect("the message asks for receipts"), parameters, now)
    }

    /// A text from somebody by the SMS API, signed, as a GET. `more` are further parameters, such as `concat`.
    pub(crate) fn text(url: &str, id: &str, text: &str, more: &[(&'static str, &str)], now: DateTime<Utc>) -> Signed {
        let mut parameters = vec![
            ("msisdn", "14155550101".to_owned()),
            ("to", NUMBER[1..].to_owned()),
            ("messageId", id.to_owned()),
            ("text", text.to_owned()),
            ("type", "text".to_owned()),
            ("keyword", text.split_whitespace().next().unwrap_or_default().to_uppercase()),
            ("api-key", API_KEY.to_owned()),
            ("message-timestamp", now.format("%Y-%m-%d %H:%M:%S").to_string()),
        ];
        parameters.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        signed(url, parameters, now)
    }

    /// A status of the Messages API about a message, signed.
    pub(crate) fn status(message: &VonageMessage, status: &str, more: Value, now: DateTime<Utc>) -> Signed {
        let mut event = json!({
            "message_uuid": message.ids[0],
            "to": message.field("to"),
            "from": message.field("from"),
            "timestamp": now.to_rfc3339(),
            "status": status,
            "channel": "sms",
            "client_ref": message.reference(),
        });
        let Value::Object(more) = more else { panic!("members") };
        event.as_object_mut().expect("an object").extend(more);
        told(message.field("webhook_url").expect("the message asks for statuses"), &event, now)
    }

    /// A message from somebody by the Messages API, signed.
    pub(crate) fn inbound(url: &str, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        let event = json!({
            "message_uuid": id,
            "to": NUMBER[1..],
            "from": "14155550101",
            "timestamp": now.to_rfc3339(),
            "channel": "sms",
            "message_type": "text",
            "text": text,
            "sms": { "num_messages": "1", "keyword": "STOP" },
        });
        told(url, &event, now)
    }
}

fn signed(url: &str, mut parameters: Vec<(&'static str, String)>, now: DateTime<Utc>) -> Signed {
    parameters.push(("timestamp", now.timestamp().to_string()));
    parameters.push(("nonce", "6e6e6e6e".to_owned()));
    let pairs: Vec<_> = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let sig = sign(&Secret::new(SIGNATURE_SECRET), METHOD, &pairs);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("sig", &sig.to_uppercase())
        .finish();
    Signed { method: "GET", url: format!("{url}?{query}"), headers: vec![], body: Bytes::new() }
}

fn told(url: &str, event: &Value, now: DateTime<Utc>) -> Signed {
    let body = event.to_string();
    let hash = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
    let claims = json!({
        "iat": now.timestamp(),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hex::encode(hash),
        "api_key": API_KEY,
        "application_id": APPLICATION,
    });
    let token = jwt::sign(&Secret::new(SIGNATURE_SECRET), &claims);
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("authorization".to_owned(), format!("Bearer {token}")),
    ];
    Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(body) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|given| given.to_str().ok()).unwrap_or_default()
}

fn is_account(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{API_KEY}:{API_SECRET}")));
    header(headers, "authorization") == expected
}

async fn balance(headers: HeaderMap) -> Answered {
    if !is_account(&headers) {
        let body = json!({ "error-code": "401", "error-code-label": "authentication failed" });
        return Ok(super::json(401, &body));
    }
    Ok(super::json(200, &json!({ "value": 10.28, "autoReload": false })))
}

/// The SMS API answers with status 200, whatever is wrong.
fn refused(status: &str, words: &str) -> Response<Body> {
    let part = json!({ "status": status, "error-text": words });
    super::json(200, &json!({ "message-count": "1", "messages": [part] }))
}

async fn sms(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if !is_account(&headers) {
        return Ok(refused("4", "Bad Credentials"));
    }
    let act = shared.book.next_act();
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if let Err((status, words)) = check_form(&form, &shared) {
        return Ok(refused(status, words));
    }
    let fields: Value = form.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let text = fields["text"].as_str().unwrap_or_default();
    let units = if fields["type"] == "unicode" { (70, 67) } else { (160, 153) };
    let letters = text.encode_utf16().count();
    let parts = if letters <= units.0 { 1 } else { letters.div_ceil(units.1) };
    let ids: Vec<_> = (0..parts).map(|_| shared.ambient.uuid().to_string()).collect();
    let part = |id: &String| {
        json!({ "to": fields["to"], "message-id": id, "status": "0", "remaining-balance": "38.07243628",
            "message-price": PRICE, "network": "23420", "client-ref": fields["client-ref"] })
    };
    let entries: Vec<_> = ids.iter().map(part).collect();
    let usual = super::json(200, &json!({ "message-count": entries.len().to_string(), "messages": entries }));
    if act.takes() {
        let message = VonageMessage { ids, fields };
        shared.book.take(message.reference(), message.clone());
    }
    Ok(act.spoil(usual).await)
}

fn check_form(form: &[(String, String)], shared: &Shared) -> Result<(), (&'static str, &'static str)> {
    let get = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if form.iter().any(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err(("3", "Invalid params"));
    }
    let to = get("to").filter(|to| !to.is_empty()).ok_or(("2", "Missing to param"))?;
    if !is_msisdn(to) {
        return Err(("3", "Invalid to param"));
    }
    let from = get("from").filter(|from| !from.is_empty()).ok_or(("2", "Missing from param"))?;
    if from.bytes().all(|byte| byte.is_ascii_digit()) && from != &NUMBER[1..] {
        return Err(("15", "Illegal Sender Address - rejected"));
    }
    let text = get("text").filter(|text| !text.is_empty()).ok_or(("2", "Missing text param"))?;
    if text.chars().count() > 3_200 {
        return Err(("12", "Message Too Long"));
    }
    // The real one takes it, and puts question marks.
    if get("type") != Some("unicode") && !text.chars().all(commlog::domain::value::sms::is_gsm) {
        return Err(("3", "Invalid text for the type"));
    }
    if get("client-ref").is_some_and(|reference| reference.len() > 100) {
        return Err(("3", "Invalid client-ref param"));
    }
    if get("callback").is_some_and(|url| url.len() > 100 || Url::parse(url).is_err()) {
        return Err(("3", "Invalid callback param"));
    }
    if shared.barred.lock().expect("no panic before").contains(to) {
        return Err(("7", "Number barred."));
    }
    Ok(())
}

fn is_msisdn(text: &str) -> bool {
    (7..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

fn problem(status: u16, code: &str, title: &str) -> Response<Body> {
    let body = json!({
        "type": format!("https://developer.vonage.com/api-errors/messages#{code}"),
        "title": title,
        "detail": "as the title says",
        "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf",
    });
    super::json(status, &body)
}

/// Whether a token was signed with the application's key, and opens the API now.
fn is_application(headers: &HeaderMap, now: DateTime<Utc>) -> bool {
    let Some(token) = header(headers, "authorization").strip_prefix("Bearer ") else { return false };
    let Some((message, signature)) = token.rsplit_once('.') else { return false };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let key = RsaKey::parse(&Secret::new(KEY)).expect("a key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    if public.verify(message.as_bytes(), &decode(signature)).is_err() {
        return false;
    }
    let claims: Value = serde_json::from_slice(&decode(message.split('.').nth(1).unwrap_or_default())).expect("JSON");
    let time = |name: &str| claims[name].as_i64().unwrap_or_default();
    claims["application_id"] == APPLICATION
        && claims["jti"].as_str().is_some_and(|jti| !jti.is_empty())
        && (time("iat") - now.timestamp()).abs() < 60
        && time("exp") > now.timestamp()
}

async fn messages(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if !is_application(&headers, shared.ambient.now()) {
        return Ok(problem(401, "unauthorized", "Unauthorized"));
    }
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    if document == json!({}) {
        return Ok(problem(422, "1150", "Invalid params"));
    }
    let act = shared.book.next_act();
    if let Err((status, code, title)) = check_document(&document, &shared) {
        return Ok(problem(status, code, title));
    }
    let id = shared.ambient.uuid().to_string();
    let usual = super::json(202, &json!({ "message_uuid": id }));
    if act.takes() {
        let message = VonageMessage { ids: vec![id], fields: document };
        shared.book.take(message.reference(), message.clone());
    }
    Ok(act.spoil(usual).await)
}

fn check_document(document: &Value, shared: &Shared) -> Result<(), (u16, &'static str, &'static str)> {
    let invalid = (422, "1150", "Invalid params");
    let members = document.as_object().ok_or(invalid)?;
    let text = |name: &str| document[name].as_str().unwrap_or_default();
    if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) || text("channel") != "sms" {
        return Err(invalid);
    }
    if text("message_type") != "text" || !is_msisdn(text("to")) || text("text").is_empty() {
        return Err(invalid);
    }
    let needs = !text("text").chars().all(commlog::domain::value::sms::is_gsm);
    if text("text").chars().count() > 1_000 {
        return Err((422, "1090", "Message too long"));
    }
    if document["sms"]["encoding_type"] != if needs { "unicode" } else { "text" } {
        return Err(invalid);
    }
    if text("from").bytes().all(|byte| byte.is_ascii_digit()) && text("from") != &NUMBER[1..] {
        return Err((403, "1120", "Illegal Sender Address"));
    }
    if text("client_ref").len() > 100 || Url::parse(text("webhook_url")).is_err() || text("webhook_version") != "v1" {
        return Err(invalid);
    }
    if shared.barred.lock().expect("no panic before").contains(text("to")) {
        return Err((422, "1050", "Number barred"));
    }
    Ok(())
}
