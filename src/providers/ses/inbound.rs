//! Mail that SES receives: a notification with the mail inside, or one that says where in S3 the mail was put.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::calls::{Caller, Service};
use super::endpoints;
use crate::providers::kit::client::call_within;
use crate::providers::kit::inbound::Arrived;
use crate::providers::kit::mime;
use crate::providers::kit::texts;
use crate::providers::{Inbound, Incomplete, MediaRef, Notice, NoticeKind, SendError};

/// What the notification of a received mail calls itself.
pub(super) const KIND: &str = "Received";
/// The largest mail that SES receives, in bytes.
const LARGEST: usize = 40 * 1024 * 1024;

/// Reads a notification of a received mail.
pub(super) fn parse(mut fields: Map<String, Value>, now: DateTime<Utc>) -> Notice {
    let content = fields.remove("content");
    let encoding =
        fields.get("receipt").and_then(|receipt| receipt.pointer("/action/encoding")).and_then(Value::as_str);
    let mail = match content.as_ref().and_then(Value::as_str) {
        // UTF-8 where the action says nothing of it.
        Some(content) if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) => {
            STANDARD.decode(content).ok()
        }
        Some(content) => Some(content.as_bytes().to_vec()),
        None => None,
    };
    if let Some(mail) = &mail {
        fields.insert("content (SHA-256)".to_owned(), json!(hex::encode(Sha256::digest(mail))));
    }
    let fields = Value::Object(fields);
    let raw = texts::raw(fields.to_string().as_bytes());
    let Some(mail) = mail else { return Notice::unclear(raw, "a received mail that is not with its notification") };
    match inbound(&fields, &mail, now) {
        Some(inbound) => Notice { raw, kind: NoticeKind::Inbound(Box::new(inbound)) },
        None => Notice::unclear(raw, "an incoming mail without a sender"),
    }
}

fn inbound(fields: &Value, mail: &[u8], now: DateTime<Utc>) -> Option<Inbound> {
    let text = |pointer: &str| fields.pointer(pointer).and_then(Value::as_str);
    let receivers = fields.pointer("/receipt/recipients").and_then(Value::as_array);
    let receivers: Vec<String> =
        receivers.into_iter().flatten().filter_map(|to| to.as_str().and_then(texts::short)).take(100).collect();
    // One mail may come by several rules, to one receiver each.
    let id = text("/mail/messageId").and_then(texts::short).unwrap_or_else(|| hex::encode(&Sha256::digest(mail)[..16]));
    let id = texts::bounded(&format!("{id} {}", receivers.join(",")), texts::MAX_SHORT);
    let envelope_from = text("/mail/source").map(str::to_owned);
    let arrived = Arrived { envelope_from, receivers, ..mime::parse(mail).into() };
    let mut inbound = arrived.inbound(id.trim().to_owned(), now)?;
    let verdict = |name: &str| text(&format!("/receipt/{name}/status")).and_then(texts::short);
    inbound.hints.spam_score = verdict("spamVerdict");
    inbound.hints.spf = verdict("spfVerdict").map(|verdict| verdict.to_ascii_lowercase());
    inbound.hints.dkim = verdict("dkimVerdict");
    if verdict("virusVerdict").as_deref() == Some("FAIL") {
        // Nobody is handed what SES found a virus in; the message says that there was more.
        inbound.media = vec![MediaRef::default()];
    } else {
        inbound.original = String::from_utf8_lossy(mail).replace('\0', "\u{FFFD}");
    }
    Some(inbound)
}

/// A notification whose mail was put in a bucket.
pub(super) struct Stored {
    fields: Map<String, Value>,
    bucket: String,
    key: String,
}

impl Stored {
    /// Reads one; [`None`] if the mail is with its notification, or it is about something else.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(message) else { return None };
        let is_received = fields.get("notificationType").and_then(Value::as_str) == Some(KIND);
        if !is_received || fields.contains_key("content") {
            return None;
        }
        let action = fields.get("receipt")?.get("action")?;
        let text = |name: &str| action.get(name).and_then(Value::as_str).map(str::to_owned);
        let (bucket, key) = (text("bucketName")?, text("objectKey")?);
        (action.get("type")?.as_str()? == "S3").then_some(Self { fields, bucket, key })
    }

    /// Fetches the mail, and writes the notification as if it had brought it.
    pub(super) async fn fetch(mut self, from: &Bucket, caller: &Caller) -> Result<Bytes, Incomplete> {
        if self.bucket != from.name {
            return Err(Incomplete::Never("foreign_bucket"));
        }
        let url = from.url(&self.key).ok_or(Incomplete::Never("odd_key"))?;
        let request = caller.signed(Service::S3, &from.region, Method::GET, url, None);
        let request = request.map_err(|_| Incomplete::Never("request"))?;
        let reply = call_within(request, LARGEST).await.map_err(|error| match error {
            SendError::Ambiguous { cause } => Incomplete::Later(cause),
            SendError::Refused { .. } => Incomplete::Later("unreachable"),
        })?;
        match reply.status {
            // What SES encrypts for a key of the customer's can be read by AWS's own clients only.
            200 if reply.header("x-amz-meta-x-amz-key-v2").is_some() => return Err(Incomplete::Never("encrypted")),
            200 => {}
            301 | 307 => return Err(Incomplete::Never("other_region")),
            401 | 403 => return Err(Incomplete::Never("not_authorised")),
            404 | 410 => return Err(Incomplete::Never("gone")),
            429 | 500.. => return Err(Incomplete::Later("server_error")),
            _ => return Err(Incomplete::Never("refused")),
        }
        let mail = reply.into_content().map_err(|is_too_long| match is_too_long {
            true => Incomplete::Never("too_large"),
            false => Incomplete::Later("half_an_answer"),
        })?;
        self.fields.insert("content".to_owned(), json!(STANDARD.encode(&mail)));
        if let Some(action) = self.fields.get_mut("receipt").and_then(|receipt| receipt.get_mut("action")) {
            action["encoding"] = json!("BASE64");
        }
        Ok(Bytes::from(Value::Object(self.fields).to_string()))
    }
}

/// The bucket that received mail is read from; no other is.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) region: String,
    /// Where S3 is, if not at the region's usual host.
    pub(super) base: Option<Url>,
}

impl Bucket {
    /// The URL of an object; [`None`] if its key would lead elsewhere. The bucket stands in the path, as its name may have
    /// points, which no certificate covers.
    fn url(&self, key: &str) -> Option<Url> {
        let base = self.base.clone().or_else(|| endpoints::url("s3", &self.region))?;
        let path = format!("/{}/{}", self.name, encoded(key));
        base.join(&path).ok().filter(|url| url.path() == path && url.origin() == base.origin())
    }
}

/// A key as signatures want it in a path: all but unreserved characters and slashes in hexadecimal.
fn encoded(key: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/');
    let letters =
        key.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    letters.collect()
}

#[cfg(test)]
mod tests;
