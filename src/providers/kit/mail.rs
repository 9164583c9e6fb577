//! What mails that go out have in common, whoever takes them.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::texts;
use crate::domain::value::message::RetryClass;
use crate::providers::SendError;

/// An address with the name that stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
}

impl Mailbox {
    /// Reads `Name <address>` or a bare address.
    pub(in crate::providers) fn read(text: &str) -> Self {
        let email = texts::address_in(text).to_owned();
        let name = text.rsplit_once('<').map(|(name, _)| name.trim().trim_matches('"').trim());
        Self { email, name: name.filter(|name| !name.is_empty()).map(texts::one_line) }
    }

    /// As a header has it (RFC 5322), the name in quotes where it needs them.
    pub(in crate::providers) fn written(&self) -> String {
        let Self { email, name } = self;
        match name.as_deref().map(texts::one_line) {
            None => email.clone(),
            Some(name) if name.contains(|c: char| c.is_ascii_punctuation()) => {
                format!("\"{}\" <{email}>", name.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Some(name) => format!("{name} <{email}>"),
        }
    }

    /// The part of the address behind the `@`, in lower case.
    pub(in crate::providers) fn domain(&self) -> String {
        self.email.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase()
    }
}

/// Whether a text is one address, and nothing else.
pub(in crate::providers) fn is_mailbox(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',');
    let parts = text.rsplit_once('@');
    !text.contains(is_odd) && parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// The headers of a message, once each of them is one header and brings no other one along.
pub(in crate::providers) fn checked(headers: &[(String, String)]) -> Result<&[(String, String)], SendError> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if headers.iter().all(|(name, value)| is_name(name) && !value.contains(|c: char| c.is_control())) {
        return Ok(headers);
    }
    let detail = "a header of the message cannot be written";
    Err(SendError::refused(RetryClass::ContentRefused, Some("header".to_owned()), detail))
}

/// Bytes that are written as base64 where they go, without a copy in between.
pub(in crate::providers) struct Base64<'a>(pub(in crate::providers) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_read_with_and_without_a_name() {
        let named = Mailbox::read("\"Ada\r\nLovelace\" <ada@example.org>");
        assert_eq!((named.email.as_str(), named.name.as_deref()), ("ada@example.org", Some("Ada  Lovelace")));
        assert_eq!(named.domain(), "example.org");
        assert_eq!(Mailbox::read("ada@example.org"), Mailbox { email: "ada@example.org".to_owned(), name: None });
        assert_eq!(Mailbox::read("<ada@example.org>").name, None);
    }

    #[test]
    fn a_name_is_quoted_where_it_needs_to_be() {
        let of = |name: &str| Mailbox { email: "a@b.example".to_owned(), name: Some(name.to_owned()) }.written();
        assert_eq!(of("Café Ada"), "Café Ada <a@b.example>");
        assert_eq!(of("Lovelace, Ada"), "\"Lovelace, Ada\" <a@b.example>");
        assert_eq!(of("Ada \"A\" \\"), "\"Ada \\\"A\\\" \\\\\" <a@b.example>");
        assert_eq!(of("Ada\nBcc: x"), "\"Ada Bcc: x\" <a@b.example>");
        assert_eq!(Mailbox::read("a@b.example").written(), "a@b.example");
    }

    #[test]
    fn only_one_address_is_a_mailbox() {
        assert!(is_mailbox("ada@example.org"));
        for text in ["", "ada", "ada@localhost", "a@b.example,c@d.example", "Ada <ada@example.org>", "a b@c.example"] {
            assert!(!is_mailbox(text), "{text}");
        }
    }

    #[test]
    fn no_header_can_bring_another_one_along() {
        let bad = [("X\r\nBcc", "a"), ("X", "a\r\nBcc: b@example.org"), ("", "a"), ("A:", "b"), ("A b", "c")];
        for (name, value) in bad {
            assert!(checked(&[(name.to_owned(), value.to_owned())]).is_err(), "{name}");
        }
        assert!(checked(&[("List-Unsubscribe".to_owned(), "<https://crm.example/u>".to_owned())]).is_ok());
    }
}
