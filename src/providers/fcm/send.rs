//! Handing a notification to FCM.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use url::Url;

use super::errors::{self, Meaning};
use super::report::MESSAGE;
use super::{Fcm, FcmSettings, oauth, report};
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Content, NotificationContent, OutboundMessage, Secret, SendError};

/// The most that data and notification hold, keys and values, in bytes.
const MAX_PAYLOAD: usize = 4_096;
/// How long to wait where a quota is used up and FCM does not say: quotas are filled up by the minute.
const QUOTA_PAUSE: Duration = Duration::from_secs(60);
/// Whom a check goes to: nobody, as it is only validated.
const CHECK_TOPIC: &str = "commlog-check";

pub(super) async fn send(fcm: &Fcm, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Push(notification) = &message.content else { return Err(SendError::channel_not_served()) };
    let body = json!({ "message": written(fcm, message, notification)? });
    let reply = post(fcm, &body).await?;
    if reply.status != 200 {
        return Err(refusal(fcm, &reply, message.attempt));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let name = answer.get("name").and_then(Value::as_str).and_then(texts::short);
    // Firebase's own libraries look for an error in a success, too.
    match name.filter(|name| name.contains("/messages/") && answer.get("error").is_none()) {
        Some(name) => Ok(Accepted { provider_message_id: Some(name), segments: 1, cost: None }),
        None => Err(reply.unproved()),
    }
}

/// Has FCM look at a message that goes nowhere: key, project and permission are tested, and nobody is notified.
pub(super) async fn check(fcm: &Fcm) -> Result<(), SendError> {
    let message = json!({ "topic": CHECK_TOPIC, "notification": { "title": "Test", "body": "Test" } });
    let reply = post(fcm, &json!({ "validateOnly": true, "message": message })).await?;
    if reply.status != 200 {
        return Err(match refusal(fcm, &reply, 1) {
            // No device is asked for: what is not found is the project.
            SendError::Refused { code: Some(code), detail, .. } if errors::is_gone(&code) => {
                SendError::refused(RetryClass::Configuration, Some(code), detail)
            }
            refused => refused,
        });
    }
    let is_valid = reply.json().is_some_and(|answer| answer.get("name").is_some() && answer.get("error").is_none());
    if is_valid { Ok(()) } else { Err(reply.unproved()) }
}

/// Posts a message; once more with another access token if the first one is not taken, which is a definite refusal.
async fn post(fcm: &Fcm, body: &Value) -> Result<Reply, SendError> {
    let token = oauth::token(fcm).await?;
    let reply = call(request(fcm, &token)?.json(body)).await?;
    if reply.status != 401 || errors::read(reply.json().as_ref(), 1).meaning != Meaning::Unauthenticated {
        return Ok(reply);
    }
    let token = oauth::token_instead_of(fcm, &token).await?;
    call(request(fcm, &token)?.json(body)).await
}

fn request(fcm: &Fcm, token: &Secret) -> Result<RequestBuilder, SendError> {
    let FcmSettings { base_url, project_id, .. } = &fcm.settings;
    let url = base_url.join(&format!("/v1/projects/{project_id}/messages:send"));
    let url: Url =
        url.map_err(|_| SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API"))?;
    Ok(fcm.client.request(Method::POST, url).bearer_auth(token.expose()).header("accept", "application/json"))
}

/// The message, with our id as what devices collapse by: should it arrive twice, the second one replaces the first.
fn written(
    fcm: &Fcm,
    message: &OutboundMessage,
    notification: &NotificationContent,
) -> Result<Map<String, Value>, SendError> {
    let settings = &fcm.settings;
    let id = message.key.message_id.0.simple().to_string();
    let seconds = settings.time_to_live.num_seconds();
    let expires_at = (fcm.ambient.now() + settings.time_to_live).timestamp();
    let mut shown = Map::new();
    shown.extend(notification.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
    shown.insert("body".to_owned(), json!(notification.body));
    // Values are text, and nothing else. `from`, `message_type` and what begins with `google` or `gcm` are FCM's own names.
    let mut data = Map::new();
    data.insert(MESSAGE.to_owned(), json!(id));
    if let (Some(url), Some(token)) = (&settings.report_url, &message.token) {
        data.insert(report::TOKEN.to_owned(), json!(report::proved(token, &settings.key.reports())));
        data.insert(report::URL.to_owned(), json!(url.as_str()));
    }
    let size = [&shown, &data].into_iter().flatten().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len));
    if size.sum::<usize>() > MAX_PAYLOAD {
        let code = Some("too_large".to_owned());
        let detail = "title and text with what we add are more than 4096 bytes";
        return Err(SendError::refused(RetryClass::ContentRefused, code, detail));
    }
    let mut on_android = Map::from_iter([("tag".to_owned(), json!(id))]);
    on_android.extend(settings.android_channel.as_ref().map(|channel| ("channelId".to_owned(), json!(channel))));
    let mut written = Map::new();
    let mut put = |name: &str, value: Value| written.insert(name.to_owned(), value);
    put("token", json!(message.to));
    put("notification", Value::Object(shown));
    put("data", Value::Object(data));
    let android = json!({
        "priority": "HIGH", "ttl": format!("{seconds}s"), "collapseKey": id, "notification": on_android,
    });
    put("android", android);
    // `apns-collapse-id` has at most 64 bytes. Headers are text. Zero would mean not to keep it at all, as with the others.
    let headers = json!({
        "apns-priority": "10", "apns-collapse-id": id,
        "apns-expiration": if seconds == 0 { "0".to_owned() } else { expires_at.to_string() },
    });
    put("apns", json!({ "headers": headers, "payload": { "aps": { "sound": "default" } } }));
    // A topic has at most 32 letters of base64url (RFC 8030): an id without hyphens is as long.
    let headers = json!({ "TTL": seconds.to_string(), "Topic": id, "Urgency": "high" });
    put("webpush", json!({ "headers": headers, "notification": { "tag": id } }));
    Ok(written)
}

fn refusal(fcm: &Fcm, reply: &Reply, attempt: u32) -> SendError {
    let error = errors::read(reply.json().as_ref(), attempt);
    let (code, detail) = (error.code, texts::bounded(&error.message, 1_000));
    let now = fcm.ambient.now();
    let class = match error.meaning {
        Meaning::Unauthenticated => Some(RetryClass::Configuration),
        Meaning::Refused(class) => Some(class),
        // Without a word of FCM's, a proxy's 404 or 403 says nothing of the device.
        Meaning::Unknown => return reply.refusal(None, code, detail, now),
    };
    match (reply.refusal(class, code.clone(), detail.clone(), now), class) {
        (SendError::Refused { class: RetryClass::RateLimited, code, detail, retry_after }, _) => {
            let retry_after = retry_after.or(Some(QUOTA_PAUSE));
            SendError::Refused { class: RetryClass::RateLimited, code, detail, retry_after }
        }
        // A 5xx in FCM's own words: it is not in doubt.
        (SendError::Ambiguous { .. }, Some(class)) => {
            SendError::Refused { class, code, detail, retry_after: reply.retry_after(now) }
        }
        (refused, _) => refused,
    }
}
