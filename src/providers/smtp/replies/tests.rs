//! Replies as servers write them.

use super::*;
use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited, Transient};

fn refused(stage: Stage, code: u16, words: &str) -> (RetryClass, bool) {
    match SendError::from(Failure::new(stage, Cause::Reply(code, words.to_owned()))) {
        SendError::Refused { class, code: Some(code), .. } => (class, code.starts_with(NO_SUCH_ADDRESS)),
        other => panic!("{other:?}"),
    }
}

/// The table of RFC 5321 and 3463, at the step at which a server says it.
#[test]
fn codes_mean_what_the_standards_say() {
    let cases = [
        (Stage::Hello, 421, "4.3.2 shutting down", Transient),
        (Stage::Hello, 554, "no SMTP service here", Configuration),
        (Stage::Hello, 502, "5.5.1 EHLO not implemented", Configuration),
        (Stage::Auth, 454, "4.7.0 Temporary authentication failure", Transient),
        (Stage::Auth, 432, "4.7.12 A password transition is needed", Transient),
        (Stage::Auth, 530, "5.7.0 Must issue a STARTTLS command first", Configuration),
        (Stage::Auth, 534, "5.7.9 Application-specific password required", Configuration),
        (Stage::Auth, 535, "5.7.139 Authentication unsuccessful", Configuration),
        (Stage::Auth, 538, "5.7.11 Encryption required", Configuration),
        (Stage::Mail, 432, "4.3.2 Concurrent connections limit exceeded", RateLimited),
        (Stage::Mail, 451, "4.3.0 local error", Transient),
        (Stage::Mail, 452, "4.3.1 Insufficient system storage", Transient),
        (Stage::Mail, 454, "Throttling failure: Maximum sending rate exceeded.", RateLimited),
        (Stage::Mail, 501, "5.1.7 Bad sender address syntax", Configuration),
        (Stage::Mail, 530, "5.7.0 Authentication required", Configuration),
        (Stage::Mail, 550, "5.1.8 Sender domain does not exist", Configuration),
        (Stage::Mail, 552, "5.3.4 Message size exceeds fixed limit", ContentRefused),
        (Stage::Mail, 555, "5.5.4 parameters not recognized", Configuration),
        (Stage::Rcpt, 450, "4.2.1 mailbox busy", Transient),
        (Stage::Rcpt, 451, "4.7.1 Greylisting in action", Transient),
        (Stage::Rcpt, 452, "4.5.3 Too many recipients", RateLimited),
        (Stage::Rcpt, 501, "5.5.4 syntax", Permanent),
        (Stage::Rcpt, 550, "5.2.2 mailbox full", Transient),
        (Stage::Rcpt, 552, "5.2.2 Quota exceeded", Transient),
        (Stage::Rcpt, 553, "5.7.1 sender not allowed: relay not permitted", Configuration),
        (Stage::Rcpt, 554, "5.7.1 blocked by policy", Permanent),
        (Stage::Data, 503, "5.5.1 bad sequence", Permanent),
        (Stage::Body, 451, "4.3.0 queue file write error", Transient),
        (Stage::Body, 550, "5.7.515 Access denied, sending domain does not meet the level", Configuration),
        (Stage::Body, 550, "5.7.1 DKIM signature needed", ContentRefused),
        (Stage::Body, 552, "5.3.4 too big", ContentRefused),
        (Stage::Body, 554, "5.6.0 Message content rejected", ContentRefused),
        (Stage::Body, 554, "Message rejected: Email address is not verified. The following identities", Configuration),
        (Stage::Body, 554, "5.5.0 transaction failed", Permanent),
    ];
    for (stage, code, words, class) in cases {
        assert_eq!(refused(stage, code, words), (class, false), "{stage:?} {code} {words}");
    }
}

#[test]
fn an_address_that_does_not_exist_bounces_and_no_other_refusal_does() {
    let gone = [
        "5.1.1 <a@example.org>: Recipient address rejected: User unknown in local recipient table",
        "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "5.1.2 host unknown",
        "5.1.3 bad destination mailbox address syntax",
        "5.1.6 recipient no longer on server",
        "5.2.1 the email account that you tried to reach is disabled",
        "5.4.1 Recipient address rejected: Access denied.",
        "5.4.310 DNS domain does not exist",
        // An Exchange server numbers nothing (knadh/listmonk#1162).
        "5.5.0 Requested action not taken: mailbox unavailable",
        "Requested action not taken: mailbox not found",
    ];
    for words in gone {
        assert_eq!(refused(Stage::Rcpt, 550, words), (Permanent, true), "{words}");
        assert_eq!(refused(Stage::Body, 550, words), (Permanent, true), "{words}");
    }
    // The number of a full mailbox, and words that say otherwise (KumoCorp/kumomta#431).
    assert_eq!(refused(Stage::Body, 552, "1 Requested mail action aborted, mailbox not found"), (Permanent, true));
    // ActiveCampaign/smtp-field-manual#11: a policy, whatever it says of the receiver.
    for words in [
        "5.7.1 : Recipient address rejected: Inactive MailBox, not poped for more than 6 months",
        "5.7.1 The recipient definitively does not want your mail.",
        "ip in prison",
        "5.7.1 : Sender address rejected: Dumb.",
    ] {
        assert!(!refused(Stage::Rcpt, 550, words).1, "{words}");
    }
    // A domain whose servers do not answer today may answer tomorrow (civicrm/civicrm-core#31608).
    assert_eq!(refused(Stage::Rcpt, 450, "4.1.2 Recipient address rejected: Domain not found"), (Transient, false));
    assert_eq!(refused(Stage::Mail, 550, "5.1.1 user unknown"), (Configuration, false));
}

#[test]
fn greylisting_says_how_long_to_wait() {
    let cases = [
        ("greylisted, try again in 300 seconds", Some(300)),
        ("please retry in 5 minutes", Some(300)),
        ("retry after 120s", Some(120)),
        ("come back in 1 hour", Some(3_600)),
        ("try again in 99999999999999999999 hours", None),
        ("try again in 999999999 hours", Some(24 * 3_600)),
        ("in a while", None),
        ("in 5", None),
        ("", None),
    ];
    for (words, expected) in cases {
        assert_eq!(pause_in(words), expected.map(Duration::from_secs), "{words}");
    }
}

#[test]
fn a_lost_connection_is_doubt_only_behind_the_last_dot() {
    let failure = |stage, cause, is_unwritten| Failure { stage, cause, is_unwritten, has_heard: false };
    for stage in [Stage::Hello, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data] {
        for cause in [Cause::Lost, Cause::Late] {
            let error = SendError::from(failure(stage, cause, false));
            assert!(matches!(error, SendError::Refused { class: Transient, .. }), "{stage:?}");
        }
    }
    let open =
        |cause, is_unwritten| matches!(failure(Stage::Body, cause, is_unwritten).into(), SendError::Ambiguous { .. });
    assert!(open(Cause::Lost, false) && open(Cause::Late, false) && open(Cause::Odd, false));
    assert!(!open(Cause::Lost, true) && !open(Cause::Late, true));
}
