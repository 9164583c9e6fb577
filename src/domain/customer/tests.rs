use std::collections::BTreeMap;

use super::decide::{
    AddAddress, AddNote, AddressInput, ChangeProfile, ForgetCustomer, Patch, PinNote, ProfileInput, ProfilePatch,
    RegisterCustomer, Registration, RemoveAddress, add_address, add_note, change_profile, forget, pin_note, register,
    remove_address,
};
use super::event::{CustomerEvent, CustomerForgotten, CustomerRetracted, NoteAdded, Source};
use super::state::Customer;
use crate::domain::address::state::Address;
use crate::domain::conversation::decide::after_inbound;
use crate::domain::conversation::event::ConversationEvent;
use crate::domain::conversation::event::ConversationState;
use crate::domain::customer::event::IdentityEvent;
use crate::domain::customer::event::ProfileEvent;
use crate::domain::decision::Meta;
use crate::domain::message::decide::{SendMessage, send};
use crate::domain::message::event::MessageClass;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::recipient::Receiver;
use crate::domain::scenario::{ADA, IMPORT, address_id, given, mailbox, noon, registered, registered_by};
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{EventId, NoteId};

fn input(address: &str, primary: bool) -> AddressInput {
    AddressInput { kind: AddressKind::Email, address: address.to_owned(), region: None, label: None, primary }
}

fn registration(profile: ProfileInput, addresses: Vec<AddressInput>) -> RegisterCustomer {
    RegisterCustomer { profile, addresses, source: Source::Api }
}

fn change(patch: ProfilePatch) -> ChangeProfile {
    ChangeProfile { customer_id: ADA, patch, source: Source::Api, import_id: None }
}

fn adding(address: AddressInput) -> AddAddress {
    AddAddress { customer_id: ADA, address }
}

fn forgetting() -> ForgetCustomer {
    ForgetCustomer { customer_id: ADA, reason: "request".to_owned() }
}

fn forgotten() -> CustomerEvent {
    CustomerForgotten { reason: "request".to_owned(), addresses: vec![] }.into()
}

fn note(number: u128) -> CustomerEvent {
    NoteAdded { note_id: NoteId(uuid::Uuid::from_u128(number)), pinned: false, conversation_id: None, personal: None }
        .into()
}

#[test]
fn a_new_customer_is_registered_with_its_addresses() {
    let command = registration(ProfileInput::default(), vec![input("ada@example.org", false)]);
    given([])
        .when(|state, context| register(state, command, Registration::default(), context))
        .happens(&["CustomerRegistered", "CustomerAddressAdded"]);
}

#[test]
fn a_customer_is_registered_only_once() {
    given([registered()])
        .when(|state, context| {
            register(state, registration(ProfileInput::default(), vec![]), Registration::default(), context)
        })
        .refused_with("CUSTOMER_EXISTS");
}

#[test]
fn a_customer_whose_import_was_undone_can_be_registered_again() {
    let undone = CustomerRetracted { import_id: IMPORT }.into();
    given([registered_by(Some(IMPORT)), undone])
        .when(|state, context| {
            register(state, registration(ProfileInput::default(), vec![]), Registration::default(), context)
        })
        .happens(&["CustomerRegistered"]);
}

#[test]
fn a_profile_with_an_unknown_time_zone_is_refused_for_that_field() {
    let profile = ProfileInput { time_zone: Some("Mars/Olympus".to_owned()), ..ProfileInput::default() };
    given([])
        .when(|state, context| register(state, registration(profile, vec![]), Registration::default(), context))
        .refused_for("time_zone");
}

#[test]
fn a_change_that_changes_nothing_is_no_event() {
    let patch = ProfilePatch { name: Patch::Set("Ada Lovelace".to_owned()), ..ProfilePatch::default() };
    given([registered()]).when(|state, context| change_profile(state, change(patch), context)).happens(&[]);
}

#[test]
fn an_attribute_set_to_null_is_removed() {
    let set =
        |value| ProfilePatch { attributes: BTreeMap::from([("cellar".to_owned(), value)]), ..ProfilePatch::default() };
    let first = given([registered()]).when(|state, context| change_profile(state, change(set(3.into())), context));
    let history = [vec![registered()], first.events()].concat();
    let events = given(history)
        .when(|state, context| change_profile(state, change(set(serde_json::Value::Null)), context))
        .events();
    let [CustomerEvent::Profile(ProfileEvent::CustomerProfileChanged(changed))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(changed.changed, ["attributes"]);
    assert!(changed.personal.as_ref().is_some_and(|personal| personal.profile.attributes.is_empty()));
}

#[test]
fn the_first_address_of_a_kind_is_primary_and_a_later_one_only_if_asked() {
    let is_primary = |history: Vec<CustomerEvent>, asked| {
        let command = adding(input("new@example.org", asked));
        let events = given(history).when(|state, context| add_address(state, command, context)).events();
        matches!(&events[..], [CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added))] if added.primary)
    };
    assert!(is_primary(vec![registered()], false));
    assert!(!is_primary(vec![registered(), mailbox("ada@example.org", true)], false));
    assert!(is_primary(vec![registered(), mailbox("ada@example.org", true)], true));
}

#[test]
fn an_address_that_the_customer_has_changes_nothing_in_whatever_spelling() {
    given([registered(), mailbox("ada@example.org", true)])
        .when(|state, context| add_address(state, adding(input(" ada@EXAMPLE.org", false)), context))
        .happens(&[]);
}

#[test]
fn removing_the_primary_address_makes_the_oldest_other_one_primary() {
    let history = [
        registered(),
        mailbox("a@example.org", false),
        mailbox("b@example.org", true),
        mailbox("c@example.org", false),
    ];
    let command = RemoveAddress { customer_id: ADA, address_id: address_id(AddressKind::Email, "b@example.org") };
    let events = given(history).when(|state, context| remove_address(state, &command, context)).events();
    let [CustomerEvent::Profile(ProfileEvent::CustomerAddressRemoved(removed))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(removed.primary, Some(address_id(AddressKind::Email, "a@example.org")));
}

#[test]
fn a_customer_has_at_most_fifty_addresses() {
    let addresses = (0..50).map(|number| mailbox(&format!("a{number}@example.org"), number == 0));
    given(std::iter::once(registered()).chain(addresses))
        .when(|state, context| add_address(state, adding(input("one.more@example.org", false)), context))
        .refused_with("TOO_MANY_ADDRESSES");
}

#[test]
fn a_note_that_is_not_the_customers_cannot_be_pinned() {
    let command = PinNote { customer_id: ADA, note_id: NoteId(uuid::Uuid::from_u128(9)), pinned: true };
    given([registered(), note(1)])
        .when(|state, context| pin_note(state, &command, false, context))
        .refused_with("NOTE_UNKNOWN");
}

#[test]
fn a_pinned_note_pinned_again_changes_nothing() {
    let command = PinNote { customer_id: ADA, note_id: NoteId(uuid::Uuid::from_u128(1)), pinned: true };
    let pinned = NoteAdded { note_id: command.note_id, pinned: true, conversation_id: None, personal: None }.into();
    given([registered(), pinned]).when(|state, context| pin_note(state, &command, false, context)).happens(&[]);
}

#[test]
fn nothing_is_recorded_about_a_forgotten_customer() {
    let command = AddNote { customer_id: ADA, conversation_id: None, text: "Called her.".to_owned(), pinned: false };
    given([registered(), forgotten()])
        .when(|state, context| add_note(state, command, context))
        .refused_with("CUSTOMER_FORGOTTEN");
}

#[test]
fn forgetting_takes_back_what_was_not_dispatched_and_clears_the_state() {
    let sending = SendMessage {
        customer_id: ADA,
        channel: Channel::Email,
        class: MessageClass::Transactional,
        topic: "orders".to_owned(),
        address_id: None,
        subject: None,
        body: "Your order is on its way.".to_owned(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    };
    let history = vec![registered(), mailbox("ada@example.org", true)];
    let queued = given(history.clone()).when(|state, context| {
        let receiver = Receiver { address: &Address::default(), chosen: None };
        send(state, receiver, context.id(), sending, vec![], Default::default(), context)
    });
    let history = [history, queued.events()].concat();
    let events = given(history.clone()).when(|state, context| forget(state, &forgetting(), &[], context)).events();
    assert!(matches!(
        &events[..],
        [
            CustomerEvent::Message(MessageEvent::MessageCancelled(_)),
            CustomerEvent::Identity(IdentityEvent::CustomerForgotten(_))
        ]
    ));
    let after = given([history, events].concat()).state;
    assert!(after.pending.all().is_empty());
    let left = serde_json::to_string(&after).expect("has a JSON form");
    assert!(!left.contains("ada@example.org") && !left.contains("Lovelace"), "{left}");
}

#[test]
fn forgetting_takes_conversations_out_of_the_inbox() {
    let opened = crate::domain::scenario::with_context(&Default::default(), |context| {
        let message = crate::ids::MessageId(uuid::Uuid::nil());
        after_inbound(&given([registered()]).state, ADA, Channel::Sms, message, context)
    });
    let events =
        given([registered(), opened.into()]).when(|state, context| forget(state, &forgetting(), &[], context)).events();
    let [
        CustomerEvent::Conversation(ConversationEvent::ConversationChanged(done)),
        CustomerEvent::Identity(IdentityEvent::CustomerForgotten(_)),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((done.state, done.unread), (ConversationState::Resolved, 0));
}

#[test]
fn a_customer_asks_to_be_forgotten_once() {
    given([registered(), forgotten()]).when(|state, context| forget(state, &forgetting(), &[], context)).happens(&[]);
    given([]).when(|state, context| forget(state, &forgetting(), &[], context)).refused_with("CUSTOMER_UNKNOWN");
}

#[test]
fn the_state_stays_small_however_long_the_stream() {
    let mut state = Customer::default();
    let mut version = 0;
    for event in std::iter::once(registered()).chain((0..100_000).map(note)) {
        version += 1;
        let id = EventId(uuid::Uuid::from_u128(u128::from(version)));
        state.apply(&event, Meta { id, version, occurred_at: noon() });
    }
    assert_eq!(state.notes, 100_000);
    assert!(serde_json::to_vec(&state).expect("has a JSON form").len() < 8 * 1024);
}
