//! Handing a mail to SES.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::{Serialize, Serializer};
use serde_json::Value;
use url::Url;

use super::calls::Service;
use super::{Ses, endpoints, errors, mail, token};
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Content, OutboundMessage, SendError};

/// A request of `SendEmail`, with the mail as it is written: only so can every header and file be carried.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail<'a> {
    destination: Destination<'a>,
    content: RawContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_set_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    email_tags: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_name: Option<&'a str>,
}

/// One receiver: an event does not say which of several opened the mail.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Destination<'a> {
    to_addresses: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RawContent<'a> {
    raw: RawMessage<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RawMessage<'a> {
    #[serde(serialize_with = "as_base64")]
    data: &'a [u8],
}

/// Writes bytes where they go, without a copy in between.
fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

pub(super) async fn send(ses: &Ses, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Email(email) = &message.content else { return Err(SendError::channel_not_served()) };
    let settings = &ses.settings;
    let written = mail::write(settings, message, email, ses.caller.now())?;
    let request = SendEmail {
        destination: Destination { to_addresses: [&message.to] },
        content: RawContent { raw: RawMessage { data: &written } },
        configuration_set_name: settings.configuration_set.as_deref(),
        email_tags: message.token.as_deref().map(token::tags).unwrap_or_default(),
        tenant_name: settings.tenant_name.as_deref(),
    };
    let body =
        serde_json::to_vec(&request).map_err(|_| mail::unwritable("request", "the request cannot be written"))?;
    let reply = ask(ses, Method::POST, "/v2/email/outbound-emails", Some(body)).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, ses));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let id = answer.get("MessageId").and_then(Value::as_str).and_then(texts::short).ok_or_else(|| reply.unproved())?;
    Ok(Accepted { provider_message_id: Some(id), segments: 1, cost: None })
}

/// Asks for the account's standing in its region.
pub(super) async fn check(ses: &Ses) -> Result<(), SendError> {
    let reply = ask(ses, Method::GET, "/v2/email/account", None).await?;
    if reply.status != 200 {
        return Err(refusal(&reply, ses));
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let flag = |name: &str| answer.get(name).and_then(Value::as_bool);
    let wrong = |code: &str, detail| Err(SendError::refused(RetryClass::Configuration, Some(code.to_owned()), detail));
    let is_enabled = flag("SendingEnabled").ok_or_else(|| reply.unproved())?;
    // HEALTHY, PROBATION or SHUTDOWN; on probation mail still goes.
    if answer.get("EnforcementStatus").and_then(Value::as_str) == Some("SHUTDOWN") {
        return wrong("shutdown", "AWS has stopped the account's mail");
    }
    if !is_enabled {
        return wrong("sending_paused", "the account's mail is paused in this region");
    }
    if flag("ProductionAccessEnabled") == Some(false) && !ses.settings.may_be_sandbox {
        return wrong("sandbox", "the account is in the sandbox: it reaches verified addresses only");
    }
    Ok(())
}

async fn ask(ses: &Ses, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Reply, SendError> {
    let wrong = || SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API");
    let region = &ses.settings.region;
    let base = ses.settings.base_url.clone().or_else(|| endpoints::url("email", region)).ok_or_else(wrong)?;
    let url: Url = base.join(path).map_err(|_| wrong())?;
    call(ses.caller.signed(Service::Ses, region, method, url, body)?).await
}

fn refusal(reply: &Reply, ses: &Ses) -> SendError {
    let answer = reply.json().unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| answer.get(name).and_then(Value::as_str));
    let written = reply.header("x-amzn-errortype").or_else(|| text(&["__type", "code", "Code"]));
    let name = written.map(errors::name).filter(|name| !name.is_empty());
    let words = text(&["message", "Message"]).unwrap_or_default();
    let class = name.and_then(|name| errors::class(name, words));
    let code = name.map(|name| texts::bounded(name, 100));
    match reply.refusal(class, code, texts::bounded(words, 1_000), ses.caller.now()) {
        SendError::Refused { class: RetryClass::RateLimited, code, detail, retry_after: None } => {
            let retry_after = errors::pause(words);
            SendError::Refused { class: RetryClass::RateLimited, code, detail, retry_after }
        }
        other => other,
    }
}
