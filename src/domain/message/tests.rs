use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{
    CancelMessage, InboundMessage, ReceiveMessage, SendDecision, SendMessage, SentMessage, cancel, receive, send,
};
use super::dispatch::{DispatchInputs, TEMPLATE_NOT_APPROVED, begin, doubt};
use super::event::{DispatchFailed, DispatchStarted, MessageClass, MessageDelivered, MessageQueuedPersonal};
use super::origin::Origin;
use super::recipient::Receiver;
use crate::domain::address::event::SuppressionReason;
use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentState;
use crate::domain::conversation::event::ConversationEvent;
use crate::domain::customer::event::{CustomerEvent, CustomerForgotten, Source};
use crate::domain::decision::Policy;
use crate::domain::message::event::MessageEvent;
use crate::domain::refusal::Refusal;
use crate::domain::scenario::{ADA, Then, given, mailbox, noon, registered, said};
use crate::domain::value::Channel;
use crate::domain::value::message::{RetryClass, Route};
use crate::ids::MessageId;

fn asking(class: MessageClass) -> SendMessage {
    SendMessage {
        customer_id: ADA,
        channel: Channel::Email,
        class,
        topic: "News".to_owned(),
        address_id: None,
        subject: Some("Hello".to_owned()),
        body: "A new vintage is in.".to_owned(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    }
}

fn history() -> Vec<CustomerEvent> {
    vec![registered(), mailbox("ada@example.org", true)]
}

fn sent(history: Vec<CustomerEvent>, address: &Address, command: SendMessage) -> Then {
    given(history).when(|state, context| {
        send(state, Receiver { address, chosen: None }, context.id(), command, vec![], Origin::default(), context)
    })
}

/// The rule that suppressed, or nothing.
fn rule(history: Vec<CustomerEvent>, address: &Address, command: SendMessage) -> Option<String> {
    match SentMessage::from_events(&sent(history, address, command).events()).expect("is answered").decision {
        SendDecision::Suppressed { rule } => Some(rule),
        SendDecision::Queued | SendDecision::Held { .. } => None,
    }
}

fn route() -> Route {
    Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None }
}

/// A history with one queued message.
fn queued(command: SendMessage) -> (Vec<CustomerEvent>, MessageId) {
    let events = sent(history(), &Address::default(), command).events();
    let id = SentMessage::from_events(&events).expect("is answered").message_id;
    ([history(), events].concat(), id)
}

fn started(history: &[CustomerEvent], id: MessageId) -> Vec<CustomerEvent> {
    begun(history, id, &Address::default()).events()
}

fn begun(history: &[CustomerEvent], id: MessageId, address: &Address) -> Then {
    let content = MessageQueuedPersonal {
        to: None,
        subject: None,
        body: "x".to_owned(),
        html: None,
        variables: BTreeMap::new(),
        form: None,
    };
    let judged = DispatchInputs {
        address,
        address_version: 3,
        content: Some(&content),
        unmade: None,
        files: &[],
        choice: None,
        person: None,
    };
    given(history.to_vec()).when(|state, context| begin(state, id, &route(), judged, context))
}

#[test]
fn a_text_that_cannot_be_made_any_more_is_not_sent_and_says_why() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let unmade = Refusal::new("TEMPLATE_VALUE_MISSING", "line 1, column 4: offer is not known");
    let judged = DispatchInputs {
        address: &Address::default(),
        address_version: 3,
        content: None,
        unmade: Some(&unmade),
        files: &[],
        choice: None,
        person: None,
    };
    let events = given(history).when(|state, context| begin(state, id, &route(), judged, context)).events();
    let [CustomerEvent::Message(MessageEvent::MessageSuppressed(suppressed))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((suppressed.rule.as_str(), &suppressed.inputs["code"]), ("template", &"TEMPLATE_VALUE_MISSING".into()));
}

#[test]
fn a_message_of_a_template_that_whatsapp_paused_waits_for_it() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let unmade = Refusal::new(TEMPLATE_NOT_APPROVED, "its approval is paused");
    let judged = DispatchInputs {
        address: &Address::default(),
        address_version: 3,
        content: None,
        unmade: Some(&unmade),
        files: &[],
        choice: None,
        person: None,
    };
    let events = given(history).when(|state, context| begin(state, id, &route(), judged, context)).events();
    let [CustomerEvent::Message(MessageEvent::MessageHeld(held))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((held.rule.as_str(), held.until), ("template_approval", noon() + TimeDelta::minutes(30)));
}

fn started_event(events: &[CustomerEvent]) -> Option<&DispatchStarted> {
    events.iter().find_map(|event| match event {
        CustomerEvent::Message(MessageEvent::DispatchStarted(started)) => Some(started),
        _ => None,
    })
}

fn refused_until(history: &[CustomerEvent], id: MessageId, retry_at: Option<DateTime<Utc>>) -> Vec<CustomerEvent> {
    let events = started(history, id);
    let DispatchStarted { key, route, attempt, .. } = started_event(&events).expect("is started").clone();
    let class = RetryClass::Transient;
    let failed = DispatchFailed { key, route, attempt, class, code: None, retry_at, personal: None };
    [history.to_vec(), events, vec![failed.into()]].concat()
}

#[test]
fn a_message_without_obstacles_is_queued() {
    sent(history(), &Address::default(), asking(MessageClass::Marketing)).happens(&["MessageQueued"]);
}

#[test]
fn the_first_rule_that_forbids_is_the_reason() {
    let marketing = || asking(MessageClass::Marketing);
    let stopped = Address { suppressions: vec![SuppressionReason::Stop], ..Address::default() };
    let out = vec![registered(), mailbox("ada@example.org", true), said("news", ConsentState::OptedOut)];
    let nowhere = vec![registered(), said("news", ConsentState::OptedOut)];
    assert_eq!(rule(nowhere, &stopped, marketing()).as_deref(), Some("unknown_address"));
    assert_eq!(rule(out.clone(), &stopped, marketing()).as_deref(), Some("suppressed_address"));
    assert_eq!(rule(out, &Address::default(), marketing()).as_deref(), Some("consent"));
}

#[test]
fn transactional_messages_pass_an_opt_out_but_never_a_stop() {
    let out = || vec![registered(), mailbox("ada@example.org", true), said("all", ConsentState::OptedOut)];
    let stopped = Address { suppressions: vec![SuppressionReason::Stop], ..Address::default() };
    assert_eq!(rule(out(), &Address::default(), asking(MessageClass::Transactional)), None);
    let forbidden = rule(out(), &stopped, asking(MessageClass::Transactional));
    assert_eq!(forbidden.as_deref(), Some("suppressed_address"));
}

#[test]
fn an_unconfirmed_opt_in_is_none_and_silence_is_consent_only_where_the_policy_says_so() {
    let strict = Policy { require_opt_in: true, ..Policy::default() };
    let pending = [history(), vec![said("news", ConsentState::Pending)]].concat();
    assert_eq!(rule(pending, &Address::default(), asking(MessageClass::Marketing)).as_deref(), Some("consent"));
    let ask = |state: &_, context: &crate::domain::decision::Context<'_>| {
        send(
            state,
            Receiver { address: &Address::default(), chosen: None },
            context.id(),
            asking(MessageClass::Marketing),
            vec![],
            Origin::default(),
            context,
        )
    };
    given(history()).when(ask).happens(&["MessageQueued"]);
    given(history()).under(strict.clone()).when(ask).happens(&["MessageQueued", "MessageSuppressed"]);
    let agreed = [history(), vec![said("news", ConsentState::OptedIn)]].concat();
    given(agreed).under(strict).when(ask).happens(&["MessageQueued"]);
}

#[test]
fn a_suppression_tells_what_the_rule_looked_at() {
    let out = [history(), vec![said("all", ConsentState::OptedOut)]].concat();
    let events = sent(out, &Address::default(), asking(MessageClass::Marketing)).events();
    let [_, CustomerEvent::Message(MessageEvent::MessageSuppressed(suppressed))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(suppressed.inputs["state"], "opted_out");
    assert_eq!(suppressed.inputs["told_for"], "all");
    assert_eq!(suppressed.inputs["version"], 3);
}

#[test]
fn a_message_for_later_is_held_and_a_time_in_the_past_means_now() {
    let at = |send_at| SendMessage { send_at: Some(send_at), ..asking(MessageClass::Marketing) };
    sent(history(), &Address::default(), at(noon() + TimeDelta::hours(1))).happens(&["MessageQueued", "MessageHeld"]);
    sent(history(), &Address::default(), at(noon())).happens(&["MessageQueued"]);
}

#[test]
fn an_address_of_somebody_else_is_refused() {
    let command = SendMessage { address_id: Some(uuid::Uuid::nil().into()), ..asking(MessageClass::Marketing) };
    sent(history(), &Address::default(), command).refused_for("address_id");
}

#[test]
fn what_was_handed_to_a_provider_cannot_be_cancelled() {
    let (history, message_id) = queued(asking(MessageClass::Marketing));
    let command = CancelMessage { customer_id: ADA, message_id, reason: "typo".to_owned() };
    given(history.clone()).when(|state, context| cancel(state, &command, context)).happens(&["MessageCancelled"]);
    let under_way = [history.clone(), started(&history, message_id)].concat();
    given(under_way).when(|state, context| cancel(state, &command, context)).refused_with("MESSAGE_DISPATCHED");
}

#[test]
fn a_dispatch_starts_at_the_address_version_that_was_judged() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let events = started(&history, id);
    let first = started_event(&events).expect("is started");
    assert_eq!((first.attempt, first.address_version, first.content_hash.len()), (1, 3, 64));
}

#[test]
fn a_dispatch_is_judged_again_and_suppressed_if_it_must_be() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let stopped = Address { suppressions: vec![SuppressionReason::HardBounce], ..Address::default() };
    begun(&history, id, &stopped).happens(&["MessageSuppressed"]);
    let out = [history, vec![said("all", ConsentState::OptedOut)]].concat();
    begun(&out, id, &Address::default()).happens(&["MessageSuppressed"]);
}

#[test]
fn a_message_under_way_or_settled_is_not_started_again() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let under_way = [history.clone(), started(&history, id)].concat();
    begun(&under_way, id, &Address::default()).happens(&[]);
    let key = under_way.iter().find_map(CustomerEvent::message_key).expect("the message").clone();
    let delivered = [under_way, vec![MessageDelivered { key, route: route() }.into()]].concat();
    begun(&delivered, id, &Address::default()).happens(&[]);
}

#[test]
fn a_refused_message_waits_until_it_is_due_and_counts_its_attempts() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let later = refused_until(&history, id, Some(noon() + TimeDelta::seconds(1)));
    begun(&later, id, &Address::default()).happens(&[]);
    let due = refused_until(&history, id, Some(noon()));
    let again = started(&due, id);
    assert_eq!(started_event(&again).map(|started| started.attempt), Some(2));
    let never = refused_until(&history, id, None);
    begun(&never, id, &Address::default()).happens(&[]);
}

#[test]
fn only_a_message_under_way_can_be_in_doubt() {
    let (history, id) = queued(asking(MessageClass::Marketing));
    let doubted = |history: &[CustomerEvent], called_by| {
        given(history.to_vec()).when(move |state, context| Ok(doubt(state, id, called_by, context)))
    };
    doubted(&history, noon()).happens(&[]);
    let under_way = [history.clone(), started(&history, id)].concat();
    doubted(&under_way, noon()).happens(&["DispatchInDoubt"]);
    doubted(&under_way, noon() - TimeDelta::seconds(1)).happens(&[]);
}

#[test]
fn a_forgotten_customer_gets_nothing() {
    let forgotten = CustomerForgotten { reason: "request".to_owned(), addresses: vec![] }.into();
    let history = [history(), vec![forgotten]].concat();
    sent(history, &Address::default(), asking(MessageClass::Transactional)).refused_with("CUSTOMER_FORGOTTEN");
}

#[test]
fn a_providers_text_is_taken_as_it_is_but_for_nul_and_others_are_asked_to_mend_theirs() {
    let inbound = MessageId(uuid::Uuid::nil());
    let from = |source| ReceiveMessage {
        customer_id: Some(ADA),
        channel: Channel::Sms,
        from: Some("withheld".to_owned()),
        to: None,
        subject: None,
        body: "a\0b".to_owned(),
        occurred_at: None,
        in_reply_to: None,
        provider: "twilio".to_owned(),
        provider_message_id: None,
        hint: None,
        source,
        arrival: None,
    };
    let events = given(history())
        .when(|state, context| {
            receive(state, ADA, InboundMessage::read(inbound, from(Source::Provider), context), context)
        })
        .events();
    let [
        CustomerEvent::Message(MessageEvent::MessageReceived(received)),
        CustomerEvent::Conversation(ConversationEvent::ConversationChanged(_)),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    let personal = received.personal.as_ref().expect("is there");
    assert_eq!((personal.body.as_str(), personal.from.as_deref()), ("a\u{FFFD}b", Some("withheld")));
    given(history())
        .when(|state, context| receive(state, ADA, InboundMessage::read(inbound, from(Source::Api), context), context))
        .refused_for("body");
}
