//! Mail that comes in through Inbound Parse: a multipart form with a charset for each of its fields, or with the whole
//! mail in one.

use std::collections::HashMap;
use std::convert::Infallible;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::providers::kit::mime::received::Received;
use crate::providers::kit::mime::{self, Headers, decode};
use crate::providers::kit::texts;
use crate::providers::{Inbound, MediaRef, Notice, NoticeKind, WebhookRequest};

/// SendGrid's own limit is 30 MB.
const MAX_FORM: u64 = 32 * 1024 * 1024;
/// How many files are stored with a message.
const MAX_FILES: usize = 20;
/// How many bytes of files are stored with a message.
const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;
/// How many parts of a form are read.
const MAX_PARTS: usize = 200;

pub(super) async fn parse(request: &WebhookRequest, now: DateTime<Utc>) -> Notice {
    let Some(boundary) = request.header("content-type").and_then(|given| multer::parse_boundary(given).ok()) else {
        return Notice::unclear(texts::raw(&request.body), "a form without a boundary");
    };
    let Ok(form) = Form::read(request.body.clone(), boundary).await else {
        return Notice::unclear(texts::raw(&request.body), "a form that is damaged");
    };
    let original = match form.is_more_than_kept() {
        true => String::from_utf8_lossy(&request.body).replace('\0', "\u{FFFD}"),
        false => form.original(),
    };
    let raw = form.raw();
    match form.inbound(now) {
        Some(inbound) => Notice { raw, kind: NoticeKind::Inbound(Box::new(Inbound { original, ..inbound })) },
        None => Notice::unclear(raw, "an incoming mail without a sender"),
    }
}

struct File {
    name: Option<String>,
    content_type: Option<String>,
    content: Bytes,
}

#[derive(Default)]
struct Form {
    fields: HashMap<String, Bytes>,
    files: Vec<(String, File)>,
    charsets: HashMap<String, String>,
    is_cut: bool,
}

impl Form {
    async fn read(body: Bytes, boundary: String) -> Result<Self, multer::Error> {
        let limits = SizeLimit::new().whole_stream(MAX_FORM).per_field(MAX_FORM);
        let stream = futures::stream::once(async move { Ok::<_, Infallible>(body) });
        let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limits));
        let mut form = Self::default();
        for _ in 0..MAX_PARTS {
            let Some(part) = parts.next_field().await? else {
                form.charsets = form.json("charsets").unwrap_or_default();
                return Ok(form);
            };
            let name = part.name().unwrap_or_default().to_owned();
            if part.file_name().is_some() || name.strip_prefix("attachment").is_some_and(is_number) {
                let file_name = part.file_name().map(str::to_owned);
                let content_type = part.content_type().map(ToString::to_string);
                form.files.push((name, File { name: file_name, content_type, content: part.bytes().await? }));
            } else {
                let value = part.bytes().await?;
                // The first one counts; the others are kept.
                let free = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name} ({number})")));
                let free = free.into_iter().find(|name| !form.fields.contains_key(name)).unwrap_or(name);
                form.fields.insert(free, value);
            }
        }
        form.charsets = form.json("charsets").unwrap_or_default();
        form.is_cut = true;
        Ok(form)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(self.fields.get(name)?).ok()
    }

    /// A field in its own charset.
    fn text(&self, name: &str) -> Option<String> {
        let charset = self.charsets.get(name).map(String::as_str);
        Some(decode(self.fields.get(name)?, charset))
    }

    fn short(&self, name: &str) -> Option<String> {
        texts::short(&self.text(name)?)
    }

    fn inbound(&self, now: DateTime<Utc>) -> Option<Inbound> {
        let mail = self.fields.get("email").map(|whole| mime::parse(whole));
        let own_headers = Headers::parse(self.fields.get("headers").map_or(&[][..], |headers| &headers[..]));
        let headers = mail.as_ref().map_or(&own_headers, |mail| &mail.headers);
        let envelope: Value = self.json("envelope").unwrap_or_default();
        let receivers: Vec<&str> =
            envelope["to"].as_array().into_iter().flatten().filter_map(Value::as_str).take(100).collect();
        let written = |name: &str| self.text(name).or_else(|| headers.get(name).map(str::to_owned)).unwrap_or_default();
        let is_cut = self.is_cut || mail.as_ref().is_some_and(|mail| mail.is_cut);
        let received = Received {
            headers,
            envelope_from: envelope["from"].as_str().map(str::trim),
            receivers,
            from: self.short("from").or_else(|| headers.get("from").and_then(texts::short)),
            to: written("to"),
            cc: written("cc"),
            subject: self.short("subject").or_else(|| headers.get("subject").and_then(texts::short)),
            text: mail.as_ref().map_or_else(|| self.text("text"), |mail| mail.text.clone()),
            html: mail.as_ref().map_or_else(|| self.text("html"), |mail| mail.html.clone()),
            files: mail.as_ref().map_or_else(|| self.files(), |mail| mail.files.clone()),
            is_cut,
            digest: &|| self.digest(),
        };
        let mut inbound = received.inbound(now)?;
        inbound.hints.spam_score = self.short("spam_score");
        inbound.hints.spf = self.short("SPF").map(|spf| spf.to_ascii_lowercase());
        inbound.hints.dkim = self.short("dkim");
        Some(inbound)
    }

    fn files(&self) -> Vec<MediaRef> {
        let info: Value = self.json("attachment-info").unwrap_or_default();
        let files = self.files.iter().map(|(part, file)| {
            let info_of = |name: &str| info[part.as_str()][name].as_str().and_then(texts::short);
            MediaRef {
                url: None,
                name: info_of("filename").or_else(|| file.name.as_deref().and_then(texts::short)),
                content_type: info_of("type").or_else(|| file.content_type.as_deref().and_then(texts::short)),
                content_id: info_of("content-id"),
                content: Some(file.content.clone()),
            }
        });
        files.collect()
    }

    /// Stands in for a missing `Message-ID`: the same in each repetition, as the same fields come again.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for name in ["headers", "email", "envelope", "from", "to", "subject", "text", "html"] {
            let value = self.fields.get(name).map_or(&[][..], |value| &value[..]);
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value);
        }
        hex::encode(&hash.finalize()[..16])
    }

    /// Whether it holds more than is read of it or stored beside its message.
    fn is_more_than_kept(&self) -> bool {
        let bytes: usize = self.files.iter().map(|(_, file)| file.content.len()).sum();
        self.is_cut || self.files.len() > MAX_FILES || bytes > MAX_FILE_BYTES
    }

    /// The fields as JSON with digests of the files, which tell it from other forms; as much as is kept of a notice.
    fn raw(&self) -> String {
        let mut fields = self.fields_as_json();
        for (part, file) in &self.files {
            let digest = hex::encode(Sha256::digest(&file.content));
            fields.insert(format!("{part} (SHA-256)").replace('\0', "\u{FFFD}"), json!(digest));
        }
        texts::raw(Value::Object(fields).to_string().as_bytes())
    }

    /// The fields as JSON, whole, without what files hold.
    fn original(&self) -> String {
        Value::Object(self.fields_as_json()).to_string()
    }

    fn fields_as_json(&self) -> serde_json::Map<String, Value> {
        let mut names: Vec<_> = self.fields.keys().collect();
        names.sort_unstable();
        names
            .into_iter()
            .map(|name| {
                let value = self.text(name).unwrap_or_default().replace('\0', "\u{FFFD}");
                (name.replace('\0', "\u{FFFD}"), json!(value))
            })
            .collect()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
