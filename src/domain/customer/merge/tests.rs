use super::{MergeCustomers, Survivor, absorb, merge, pass_on};
use crate::domain::consent::event::ConsentEvent;
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::customer::decide::{AddNote, ForgetCustomer, add_note, forget};
use crate::domain::customer::event::ProfileEvent;
use crate::domain::customer::event::{
    CustomerAbsorbed, CustomerEvent, CustomerForgotten, CustomerMergedInto, CustomerRegistered,
};
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::message::event::MessageEvent;
use crate::domain::scenario::{ADA, Given, Then, address_id, given, mailbox, noon, registered, said};
use crate::domain::value::{AddressKind, Channel};
use crate::ids::CustomerId;

const GRACE: CustomerId = CustomerId(uuid::Uuid::from_u128(0x9ace));
const JOAN: CustomerId = CustomerId(uuid::Uuid::from_u128(0x10a));

fn command() -> MergeCustomers {
    MergeCustomers { from: ADA, into: GRACE }
}

/// When Ada is merged into Grace.
fn merged(ada: &Given, grace: &Given) -> Then {
    ada.when(|state, context| merge(state, &command(), Survivor { id: GRACE, state: &grace.state }, context))
}

fn into(id: CustomerId) -> CustomerEvent {
    CustomerMergedInto { into_id: id }.into()
}

fn absorbed(id: CustomerId) -> CustomerEvent {
    CustomerAbsorbed { absorbed_id: id }.into()
}

fn forgotten() -> CustomerEvent {
    CustomerForgotten { reason: "request".to_owned(), addresses: vec![] }.into()
}

#[test]
fn a_customer_becomes_a_part_of_another_one() {
    let events = merged(&given([registered()]), &given([registered()])).events();
    assert_eq!(events, [into(GRACE)]);
    let after = given([registered(), into(GRACE)]).state;
    assert_eq!((after.existence, after.merged.map(|merged| merged.into)), (Existence::Merged, Some(GRACE)));
}

#[test]
fn nobody_becomes_a_part_of_itself_by_whatever_way() {
    let one = given([registered()]);
    let itself = MergeCustomers { from: ADA, into: ADA };
    one.when(|state, context| merge(state, &itself, Survivor { id: ADA, state }, context))
        .refused_with("SAME_CUSTOMER");
    // Grace is a part of Ada: she stands for Ada.
    one.when(|state, context| merge(state, &command(), Survivor { id: ADA, state }, context))
        .refused_with("SAME_CUSTOMER");
}

#[test]
fn whoever_is_a_part_already_stays_so_and_goes_nowhere_else() {
    let ada = given([registered(), into(GRACE)]);
    merged(&ada, &given([registered(), absorbed(ADA)])).happens(&[]);
    merged(&ada, &given([registered()])).refused_with("MERGED_ELSEWHERE");
}

#[test]
fn only_customers_who_are_there_are_merged() {
    let here = || given([registered()]);
    for (history, code) in [(vec![], "CUSTOMER_UNKNOWN"), (vec![registered(), forgotten()], "CUSTOMER_FORGOTTEN")] {
        merged(&given(history.clone()), &here()).refused_with(code);
        merged(&given(history.clone()), &here()).refused_for("from");
        merged(&here(), &given(history.clone())).refused_with(code);
        merged(&here(), &given(history)).refused_for("into");
    }
}

#[test]
fn the_anonymous_customer_is_nobody_in_particular() {
    let CustomerEvent::Profile(ProfileEvent::CustomerRegistered(event)) = registered() else {
        panic!("is a registration")
    };
    let nobody = given([CustomerRegistered { anonymous: true, ..event }.into()]);
    merged(&nobody, &given([registered()])).refused_with("ANONYMOUS_CUSTOMER");
    merged(&given([registered()]), &nobody).refused_with("ANONYMOUS_CUSTOMER");
}

#[test]
fn neither_parts_nor_addresses_grow_without_bound() {
    let parts = |count| (1..=count).map(|number| absorbed(CustomerId(uuid::Uuid::from_u128(number))));
    let full = given(std::iter::once(registered()).chain(parts(100)));
    merged(&given([registered()]), &full).refused_with("TOO_MANY_MERGED");
    let mailboxes = |from: u32| (from..from + 26).map(|number| mailbox(&format!("a{number}@example.org"), false));
    let with = |from| given(std::iter::once(registered()).chain(mailboxes(from)));
    merged(&with(0), &with(100)).refused_with("TOO_MANY_ADDRESSES");
    merged(&with(0), &with(2)).happens(&["CustomerMergedInto"]);
}

/// When Grace takes Ada over.
fn taken_over(ada: &Given, grace: &Given) -> Vec<CustomerEvent> {
    grace.when(|state, context| absorb(state, ADA, &ada.state, context)).events()
}

#[test]
fn the_survivor_takes_over_parts_words_and_addresses_at_once() {
    let ada = given([
        registered(),
        mailbox("ada@example.org", true),
        mailbox("both@example.org", false),
        said("news", ConsentState::OptedOut),
        absorbed(JOAN),
        into(GRACE),
    ]);
    let grace = given([registered(), mailbox("both@example.org", true), said("news", ConsentState::OptedIn)]);
    let events = taken_over(&ada, &grace);
    assert_eq!(events[..2], [absorbed(JOAN), absorbed(ADA)]);
    let [
        CustomerEvent::Consent(ConsentEvent::ConsentChanged(consent)),
        CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(address)),
    ] = &events[2..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((consent.topic.as_str(), consent.state), ("news", ConsentState::OptedOut));
    assert_eq!(address.address_id, address_id(AddressKind::Email, "ada@example.org"));
    assert!(!address.primary, "the survivor's own stays primary");
    assert_eq!(address.personal.as_ref().map(|personal| personal.address.as_str()), Some("ada@example.org"));
}

#[test]
fn taking_over_twice_changes_nothing() {
    let ada = given([registered(), mailbox("ada@example.org", true), into(GRACE)]);
    let grace = given(std::iter::once(registered()).chain(taken_over(&ada, &given([registered()]))));
    assert_eq!(taken_over(&ada, &grace), []);
    assert!(grace.state.primary(AddressKind::Email).is_some(), "the first mailbox is primary");
}

#[test]
fn a_part_takes_no_commands_on_the_person_but_keeps_its_own_things() {
    let ada = given([registered(), into(GRACE)]);
    let note = AddNote { customer_id: ADA, text: "x".to_owned(), pinned: false, conversation_id: None };
    ada.when(|state, context| add_note(state, note, context)).refused_with("CUSTOMER_MERGED");
    assert!(ada.state.must_be_known().is_ok());
    let forgetting = ForgetCustomer { customer_id: ADA, reason: "request".to_owned() };
    ada.when(|state, context| forget(state, &forgetting, &[], context)).happens(&["CustomerForgotten"]);
}

#[test]
fn an_opt_out_that_is_told_late_counts_for_the_whole_once() {
    let told = ConsentChanged {
        channel: Channel::Email,
        topic: "all".to_owned(),
        state: ConsentState::OptedOut,
        source: crate::domain::customer::event::Source::Provider,
        method: "one_click".to_owned(),
        message_id: Some(crate::ids::MessageId(uuid::Uuid::nil())),
        campaign_id: None,
        variant: None,
        import_id: None,
        personal: None,
    };
    let pass = |grace: Given| grace.when(|state, context| pass_on(state, &told, context.now, context)).events();
    let events = pass(given([registered(), said("all", ConsentState::OptedIn)]));
    let [CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((changed.state, changed.message_id), (ConsentState::OptedOut, None));
    assert_eq!(pass(given([registered(), said("all", ConsentState::OptedOut)])), []);
}

#[test]
fn messages_of_all_parts_are_seen_as_one_persons() {
    use crate::domain::address::state::Address;
    use crate::domain::decision::{Context, Policy};
    use crate::domain::message::decide::{SendMessage, send};
    use crate::domain::message::event::{DispatchStarted, MessageClass, Route};
    use crate::domain::message::recipient::Receiver;
    use crate::domain::scenario::with_context;

    let queued = |customer: &Customer, context: &Context<'_>| {
        let command = SendMessage {
            customer_id: ADA,
            channel: Channel::Email,
            class: MessageClass::Marketing,
            topic: "news".to_owned(),
            address_id: None,
            subject: None,
            body: "x".to_owned(),
            send_at: None,
            in_reply_to: None,
            campaign_id: None,
            variant: None,
            attachments: vec![],
        };
        let receiver = Receiver { address: &Address::default(), chosen: None };
        send(customer, receiver, context.id(), command, vec![], Default::default(), context)
    };
    let history = || [registered(), mailbox("ada@example.org", true)];
    let ada = given(history()).when(queued).events();
    let Some(CustomerEvent::Message(MessageEvent::MessageQueued(first))) = ada.first() else { panic!("{ada:?}") };
    let started = DispatchStarted {
        key: first.key.clone(),
        route: Route { provider: "double".to_owned(), account: "a".to_owned(), domain: None },
        attempt: 1,
        address_version: 0,
        content_hash: String::new(),
        choice: None,
    };
    let ada = given(history().into_iter().chain(ada.clone()).chain([started.into()])).state;
    let grace = given(history()).state;
    let whole = with_context(&Policy::default(), |_| grace.with_messages_of(&grace, &[ada]));
    assert_eq!(whole.recent.all().map(|contact| contact.at).collect::<Vec<_>>(), [noon()]);
    assert_eq!(whole.pending.all().iter().map(|message| message.queued_version).collect::<Vec<_>>(), [0]);
}
