//! Texts from outside: bounded, and without the NUL character, which no store takes.

use chrono::{DateTime, TimeDelta, Utc};

/// How much of a notice is kept as it came, in bytes.
pub(in crate::providers) const MAX_RAW: usize = 1024 * 1024;
/// The longest text of a message that is taken over, in characters: what the log holds of one.
pub(in crate::providers) const MAX_BODY: usize = 100_000;
/// The longest short text: an address, a subject, a code.
pub(in crate::providers) const MAX_SHORT: usize = 2_000;

/// A text without NUL, cut to a number of characters.
pub(in crate::providers) fn bounded(text: &str, max: usize) -> String {
    let end = text.char_indices().nth(max).map_or(text.len(), |(end, _)| end);
    text[..end].replace('\0', "\u{FFFD}")
}

/// As [`bounded`]; a blank one is absent.
pub(in crate::providers) fn short(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| bounded(text, MAX_SHORT))
}

/// A text for a header: without line breaks and other control characters.
pub(in crate::providers) fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// What came in, as text, to be kept: at most [`MAX_RAW`] bytes, also where odd bytes become signs that are longer.
pub(in crate::providers) fn raw(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_RAW)]);
    let mut text = text.replace('\0', "\u{FFFD}");
    text.truncate(text.floor_char_boundary(MAX_RAW));
    text
}

/// Whether what is kept is certainly all that came in: what was cut ends within a character of the bound.
pub(in crate::providers) fn is_whole(raw: &str) -> bool {
    raw.len() + char::MAX.len_utf8() <= MAX_RAW
}

/// A provider's time, if it can be one: not before this century, not more than an hour ahead of us.
pub(in crate::providers) fn plausible(time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    time.filter(|time| time.timestamp() > 946_684_800 && *time <= now + TimeDelta::hours(1))
        .map(crate::clock::to_micros)
}

/// The name in `Name <address>`; absent if there is none, or if it is the address once more.
pub(in crate::providers) fn name_in(text: &str) -> Option<String> {
    let (name, rest) = text.rsplit_once('<')?;
    let name = name.trim().trim_matches('"').replace("\\\"", "\"");
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    short(&name).filter(|name| !name.eq_ignore_ascii_case(rest.trim_end_matches('>').trim()))
}

/// The address in `Name <address>`, or the whole text.
pub(in crate::providers) fn address_in(text: &str) -> &str {
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    inner.unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_whatever_its_bytes_become() {
        for odd in
            [vec![0; MAX_RAW], vec![0xff; MAX_RAW + 1], "€".repeat(MAX_RAW).into_bytes(), vec![b'a'; MAX_RAW + 1]]
        {
            let kept = raw(&odd);
            assert!(kept.len() <= MAX_RAW && !is_whole(&kept), "{} bytes", kept.len());
        }
        assert!(is_whole(&raw(b"a=b")));
    }

    #[test]
    fn texts_are_cut_between_characters_and_lose_nul() {
        assert_eq!(bounded("a\0üb", 3), "a\u{FFFD}ü");
        assert_eq!(short(" \n"), None);
        assert_eq!(raw(b"a\xff\0"), "a\u{FFFD}\u{FFFD}");
        assert_eq!(raw(&vec![b'x'; MAX_RAW + 1]).len(), MAX_RAW);
    }

    #[test]
    fn an_address_is_found_behind_a_name() {
        assert_eq!(address_in("\"Lovelace, Ada <x>\" <ada@example.org>"), "ada@example.org");
        assert_eq!(address_in(" ada@example.org "), "ada@example.org");
        assert_eq!(address_in("<"), "<");
    }

    #[test]
    fn times_of_other_centuries_are_no_times() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(plausible(DateTime::from_timestamp(0, 0), now), None);
        assert_eq!(plausible(Some(now + TimeDelta::hours(2)), now), None);
        assert_eq!(plausible(Some(now), now), Some(now));
    }
}
