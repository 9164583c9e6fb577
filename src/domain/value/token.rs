//! Tokens that travel with a message and come back: in what a provider echoes, and in the address that a reply goes to.
//!
//! Both are authenticated with the tenant's secret, so nobody can make one for a message that is not theirs. Neither is
//! sealed: they hold ids and the campaign's variant, nothing that a person can be read from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::domain::value::Channel;
use crate::domain::value::message::{MessageKey, Route};
use crate::ids::{AddressId, CustomerId, Label, MessageId, TenantId, TenantSecret};

/// The first byte of every correlation token.
const VERSION: u8 = 1;
/// How many bytes of HMAC-SHA-256 authenticate a correlation token.
const MAC: usize = 16;
/// No token that we made is longer.
const MAX_TOKEN: usize = 4096;

/// What a callback must know to be recorded without looking anything up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation {
    /// The tenant that sent it.
    pub tenant: TenantId,
    /// The recipient.
    pub customer_id: CustomerId,
    /// The message's id, channel, campaign and conversation.
    pub key: MessageKey,
    /// The recipient's address.
    pub address_id: Option<AddressId>,
    /// The provider, account and sending domain.
    pub route: Route,
    /// When the provider was called, whole milliseconds. What is derived from a callback without a time of its own can
    /// take this one, which is the same in every repetition.
    pub called_at: DateTime<Utc>,
}

/// Writes a correlation token: URL-safe, about 200 characters.
#[must_use]
pub fn seal(correlation: &Correlation, secret: &TenantSecret) -> String {
    let Correlation { tenant, customer_id, key, address_id, route, called_at } = correlation;
    let optional = [key.campaign_id.map(|id| id.0), key.conversation_id.map(|id| id.0), address_id.map(|id| id.0)];
    let texts = [key.variant.as_deref(), Some(&route.provider), Some(&route.account), route.domain.as_deref()];
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(tenant.0.as_bytes());
    bytes.extend_from_slice(customer_id.0.as_bytes());
    bytes.extend_from_slice(key.message_id.0.as_bytes());
    bytes.push(channel_number(key.channel));
    bytes.extend_from_slice(&called_at.timestamp_millis().to_be_bytes());
    for id in optional {
        bytes.push(u8::from(id.is_some()));
        bytes.extend_from_slice(id.as_ref().map_or(&[][..], |id| id.as_bytes()));
    }
    for text in texts {
        // An absent text and an empty one differ: the length is written plus one.
        let text = text.map(|text| cut(text, 500));
        let length = text.and_then(|text| u16::try_from(text.len() + 1).ok()).unwrap_or(0);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    let mac = secret.fingerprint(Label::CorrelationToken, &[&bytes]);
    bytes.extend_from_slice(&mac[..MAC]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The tenant that a token names, to find the secret with which [`open`] proves it. Anybody could have written it.
#[must_use]
pub fn tenant_of(token: &str) -> Option<TenantId> {
    let bytes = decode(token)?;
    let mut reader = Reader(bytes.get(1..)?);
    Some(TenantId(reader.uuid()?))
}

/// Reads a correlation token; [`None`] unless it was made with this secret and not changed.
#[must_use]
pub fn open(token: &str, secret: &TenantSecret) -> Option<Correlation> {
    let bytes = decode(token)?;
    let (content, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
    let expected = secret.fingerprint(Label::CorrelationToken, &[content]);
    if !bool::from(expected[..MAC].ct_eq(mac)) {
        return None;
    }
    let mut reader = Reader(content.get(1..)?);
    let tenant = TenantId(reader.uuid()?);
    let customer_id = CustomerId(reader.uuid()?);
    let message_id = MessageId(reader.uuid()?);
    let number = reader.byte()?;
    let channel = Channel::ALL.iter().copied().find(|&channel| channel_number(channel) == number)?;
    let called_at = DateTime::from_timestamp_millis(i64::from_be_bytes(reader.take(8)?.try_into().ok()?))?;
    let campaign_id = reader.optional_uuid().ok()?.map(Into::into);
    let conversation_id = reader.optional_uuid().ok()?.map(Into::into);
    let address_id = reader.optional_uuid().ok()?.map(Into::into);
    let variant = reader.text().ok()?;
    let (provider, account) = (reader.text().ok()??, reader.text().ok()??);
    let domain = reader.text().ok()?;
    let key = MessageKey { message_id, channel, campaign_id, variant, conversation_id };
    let route = Route { provider, account, domain };
    reader.0.is_empty().then_some(Correlation { tenant, customer_id, key, address_id, route, called_at })
}

fn decode(token: &str) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.first() == Some(&VERSION))
}

/// Numbers that never change: tokens of years ago are still read.
const fn channel_number(channel: Channel) -> u8 {
    match channel {
        Channel::Email => 0,
        Channel::Sms => 1,
        Channel::Whatsapp => 2,
        Channel::Voice => 3,
        Channel::Push => 4,
        Channel::InApp => 5,
    }
}

fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// A token that we made, and cannot read: made by a version with other fields.
struct Damaged;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn uuid(&mut self) -> Option<Uuid> {
        Uuid::from_slice(self.take(16)?).ok()
    }

    fn optional_uuid(&mut self) -> Result<Option<Uuid>, Damaged> {
        match self.byte() {
            Some(0) => Ok(None),
            Some(1) => self.uuid().map(Some).ok_or(Damaged),
            _ => Err(Damaged),
        }
    }

    fn text(&mut self) -> Result<Option<String>, Damaged> {
        let length = self.take(2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes).ok_or(Damaged)?;
        let Some(length) = length.checked_sub(1) else { return Ok(None) };
        let text = self.take(usize::from(length)).ok_or(Damaged)?;
        String::from_utf8(text.to_vec()).map(Some).map_err(|_| Damaged)
    }
}

/// How many characters a reply token has.
pub const REPLY_TOKEN: usize = 52;
/// How many bytes of the tenant's id a reply token shows, so that its secret can be found.
const HINT: usize = 4;
const REPLY_MAC: usize = 12;

/// Writes the token for the address that replies to a message go to: 52 characters of lower-case base32, which a mail
/// server may turn to capitals without harm. It leaves 12 of the 64 characters before the `@` for a name.
#[must_use]
pub fn seal_reply(tenant: TenantId, message_id: MessageId, secret: &TenantSecret) -> String {
    let mut bytes = tenant_hint(tenant).to_vec();
    bytes.extend_from_slice(message_id.0.as_bytes());
    let mac = secret.fingerprint(Label::ReplyToken, &[tenant.0.as_bytes(), message_id.0.as_bytes()]);
    bytes.extend_from_slice(&mac[..REPLY_MAC]);
    BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
}

/// Whether a reply token may be this tenant's: tells whose secret to try, and proves nothing.
#[must_use]
pub fn reply_may_be_of(token: &str, tenant: TenantId) -> bool {
    decode_reply(token).is_some_and(|bytes| bytes[..HINT] == tenant_hint(tenant))
}

/// Reads a reply token; [`None`] unless it was made for this tenant and not changed.
#[must_use]
pub fn open_reply(token: &str, tenant: TenantId, secret: &TenantSecret) -> Option<MessageId> {
    let bytes = decode_reply(token)?;
    let (message, mac) = bytes.get(HINT..)?.split_at_checked(16)?;
    let expected = secret.fingerprint(Label::ReplyToken, &[tenant.0.as_bytes(), message]);
    let is_genuine = bool::from(expected[..REPLY_MAC].ct_eq(mac)) && bytes[..HINT] == tenant_hint(tenant);
    is_genuine.then(|| Uuid::from_slice(message).ok().map(MessageId)).flatten()
}

/// The address that replies to a message go to.
#[must_use]
pub fn reply_address(token: &str, domain: &str) -> String {
    format!("reply+{token}@{domain}")
}

/// The `Message-ID` of a mail of ours, with its angle brackets: it identifies the message in replies with headers
/// alone, and is the same for each attempt, so that a second copy shows as one.
#[must_use]
pub fn mail_id(token: &str, domain: &str) -> String {
    format!("<{}>", reply_address(token, domain))
}

/// What stands for a `Message-ID` that was not ours to choose: keyed, so that a reader of the log cannot test guesses.
#[must_use]
pub fn mail_id_fingerprint(mail_id: &str, secret: &TenantSecret) -> Uuid {
    secret.derive(Label::MailId, &[bare_mail_id(mail_id).as_bytes()])
}

/// Finds what looks like a reply token in a `Message-ID`, with or without its angle brackets.
#[must_use]
pub fn reply_token_in_mail_id(mail_id: &str) -> Option<String> {
    reply_token_in(bare_mail_id(mail_id))
}

fn bare_mail_id(mail_id: &str) -> &str {
    mail_id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// Finds what looks like a reply token in an address: what stands behind the last `+` before the `@`.
#[must_use]
pub fn reply_token_in(address: &str) -> Option<String> {
    let (local, _) = address.rsplit_once('@')?;
    let (_, token) = local.rsplit_once('+')?;
    reply_token(token)
}

/// The text as a reply token, if it looks like one.
#[must_use]
pub fn reply_token(text: &str) -> Option<String> {
    decode_reply(text).map(|_| text.to_ascii_lowercase())
}

fn decode_reply(token: &str) -> Option<Vec<u8>> {
    if token.len() != REPLY_TOKEN {
        return None;
    }
    BASE32_NOPAD_NOCASE.decode(token.as_bytes()).ok()
}

/// The last bytes of a tenant's id: random in every kind of UUID that we use.
fn tenant_hint(tenant: TenantId) -> [u8; HINT] {
    let [.., a, b, c, d] = tenant.0.into_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(number: u8) -> TenantSecret {
        TenantSecret::new([number; 32])
    }

    fn uuid() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    prop_compose! {
        fn correlation()(
            (tenant, customer, message) in (uuid(), uuid(), uuid()),
            channel in proptest::sample::select(Channel::ALL),
            (campaign, conversation, address) in
                (proptest::option::of(uuid()), proptest::option::of(uuid()), proptest::option::of(uuid())),
            variant in proptest::option::of(".{0,20}"),
            (account, domain) in ("[a-z]{0,10}", proptest::option::of("[a-z.]{0,20}")),
            millis in 0..4_000_000_000_000_i64,
        ) -> Correlation {
            let key = MessageKey {
                message_id: message.into(),
                channel,
                campaign_id: campaign.map(Into::into),
                variant,
                conversation_id: conversation.map(Into::into),
            };
            Correlation {
                tenant: tenant.into(),
                customer_id: customer.into(),
                key,
                address_id: address.map(Into::into),
                route: Route { provider: "twilio".to_owned(), account, domain },
                called_at: DateTime::from_timestamp_millis(millis).expect("a time"),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_can_be_opened_by_its_tenant_only(correlation in correlation()) {
            let token = seal(&correlation, &secret(1));
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(tenant_of(&token), Some(correlation.tenant));
            prop_assert_eq!(open(&token, &secret(2)), None);
            prop_assert_eq!(open(&token, &secret(1)), Some(correlation));
        }

        #[test]
        fn a_changed_or_shortened_token_opens_nothing(
            correlation in correlation(), place in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.+/ -]",
        ) {
            let token = seal(&correlation, &secret(1));
            let at = place.index(token.len());
            prop_assert_eq!(open(&token[..at], &secret(1)), None);
            let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
            prop_assert!(changed == token || open(&changed, &secret(1)).is_none());
            prop_assert_eq!(open(&format!("{token}{letter}"), &secret(1)), None);
        }

        #[test]
        fn nothing_written_by_others_opens_or_panics(token in ".{0,300}") {
            prop_assert_eq!(open(&token, &secret(1)), None);
            prop_assert_eq!(open_reply(&token, TenantId(Uuid::nil()), &secret(1)), None);
            let _ = (tenant_of(&token), reply_token_in(&token), reply_token_in_mail_id(&token));
        }

        #[test]
        fn a_reply_token_survives_mail_servers(tenant in uuid(), message in uuid()) {
            let (tenant, message) = (TenantId(tenant), MessageId(message));
            let token = seal_reply(tenant, message, &secret(1));
            let address = reply_address(&token, "replies.example.com");
            prop_assert!(address.split('@').next().expect("a local part").len() <= 64);
            let back = reply_token_in(&address.to_ascii_uppercase()).expect("a token");
            prop_assert_eq!(reply_token_in_mail_id(&mail_id(&token, "shop.example")), Some(back.clone()));
            prop_assert!(reply_may_be_of(&back, tenant));
            prop_assert_eq!(open_reply(&back, tenant, &secret(1)), Some(message));
            prop_assert_eq!(open_reply(&back, tenant, &secret(2)), None);
            let other = TenantId(Uuid::from_u128(tenant.0.as_u128() ^ (1 << 64)));
            prop_assert_eq!(open_reply(&back, other, &secret(1)), None);
        }

        #[test]
        fn a_changed_reply_token_opens_nothing(message in uuid(), at in 0..REPLY_TOKEN, letter in "[a-z2-7]") {
            let (tenant, message) = (TenantId(Uuid::from_u128(7)), MessageId(message));
            let token = seal_reply(tenant, message, &secret(1));
            let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
            prop_assert!(changed == token || open_reply(&changed, tenant, &secret(1)).is_none());
        }
    }

    #[test]
    fn a_token_of_usual_size_fits_every_echo() {
        let key = MessageKey {
            message_id: Uuid::max().into(),
            channel: Channel::Sms,
            campaign_id: Some(Uuid::max().into()),
            variant: Some("b".to_owned()),
            conversation_id: Some(Uuid::max().into()),
        };
        let correlation = Correlation {
            tenant: Uuid::max().into(),
            customer_id: Uuid::max().into(),
            key,
            address_id: Some(Uuid::max().into()),
            route: Route {
                provider: "sendgrid".to_owned(),
                account: "main".to_owned(),
                domain: Some("x.example".into()),
            },
            called_at: DateTime::UNIX_EPOCH,
        };
        assert!(seal(&correlation, &secret(1)).len() < 240);
    }
}
