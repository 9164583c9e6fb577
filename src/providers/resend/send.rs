//! Handing a mail to Resend.

use std::path::Path;

use reqwest::Method;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::errors::refusal;
use super::{Resend, tags};
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::call;
use crate::providers::kit::mail::{Base64, Mailbox, checked};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Attachment, Content, EmailContent, OutboundMessage, SendError};

/// What a file is called that has no name: a mail with such a one is taken, and never sent.
const UNNAMED: &str = "file";

pub(super) async fn send(resend: &Resend, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Email(email) = &message.content else { return Err(SendError::channel_not_served()) };
    let mail = mail(resend, message, email)?;
    let mail = WithFiles { mail, attachments: email.attachments.iter().map(File).collect() };
    // Should anything between us and Resend repeat the request, it is still one mail. Refusals may be remembered under the
    // key too, so that each attempt has its own.
    let key = format!("commlog/{}/{}", message.key.message_id.0, message.attempt);
    let request = resend.api.request(Method::POST, "/emails")?.header("idempotency-key", key);
    let reply = call(request.json(&mail)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, resend.ambient.now()));
    }
    let id = reply.json().and_then(|answer| texts::short(answer.get("id")?.as_str()?));
    let provider_message_id = Some(id.ok_or_else(|| reply.unproved())?);
    Ok(Accepted { provider_message_id, segments: 1, cost: None })
}

/// Lists the domains. A key that may send only is refused for that, which says that it is known.
pub(super) async fn check(resend: &Resend) -> Result<(), SendError> {
    let reply = call(resend.api.request(Method::GET, "/domains")?).await?;
    if reply.status != 200 {
        return match refusal(&reply, resend.ambient.now()) {
            SendError::Refused { code: Some(code), .. } if code == "restricted_api_key" => Ok(()),
            refused => Err(refused),
        };
    }
    let answer = reply.json().ok_or_else(|| reply.unproved())?;
    let domains = answer["data"].as_array().ok_or_else(|| reply.unproved())?;
    let own = &resend.settings.domain;
    let domain =
        domains.iter().find(|domain| domain["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(own)));
    let problem = match domain.map(|domain| domain["status"].as_str().unwrap_or_default()) {
        // Some of several records may fail, and it sends nevertheless.
        Some("verified" | "partially_verified") => return Ok(()),
        Some(status) => format!("the domain is {}", texts::bounded(status, 40)),
        // It may stand on another page.
        None if answer["has_more"] == true => return Ok(()),
        None => "the domain is not set up".to_owned(),
    };
    Err(SendError::refused(RetryClass::Configuration, Some("domain".to_owned()), problem))
}

/// One receiver, so that every event says whose it is.
fn mail(resend: &Resend, message: &OutboundMessage, email: &EmailContent) -> Result<Map<String, Value>, SendError> {
    let from = message.from.as_deref().map_or_else(|| resend.settings.from.clone(), Mailbox::read);
    let mut mail = Map::new();
    let mut put = |name: &str, value: Value| mail.insert(name.to_owned(), value);
    put("from", json!(written(&from)));
    put("to", json!([message.to]));
    put("subject", json!(texts::one_line(email.subject.as_deref().unwrap_or_default())));
    if !email.text.is_empty() || email.html.is_none() {
        put("text", json!(email.text));
    }
    if let Some(html) = &email.html {
        put("html", json!(html));
    }
    if let Some(reply_to) = &email.reply_to {
        put("reply_to", json!([written(&Mailbox::read(reply_to))]));
    }
    let headers = checked(&email.headers)?;
    if !headers.is_empty() {
        let headers = headers.iter().map(|(name, value)| (name.clone(), json!(value)));
        put("headers", Value::Object(headers.collect()));
    }
    if let Some(token) = &message.token {
        put("tags", json!(tags::of(token)));
    }
    Ok(mail)
}

/// A mailbox as Resend reads it, which is not as RFC 5322 has it: names in quotes are refused, and so are encoded ones and
/// the signs that would need quotes.
fn written(mailbox: &Mailbox) -> String {
    let Mailbox { email, name } = mailbox;
    let name =
        name.as_deref().unwrap_or_default().replace(|c: char| c.is_control() || "()<>[]:;@\\,\"".contains(c), " ");
    let name: Vec<&str> = name.split_whitespace().collect();
    if name.is_empty() { email.clone() } else { format!("{} <{email}>", name.join(" ")) }
}

/// A mail with its files.
#[derive(Serialize)]
struct WithFiles<'a> {
    #[serde(flatten)]
    mail: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
}

/// A file, as Resend describes it. Its type is said only where the name has no ending that says it: a mail in which the two
/// are at odds is taken, and never sent.
struct File<'a>(&'a Attachment);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Attachment { name, content_type, content_id, content } = self.0;
        let name = texts::one_line(name);
        let name = if name.trim().is_empty() { UNNAMED } else { &name };
        let mut file = serializer.serialize_map(None)?;
        file.serialize_entry("content", &Base64(content))?;
        file.serialize_entry("filename", name)?;
        if Path::new(name).extension().is_none() {
            file.serialize_entry("content_type", content_type)?;
        }
        if let Some(id) = content_id {
            file.serialize_entry("content_id", id)?;
        }
        file.end()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn names_are_written_without_the_signs_that_resend_refuses() {
        let of = |name: &str| written(&Mailbox { email: "a@b.example".to_owned(), name: Some(name.to_owned()) });
        assert_eq!(of("Lovelace, Ada"), "Lovelace Ada <a@b.example>");
        assert_eq!(of("Café \"Ada\" (Bar) & Co. O'Neill"), "Café Ada Bar & Co. O'Neill <a@b.example>");
        assert_eq!(of("Ada\r\nBcc: x@y.example"), "Ada Bcc x y.example <a@b.example>");
        assert_eq!(of(",,"), "a@b.example");
        assert_eq!(written(&Mailbox::read("a@b.example")), "a@b.example");
    }

    #[test]
    fn a_files_type_is_said_where_its_name_does_not_say_it() {
        let of = |name: &str| {
            let (content_type, content_id) = ("text/csv".to_owned(), None);
            let file =
                Attachment { name: name.to_owned(), content_type, content_id, content: Bytes::from_static(b"a") };
            serde_json::to_value(File(&file)).expect("JSON")
        };
        assert_eq!(of("data.txt"), json!({ "content": "YQ==", "filename": "data.txt" }));
        assert_eq!(of("data"), json!({ "content": "YQ==", "filename": "data", "content_type": "text/csv" }));
        assert_eq!(of(" ")["filename"], "file");
    }
}
