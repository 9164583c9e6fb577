//! Headers of a mail: unfolded, and with encoded words (RFC 2047) read.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};

use super::decode;
use crate::providers::kit::texts;

/// How many bytes of headers are read.
const MAX_BLOCK: usize = 1024 * 1024;
/// The longest encoded word, in bytes. RFC 2047 allows 75; some programs write a whole line as one.
const MAX_WORD: usize = 2_000;
/// How many headers are read.
const MAX_HEADERS: usize = 500;
/// How many parameters of a header are read.
const MAX_PARAMETERS: usize = 50;
/// How many ids a header names at most: of more, the last ones count, which are the newest.
const MAX_IDS: usize = 100;

/// Base64 as mail programs write it: padding may be missing.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Headers by lower-case name.
#[derive(Debug, Clone, Default)]
pub(in crate::providers) struct Headers(Vec<(String, String)>);

/// A header's value before the first `;`, in lower case, and its parameters.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

impl Headers {
    /// Reads a block of headers, up to an empty line or its end.
    pub(in crate::providers) fn parse(block: &[u8]) -> Self {
        let text = decode(&block[..block.len().min(MAX_BLOCK)], None);
        let mut headers: Vec<(String, String)> = vec![];
        for line in text.lines() {
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                if headers.len() == MAX_HEADERS {
                    break;
                }
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        for (_, value) in &mut headers {
            *value = encoded_words(value);
        }
        Self(headers)
    }

    /// The first header of a name, given in lower case.
    pub(in crate::providers) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The ids in angle brackets that a header names, with their brackets.
    pub(in crate::providers) fn ids(&self, name: &str) -> Vec<String> {
        let mut rest = self.get(name).unwrap_or_default();
        let mut ids = VecDeque::new();
        while let Some((_, after)) = rest.split_once('<')
            && let Some((id, after)) = after.split_once('>')
        {
            if !id.is_empty() && !id.contains(char::is_whitespace) {
                if ids.len() == MAX_IDS {
                    ids.pop_front();
                }
                ids.push_back(texts::bounded(&format!("<{id}>"), texts::MAX_SHORT));
            }
            rest = after;
        }
        ids.into()
    }

    /// The `Date`, by the sender's clock.
    pub(in crate::providers) fn date(&self) -> Option<DateTime<Utc>> {
        let date = self.get("date")?;
        // A comment with the zone's name may follow.
        let date = date.split('(').next().unwrap_or_default().trim();
        let named = date.strip_suffix("UTC").map(|date| format!("{date}+0000"));
        DateTime::parse_from_rfc2822(named.as_deref().unwrap_or(date)).ok().map(|date| date.to_utc())
    }

    pub(super) fn parameters(&self, name: &str) -> Parameters {
        let text = self.get(name).unwrap_or_default();
        let mut pieces = quoted_split(text).into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut parameters: Vec<(String, String)> = vec![];
        let mut continued: Vec<Continued> = vec![];
        for (name, written) in pieces.take(MAX_PARAMETERS).filter_map(|piece| piece.split_once('=')) {
            let (name, written) = (name.trim().to_ascii_lowercase(), written.trim().trim_matches('"'));
            if let Some((name, rest)) = name.split_once('*').filter(|(_, rest)| rest.starts_with(is_digit)) {
                Continued::add(&mut continued, name, written, rest.ends_with('*'));
            } else if let Some(name) = name.strip_suffix('*') {
                parameters.push((name.to_owned(), extended(written)));
            } else {
                parameters.push((name, written.replace("\\\"", "\"").replace("\\\\", "\\")));
            }
        }
        parameters.extend(continued.into_iter().map(Continued::read));
        Parameters { value, parameters }
    }
}

/// A parameter in several pieces, in the order in which they stand (RFC 2231, section 3): `filename*0*=utf-8''%C3%9Cber;
/// filename*1=sicht.txt`.
struct Continued {
    name: String,
    charset: Option<String>,
    bytes: Vec<u8>,
}

impl Continued {
    fn add(all: &mut Vec<Self>, name: &str, written: &str, is_extended: bool) {
        let known = all.iter_mut().find(|continued| continued.name == name);
        let (charset, written) = match (&known, is_extended) {
            (None, true) => match written.splitn(3, '\'').collect::<Vec<_>>()[..] {
                [charset, _, text] => (Some(charset.to_owned()), text),
                _ => (None, written),
            },
            _ => (None, written),
        };
        let piece = if is_extended { percent_decoded(written, b'%') } else { written.as_bytes().to_vec() };
        match known {
            Some(continued) => continued.bytes.extend(piece),
            None => all.push(Self { name: name.to_owned(), charset, bytes: piece }),
        }
    }

    fn read(self) -> (String, String) {
        (self.name, decode(&self.bytes, self.charset.as_deref()))
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Splits at `;` outside of quotes.
fn quoted_split(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut is_quoted, mut is_escaped) = (vec![], 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// A parameter with its charset (RFC 2231): `utf-8''na%C3%AFve.txt`.
fn extended(value: &str) -> String {
    let mut parts = value.splitn(3, '\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => decode(&percent_decoded(text, b'%'), Some(charset)),
        _ => value.to_owned(),
    }
}

/// Bytes written as a sign and two hexadecimal digits.
pub(super) fn percent_decoded(text: &str, sign: u8) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).filter(|_| byte == sign).and_then(|digits| hex::decode(digits).ok());
        match code {
            Some(code) => {
                decoded.extend(code);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Reads `=?charset?B?…?=` and `=?charset?Q?…?=`; white space between two of them does not count.
fn encoded_words(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_after_word = false;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        if !(is_after_word && before.trim().is_empty()) {
            read.push_str(before);
        }
        if let Some((decoded, after)) = encoded_word(word) {
            read.push_str(&decoded);
            rest = after;
            is_after_word = true;
        } else {
            read.push_str("=?");
            rest = &word[2..];
            is_after_word = false;
        }
    }
    read.push_str(rest);
    read
}

fn encoded_word(text: &str) -> Option<(String, &str)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if charset.len() > 40 || encoding.len() != 1 {
        return None;
    }
    // Not further: of many words without an end, each would be looked for to the end of the text.
    let within = &rest[..rest.floor_char_boundary(MAX_WORD)];
    let (written, _) = within.split_once("?=")?;
    let after = &rest[written.len() + 2..];
    if written.contains(char::is_whitespace) {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => LENIENT.decode(written).ok()?,
        "Q" | "q" => percent_decoded(&written.replace('_', " "), b'='),
        _ => return None,
    };
    // A language may follow the charset (RFC 2231).
    let charset = charset.split('*').next();
    Some((decode(&bytes, charset), after))
}
