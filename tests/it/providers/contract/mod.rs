//! The contract of providers: one named test per clause, run on every provider. What a provider cannot keep stands beside it
//! with the reason, and makes no test.

/// All clauses, in the order of a message's life; handed to the macro of this name.
macro_rules! all_clauses {
    ($then:ident) => {
        $then! {
            a_message_is_handed_over_once_with_our_token
            an_answer_with_its_id_is_acceptance
            a_timeout_leaves_doubt
            a_lost_connection_leaves_doubt
            half_an_answer_leaves_doubt
            an_endless_answer_leaves_doubt
            a_server_error_leaves_doubt
            a_page_of_something_else_leaves_doubt
            an_answer_that_is_no_success_leaves_doubt
            a_refused_connection_is_a_definite_transient_refusal
            a_rate_limit_says_how_long_to_wait
            wrong_credentials_are_a_configuration_error
            a_check_passes_with_right_credentials_and_sends_nothing
            a_channel_that_is_not_served_is_refused_before_any_call
            no_debug_output_or_error_text_shows_an_address_a_text_or_a_secret
            a_callback_brings_our_token_back
            a_repeated_callback_has_the_same_event_id
            a_webhook_without_proof_is_refused
            a_webhook_proved_with_other_secrets_is_refused
            a_webhook_whose_content_was_changed_is_refused
            a_stale_webhook_is_refused
            what_is_kept_of_a_notice_parses_again_to_the_same
            what_is_kept_of_a_notice_proves_nothing
            odd_requests_never_make_a_webhook_panic
            huge_requests_are_taken_apart_within_bounds
        }
    };
}

/// Makes a test of each clause that a provider promises, and the list of those that it cannot.
macro_rules! contract {
    ($($tokens:tt)*) => { contract_with! { ($) $($tokens)* } };
}

/// `$d` is a dollar, for the macro that this one makes.
macro_rules! contract_with {
    (($d:tt) $subject:ident of $provider:path $(; except $why:literal: $($except:ident)+)*) => {
        pub(super) const PROMISES: $crate::providers::contract::Promises =
            $crate::providers::contract::Promises {
                provider: $provider,
                exceptions: &[$($((stringify!($except), $why),)+)*],
            };

        macro_rules! clause {
            $($(($except) => {};)+)*
            ($d name:ident) => {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $d name() {
                    super::clauses::$d name(&$subject::fresh().await).await;
                }
            };
        }
        all_clauses!(each);
    };
}

macro_rules! each {
    ($($name:ident)*) => { $(clause! { $name })* };
}

macro_rules! names {
    ($($name:ident)*) => { &[$(stringify!($name)),*] };
}

mod bird;
mod clauses;
mod fcm;
mod mailgun;
mod messagebird;
mod odd;
mod resend;
mod sendgrid;
mod ses;
mod smtp;
mod subject;
mod twilio;
mod voice;
mod vonage_messages;
mod vonage_sms;
mod whatsapp;

use std::collections::BTreeSet;

use commlog::providers::{in_app, kind::Kind};

use subject::{Account, Subject, Taken};

/// All that sign, by the names of their tests.
const TABLE: &[(&str, Promises)] = &[
    ("twilio", twilio::PROMISES),
    ("whatsapp", whatsapp::PROMISES),
    ("voice", voice::PROMISES),
    ("vonage_sms", vonage_sms::PROMISES),
    ("vonage_messages", vonage_messages::PROMISES),
    ("messagebird", messagebird::PROMISES),
    ("bird", bird::PROMISES),
    ("sendgrid", sendgrid::PROMISES),
    ("mailgun", mailgun::PROMISES),
    ("resend", resend::PROMISES),
    ("ses", ses::PROMISES),
    ("smtp", smtp::PROMISES),
    ("fcm", fcm::PROMISES),
];
/// Does not sign: it is this server itself, which calls nobody and which nobody calls back.
const OURSELVES: &str = in_app::PROVIDER;

const CLAUSES: &[&str] = all_clauses!(names);

/// What a provider promises: all clauses but these, each with the reason.
struct Promises {
    provider: &'static str,
    exceptions: &'static [(&'static str, &'static str)],
}

#[test]
fn every_provider_signs_the_contract_and_says_why_where_it_cannot_keep_a_clause() {
    let signed: BTreeSet<_> = TABLE.iter().map(|(_, promises)| promises.provider).chain([OURSELVES]).collect();
    let known: BTreeSet<_> = Kind::all().iter().map(|kind| kind.name).collect();
    assert_eq!(signed, known);
    for (name, promises) in TABLE {
        assert!(promises.exceptions.iter().all(|(_, reason)| !reason.is_empty()), "{name} gives no reason");
        let clauses: BTreeSet<_> = promises.exceptions.iter().map(|(clause, _)| *clause).collect();
        assert_eq!(clauses.len(), promises.exceptions.len(), "{name} excepts a clause twice");
        let unknown: Vec<_> = clauses.iter().filter(|clause| !CLAUSES.contains(clause)).collect();
        assert!(unknown.is_empty(), "{name} excepts what is no clause: {unknown:?}");
    }
}
