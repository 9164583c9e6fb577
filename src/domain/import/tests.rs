use std::collections::BTreeMap;

use super::decide::{Collision, ConsentRow, CustomerOptions, CustomerRow};
use super::rows;
use super::undo::{ProfileChange, take_back};
use crate::domain::consent::event::ConsentEvent;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::decide::ProfileInput;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::event::{CustomerEvent, PersonalProfile, Profile};
use crate::domain::scenario::{ADA, Given, IMPORT, Then, given, mailbox, registered, registered_by, said};
use crate::domain::value::Channel;

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
    given.when(|state, context| Ok(take_back(state, IMPORT, change, context)))
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
