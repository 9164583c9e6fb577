//! Mail as it is written (RFC 5322, RFC 2045 to 2047): just enough to read what somebody answered. Lenient: whatever
//! comes in gives a mail, if only an empty one.

mod body;
mod charset;
mod headers;
pub(in crate::providers) mod machine;
pub(in crate::providers) mod received;

use bytes::Bytes;

pub(in crate::providers) use charset::decode;
pub(in crate::providers) use headers::Headers;

use crate::providers::MediaRef;
use crate::providers::kit::texts;
use body::{Part, leaf_bytes, split};

/// How deep parts are looked into.
const MAX_DEPTH: usize = 8;
/// How many parts a mail may have.
const MAX_PARTS: usize = 200;

/// A mail, taken apart.
#[derive(Debug, Default)]
pub(in crate::providers) struct Mail {
    pub(in crate::providers) headers: Headers,
    /// All plain text that is not a file.
    pub(in crate::providers) text: Option<String>,
    pub(in crate::providers) html: Option<String>,
    pub(in crate::providers) files: Vec<MediaRef>,
    /// It has more parts than are read.
    pub(in crate::providers) is_cut: bool,
    parts: usize,
}

/// Takes a whole mail apart.
pub(in crate::providers) fn parse(bytes: &[u8]) -> Mail {
    let part = Part::parse(bytes);
    let mut mail = Mail { headers: part.headers.clone(), ..Mail::default() };
    mail.take(&part, 0);
    mail
}

impl Mail {
    fn take(&mut self, part: &Part<'_>, depth: usize) {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            self.is_cut = true;
            return;
        }
        let content_type = part.headers.parameters("content-type");
        let media_type = if content_type.value.is_empty() { "text/plain" } else { &content_type.value };
        if let Some(boundary) = content_type.get("boundary").filter(|_| media_type.starts_with("multipart/")) {
            self.is_cut |= depth == MAX_DEPTH;
            if depth < MAX_DEPTH {
                for inner in split(part.body, boundary) {
                    self.take(&Part::parse(inner), depth + 1);
                }
            }
            return;
        }
        let disposition = part.headers.parameters("content-disposition");
        let content = leaf_bytes(part);
        let is_file = disposition.value == "attachment" || disposition.get("filename").is_some();
        let text = match (media_type, is_file) {
            ("text/plain", false) => &mut self.text,
            ("text/html", false) => &mut self.html,
            _ => {
                let name = disposition.get("filename").or_else(|| content_type.get("name"));
                self.files.push(MediaRef {
                    url: None,
                    name: name.and_then(texts::short),
                    content_type: texts::short(media_type),
                    content_id: part.headers.ids("content-id").pop().map(|id| id.trim_matches(['<', '>']).to_owned()),
                    content: Some(Bytes::from(content)),
                });
                return;
            }
        };
        let decoded = decode(&content, content_type.get("charset"));
        match text {
            Some(text) => {
                text.push('\n');
                text.push_str(&decoded);
            }
            None => *text = Some(decoded),
        }
    }
}

#[cfg(test)]
mod tests;
