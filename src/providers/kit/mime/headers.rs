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
    /// Headers that a provider has taken apart, with encoded words read or not.
    pub(in crate::providers) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs.into_iter().take(MAX_HEADERS);
        Self(pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), encoded_words(value.trim()))).collect())
    }

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
        let mut sections: Vec<(String, Section)> = vec![];
        for (name, written) in pieces.filter_map(|piece| piece.split_once('=')).take(MAX_PARAMETERS) {
            let (name, written) = (name.trim().to_ascii_lowercase(), written.trim().trim_matches('"'));
            let (name, is_extended) = name.strip_suffix('*').map_or((name.as_str(), false), |name| (name, true));
            let section = name.rsplit_once('*').and_then(|(name, number)| Some((name, number.parse().ok()?)));
            let plain = || written.replace("\\\"", "\"").replace("\\\\", "\\");
            match section {
                Some((name, number)) => {
                    let text = if is_extended { written.to_owned() } else { plain() };
                    sections.push((name.to_owned(), Section { number, is_extended, text }));
                }
                None if is_extended => parameters.push((name.to_owned(), extended(written))),
                None => parameters.push((name.to_owned(), plain())),
            }
        }
        parameters.extend(joined(sections));
        Parameters { value, parameters }
    }
}

/// A piece of a parameter that is too long for a line (RFC 2231): `filename*0*=utf-8''na%C3%AF`, `filename*1="ve.txt"`.
struct Section {
    number: usize,
    is_extended: bool,
    text: String,
}

/// The parameters that pieces make up, in the order of their numbers; the first one names the charset.
fn joined(mut sections: Vec<(String, Section)>) -> Vec<(String, String)> {
    sections.sort_by(|(name, section), (other, next)| (name, section.number).cmp(&(other, next.number)));
    let whole = sections.chunk_by(|(name, _), (next, _)| name == next).map(|pieces| {
        let mut charset = None;
        let mut bytes = vec![];
        for (at, (_, Section { is_extended, text, .. })) in pieces.iter().enumerate() {
            let mut parts = text.splitn(3, '\'');
            let text = match (at, parts.next(), parts.next(), parts.next()) {
                (0, Some(named), Some(_), Some(rest)) if *is_extended => {
                    charset = Some(named);
                    rest
                }
                _ => text,
            };
            if *is_extended {
                bytes.extend(percent_decoded(text, b'%'));
            } else {
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        (pieces[0].0.clone(), decode(&bytes, charset))
    });
    whole.collect()
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
