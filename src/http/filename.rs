//! The name of a file in `Content-Disposition` (RFC 6266, RFC 8187).

use std::fmt::Write as _;

/// Reads `filename*=UTF-8''…`, else `filename="…"`; [`None`] if there is neither.
#[must_use]
pub fn read(disposition: &str) -> Option<String> {
    let (mut plain, mut extended) = (None, None);
    for (name, value) in parameters(disposition) {
        match name.as_str() {
            "filename" => plain = Some(value),
            "filename*" => extended = read_extended(&value),
            _ => {}
        }
    }
    extended.or(plain).filter(|name| !name.is_empty())
}

/// The parameters behind the first `;`, unquoted.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, left) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), left)
            }
        };
        found.push((name.trim_matches([' ', '\t', ';']).to_ascii_lowercase(), value));
        rest = left;
    }
    found
}

fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

fn read_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, written) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = vec![];
    let mut rest = written.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                bytes.extend(hex::decode([*high, *low]).ok()?);
                rest = after;
            }
            (letter, after) => {
                bytes.push(*letter);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Writes `attachment` with a name that old and new clients read; the name cannot break out of the header.
#[must_use]
pub fn write(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '/' | '%' | ';') || c == ' ' { c } else { '_' })
        .collect();
    let mut extended = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => extended.push(char::from(byte)),
            byte => {
                let _ = write!(extended, "%{byte:02X}");
            }
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_form() {
        let cases = [
            ("attachment; filename=\"a b.pdf\"", Some("a b.pdf")),
            ("attachment; filename=a.pdf; size=3", Some("a.pdf")),
            ("attachment; filename=\"x;\\\"y\\\".txt\"; filename*=UTF-8''na%C3%AFve.txt", Some("naïve.txt")),
            ("attachment; filename=\"x;\\\"y\\\".txt\"", Some("x;\"y\".txt")),
            ("attachment; filename*=latin1''a; filename=b", Some("b")),
            ("attachment; filename*=UTF-8''%ff; filename=b", Some("b")),
            ("attachment", None),
            ("attachment; filename=\"", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_is_one_line_of_ascii() {
        for name in ["invoice 7.pdf", "Räch\"nung\\.pdf", "a\r\nSet-Cookie: x=1", "../../x", "写真.png"] {
            let written = write(name);
            assert!(written.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{written}");
            assert_eq!(read(&written).as_deref(), Some(name));
        }
    }
}
