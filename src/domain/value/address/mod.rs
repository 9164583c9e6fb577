//! Addresses. Each has a spelling, which is kept and sent to, and an identity, which is compared and fingerprinted: one
//! mailbox or number has one identity in all spellings.

mod disposable;
mod mailbox;
mod phone;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use rlibphonenumber::Region;

use crate::domain::value::{AddressKind, InvalidValue};
use crate::ids::{AddressId, Label, TenantSecret};

/// The longest sender that is not an address, in characters.
const LONGEST_SENDER: usize = 200;

/// An address. Its debug form does not show it.
#[derive(Clone)]
pub struct Address {
    kind: AddressKind,
    spelling: String,
    identity: String,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.identity == other.identity
    }
}

impl Eq for Address {}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Address {
    /// Reads an address in any usual spelling. A mailbox loses what is written around it and gets a lower-case ASCII domain;
    /// a phone number becomes E.164, in `region` (such as `GB`) only where it has no country code. Errors never repeat the
    /// address.
    pub fn parse(kind: AddressKind, text: &str, region: Option<&str>) -> Result<Self, InvalidValue> {
        let (spelling, identity) = match kind {
            AddressKind::Email => mailbox::parse(text)?,
            AddressKind::Phone => phone::parse(text, region)?,
            AddressKind::PushToken => opaque("push token", text, 4096)?,
            AddressKind::InApp => opaque("in-app user", text, 200)?,
        };
        Ok(Self { kind, spelling, identity })
    }

    /// Reads the sender of a message. A sender that is not an address, such as a short code, a name in place of a number, or
    /// a withheld number, has an identity of its own; [`None`] if the text is blank.
    #[must_use]
    pub fn of_sender(kind: AddressKind, text: &str, region: Option<&str>) -> Option<Self> {
        let is_code = kind == AddressKind::Phone && phone::is_sender_code(text);
        if !is_code && let Ok(address) = Self::parse(kind, text, region) {
            return Some(address);
        }
        let shown: String = visible(text).trim().replace('\0', "\u{FFFD}").chars().take(LONGEST_SENDER).collect();
        let identity = format!("sender {}", shown.to_lowercase());
        (!shown.is_empty()).then_some(Self { kind, spelling: shown, identity })
    }

    /// Whether it is a phone number, a mailbox or a device.
    #[must_use]
    pub const fn kind(&self) -> AddressKind {
        self.kind
    }

    /// The spelling that is kept and sent to.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.spelling
    }

    /// For mailboxes, the domain. It may be the name of a person, and is as personal as the whole.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self.kind {
            AddressKind::Email => self.spelling.rsplit_once('@').map(|(_, domain)| domain),
            AddressKind::Phone | AddressKind::PushToken | AddressKind::InApp => None,
        }
    }

    /// Whether it is a mailbox of a service that gives out mailboxes for minutes, by a list that this program brings along.
    #[must_use]
    pub fn is_disposable(&self) -> bool {
        self.domain().is_some_and(disposable::contains)
    }

    /// The id of the address as an aggregate: keyed, so that a guess cannot be tested against the log.
    #[must_use]
    pub fn id(&self, secret: &TenantSecret) -> AddressId {
        AddressId(secret.derive(Label::AddressId, &[self.kind.word().as_bytes(), self.identity.as_bytes()]))
    }
}

/// Whether a text is a country code of two letters that phone numbers can belong to.
#[must_use]
pub fn is_region(code: &str) -> bool {
    region(code).is_some()
}

/// The country of a number in E.164, as two letters; absent for numbers of none, such as +800.
#[must_use]
pub fn country_of(number: &str) -> Option<String> {
    let number = rlibphonenumber::PhoneNumber::parse(number, None).ok()?;
    let region = rlibphonenumber::PHONE_NUMBER_UTIL.get_region_for_number(&number)?;
    Some(region.to_string()).filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// What numbers of a country begin with abroad: `49` of `DE`.
#[must_use]
pub fn calling_code(region: &str) -> Option<String> {
    let region = Region::from_str(&region.trim().to_ascii_uppercase()).ok()?;
    rlibphonenumber::PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|code| code.to_string())
}

fn region(code: &str) -> Option<Region> {
    let region = Region::from_str(&code.trim().to_ascii_uppercase()).ok()?;
    rlibphonenumber::PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| region)
}

/// A text without characters that are not seen: marks of direction, joiners, soft hyphens, byte order marks. Programs put
/// them around what is copied and pasted.
fn visible(text: &str) -> String {
    text.chars().filter(|letter| !is_invisible(*letter)).collect()
}

/// The characters of Unicode's category Cf, with the fillers and variation selectors that show nothing either.
const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}'
        | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn opaque(what: &'static str, text: &str, max: usize) -> Result<(String, String), InvalidValue> {
    let text = text.trim();
    if text.is_empty() || text.len() > max || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(InvalidValue::new(what, format!("must have 1 to {max} bytes without white space")));
    }
    Ok((text.to_owned(), text.to_owned()))
}
