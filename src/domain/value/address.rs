//! Addresses in the one spelling that they are compared, fingerprinted and sent to in.

use phonenumber::{Mode, country};

use crate::domain::value::{AddressKind, InvalidValue};
use crate::ids::{AddressId, Label, TenantSecret};

/// A normalised address. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    kind: AddressKind,
    text: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Address {
    /// Normalises: a mailbox loses white space around it and gets a lower-case ASCII domain; a phone number becomes
    /// E.164, in `region` (such as `GB`) where it has no country code. Errors never repeat the address.
    pub fn parse(kind: AddressKind, text: &str, region: Option<&str>) -> Result<Self, InvalidValue> {
        let text = text.trim();
        let text = match kind {
            AddressKind::Email => email(text)?,
            AddressKind::Phone => phone(text, region)?,
            AddressKind::PushToken => opaque("push token", text, 4096)?,
            AddressKind::InApp => opaque("in-app user", text, 200)?,
        };
        Ok(Self { kind, text })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> AddressKind {
        self.kind
    }

    /// The normalised text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For mailboxes, the domain: it names a provider, not a person.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self.kind {
            AddressKind::Email => self.text.rsplit_once('@').map(|(_, domain)| domain),
            AddressKind::Phone | AddressKind::PushToken | AddressKind::InApp => None,
        }
    }

    /// The id of the address as an aggregate: keyed, so that a guess cannot be tested against the log.
    #[must_use]
    pub fn id(&self, secret: &TenantSecret) -> AddressId {
        AddressId(secret.derive(Label::AddressId, &[self.kind.word().as_bytes(), self.text.as_bytes()]))
    }
}

/// Whether a text is a country code of two letters that phone numbers can belong to.
#[must_use]
pub fn is_region(code: &str) -> bool {
    code.parse::<country::Id>().is_ok()
}

fn email(text: &str) -> Result<String, InvalidValue> {
    let invalid = |reason: &str| InvalidValue::new("email address", reason);
    let (local, domain) = text.rsplit_once('@').ok_or_else(|| invalid("must have the form name@domain"))?;
    if local.is_empty() || local.len() > 64 {
        return Err(invalid("must have 1 to 64 bytes before the @"));
    }
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ';' | '"' | '\\');
    if local.contains(is_odd) || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(invalid("has characters before the @ that no mailbox has"));
    }
    // Lower-cases, and writes international names in ASCII.
    let domain = match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) => domain,
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => return Err(invalid("must have a domain name after the @")),
        Err(_) => return Err(invalid("must have a domain name after the @")),
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !domain.contains('.') || !domain.split('.').all(is_label) {
        return Err(invalid("must have a domain name after the @"));
    }
    if local.len() + 1 + domain.len() > 254 {
        return Err(invalid("must have at most 254 bytes"));
    }
    Ok(format!("{local}@{domain}"))
}

fn phone(text: &str, region: Option<&str>) -> Result<String, InvalidValue> {
    let region = match region {
        None => None,
        Some(code) => Some(
            code.to_ascii_uppercase()
                .parse::<country::Id>()
                .map_err(|_| InvalidValue::new("region", "must be a country code of two letters, such as GB"))?,
        ),
    };
    let wrong = || {
        let hint = "must be a phone number with its country code, such as +44 20 7946 0000";
        InvalidValue::new("phone number", hint)
    };
    if text.len() > 40 {
        return Err(wrong());
    }
    let number = phonenumber::parse(region, text).map_err(|_| wrong())?;
    if !number.is_valid() {
        return Err(InvalidValue::new("phone number", "is not a number that its country's plan has"));
    }
    Ok(number.format().mode(Mode::E164).to_string())
}

fn opaque(what: &'static str, text: &str, max: usize) -> Result<String, InvalidValue> {
    if text.is_empty() || text.len() > max || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(InvalidValue::new(what, format!("must have 1 to {max} bytes without white space")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(kind: AddressKind, text: &str) -> String {
        Address::parse(kind, text, Some("GB")).expect("a valid address").text().to_owned()
    }

    #[test]
    fn a_mailbox_keeps_its_name_and_gets_a_lower_case_domain() {
        assert_eq!(normal(AddressKind::Email, " Ada.Lovelace@Example.COM "), "Ada.Lovelace@example.com");
        assert_eq!(normal(AddressKind::Email, "x@BÜCHER.example"), "x@xn--bcher-kva.example");
    }

    #[test]
    fn a_number_becomes_e164_in_the_default_region_or_its_own() {
        assert_eq!(normal(AddressKind::Phone, "020 7946 0018"), "+442079460018");
        assert_eq!(normal(AddressKind::Phone, "+1 (415) 555-2671"), "+14155552671");
        assert_eq!(normal(AddressKind::Phone, "0044 20 7946 0018"), "+442079460018");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        let odd =
            ["ada", "@x.example", "a b@x.example", "ada@localhost", "ada@127.0.0.1", "ada@-x.example", "a@b@c.de"];
        for text in odd {
            let error = Address::parse(AddressKind::Email, text, None).expect_err(text);
            assert!(!error.to_string().contains(text), "{error}");
        }
        for text in ["", "12", "hello", "+999 123", "02079460018"] {
            let error = Address::parse(AddressKind::Phone, text, None).expect_err(text);
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn spellings_of_one_address_have_one_id_and_tenants_share_none() {
        let secret = TenantSecret::new([1; 32]);
        let id = |text| Address::parse(AddressKind::Phone, text, Some("GB")).expect("valid").id(&secret);
        assert_eq!(id("020 7946 0018"), id("+44 20 79460018"));
        let other = TenantSecret::new([2; 32]);
        let address = Address::parse(AddressKind::Phone, "+442079460018", None).expect("valid");
        assert_ne!(address.id(&secret), address.id(&other));
    }
}
