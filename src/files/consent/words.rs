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
