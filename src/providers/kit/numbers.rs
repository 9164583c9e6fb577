//! Telephone numbers: in E.164 with `+` here, and as digits alone on the wire of some providers.

use crate::domain::value::message::RetryClass;
use crate::providers::SendError;

/// A number, short code or name as the provider takes it: a number without its `+`.
pub(in crate::providers) fn digits(sender: &str) -> &str {
    sender.strip_prefix('+').filter(|number| is_digits(number)).unwrap_or(sender)
}

/// A receiver's number as digits alone. One without its `+` is refused here: providers that take digits alone would read a
/// national number as that of another country, or complete it with one of their own choice.
pub(in crate::providers) fn receiver(to: &str) -> Result<&str, SendError> {
    if is_number(to) {
        return Ok(digits(to));
    }
    let detail = "the receiver's number does not begin with + and its country code";
    Err(SendError::refused(RetryClass::Permanent, Some("not_e164".to_owned()), detail))
}

/// What a provider writes as digits alone in E.164. Short codes and names stay as they are.
pub(in crate::providers) fn e164(text: &str) -> String {
    let is_number = (7..=15).contains(&text.len()) && is_digits(text) && !text.starts_with('0');
    if is_number { format!("+{text}") } else { text.to_owned() }
}

/// Whether a text can stand as the sender of an SMS: a number with `+`, a short code, or a name of at most 11 characters
/// with a letter among them.
pub(in crate::providers) fn is_sender(text: &str) -> bool {
    let is_name = (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'&' | b'.'))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_code = (3..=8).contains(&text.len()) && is_digits(text);
    is_number(text) || is_code || is_name
}

/// Whether a text is a number in E.164.
pub(in crate::providers) fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|number| (7..=15).contains(&number.len()) && is_digits(number))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_and_gain_their_plus_and_names_stay() {
        assert_eq!(
            [digits("+447700900000"), digits("Acme"), digits("24680"), digits("+Acme")],
            ["447700900000", "Acme", "24680", "+Acme"]
        );
        assert_eq!(e164("447700900000"), "+447700900000");
        for same in ["+447700900000", "24680", "Acme", "", "0049301234567", "1234567890123456"] {
            assert_eq!(e164(same), same);
        }
    }

    #[test]
    fn only_a_number_with_its_country_code_is_a_receiver() {
        assert_eq!(receiver("+420601234567"), Ok("420601234567"));
        for national in ["601234567", "0601234567", "00420601234567", "+420 601 234 567", "+420", "45100", ""] {
            assert!(
                matches!(receiver(national), Err(SendError::Refused { class: RetryClass::Permanent, .. })),
                "{national}"
            );
        }
    }

    #[test]
    fn a_sender_is_a_number_a_short_code_or_a_name() {
        for good in ["+447700900000", "24680", "Acme", "Acme & Co.", "A1"] {
            assert!(is_sender(good), "{good}");
        }
        for bad in ["", "447700900000", "+49", "Acme Incorporated", "12", "Acm\u{e9}", "+1202555019a"] {
            assert!(!is_sender(bad), "{bad}");
        }
    }
}
