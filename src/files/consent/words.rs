//! The words in cells about consent, in the languages and spellings of the usual systems.

use crate::files::fields::plain;

/// True if a word can only be the state of a subscription: a column that holds one is about consent.
#[must_use]
pub fn is_telling(word: &str) -> bool {
    matches!(
        plain(word).as_str(),
        "unsubscribed"
            | "subscribed"
            | "optedout"
            | "optedin"
            | "optout"
            | "optin"
            | "blocklisted"
            | "blacklisted"
            | "cleaned"
            | "bounced"
            | "hardbounced"
            | "softbounced"
            | "complained"
            | "spam"
            | "reportedasspam"
            | "suppressed"
            | "unconfirmed"
            | "neversubscribed"
            | "nonsubscribed"
            | "notsubscribed"
            | "donotcontact"
    )
}

/// True if a cell refuses messages, whatever its column is called.
#[must_use]
pub fn is_refusing(cell: &str) -> bool {
    let may_be =
        cell.len() <= 40 && cell.trim_start().starts_with(['u', 'U', 'o', 'O', 'b', 'B', 'd', 'D', 'n', 'N', 'h', 'H']);
    may_be
        && matches!(
            plain(cell).as_str(),
            "unsubscribed"
                | "optedout"
                | "optout"
                | "blocklisted"
                | "blacklisted"
                | "donotcontact"
                | "donotemail"
                | "donotmail"
                | "neversubscribed"
                | "notsubscribed"
                | "nonsubscribed"
                | "hardbounced"
        )
}

pub(super) fn out(word: &str) -> bool {
    matches!(
        word,
        "optedout"
            | "optout"
            | "unsubscribed"
            | "unsubscribe"
            | "neversubscribed"
            | "nonsubscribed"
            | "notsubscribed"
            | "nosubscription"
            | "unsubscribedbycontact"
            | "blocklisted"
            | "blacklisted"
            | "blocked"
            | "cleaned"
            | "bounced"
            | "hardbounced"
            | "hardbounce"
            | "complained"
            | "complaint"
            | "spam"
            | "reportedasspam"
            | "suppressed"
            | "disabled"
            | "donotcontact"
            | "donotallow"
            | "notallowed"
            | "denied"
            | "declined"
            | "revoked"
            | "withdrawn"
            | "removed"
            | "invalid"
            | "unreachable"
            | "undeliverable"
    )
}

pub(super) fn into(word: &str) -> bool {
    matches!(
        word,
        "optedin"
            | "optin"
            | "subscribed"
            | "confirmed"
            | "granted"
            | "express"
            | "explicit"
            | "doubleoptin"
            | "singleoptin"
    )
}

pub(super) fn pending(word: &str) -> bool {
    matches!(word, "pending" | "unconfirmed" | "awaitingconfirmation" | "pendingconfirmation" | "confirmationpending")
}

/// Yes or no, in the writings that exports use.
pub(super) fn yes(word: &str) -> Option<bool> {
    match word {
        "yes" | "y" | "true" | "t" | "1" | "on" | "ja" | "oui" | "si" | "sí" | "sim" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "off" | "nein" | "non" | "não" => Some(false),
        _ => None,
    }
}
