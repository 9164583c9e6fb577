use std::collections::BTreeMap;

use std::collections::HashSet;

use super::decide::{Collision, ConsentRow, CustomerOptions, CustomerRow, ImportRun, MessageRow};
use super::rows;
use super::undo::{ProfileChange, take_back};
use crate::domain::consent::event::ConsentEvent;
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::customer::decide::ProfileInput;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::event::{CustomerEvent, PersonalProfile, Profile};
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::scenario::{ADA, Given, IMPORT, Then, given, mailbox, noon, registered, registered_by, said};
use crate::domain::value::{Channel, Source};
use crate::ids::MessageId;

fn row(profile: ProfileInput) -> CustomerRow {
    CustomerRow { line: 1, profile, addresses: vec![], consents: vec![] }
}

fn named(name: &str) -> ProfileInput {
    ProfileInput { name: Some(name.to_owned()), industry: Some("wine".to_owned()), ..ProfileInput::default() }
}

fn taken_in(given: &Given, row: CustomerRow, collision: Collision) -> Then {
    let options = CustomerOptions { collision, by_field: BTreeMap::new() };
    given.when(|state, context| rows::customer(state, ADA, row, &options, IMPORT, context))
}

fn taken_back(given: &Given, change: Option<&ProfileChange>) -> Then {
    given.when(|state, context| Ok(take_back(state, IMPORT, &HashSet::new(), change, context)))
}

fn agreeing(topic: &str) -> CustomerRow {
    let consent =
        ConsentRow { channel: Channel::Email, topic: topic.to_owned(), state: ConsentState::OptedIn, said_at: None };
    CustomerRow { consents: vec![consent], ..row(ProfileInput::default()) }
}

#[test]
fn a_file_fills_blanks_by_default_and_overwrites_only_where_told() {
    let changed = |collision| {
        let events = taken_in(&given([registered()]), row(named("Ada Byron")), collision).events();
        match &events[..] {
            [] => vec![],
            [CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(now))] => now.changed.clone(),
            _ => panic!("{events:?}"),
        }
    };
    assert_eq!(changed(Collision::IfBlank), ["industry"]);
    assert_eq!(changed(Collision::Overwrite), ["name", "industry"]);
    assert_eq!(changed(Collision::Never), [""; 0]);
}

#[test]
fn a_blank_in_the_file_never_removes_a_value() {
    taken_in(&given([registered()]), row(ProfileInput::default()), Collision::Overwrite).happens(&[]);
}

#[test]
fn an_opt_out_of_a_topic_or_of_everything_is_never_overwritten() {
    for topic in ["news", "all"] {
        let out = given([registered(), said(topic, ConsentState::OptedOut)]);
        taken_in(&out, agreeing("news"), Collision::Overwrite).happens(&[]);
    }
    taken_in(&given([registered()]), agreeing("news"), Collision::Overwrite).happens(&["ConsentChanged"]);
}

#[test]
fn a_customer_that_only_the_import_knows_is_retracted() {
    taken_back(&given([registered_by(Some(IMPORT))]), None).happens(&["CustomerRetracted"]);
}

#[test]
fn a_customer_with_an_address_of_its_own_or_an_opt_out_stays() {
    taken_back(&given([registered_by(Some(IMPORT)), mailbox("ada@example.org", true)]), None).happens(&[]);
    taken_back(&given([registered_by(Some(IMPORT)), said("all", ConsentState::OptedOut)]), None).happens(&[]);
    taken_back(&given([registered()]), None).happens(&[]);
}

#[test]
fn an_imported_opt_in_is_taken_back_to_nothing_known() {
    let agreed = taken_in(&given([registered()]), agreeing("news"), Collision::IfBlank).events();
    let events = taken_back(&given([vec![registered()], agreed].concat()), None).events();
    let [CustomerEvent::Consent(ConsentEvent::ConsentChanged(now))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((now.state, now.method.as_str()), (ConsentState::None, "undo"));
}

#[test]
fn only_fields_that_still_have_the_imported_value_are_put_back() {
    let profile = |territory: &str, industry: &str| Profile {
        territory: Some(territory.to_owned()),
        industry: Some(industry.to_owned()),
        ..Profile::default()
    };
    let personal = PersonalProfile::default;
    let change =
        ProfileChange { before: (profile("north", "beer"), personal()), after: (profile("south", "wine"), personal()) };
    let mut now = given([registered()]);
    now.state.profile = profile("south", "tea");
    let events = taken_back(&now, Some(&change)).events();
    let [CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(restored))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(restored.changed, ["territory"]);
    assert_eq!(restored.profile, profile("north", "tea"));
}

fn text_message(body: &str, at: &str) -> MessageRow {
    MessageRow {
        line: 2,
        customer: None,
        reference: Some("SM1".to_owned()),
        channel: Channel::Sms,
        from: Some("+14155552671".to_owned()),
        to: None,
        occurred_at: Some(at.parse().expect("a time")),
        subject: None,
        body: body.to_owned(),
    }
}

fn message_taken_in(given: &Given, row: MessageRow) -> Then {
    let run = ImportRun {
        import_id: IMPORT,
        run: 0,
        started_at: noon(),
        completed_before: false,
        file_digest: "ab".repeat(32),
    };
    given.when(|state, context| rows::message(state, ADA, row, &run, context))
}

fn word_of(given: &Given, row: &MessageRow) -> Vec<CustomerEvent> {
    let said = |state: &Customer, context: &Context<'_>| {
        Ok(rows::said(state, row, MessageId(IMPORT.0), IMPORT, context).into_iter().collect())
    };
    given.when(said).events()
}

/// What stands at 12:00 about SMS, said by `source`.
fn standing(state: ConsentState, source: Source) -> Given {
    let CustomerEvent::Consent(ConsentEvent::ConsentChanged(email)) = said("all", state) else {
        panic!("another event")
    };
    given([registered(), ConsentChanged { channel: Channel::Sms, source, ..email }.into()])
}

#[test]
fn a_stop_of_the_past_is_an_opt_out_unless_something_was_said_later() {
    let says = |given: &Given, body: &str, at: &str| match &word_of(given, &text_message(body, at))[..] {
        [] => None,
        [CustomerEvent::Consent(ConsentEvent::ConsentChanged(e))] => Some(e.state),
        events => panic!("{events:?}"),
    };
    let (before, after) = ("1970-01-01T10:00:00Z", "1970-01-01T13:00:00Z");
    let nothing = given([registered()]);
    assert_eq!(says(&nothing, "STOP", before), Some(ConsentState::OptedOut));
    assert_eq!(says(&nothing, "please stop calling", before), None);
    let agreed = standing(ConsentState::OptedIn, Source::Api);
    assert_eq!(says(&agreed, "STOP", before), None);
    assert_eq!(says(&agreed, "STOP", after), Some(ConsentState::OptedOut));
    // START counts like STOP, but lifts only what an import brought.
    let stopped = standing(ConsentState::OptedOut, Source::Import);
    assert_eq!(says(&stopped, "START", before), None);
    assert_eq!(says(&stopped, "START", after), Some(ConsentState::OptedIn));
    assert_eq!(says(&standing(ConsentState::OptedOut, Source::Customer), "START", after), None);
    // A line without a time says nothing about what was said later.
    let timeless = MessageRow { occurred_at: None, ..text_message("STOP", before) };
    assert!(word_of(&agreed, &timeless).is_empty() && word_of(&nothing, &timeless).len() == 1);
    let timeless = MessageRow { body: "START".to_owned(), ..timeless };
    assert!(word_of(&stopped, &timeless).is_empty());
}

#[test]
fn a_consent_that_a_file_dates_loses_against_a_later_word() {
    let dated = |state, at: &str| {
        let said_at = Some(at.parse().expect("a time"));
        let consent = ConsentRow { channel: Channel::Sms, topic: "all".to_owned(), state, said_at };
        CustomerRow { consents: vec![consent], ..row(ProfileInput::default()) }
    };
    let agreed = standing(ConsentState::OptedIn, Source::Api);
    let out = |at| dated(ConsentState::OptedOut, at);
    taken_in(&agreed, out("1970-01-01T10:00:00Z"), Collision::IfBlank).happens(&[] as &[&str]);
    taken_in(&agreed, out("1970-01-01T12:00:01Z"), Collision::IfBlank).happens(&["ConsentChanged"]);
}

#[test]
fn a_message_that_comes_again_is_known_and_with_another_time_corrected() {
    let first = message_taken_in(&given([registered()]), text_message("Thanks!", "1970-01-01T12:00:00Z")).events();
    let known = given([vec![registered()], first].concat());
    message_taken_in(&known, text_message("Thanks!", "1970-01-01T12:00:00Z")).happens(&["MessageReceived"; 0]);
    for other in [text_message("Thanks!", "1970-01-01T09:00:00Z"), text_message("Thanks", "1970-01-01T12:00:00Z")] {
        message_taken_in(&known, other).happens(&["MessageRetracted", "MessageReceived"]);
    }
}
