//! What to do about Twilio's error codes (`docs.twilio.com/api/errors`), those that a call is refused with and those
//! that a status callback reports, for messages and for calls.

use crate::domain::value::message::RetryClass;

/// The documented codes.
const TABLE: &[(RetryClass, &[u32])] = &[
    // The account: bad credentials, suspended, a sender that is not ours, not registered or not allowed there, a country
    // that is switched off, a trial, a messaging service without senders, a channel that is not set up.
    (
        RetryClass::Configuration,
        &[
            10001, 20003, 20005, 20006, 20008, 21212, 21408, 21601, 21606, 21608, 21659, 21660, 21701, 21702, 21703,
            21704, 21705, 30002, 30010, 30018, 30024, 30032, 30034, 63001, 63002, 63007, 63008, 63015, 63020,
        ],
    ),
    // A template that Twilio does not know, or that WhatsApp rejected, paused or disabled: all messages that are made of it meet
    // the same.
    (RetryClass::Configuration, &[21655, 63027, 63040, 63041, 63042]),
    // Calls: a caller that is not verified, a country without permission for calls, a trial, our webhook.
    (RetryClass::Configuration, &[11200, 13227, 21210, 21215, 21219, 21262]),
    // Too fast or too many: the API's concurrency, a sender's queue, a carrier's daily cap, a channel's limit.
    (RetryClass::RateLimited, &[10004, 20429, 21611, 30001, 30022, 30023, 30027, 35125, 63017, 63018, 63038]),
    // The receiver said STOP, or blocked the business on the channel.
    (RetryClass::OptedOut, &[21610, 63014, 63033]),
    // The text, the pictures or the template.
    (
        RetryClass::ContentRefused,
        &[
            13520, 13521, 21617, 21619, 21620, 21623, 21656, 30007, 30011, 30019, 32018, 63005, 63013, 63016, 63019,
            63021, 63028, 63029, 63030, 63034,
        ],
    ),
    // Switched off or out of range, congestion, a carrier's time-out, Twilio's or the channel's own trouble.
    (RetryClass::Transient, &[30003, 30008, 30017, 30410, 63009, 63010, 63012]),
    // No such number, not a mobile one, no route, blocked by receiver or carrier, not on the channel, and our own mistakes
    // in a request. 63049: Meta will not deliver marketing to this person, and asks not to insist.
    (
        RetryClass::Permanent,
        &[
            13224, 13225, 20001, 20404, 21201, 21203, 21205, 21211, 21214, 21216, 21217, 21218, 21220, 21234, 21263,
            21602, 21603, 21604, 21609, 21612, 21614, 21624, 21635, 21654, 30004, 30005, 30006, 30009, 30409, 35111,
            35114, 35115, 35118, 35126, 63003, 63024, 63031, 63032, 63049,
        ],
    ),
];

/// The class of a code. Codes that are not listed go by their family: Twilio splits old ones into siblings.
pub(super) fn class(code: u32) -> RetryClass {
    let listed = TABLE.iter().find(|(_, codes)| codes.contains(&code));
    listed.map_or_else(
        || match code {
            30000..=30999 => RetryClass::Transient,
            63000..=63999 => RetryClass::ContentRefused,
            _ => RetryClass::Permanent,
        },
        |(class, _)| *class,
    )
}

/// Whether a code says that the number does not exist: nothing will ever arrive there, on any channel.
pub(super) const fn is_dead_number(code: u32) -> bool {
    matches!(code, 30005 | 21211)
}

#[cfg(test)]
mod tests {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited, Transient};

    use super::*;

    #[test]
    fn every_documented_code_has_its_class() {
        let cases: &[(RetryClass, &[u32])] = &[
            (
                Configuration,
                &[
                    20003, 21212, 21606, 21659, 21660, 21408, 21601, 21608, 21701, 21702, 21703, 21704, 21705, 30002,
                    30010, 30018, 30024, 30032, 30034, 63001, 63002, 63007, 63008, 63020, 63015, 63040, 63041, 63042,
                    21655, 63027, 21210, 21215, 13227, 21219, 21262, 11200,
                ],
            ),
            (RateLimited, &[10004, 20429, 21611, 35125, 30001, 30022, 30023, 30027, 63017, 63018, 63038]),
            (OptedOut, &[21610, 63014, 63033]),
            (
                ContentRefused,
                &[
                    21617, 21619, 21620, 21623, 21656, 30007, 30011, 30019, 63005, 63013, 63021, 63030, 63016, 63019,
                    63034, 63028, 63029, 32018, 13520, 13521,
                ],
            ),
            (Transient, &[30003, 30008, 30017, 30410, 63009, 63010, 63012]),
            (
                Permanent,
                &[
                    20404, 20001, 21604, 21602, 21603, 21654, 21211, 21214, 21609, 21612, 21614, 21624, 21635, 35111,
                    35114, 35115, 35118, 35126, 30409, 30004, 30005, 30006, 30009, 63003, 63024, 63031, 63032, 63049,
                    21201, 21203, 21205, 21218, 21217, 13224, 21216, 13225, 21220, 21234, 21263,
                ],
            ),
        ];
        for (expected, codes) in cases {
            for &code in *codes {
                assert_eq!(class(code), *expected, "{code}");
            }
        }
    }

    #[test]
    fn unknown_codes_go_by_their_family() {
        assert_eq!(class(21999), Permanent);
        assert_eq!(class(30999), Transient);
        assert_eq!(class(63999), ContentRefused);
        assert_eq!(class(0), Permanent);
    }

    #[test]
    fn only_a_number_that_does_not_exist_is_dead_on_every_channel() {
        assert!(is_dead_number(30005) && is_dead_number(21211));
        assert!(!is_dead_number(30006) && !is_dead_number(21614) && !is_dead_number(30003));
    }
}
