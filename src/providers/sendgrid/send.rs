//! Handing a mail to SendGrid.

use reqwest::{Method, RequestBuilder};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Mailbox, Sendgrid, TOKEN, errors};
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::mail::{Base64, checked};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Attachment, Content, EmailContent, OutboundMessage, SendError};

pub(super) async fn send(sendgrid: &Sendgrid, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Email(email) = &message.content else { return Err(SendError::channel_not_served()) };
    let mail = mail(sendgrid, message, email)?;
    let mail = WithFiles { mail, attachments: email.attachments.iter().map(File).collect() };
    let reply = call(request(sendgrid, Method::POST, "/v3/mail/send")?.json(&mail)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, sendgrid));
    }
    // The id is in a header, and the body is empty. Whatever answers otherwise is not SendGrid.
    let id = reply.header("x-message-id").and_then(texts::short);
    let is_taken = match reply.status {
        202 => id.is_some() || reply.is_empty(),
        200 => sendgrid.settings.is_sandbox,
        _ => false,
    };
    if !is_taken {
        return Err(reply.unproved());
    }
    Ok(Accepted { provider_message_id: id, segments: 1, cost: None })
}

/// Lists what the key may do.
pub(super) async fn check(sendgrid: &Sendgrid) -> Result<(), SendError> {
    let reply = call(request(sendgrid, Method::GET, "/v3/scopes")?).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, sendgrid));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let scopes = answer.get("scopes").and_then(Value::as_array).ok_or_else(|| reply.unproved())?;
    if scopes.iter().any(|scope| scope == "mail.send") {
        return Ok(());
    }
    Err(SendError::refused(RetryClass::Configuration, None, "the API key may not send mail (mail.send)"))
}

fn request(sendgrid: &Sendgrid, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
    let wrong = || SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API");
    let url = sendgrid.settings.base_url.join(path).map_err(|_| wrong())?;
    let key = sendgrid.settings.api_key.expose();
    Ok(sendgrid.client.request(method, url).bearer_auth(key).header("accept", "application/json"))
}

/// One personalization with one receiver, so that every event says whose it is.
fn mail(sendgrid: &Sendgrid, message: &OutboundMessage, email: &EmailContent) -> Result<Map<String, Value>, SendError> {
    let settings = &sendgrid.settings;
    let mut personalization = Map::new();
    personalization.insert("to".to_owned(), json!([{ "email": message.to }]));
    if let Some(token) = &message.token {
        personalization.insert("custom_args".to_owned(), json!({ TOKEN: token }));
    }
    let mut content = vec![];
    // SendGrid wants plain text before HTML.
    if !email.text.is_empty() || email.html.is_none() {
        content.push(json!({ "type": "text/plain", "value": email.text }));
    }
    content.extend(email.html.as_ref().map(|html| json!({ "type": "text/html", "value": html })));
    let from = message.from.as_deref().map_or_else(|| settings.from.clone(), Mailbox::read);
    let mut mail = Map::new();
    let mut put = |name: &str, value: Value| mail.insert(name.to_owned(), value);
    put("personalizations", json!([personalization]));
    put("from", address(&from));
    put("subject", json!(texts::one_line(email.subject.as_deref().unwrap_or_default())));
    put("content", json!(content));
    if let Some(reply_to) = &email.reply_to {
        put("reply_to", address(&Mailbox::read(reply_to)));
    }
    if !email.headers.is_empty() {
        let headers = checked(&email.headers)?.iter().map(|(name, value)| (name.clone(), json!(value)));
        put("headers", Value::Object(headers.collect()));
    }
    // What is tracked already is not tracked again, however the account is set up there.
    let clicks = if email.tracked.clicks { Some(false) } else { settings.track_clicks };
    let opens = if email.tracked.opens { Some(false) } else { settings.track_opens };
    let mut tracking = Map::new();
    tracking.extend(clicks.map(|on| ("click_tracking".to_owned(), json!({ "enable": on, "enable_text": on }))));
    tracking.extend(opens.map(|on| ("open_tracking".to_owned(), json!({ "enable": on }))));
    if !tracking.is_empty() {
        put("tracking_settings", Value::Object(tracking));
    }
    if settings.is_sandbox {
        put("mail_settings", json!({ "sandbox_mode": { "enable": true } }));
    }
    Ok(mail)
}

fn address(mailbox: &Mailbox) -> Value {
    match &mailbox.name {
        Some(name) => json!({ "email": mailbox.email, "name": name }),
        None => json!({ "email": mailbox.email }),
    }
}

/// A mail with its files.
#[derive(Serialize)]
struct WithFiles<'a> {
    #[serde(flatten)]
    mail: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
}

/// A file, as SendGrid describes it.
struct File<'a>(&'a Attachment);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Attachment { name, content_type, content_id, content } = self.0;
        let mut file = serializer.serialize_map(None)?;
        file.serialize_entry("content", &Base64(content))?;
        file.serialize_entry("filename", name)?;
        file.serialize_entry("type", content_type)?;
        file.serialize_entry("disposition", if content_id.is_some() { "inline" } else { "attachment" })?;
        if let Some(id) = content_id {
            file.serialize_entry("content_id", id)?;
        }
        file.end()
    }
}

fn refusal(reply: &Reply, sendgrid: &Sendgrid) -> SendError {
    let answer = reply.json().unwrap_or_default();
    let errors = answer.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    let field = errors.first().and_then(|error| error.get("field")).and_then(Value::as_str);
    let words: Vec<_> = errors.iter().filter_map(|error| error.get("message").and_then(Value::as_str)).collect();
    let detail = texts::bounded(&words.join("; "), 1_000);
    // A page of something else than SendGrid says nothing in its status about the message.
    let class = if errors.is_empty() { None } else { errors::class(reply.status, field) };
    let code = field.map(|field| format!("http_{}:{}", reply.status, texts::bounded(field, 100)));
    reply.refusal(class, code, detail, sendgrid.ambient.now())
}
