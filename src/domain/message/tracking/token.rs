//! Tokens of tracked links and pictures: which message, and where a link leads. Nothing is stored for them.
//!
//! A token is a version, a kind, the tenant's id, a proof of 96 bits, and what is sealed: the position of the
//! `DispatchStarted` that the message left by, four bytes of the message's id, and the target. All of it is proved by the
//! tenant's secret, so that nobody can make a link that leads elsewhere from here, and a link leads on even while the log
//! does not answer. The sealed part is hidden by a key stream that derives from the secret and the proof (a synthetic
//! nonce, as in RFC 5297): neither the target nor the length of the log can be read from a link.
//!
//! A picture's token has 54 letters; a link's has four letters for each three bytes of its target more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::links::MAX_LINK_BYTES;
use crate::ids::{Label, MessageId, Position, TenantId, TenantSecret};

const VERSION: u8 = 1;
/// Version, kind, tenant.
const HEAD: usize = 2 + 16;
const MAC: usize = 12;
/// How many bytes of a position are written: enough for 2^48 events.
const POSITION: usize = 6;
/// How many bytes of the message's id are: they tell whether the position is still that of the message, in a log that was
/// restored since.
const CHECK: usize = 4;
const MAX_BYTES: usize = HEAD + MAC + POSITION + CHECK + MAX_LINK_BYTES + 1;

/// What a token is for: each has its own path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The picture of a mail.
    Open,
    /// A link.
    Click,
}

/// The dispatch that a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispatch {
    /// The position of its `DispatchStarted`.
    pub position: Position,
    check: [u8; CHECK],
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// By which call to a provider the message left.
    pub dispatch: Dispatch,
    /// Where a link leads: always to `http` or `https`.
    pub target: Option<String>,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Click => 2,
        }
    }
}

impl Dispatch {
    /// The dispatch of a message.
    #[must_use]
    pub fn new(position: Position, message_id: MessageId) -> Self {
        Self { position, check: check(message_id) }
    }

    /// Whether it is this message's.
    #[must_use]
    pub fn is_of(&self, message_id: MessageId) -> bool {
        self.check == check(message_id)
    }
}

/// The last bytes of the id: random in every kind of UUID that we use.
fn check(message_id: MessageId) -> [u8; CHECK] {
    let [.., a, b, c, d] = message_id.0.into_bytes();
    [a, b, c, d]
}

/// Writes a token: of a picture without a target, of a link with one.
#[must_use]
pub fn seal(tenant: TenantId, dispatch: Dispatch, target: Option<&str>, secret: &TenantSecret) -> String {
    let kind = if target.is_some() { Kind::Click } else { Kind::Open };
    let mut head = vec![VERSION, kind.code()];
    head.extend(tenant.0.as_bytes());
    let mut sealed = dispatch.position.counter().to_be_bytes()[8 - POSITION..].to_vec();
    sealed.extend(dispatch.check);
    sealed.extend(target.map(shortened).unwrap_or_default());
    // Then the last letter is neither `-` nor `_`, which programs leave out of a link that they find in a text.
    if (HEAD + MAC + sealed.len()).is_multiple_of(3) {
        sealed.push(0);
    }
    let mac = proof(&head, &sealed, secret);
    hide(&mut sealed, &mac, secret);
    URL_SAFE_NO_PAD.encode([head.as_slice(), &mac, &sealed].concat())
}

/// The tenant that a token names, to find the secret with which [`open`] proves it. Anybody could have written it.
#[must_use]
pub fn tenant_of(text: &str) -> Option<TenantId> {
    Some(TenantId(Uuid::from_slice(&decode(text)?[2..HEAD]).ok()?))
}

/// Reads a token; [`None`] unless it was made of this kind, with this secret, and not changed.
#[must_use]
pub fn open(text: &str, kind: Kind, secret: &TenantSecret) -> Option<Tracked> {
    let bytes = decode(text)?;
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let (mac, sealed) = rest.split_at_checked(MAC)?;
    let mut sealed = sealed.to_vec();
    hide(&mut sealed, mac, secret);
    if !bool::from(proof(head, &sealed, secret).ct_eq(mac)) || head[1] != kind.code() {
        return None;
    }
    let mut counter = [0; 8];
    counter[8 - POSITION..].copy_from_slice(sealed.get(..POSITION)?);
    let check = sealed.get(POSITION..POSITION + CHECK)?.try_into().ok()?;
    let dispatch = Dispatch { position: Position::from_counter(u64::from_be_bytes(counter)), check };
    let target = sealed.get(POSITION + CHECK..)?;
    let target = match kind {
        Kind::Open => None,
        Kind::Click => Some(lengthened(target.strip_suffix(&[0]).unwrap_or(target))?),
    };
    Some(Tracked { dispatch, target })
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Four letters hold three bytes.
    if text.len() > MAX_BYTES * 4 / 3 + 4 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() >= HEAD + MAC + POSITION + CHECK && bytes[0] == VERSION).then_some(bytes)
}

fn proof(head: &[u8], sealed: &[u8], secret: &TenantSecret) -> [u8; MAC] {
    let whole = secret.fingerprint(Label::TrackingToken, &[head, sealed]);
    let mut mac = [0; MAC];
    mac.copy_from_slice(&whole[..MAC]);
    mac
}

/// Hides what is open, and opens what is hidden.
fn hide(bytes: &mut [u8], mac: &[u8], secret: &TenantSecret) {
    for (number, block) in (0_u32..).zip(bytes.chunks_mut(32)) {
        let stream = secret.fingerprint(Label::TrackingSeal, &[mac, &number.to_be_bytes()]);
        for (byte, mask) in block.iter_mut().zip(stream) {
            *byte ^= mask;
        }
    }
}

/// A target with a byte in place of its scheme.
fn shortened(target: &str) -> Vec<u8> {
    let is_secure = target.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let (code, length) = if is_secure { (b's', 8) } else { (b'p', 7) };
    [&[code], target.as_bytes().get(length..).unwrap_or_default()].concat()
}

fn lengthened(bytes: &[u8]) -> Option<String> {
    let scheme = match bytes.first()? {
        b's' => "https://",
        b'p' => "http://",
        _ => return None,
    };
    Some(format!("{scheme}{}", std::str::from_utf8(&bytes[1..]).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(number: u8) -> TenantSecret {
        TenantSecret::new([number; 32])
    }

    fn tenant() -> TenantId {
        TenantId(Uuid::from_u128(7))
    }

    fn dispatch() -> Dispatch {
        Dispatch::new(Position::from_counter(1_234_567), MessageId(Uuid::from_u128(0x1234_5678)))
    }

    #[test]
    fn a_picture_and_a_link_are_not_each_other() {
        let picture = seal(tenant(), dispatch(), None, &secret(1));
        assert_eq!(picture.len(), 54);
        assert_eq!(open(&picture, Kind::Open, &secret(1)), Some(Tracked { dispatch: dispatch(), target: None }));
        assert_eq!(open(&picture, Kind::Click, &secret(1)), None);
        let link = seal(tenant(), dispatch(), Some("https://shop.example/"), &secret(1));
        assert_eq!(open(&link, Kind::Open, &secret(1)), None);
    }

    #[test]
    fn nothing_can_be_read_from_a_link() {
        let target = "https://shop.example/a-long-path/to/something";
        let bytes = URL_SAFE_NO_PAD.decode(seal(tenant(), dispatch(), Some(target), &secret(1))).expect("base64");
        for seen in [b"shop".as_slice(), b"path", &1_234_567_u32.to_be_bytes()] {
            assert!(!bytes.windows(seen.len()).any(|window| window == seen));
        }
    }

    #[test]
    fn a_dispatch_knows_its_message() {
        assert!(dispatch().is_of(MessageId(Uuid::from_u128(0x1234_5678))));
        assert!(!dispatch().is_of(MessageId(Uuid::from_u128(0x1234_5679))));
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened_by_its_tenant_only(
            counter in 0..1_u64 << 48, id in any::<u128>(), scheme in "https?://", rest in "[a-zß?&=#/%\u{1F377}-]{1,300}",
        ) {
            let dispatch = Dispatch::new(Position::from_counter(counter), MessageId(Uuid::from_u128(id)));
            let target = scheme + &rest;
            let token = seal(tenant(), dispatch, Some(&target), &secret(1));
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert!(token.ends_with(|last: char| last.is_ascii_alphanumeric()));
            prop_assert_eq!(tenant_of(&token), Some(tenant()));
            prop_assert_eq!(open(&token, Kind::Click, &secret(1)), Some(Tracked { dispatch, target: Some(target) }));
            prop_assert_eq!(open(&token, Kind::Click, &secret(2)), None);
        }

        #[test]
        fn a_changed_or_shortened_token_opens_nothing(place in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_.+/ -]") {
            let token = seal(tenant(), dispatch(), Some("https://shop.example/a?b=c"), &secret(1));
            let at = place.index(token.len());
            prop_assert_eq!(open(&token[..at], Kind::Click, &secret(1)), None);
            let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
            prop_assert!(changed == token || open(&changed, Kind::Click, &secret(1)).is_none());
            prop_assert_eq!(open(&format!("{token}{letter}"), Kind::Click, &secret(1)), None);
        }

        #[test]
        fn nothing_written_by_others_opens_or_panics(token in ".{0,300}") {
            prop_assert_eq!(open(&token, Kind::Click, &secret(1)), None);
            prop_assert_eq!(open(&token, Kind::Open, &secret(1)), None);
            let _ = tenant_of(&token);
        }
    }
}
