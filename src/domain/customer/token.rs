//! Tokens of customers' own programs: a page or app of the tenant's, in the hands of one customer, which may read that customer's
//! messages in the product, say what became of them, and register its device. Nothing else opens to it.
//!
//! The tenant's back end, which knows who is signed in, asks for one with its API key and hands it to the page. A token is a
//! version, the ids of tenant and customer, when it ends, and a proof of all that by the tenant's secret, in base64url behind
//! `clc_`. Nothing is stored for it: it cannot be taken back, and so lives for a day at most.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::ids::{CustomerId, Label, TenantId, TenantSecret};

/// What every token begins with: it cannot be taken for an API key.
const PREFIX: &str = "clc_";
const VERSION: u8 = 1;
/// Version, tenant, customer, end.
const HEAD: usize = 1 + 2 * 16 + 8;
/// 128 bits, which nobody guesses.
const MAC: usize = 16;

/// The shortest and the longest life of a token.
pub const LIVES: (TimeDelta, TimeDelta) = (TimeDelta::minutes(1), TimeDelta::days(1));

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerToken {
    /// Whose customer.
    pub tenant: TenantId,
    /// Who holds it.
    pub customer_id: CustomerId,
    /// From then on it says nothing; whole seconds.
    pub expires_at: DateTime<Utc>,
}

impl CustomerToken {
    /// The token as text: letters, digits, `-` and `_`.
    #[must_use]
    pub fn seal(&self, secret: &TenantSecret) -> String {
        let mut bytes = Vec::with_capacity(HEAD + MAC);
        bytes.push(VERSION);
        bytes.extend(self.tenant.0.as_bytes());
        bytes.extend(self.customer_id.0.as_bytes());
        bytes.extend(self.expires_at.timestamp().to_be_bytes());
        let mac = secret.fingerprint(Label::CustomerToken, &[&bytes]);
        bytes.extend(&mac[..MAC]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The tenant that a text claims to be of, so that its secret can be looked up. Believe nothing of it before
    /// [`Self::open`].
    #[must_use]
    pub fn claimed_tenant(text: &str) -> Option<TenantId> {
        Some(TenantId(Uuid::from_slice(&decode(text)?[1..17]).ok()?))
    }

    /// Reads a token; [`None`] if the tenant did not make it or it has ended.
    #[must_use]
    pub fn open(text: &str, secret: &TenantSecret, now: DateTime<Utc>) -> Option<Self> {
        let bytes = decode(text)?;
        let (signed, mac) = bytes.split_at(HEAD);
        let expected = secret.fingerprint(Label::CustomerToken, &[signed]);
        if !bool::from(expected[..MAC].ct_eq(mac)) {
            return None;
        }
        let seconds = i64::from_be_bytes(signed[33..].try_into().ok()?);
        let expires_at = DateTime::from_timestamp(seconds, 0).filter(|at| now < *at)?;
        let id = |from: usize| Uuid::from_slice(&signed[from..from + 16]).ok();
        Some(Self { tenant: TenantId(id(1)?), customer_id: CustomerId(id(17)?), expires_at })
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix(PREFIX).filter(|text| text.len() <= (HEAD + MAC) * 4 / 3 + 2)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == HEAD + MAC && bytes[0] == VERSION).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> CustomerToken {
        CustomerToken {
            tenant: TenantId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            expires_at: DateTime::UNIX_EPOCH + TimeDelta::hours(1),
        }
    }

    fn secret(byte: u8) -> TenantSecret {
        TenantSecret::new([byte; 32])
    }

    #[test]
    fn what_was_sealed_is_read_back_by_its_tenant_alone() {
        let text = token().seal(&secret(1));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        assert_eq!(CustomerToken::claimed_tenant(&text), Some(token().tenant));
        assert_eq!(CustomerToken::open(&text, &secret(1), DateTime::UNIX_EPOCH), Some(token()));
        assert_eq!(CustomerToken::open(&text, &secret(2), DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn a_token_ends_when_it_says_so() {
        let text = token().seal(&secret(1));
        let at = |seconds| CustomerToken::open(&text, &secret(1), token().expires_at + TimeDelta::seconds(seconds));
        assert!(at(-1).is_some());
        assert_eq!(at(0), None);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(text in "(clc_)?[A-Za-z0-9_-]{0,90}") {
            prop_assert_eq!(CustomerToken::open(&text, &secret(1), DateTime::UNIX_EPOCH), None);
            let _ = CustomerToken::claimed_tenant(&text);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0..(HEAD + MAC), change in 1..=255_u8) {
            let text = token().seal(&secret(1));
            let mut bytes = URL_SAFE_NO_PAD.decode(&text[PREFIX.len()..]).expect("base64");
            bytes[at] ^= change;
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(CustomerToken::open(&changed, &secret(1), DateTime::UNIX_EPOCH), None);
        }
    }
}
