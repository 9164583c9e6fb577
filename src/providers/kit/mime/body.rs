//! Parts of a mail: where they end, and how their bytes are written.

use base64::Engine as _;

use super::Headers;
use super::headers::{LENIENT, percent_decoded};

/// Headers and what follows them.
pub(super) struct Part<'a> {
    pub(super) headers: Headers,
    pub(super) body: &'a [u8],
}

impl<'a> Part<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Self {
        let mut end = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let start = end;
            end += line.len();
            if line.trim_ascii().is_empty() {
                return Self { headers: Headers::parse(&bytes[..start]), body: &bytes[end..] };
            }
        }
        Self { headers: Headers::parse(bytes), body: &[] }
    }
}

/// The parts between lines of a boundary; a last one without an end counts too.
pub(super) fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut parts = vec![];
    let (mut start, mut end) = (None, 0);
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let (at, written) = (end, line.trim_ascii_end());
        end += line.len();
        let Some(rest) = written.strip_prefix(&delimiter[..]) else { continue };
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        if let Some(start) = start {
            parts.push(without_line_end(&body[start..at]));
        }
        start = Some(end);
        if rest == b"--" {
            return parts;
        }
    }
    parts.extend(start.map(|start| &body[start..]));
    parts
}

/// The line break before a boundary belongs to the boundary.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// The bytes of a part without parts, as they were before they were written for the way.
pub(super) fn leaf_bytes(part: &Part<'_>) -> Vec<u8> {
    match part.headers.parameters("content-transfer-encoding").value.as_str() {
        "quoted-printable" => quoted_printable(part.body),
        "base64" => {
            let written: Vec<u8> = part.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            LENIENT.decode(&written).unwrap_or(written)
        }
        _ => part.body.to_vec(),
    }
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let content = line.trim_ascii_end();
        let (content, is_joined) = match content.strip_suffix(b"=") {
            Some(content) => (content, true),
            None => (content, false),
        };
        // What is not text is not quoted-printable either; it is kept as well as it can be.
        decoded.extend(percent_decoded(&String::from_utf8_lossy(content), b'='));
        if !is_joined && line.ends_with(b"\n") {
            decoded.extend_from_slice(if line.ends_with(b"\r\n") { b"\r\n" } else { b"\n" });
        }
    }
    decoded
}
