//! Codes of short links, for text messages: `/t/<code>`.
//!
//! A code is the position of the `DispatchStarted` that the message left by, and eight letters of proof: 12 to 14 letters and
//! digits. The log has the rest: the event leads to the message, and the proof says which of its links is meant. So a code
//! needs no table, works as soon as the message leaves, survives a restart and a rebuild, and ends with the person: once a
//! customer is forgotten, nobody can read any more where the links of their messages led.
//!
//! A code shows about how long the log was when the message left. The proof has 47 bits: who makes codes up finds a link in
//! one of 10^14 tries.

use subtle::ConstantTimeEq;

use crate::ids::{Label, MessageId, Position, TenantSecret};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many letters the proof has.
const PROOF: usize = 8;
/// The letters that the largest position takes.
const LONGEST: usize = 11;

/// Writes the code of a link.
#[must_use]
pub fn write(position: Position, message_id: MessageId, link: &str, secret: &TenantSecret) -> String {
    let mut code = vec![];
    let mut rest = position.counter();
    while rest > 0 {
        code.push(digit(rest));
        rest /= 62;
    }
    code.reverse();
    code.extend(proof(position, message_id, link, secret));
    code.into_iter().map(char::from).collect()
}

/// The position that a code names. Anybody could have written it.
#[must_use]
pub fn position_of(code: &str) -> Option<Position> {
    let (position, _) = code.as_bytes().split_at_checked(code.len().checked_sub(PROOF)?)?;
    if position.is_empty() || position.len() > LONGEST || position[0] == DIGITS[0] {
        return None;
    }
    let mut counter = 0_u64;
    for letter in position {
        let value = DIGITS.iter().position(|digit| digit == letter)?;
        counter = counter.checked_mul(62)?.checked_add(value as u64)?;
    }
    Some(Position::from_counter(counter))
}

/// Whether a code is that of a link.
#[must_use]
pub fn is_of(code: &str, position: Position, message_id: MessageId, link: &str, secret: &TenantSecret) -> bool {
    let own = write(position, message_id, link, secret);
    own.len() == code.len() && bool::from(own.as_bytes().ct_eq(code.as_bytes()))
}

fn digit(number: u64) -> u8 {
    usize::try_from(number % 62).map_or(DIGITS[0], |index| DIGITS[index])
}

fn proof(position: Position, message_id: MessageId, link: &str, secret: &TenantSecret) -> [u8; PROOF] {
    let parts = [&position.bytes()[..], message_id.0.as_bytes(), link.as_bytes()];
    let whole = secret.fingerprint(Label::ShortLink, &parts);
    let mut rest = u64::from_be_bytes([whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], whole[6], whole[7]]);
    std::array::from_fn(|_| {
        let letter = digit(rest);
        rest /= 62;
        letter
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn secret(number: u8) -> TenantSecret {
        TenantSecret::new([number; 32])
    }

    #[test]
    fn a_code_is_short() {
        let id = MessageId(Uuid::from_u128(1));
        let length = |counter| write(Position::from_counter(counter), id, "https://x.example", &secret(1)).len();
        assert_eq!((length(1), length(10_000_000), length(1_000_000_000)), (9, 12, 14));
    }

    proptest! {
        #[test]
        fn a_code_is_that_of_one_link_of_one_message(
            counter in 1..u64::MAX, id in any::<u128>(), at in any::<prop::sample::Index>(), letter in "[0-9A-Za-z_ -]",
        ) {
            let (position, id) = (Position::from_counter(counter), MessageId(Uuid::from_u128(id)));
            let code = write(position, id, "https://x.example/a", &secret(1));
            prop_assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(position_of(&code), Some(position));
            prop_assert!(is_of(&code, position, id, "https://x.example/a", &secret(1)));
            prop_assert!(!is_of(&code, position, id, "https://x.example/b", &secret(1)));
            prop_assert!(!is_of(&code, position, id, "https://x.example/a", &secret(2)));
            let at = at.index(code.len());
            let changed = format!("{}{letter}{}", &code[..at], &code[at + 1..]);
            prop_assert!(changed == code || !is_of(&changed, position, id, "https://x.example/a", &secret(1)));
        }

        #[test]
        fn nothing_written_by_others_panics(code in ".{0,40}") {
            let _ = position_of(&code);
        }
    }
}
