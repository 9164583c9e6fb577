//! Mail that comes in through a route: taken apart by Mailgun (`forward`), as it was written (`forward` to a URL that ends in
//! `mime`), or stored there for three days, with a notice of it (`store`).
//!
//! A notice of a stored mail has its texts, and URLs of its files, which are fetched later like those of other messages. One
//! that has no texts, or is a mail server's report, which must be read part by part, is fetched whole before it counts. If
//! that fails, the notice is kept and parsed again.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::api::Api;
use super::form::Form;
use super::webhook::without_proof;
use crate::providers::kit::inbound::{Arrived, is_more_than_kept};
use crate::providers::kit::mime::{self, Headers};
use crate::providers::kit::texts;
use crate::providers::{MediaError, MediaRef, NOT_FETCHED, Notice, NoticeKind, WebhookRequest};

/// How many of our addresses a mail is delivered to at most, as far as is read.
const MAX_RECEIVERS: usize = 100;
/// The fields that hold texts of a mail.
const TEXTS: [&str; 2] = ["body-plain", "body-html"];

pub(super) async fn parse(request: &WebhookRequest, api: &Api, now: DateTime<Utc>) -> Notice {
    let Some(form) = Form::read(request, true) else {
        return Notice::unclear(texts::raw(&without_proof(request)), "a form that is damaged");
    };
    let raw = raw(&form);
    if form.get("event").is_some() && form.get("recipient").is_some() && form.get("sender").is_none() {
        return Notice::unclear(raw, "a webhook of before 2018: set up the present ones");
    }
    let arrived = match arrived(&form, api).await {
        Ok(arrived) => arrived,
        Err(MediaError::Later(_)) => return Notice::unclear(raw, NOT_FETCHED),
        Err(MediaError::Never(why)) => {
            return Notice::unclear(raw, format!("a stored mail that is not fetched: {why}"));
        }
    };
    let hint = |name: &str| arrived.headers.get(name).and_then(texts::short);
    let (spam_score, dkim) = (hint("x-mailgun-sscore"), hint("x-mailgun-dkim-check-result"));
    let spf = hint("x-mailgun-spf").map(|spf| spf.to_ascii_lowercase());
    let id = arrived.id(|| digest(&form));
    let Some(mut inbound) = arrived.inbound(id, now) else {
        return Notice::unclear(raw, "an incoming mail without a sender");
    };
    inbound.hints.spam_score = spam_score;
    inbound.hints.spf = spf;
    inbound.hints.dkim = dkim;
    inbound.original = match form.is_cut || is_more_than_kept(&inbound.media) {
        true => String::from_utf8_lossy(&without_proof(request)).replace('\0', "\u{FFFD}"),
        false => Value::Object(fields_as_json(&form)).to_string(),
    };
    Notice { raw, kind: NoticeKind::Inbound(Box::new(inbound)) }
}

async fn arrived(form: &Form, api: &Api) -> Result<Arrived, MediaError> {
    let mut arrived = match form.get("body-mime") {
        Some(mail) => Arrived::from(mime::parse(mail.as_bytes())),
        None => {
            let headers = headers(form);
            let has_texts = TEXTS.iter().any(|name| form.get(name).is_some_and(|text| !text.trim().is_empty()));
            let is_report = headers.get("content-type").is_some_and(is_report);
            let whole = match form.get("message-url").filter(|_| is_report || !has_texts) {
                Some(url) => match api.stored_mail(url).await {
                    Ok(mail) => Some(Arrived::from(mime::parse(&mail))),
                    // Then with what the notice says: better than nothing, and than nothing for days.
                    Err(MediaError::Never(_) | MediaError::Later("not_authorised")) if has_texts => None,
                    Err(error) => return Err(error),
                },
                None => None,
            };
            whole.unwrap_or_else(|| Arrived {
                headers,
                from: form.short("from"),
                subject: form.short("subject"),
                text: form.get("body-plain").unwrap_or_default().to_owned(),
                html: form.get("body-html").map(str::to_owned),
                files: files(form),
                ..Arrived::default()
            })
        }
    };
    arrived.envelope_from = form.get("sender").map(|sender| sender.trim().to_owned());
    let receivers = form.get("recipient").unwrap_or_default().split(',').map(texts::address_in);
    arrived.receivers = receivers.filter(|to| !to.is_empty()).take(MAX_RECEIVERS).map(str::to_owned).collect();
    arrived.is_cut |= form.is_cut;
    Ok(arrived)
}

fn is_report(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("multipart/report")
}

/// The mail's headers, as a list of them or, without it, as fields.
fn headers(form: &Form) -> Headers {
    let list = form.get("message-headers").and_then(|list| serde_json::from_str(list).ok());
    let list: Vec<(String, String)> = list.unwrap_or_else(|| form.fields.clone());
    Headers::of(list)
}

/// A JSON object in which names may be repeated, or empty.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsPairs;
        impl<'de> Visitor<'de> for AsPairs {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = vec![];
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(AsPairs)
    }
}

/// The files of a form, or those that a notice says are stored.
fn files(form: &Form) -> Vec<MediaRef> {
    let ids = form.get("content-id-map").and_then(|map| serde_json::from_str(map).ok()).unwrap_or(Pairs(vec![])).0;
    // From a content id to the field or URL of the file: Gmail's web page gives one to each file, and some have none.
    let content_id = |of: &str| {
        let (id, _) = ids.iter().find(|(id, file)| file == of && !id.is_empty())?;
        texts::short(id.trim_matches(['<', '>']))
    };
    let here = form.files.iter().map(|file| MediaRef {
        url: None,
        name: file.name.clone(),
        content_type: file.content_type.as_deref().and_then(texts::short),
        content_id: content_id(&file.field),
        content: Some(file.content.clone()),
    });
    let stored: Vec<Value> =
        form.get("attachments").and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    let stored = stored.iter().filter_map(|file| {
        let url = file["url"].as_str().and_then(texts::short)?;
        Some(MediaRef {
            name: file["name"].as_str().and_then(texts::short),
            content_type: file["content-type"].as_str().and_then(texts::short),
            content_id: content_id(&url),
            url: Some(url),
            content: None,
        })
    });
    here.chain(stored).collect()
}

/// Stands in for a missing `Message-ID`: the same in each repetition, as the same fields come again.
fn digest(form: &Form) -> String {
    let mut hash = Sha256::new();
    for name in ["message-headers", "body-mime", "sender", "recipient", "from", "subject", "body-plain", "body-html"] {
        let value = form.get(name).unwrap_or_default();
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value);
    }
    hex::encode(&hash.finalize()[..16])
}

/// The fields as JSON with digests of the files, which tell it from other forms; as much as is kept of a notice.
fn raw(form: &Form) -> String {
    let mut fields = fields_as_json(form);
    for file in &form.files {
        let digest = hex::encode(Sha256::digest(&file.content));
        fields.insert(format!("{} (SHA-256)", file.field).replace('\0', "\u{FFFD}"), json!(digest));
    }
    texts::raw(Value::Object(fields).to_string().as_bytes())
}

/// The fields as JSON, without what proves the sender; of several with one name, all.
fn fields_as_json(form: &Form) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in &form.fields {
        if matches!(name.as_str(), "token" | "signature") {
            continue;
        }
        let value = json!(value.replace('\0', "\u{FFFD}"));
        match fields.entry(name.replace('\0', "\u{FFFD}")) {
            serde_json::map::Entry::Vacant(free) => {
                free.insert(value);
            }
            serde_json::map::Entry::Occupied(mut taken) => match taken.get_mut() {
                Value::Array(values) => values.push(value),
                first => *first = json!([first.take(), value]),
            },
        }
    }
    fields
}

#[cfg(test)]
mod tests;
