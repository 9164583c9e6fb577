//! A strict MessageBird: messages, their list, the balance, their errors, and signed webhooks.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use commlog::clock::Ambient;
use commlog::domain::value::sms;
use commlog::providers::Secret;
use commlog::providers::messagebird::{MessagebirdSettings, sign_request};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Act, Answered, Book, Server, Signed};

pub(crate) const ACCESS_KEY: &str = "live_access_key_000";
pub(crate) const SIGNING_KEY: &str = "messagebird_signing_key_000";
pub(crate) const NUMBER: &str = "+31612345678";

/// What may stand in a message.
const MEMBERS: &[&str] =
    &["recipients", "originator", "body", "reference", "reportUrl", "datacoding", "type", "validity"];
/// What may stand in an MMS.
const MMS_MEMBERS: &[&str] = &["recipients", "originator", "subject", "body", "mediaUrls", "reference"];

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct MessagebirdMessage {
    pub(crate) id: String,
    pub(crate) created: DateTime<Utc>,
    /// As the list tells it.
    pub(crate) status: String,
    pub(crate) fields: Value,
}

impl MessagebirdMessage {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    pub(crate) fn recipient(&self) -> &str {
        self.fields["recipients"][0].as_str().unwrap_or_default()
    }

    /// Our token, out of the report's URL.
    pub(crate) fn token(&self) -> Option<String> {
        let url = Url::parse(self.field("reportUrl")?).ok()?;
        url.query_pairs().find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
    }

    fn resource(&self) -> Value {
        let parts = sms::segments(self.field("body").unwrap_or_default());
        let mut item = json!({
            "recipient": self.recipient().parse::<u64>().expect("a number"),
            "status": self.status,
            "statusDatetime": self.created.to_rfc3339(),
            "messagePartCount": parts,
        });
        if self.status == "delivered" {
            item["price"] = json!({ "amount": 0.075, "currency": "EUR" });
        }
        json!({
            "id": self.id,
            "href": format!("https://rest.messagebird.com/messages/{}", self.id),
            "direction": "mt",
            "type": "sms",
            "originator": self.fields["originator"],
            "body": self.fields["body"],
            "reference": self.fields["reference"],
            "createdDatetime": self.created.to_rfc3339(),
            "recipients": { "totalCount": 1, "totalSentCount": 1, "items": [item] },
        })
    }
}

struct Shared {
    book: Book<MessagebirdMessage>,
    ambient: Ambient,
    amount: f64,
}

/// The server.
pub(crate) struct MessagebirdDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl MessagebirdDouble {
    /// Starts it; message ids come out of `ambient`.
    pub(crate) async fn start(ambient: Ambient) -> Self {
        Self::with_balance(ambient, 9.2).await
    }

    /// The same, with so much left in its account, which pays in advance.
    pub(crate) async fn with_balance(ambient: Ambient, amount: f64) -> Self {
        let shared = Arc::new(Shared { book: Book::new(), ambient, amount });
        let router = Router::new()
            .route("/balance", get(balance))
            .route("/messages", get(list).post(create))
            .route("/mms", post(create_mms))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::start(router).await }
    }

    /// Settings that it accepts.
    pub(crate) fn settings(&self, callback_url: &str) -> MessagebirdSettings {
        MessagebirdSettings {
            account_name: "main".to_owned(),
            access_key: Secret::new(ACCESS_KEY),
            from: NUMBER.to_owned(),
            signing_keys: vec![Secret::new(SIGNING_KEY)],
            can_send_media: true,
            base_url: Url::parse(&format!("http://{}", self.server.address)).expect("a URL"),
            callback_url: Some(Url::parse(callback_url).expect("a URL")),
        }
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}", self.server.address)),
            ("access_key", ACCESS_KEY.to_owned()),
            ("from", NUMBER.to_owned()),
            ("signing_key", SIGNING_KEY.to_owned()),
        ]
    }

    /// How the next calls that create messages are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// Every message that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<MessagebirdMessage> {
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
    pub(crate) fn plant(&self, message: MessagebirdMessage) {
        self.shared.book.take(message.token().as_deref(), message);
    }

    /// A report about a message, signed: a GET. `more` are further parameters, such as `statusErrorCode`.
    pub(crate) fn report(
        message: &MessagebirdMessage,
        status: &str,
        more: &[(&str, &str)],
        now: DateTime<Utc>,
    ) -> Signed {
        let mut url = Url::parse(message.field("reportUrl").expect("the message asks for reports")).expect("a URL");
        url.query_pairs_mut()
            .append_pair("id", &message.id)
            .append_pair("reference", message.field("reference").expect("no report without a reference"))
            .append_pair("recipient", message.recipient())
            .append_pair("status", status)
            .append_pair("statusDatetime", &now.to_rfc3339())
            .append_pair("messagePartCount", "1")
            .append_pair("price[amount]", "0.075")
            .append_pair("price[currency]", "EUR")
            .extend_pairs(more);
        signed("GET", String::from(url), Bytes::new(), now)
    }

    /// A text from somebody, signed.
    pub(crate) fn inbound(url: &str, id: &str, text: &str, now: DateTime<Utc>) -> Signed {
        let form = [
            ("id", id),
            ("recipient", &NUMBER[1..]),
            ("originator", "14155550101"),
            ("body", text),
            ("createdDatetime", &now.to_rfc3339()),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        signed("POST", url.to_owned(), Bytes::from(body), now)
    }
}

fn signed(method: &'static str, url: String, body: Bytes, now: DateTime<Utc>) -> Signed {
    let token = sign_request(&Secret::new(SIGNING_KEY), &url, &body, now - TimeDelta::seconds(1));
    let mut headers = vec![("messagebird-signature-jwt".to_owned(), token)];
    if !body.is_empty() {
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    }
    Signed { method, url, headers, body }
}

fn error(status: u16, code: u32, description: &str, parameter: Option<&str>) -> Response<Body> {
    let error = json!({ "code": code, "description": description, "parameter": parameter });
    super::json(status, &json!({ "errors": [error] }))
}

fn refused(headers: &HeaderMap) -> Option<Response<Body>> {
    let given = headers.get("authorization").and_then(|given| given.to_str().ok());
    let words = "Request not allowed (incorrect access_key)";
    (given != Some(&format!("AccessKey {ACCESS_KEY}"))).then(|| error(401, 2, words, Some("access_key")))
}

async fn balance(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answered {
    let usual = json!({ "payment": "prepaid", "type": "euros", "amount": shared.amount });
    Ok(refused(&headers).unwrap_or_else(|| super::json(200, &usual)))
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    Ok(taken(&shared, &headers, &body, MEMBERS).await)
}

async fn create_mms(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    Ok(taken(&shared, &headers, &body, MMS_MEMBERS).await)
}

async fn taken(shared: &Shared, headers: &HeaderMap, body: &[u8], members: &[&str]) -> Response<Body> {
    if let Some(refused) = refused(headers) {
        return refused;
    }
    let act = shared.book.next_act();
    let fields: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Err((code, parameter)) = check(&fields, members) {
        return error(422, code, "no (correct) value", Some(parameter));
    }
    let id = shared.ambient.uuid().simple().to_string();
    let message = MessagebirdMessage { id, created: shared.ambient.now(), status: "sent".to_owned(), fields };
    let usual = super::json(201, &message.resource());
    if act.takes() {
        shared.book.take(message.token().as_deref(), message);
    }
    act.spoil(usual).await
}

fn check(fields: &Value, members: &[&str]) -> Result<(), (u32, &'static str)> {
    let object = fields.as_object().ok_or((21, "body"))?;
    if object.keys().any(|name| !members.contains(&name.as_str())) {
        return Err((10, "unknown"));
    }
    let text = |name: &str| fields[name].as_str().unwrap_or_default();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let recipients = fields["recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_number = |value: &Value| value.as_str().is_some_and(|to| is_digits(to) && (7..=15).contains(&to.len()));
    if recipients.len() != 1 || !recipients.iter().all(is_number) || text("recipients").starts_with('0') {
        return Err((9, "recipients"));
    }
    let from = text("originator");
    if !(is_digits(from) && from.len() <= 17 || (1..=11).contains(&from.len())) || from.starts_with('+') {
        return Err((9, "originator"));
    }
    let is_mms = members.contains(&"mediaUrls");
    let body = text("body");
    if !is_mms {
        let needs = !body.chars().all(sms::is_gsm);
        if body.is_empty() || sms::segments(body) > 9 {
            return Err((9, "body"));
        }
        // The real one puts something else where a letter is not in GSM-7.
        if text("datacoding") != if needs { "unicode" } else { "plain" } {
            return Err((10, "datacoding"));
        }
        if !text("reportUrl").is_empty() && Url::parse(text("reportUrl")).is_err() {
            return Err((10, "reportUrl"));
        }
    }
    Ok(())
}

async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    if let Some(refused) = refused(&headers) {
        return Ok(refused);
    }
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let offset = query.iter().find(|(key, _)| key == "offset").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    // The double's pages are small, so that following them is tried.
    let all: Vec<_> = shared.book.taken().iter().rev().map(MessagebirdMessage::resource).collect();
    let items: Vec<_> = all.iter().skip(offset).take(2).collect();
    Ok(super::json(
        200,
        &json!({ "offset": offset, "limit": 2, "count": items.len(), "totalCount": all.len(), "items": items }),
    ))
}
