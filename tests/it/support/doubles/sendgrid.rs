//! A strict SendGrid: `mail/send`, its errors, its signed events, and the mail that it passes on.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use commlog::clock::Ambient;
use commlog::providers::Secret;
use commlog::providers::sendgrid::{Mailbox, SendgridSettings};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Act, Answered, Book, Description, Server, Signed};

pub(crate) const KEY: &str = "SG.double.0000000000000000";
pub(crate) const DOMAIN: &str = "shop.example";
pub(crate) const INBOUND_SECRET: &str = "an-inbound-secret-of-the-double";

const MAX_BYTES: usize = 30 * 1024 * 1024;
const KNOWN: &[&str] = &[
    "personalizations",
    "from",
    "subject",
    "content",
    "reply_to",
    "headers",
    "attachments",
    "custom_args",
    "categories",
    "tracking_settings",
    "mail_settings",
    "asm",
    "send_at",
    "batch_id",
    "ip_pool_name",
    "template_id",
];
const REFUSED_HEADERS: &[&str] = &[
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
];

/// A mail that was taken: one for each personalization.
#[derive(Debug, Clone)]
pub(crate) struct SendgridMail {
    /// As `X-Message-Id` said.
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) custom_args: Map<String, Value>,
    /// The whole request; null if the double keeps none.
    pub(crate) request: Value,
}

impl SendgridMail {
    /// Our token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.custom_args.get("commlog_token").and_then(Value::as_str)
    }

    /// The `Message-ID` that it leaves with: the one that was asked for, or one of SendGrid's.
    pub(crate) fn mail_id(&self) -> String {
        let asked_for = self.request["headers"]["Message-ID"].as_str();
        asked_for.map_or_else(|| format!("<{}@geopod-ismtpd-1>", self.id), str::to_owned)
    }

    /// An event about it, with an id of its own; `more` are the fields of its kind.
    pub(crate) fn event(&self, kind: &str, event_id: &str, timestamp: i64, more: Value) -> Value {
        let mut event = json!({
            "email": self.to,
            "timestamp": timestamp,
            "event": kind,
            "sg_event_id": event_id,
            "sg_message_id": format!("{}.recvd-5f5fc76c-1.0", self.id),
            "smtp-id": self.mail_id(),
            "category": "news",
        });
        let fields = event.as_object_mut().expect("an object");
        for (name, value) in &self.custom_args {
            // A name that SendGrid uses itself wins.
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        event
    }
}

struct Shared {
    book: Book<SendgridMail>,
    ambient: Ambient,
    keeps_requests: bool,
}

/// The server.
pub(crate) struct SendgridDouble {
    shared: Arc<Shared>,
    server: Server,
    key: EcdsaKeyPair,
}

impl SendgridDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        Self::with(ambient, true).await
    }

    /// One that need not remember what it was asked, for very many mails.
    pub(crate) async fn with(ambient: Ambient, keeps_requests: bool) -> Self {
        let shared = Arc::new(Shared { book: Book::new(), ambient, keeps_requests });
        let router = Router::new()
            .route("/v3/mail/send", post(send))
            .route("/v3/scopes", get(scopes))
            .with_state(Arc::clone(&shared));
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pair.as_ref(), &random).expect("a key");
        Self { shared, server: Server::described(router, Description::Sendgrid).await, key }
    }

    /// Settings that it accepts, and that believe it.
    pub(crate) fn settings(&self) -> SendgridSettings {
        let from = Mailbox { email: format!("news@{DOMAIN}"), name: Some("Shop".to_owned()) };
        let base_url = Url::parse(&format!("http://{}", self.server.address)).expect("a URL");
        let mut settings = SendgridSettings::new("main", Secret::new(KEY), from, base_url);
        settings.event_public_keys = vec![self.public_key()];
        settings.inbound_secret = Some(Secret::new(INBOUND_SECRET));
        settings
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}", self.server.address)),
            ("api_key", KEY.to_owned()),
            ("from", format!("news@{DOMAIN}")),
            ("webhook_public_key", self.public_key()),
            ("inbound_secret", INBOUND_SECRET.to_owned()),
        ]
    }

    fn public_key(&self) -> String {
        let mut spki = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        spki.extend_from_slice(self.key.public_key().as_ref());
        STANDARD.encode(spki)
    }

    /// How the next calls are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// Every mail that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<SendgridMail> {
        self.shared.book.taken()
    }

    /// How many calls to send were made.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    /// How often the mail with a token was taken.
    pub(crate) fn times(&self, token: &str) -> usize {
        self.shared.book.times(token)
    }

    /// The most often that one token was taken.
    pub(crate) fn most_per_token(&self) -> usize {
        self.shared.book.most_per_token()
    }

    /// A batch of events, signed; written as SendGrid writes it, line breaks and all.
    pub(crate) fn events(&self, url: &str, events: &[Value]) -> Signed {
        let items: Vec<_> = events.iter().map(Value::to_string).collect();
        let body = format!("[{}]\r\n", items.join(",\r\n"));
        let timestamp = self.shared.ambient.now().timestamp().to_string();
        let message = [timestamp.as_bytes(), body.as_bytes()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).expect("a signature");
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-twilio-email-event-webhook-signature".to_owned(), STANDARD.encode(signature)),
            ("x-twilio-email-event-webhook-timestamp".to_owned(), timestamp),
        ];
        Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(body) }
    }

    /// A mail that somebody wrote, as Inbound Parse posts it. `headers` is the block of headers.
    pub(crate) fn inbound(url: &str, from: &str, to: &str, text: &str, headers: &str) -> Signed {
        Self::inbound_with_files(url, (from, to), text, headers, &[])
    }

    /// A form of Inbound Parse with these fields alone.
    pub(crate) fn form(url: &str, fields: &[(&str, &str)]) -> Signed {
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(body, "--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body.push_str("--xYzZY--\r\n");
        let headers = vec![("content-type".to_owned(), "multipart/form-data; boundary=xYzZY".to_owned())];
        Signed { method: "POST", url: format!("{url}?secret={INBOUND_SECRET}"), headers, body: Bytes::from(body) }
    }

    /// A whole mail, as Inbound Parse posts it in raw mode.
    pub(crate) fn raw(url: &str, envelope_from: &str, to: &str, mail: &str) -> Signed {
        let envelope = json!({ "to": [to], "from": envelope_from }).to_string();
        Self::form(url, &[("email", mail), ("envelope", &envelope), ("to", to)])
    }

    /// The same with files: name, media type, content.
    pub(crate) fn inbound_with_files(
        url: &str,
        (from, to): (&str, &str),
        text: &str,
        headers: &str,
        files: &[(&str, &str, &[u8])],
    ) -> Signed {
        let count = files.len().to_string();
        let info: Map<String, Value> = (1..)
            .zip(files)
            .map(|(number, (name, kind, _))| {
                (format!("attachment{number}"), json!({ "filename": name, "name": name, "type": kind }))
            })
            .collect();
        let info = Value::Object(info).to_string();
        let envelope = json!({ "to": [to], "from": from }).to_string();
        let charsets = json!({ "to": "UTF-8", "from": "UTF-8", "text": "UTF-8" }).to_string();
        let fields = [
            ("headers", headers),
            ("from", from),
            ("to", to),
            ("text", text),
            ("envelope", &envelope),
            ("charsets", &charsets),
            ("attachments", count.as_str()),
            ("attachment-info", &info),
            ("SPF", "pass"),
            ("dkim", "{@example.org : pass}"),
        ];
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(body, "--xYzZY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        let mut body = body.into_bytes();
        for (number, (name, kind, content)) in (1..).zip(files) {
            let head = format!(
                "--xYzZY\r\nContent-Disposition: form-data; name=\"attachment{number}\"; filename=\"{name}\"\r\n\
                 Content-Type: {kind}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--xYzZY--\r\n");
        let headers = vec![("content-type".to_owned(), "multipart/form-data; boundary=xYzZY".to_owned())];
        let url = format!("{url}?secret={INBOUND_SECRET}");
        Signed { method: "POST", url, headers, body: Bytes::from(body) }
    }
}

fn error(status: u16, field: Option<&str>, message: &str) -> Response<Body> {
    super::json(status, &json!({ "errors": [{ "message": message, "field": field, "help": null }] }))
}

fn is_authorised(headers: &HeaderMap) -> bool {
    headers.get("authorization").and_then(|given| given.to_str().ok()) == Some(&format!("Bearer {KEY}"))
}

async fn scopes(headers: HeaderMap) -> Answered {
    if !is_authorised(&headers) {
        return Ok(error(401, None, "The provided authorization grant is invalid, expired, or revoked"));
    }
    Ok(super::json(200, &json!({ "scopes": ["mail.send", "user.profile.read"] })))
}

async fn send(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if !is_authorised(&headers) {
        return Ok(error(401, None, "The provided authorization grant is invalid, expired, or revoked"));
    }
    let act = shared.book.next_act();
    if headers.get("content-type").is_none_or(|given| given != "application/json") {
        return Ok(error(415, None, "The content type must be application/json"));
    }
    if body.len() > MAX_BYTES {
        return Ok(error(413, None, "The mail is too large"));
    }
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else {
        return Ok(error(400, None, "Bad Request"));
    };
    if let Err((status, field, message)) = check(&mail) {
        return Ok(error(status, Some(&field), message));
    }
    let is_sandbox = mail["mail_settings"]["sandbox_mode"]["enable"] == true;
    let id = STANDARD.encode(shared.ambient.bytes::<16>()).replace(['+', '/', '='], "x");
    if act.takes() && !is_sandbox {
        for personalization in mail["personalizations"].as_array().into_iter().flatten() {
            let taken = SendgridMail {
                id: id.clone(),
                to: personalization["to"][0]["email"].as_str().unwrap_or_default().to_owned(),
                custom_args: personalization["custom_args"].as_object().cloned().unwrap_or_default(),
                request: if shared.keeps_requests { mail.clone() } else { Value::Null },
            };
            let token = taken.token().map(str::to_owned);
            shared.book.take(token.as_deref(), taken);
        }
    }
    let taken = Response::builder().status(if is_sandbox { 200 } else { 202 }).header("x-message-id", &id);
    Ok(act.spoil(taken.body(Body::empty()).expect("an answer")).await)
}

type Wrong = (u16, String, &'static str);

fn check(mail: &Value) -> Result<(), Wrong> {
    let wrong = |field: &str, message| Err((400, field.to_owned(), message));
    let Some(fields) = mail.as_object() else { return wrong("", "Bad Request") };
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return wrong(unknown, "Additional property is not allowed");
    }
    let people = mail["personalizations"].as_array().filter(|people| (1..=1000).contains(&people.len()));
    let Some(people) = people else { return wrong("personalizations", "The personalizations field is required") };
    for (number, person) in people.iter().enumerate() {
        let to = person["to"].as_array().filter(|to| !to.is_empty());
        let Some(to) = to else { return wrong(&format!("personalizations.{number}.to"), "The to array is required") };
        for (place, receiver) in to.iter().enumerate() {
            if !is_mailbox(&receiver["email"]) {
                return wrong(
                    &format!("personalizations.{number}.to.{place}.email"),
                    "Does not contain a valid address.",
                );
            }
        }
        let arguments = person["custom_args"].as_object().cloned().unwrap_or_default();
        let bytes: usize =
            arguments.iter().map(|(name, value)| name.len() + value.as_str().unwrap_or_default().len()).sum();
        if arguments.values().any(|value| !value.is_string()) || bytes > 10_000 {
            return wrong(&format!("personalizations.{number}.custom_args"), "must be strings of at most 10000 bytes");
        }
    }
    let from = &mail["from"]["email"];
    if !is_mailbox(from) {
        return wrong("from.email", "The from email does not contain a valid address.");
    }
    if !from.as_str().unwrap_or_default().ends_with(&format!("@{DOMAIN}")) {
        return Err((403, "from".to_owned(), "The from address does not match a verified Sender Identity."));
    }
    if mail["subject"].as_str().is_none_or(str::is_empty) {
        return wrong("subject", "The subject is required.");
    }
    if !mail["reply_to"].is_null() && !is_mailbox(&mail["reply_to"]["email"]) {
        return wrong("reply_to.email", "The reply_to email does not contain a valid address.");
    }
    check_content(mail)?;
    for name in mail["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        if REFUSED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return wrong(&format!("headers.{name}"), "The header is reserved.");
        }
    }
    Ok(())
}

fn check_content(mail: &Value) -> Result<(), Wrong> {
    let wrong = |field: &str, message| Err((400, field.to_owned(), message));
    let content = mail["content"].as_array().filter(|content| !content.is_empty());
    let Some(content) = content else { return wrong("content", "The content array is required.") };
    let types: Vec<_> = content.iter().map(|part| part["type"].as_str().unwrap_or_default()).collect();
    if types.iter().position(|kind| *kind == "text/plain").is_some_and(|place| place > 0) {
        return wrong("content", "text/plain must be first, followed by text/html");
    }
    if content.iter().any(|part| part["value"].as_str().is_none_or(str::is_empty)) {
        return wrong("content.0.value", "The content value must be a string at least one character in length.");
    }
    for (number, file) in mail["attachments"].as_array().into_iter().flatten().enumerate() {
        let is_base64 = file["content"].as_str().is_some_and(|content| STANDARD.decode(content).is_ok());
        if !is_base64 || file["filename"].as_str().is_none_or(str::is_empty) {
            return wrong(&format!("attachments.{number}.content"), "must be base64, with a filename");
        }
        if file["content_id"].as_str().is_some_and(|id| id.contains(['<', '>'])) {
            return wrong(&format!("attachments.{number}.content_id"), "must not contain < or >");
        }
    }
    Ok(())
}

fn is_mailbox(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !text.contains(|c: char| c.is_whitespace() || "<>,".contains(c))
    })
}
