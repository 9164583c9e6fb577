//! Links in messages: tokens that say who may do what, and that nobody else can make. Nothing is stored for them.
//!
//! A token is a version, a purpose, the ids of tenant and customer, what it is about, when it expires, and an HMAC over
//! all that by the tenant's secret; in base64url. The ids name nobody to a stranger.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::domain::value::Channel;
use crate::ids::{CustomerId, Label, MessageId, TenantId, TenantSecret};

const VERSION: u8 = 1;
/// 128 bits, which nobody guesses, so that links stay short.
const MAC_BYTES: usize = 16;
/// Version, purpose, channel, tenant, customer, message, expiry.
const HEAD_BYTES: usize = 3 + 3 * 16 + 8;
/// The longest topic that a token carries: all that the domain takes.
const MAX_BYTES: usize = HEAD_BYTES + 4 * crate::domain::text::SHORT + MAC_BYTES;

/// How long a confirmation may take (double opt-in).
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(7);

/// What a token's holder may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// End messages of a channel and topic. Never expires: neither may an opt-out.
    Unsubscribe,
    /// See and change what the customer agreed to. Never expires, for the same reason.
    Preferences,
    /// Confirm a pending opt-in; within [`CONFIRM_WITHIN`].
    Confirm,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What its holder may do.
    pub purpose: Purpose,
    /// Whose customer.
    pub tenant: TenantId,
    /// The customer's id.
    pub customer_id: CustomerId,
    /// About which channel.
    pub channel: Channel,
    /// About which topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// The message that the link is in.
    pub message_id: Option<MessageId>,
    /// From then on it says nothing.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Token {
    /// The token as text for a URL: letters, digits, `-` and `_`.
    #[must_use]
    pub fn seal(&self, secret: &TenantSecret) -> String {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.topic.len() + MAC_BYTES);
        bytes.extend([VERSION, self.purpose.code(), channel_code(self.channel)]);
        bytes.extend(self.tenant.0.as_bytes());
        bytes.extend(self.customer_id.0.as_bytes());
        bytes.extend(self.message_id.map_or(Uuid::nil(), |id| id.0).as_bytes());
        bytes.extend(self.expires_at.map_or(0, |at| at.timestamp()).to_be_bytes());
        bytes.extend(self.topic.as_bytes());
        let mac = secret.fingerprint(Label::ConsentLink, &[&bytes]);
        bytes.extend(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The tenant that a text claims to be of, so that its secret can be looked up. Believe nothing of it before
    /// [`Self::open`].
    #[must_use]
    pub fn claimed_tenant(text: &str) -> Option<TenantId> {
        let bytes = spellings(text).find_map(|text| decode(&text))?;
        Some(TenantId(Uuid::from_slice(&bytes[3..19]).ok()?))
    }

    /// Reads a token; [`None`] if the tenant did not make it or it has expired.
    #[must_use]
    pub fn open(text: &str, secret: &TenantSecret, now: DateTime<Utc>) -> Option<Self> {
        Self::prove(text, secret).filter(|token| !token.has_expired(now))
    }

    /// Whether it says nothing any more.
    #[must_use]
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Reads a token that may have expired; [`None`] if the tenant did not make it.
    #[must_use]
    pub fn prove(text: &str, secret: &TenantSecret) -> Option<Self> {
        spellings(text).find_map(|text| Self::read(&text, secret))
    }

    fn read(text: &str, secret: &TenantSecret) -> Option<Self> {
        let bytes = decode(text)?;
        let (signed, mac) = bytes.split_at(bytes.len() - MAC_BYTES);
        let expected = secret.fingerprint(Label::ConsentLink, &[signed]);
        if !bool::from(expected[..MAC_BYTES].ct_eq(mac)) {
            return None;
        }
        let id = |from: usize| Uuid::from_slice(&signed[from..from + 16]).ok();
        let seconds = i64::from_be_bytes(signed[51..59].try_into().ok()?);
        let expires_at = if seconds == 0 { None } else { Some(DateTime::from_timestamp(seconds, 0)?) };
        Some(Self {
            purpose: Purpose::of_code(signed[1])?,
            tenant: TenantId(id(3)?),
            customer_id: CustomerId(id(19)?),
            channel: channel_of_code(signed[2])?,
            topic: std::str::from_utf8(&signed[HEAD_BYTES..]).ok()?.to_owned(),
            message_id: id(35).filter(|id| !id.is_nil()).map(MessageId),
            expires_at,
        })
    }
}

/// What a text may have been as we wrote it. Programs that find links in plain text take the sign that follows one for a part of
/// it, or a dash at its end for none.
fn spellings(text: &str) -> impl Iterator<Item = String> {
    let text = text.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_');
    ["", "-", "_"].into_iter().map(move |end| format!("{text}{end}"))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Four letters hold three bytes.
    if text.len() > MAX_BYTES * 4 / 3 + 4 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() > HEAD_BYTES + MAC_BYTES && bytes[0] == VERSION).then_some(bytes)
}

impl Purpose {
    const fn code(self) -> u8 {
        match self {
            Self::Unsubscribe => 1,
            Self::Preferences => 2,
            Self::Confirm => 3,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Unsubscribe),
            2 => Some(Self::Preferences),
            3 => Some(Self::Confirm),
            _ => None,
        }
    }
}

const fn channel_code(channel: Channel) -> u8 {
    match channel {
        Channel::Email => 1,
        Channel::Sms => 2,
        Channel::Whatsapp => 3,
        Channel::Voice => 4,
        Channel::Push => 5,
        Channel::InApp => 6,
    }
}

fn channel_of_code(code: u8) -> Option<Channel> {
    Channel::ALL.iter().copied().find(|channel| channel_code(*channel) == code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(purpose: Purpose) -> Token {
        Token {
            purpose,
            tenant: TenantId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            channel: Channel::Sms,
            topic: "angebote-für-dich".to_owned(),
            message_id: Some(MessageId(Uuid::from_u128(3))),
            expires_at: None,
        }
    }

    fn secret(byte: u8) -> TenantSecret {
        TenantSecret::new([byte; 32])
    }

    #[test]
    fn what_was_sealed_is_read_back_and_fits_into_a_url() {
        for purpose in [Purpose::Unsubscribe, Purpose::Preferences, Purpose::Confirm] {
            let text = token(purpose).seal(&secret(1));
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert_eq!(Token::claimed_tenant(&text), Some(token(purpose).tenant));
            assert_eq!(Token::open(&text, &secret(1), DateTime::UNIX_EPOCH), Some(token(purpose)));
            assert_eq!(Token::open(&text, &secret(2), DateTime::UNIX_EPOCH), None);
        }
    }

    #[test]
    fn a_link_that_was_cut_wrongly_out_of_a_text_works() {
        let sealed = (0..).map(|number| {
            let message_id = Some(MessageId(Uuid::from_u128(number)));
            let token = Token { topic: "all".to_owned(), message_id, ..token(Purpose::Preferences) };
            (token.seal(&secret(1)), token)
        });
        for sign in ['-', '_'] {
            let (text, token) = sealed.clone().find(|(text, _)| text.ends_with(sign)).expect("one of 64");
            let without = text.strip_suffix(sign).expect("it ends with it");
            let cut =
                [text.clone(), without.to_owned(), format!("{text}."), format!("{text}>)"), format!("{without},")];
            for text in cut {
                assert_eq!(Token::claimed_tenant(&text), Some(token.tenant), "{text}");
                assert_eq!(Token::prove(&text, &secret(1)).as_ref(), Some(&token), "{text}");
            }
            assert_eq!(Token::prove(&without[..without.len() - 1], &secret(1)), None);
        }
    }

    #[test]
    fn a_token_ends_when_it_says_so() {
        let expires_at = Some(DateTime::UNIX_EPOCH + TimeDelta::days(7));
        let text = Token { expires_at, ..token(Purpose::Confirm) }.seal(&secret(1));
        let at = |seconds| Token::open(&text, &secret(1), DateTime::UNIX_EPOCH + TimeDelta::days(7) + seconds);
        assert!(at(TimeDelta::seconds(-1)).is_some());
        assert_eq!(at(TimeDelta::zero()), None);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(text in "[A-Za-z0-9_-]{0,400}") {
            prop_assert_eq!(Token::open(&text, &secret(1), DateTime::UNIX_EPOCH), None);
            let _ = Token::claimed_tenant(&text);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0..200_usize, change in 1..=255_u8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(token(Purpose::Unsubscribe).seal(&secret(1))).expect("base64");
            let at = at % bytes.len();
            bytes[at] ^= change;
            prop_assert_eq!(Token::open(&URL_SAFE_NO_PAD.encode(bytes), &secret(1), DateTime::UNIX_EPOCH), None);
        }
    }
}
