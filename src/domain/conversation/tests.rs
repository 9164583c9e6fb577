use chrono::TimeDelta;

use super::decide::{UpdateConversation, after_answer, after_inbound, elapse, update};
use super::event::{ConversationCause, ConversationChanged, ConversationState};
use super::state::conversation_id;
use crate::domain::conversation::event::ConversationEvent;
use crate::domain::customer::decide::Patch;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::decision::{Meta, Policy};
use crate::domain::scenario::{ADA, given, noon, registered, with_context};
use crate::domain::value::Channel;
use crate::ids::{ConversationId, EventId, MessageId};

const MESSAGE: MessageId = MessageId(uuid::Uuid::nil());

fn id() -> ConversationId {
    with_context(&Policy::default(), |context| conversation_id(context.secret, ADA, Channel::Sms))
}

fn nothing() -> UpdateConversation {
    UpdateConversation {
        customer_id: ADA,
        conversation_id: id(),
        state: None,
        snoozed_until: None,
        assignee: Patch::Keep,
        team: Patch::Keep,
        priority: None,
        mark_read: false,
    }
}

/// The customer wrote once, on SMS.
fn written() -> Vec<CustomerEvent> {
    let before = given([registered()]);
    let opened =
        with_context(&Policy::default(), |context| after_inbound(&before.state, ADA, Channel::Sms, MESSAGE, context));
    vec![registered(), opened.into()]
}

fn changed(history: Vec<CustomerEvent>, command: UpdateConversation) -> ConversationChanged {
    let events = given(history).when(|state, context| update(state, command, context)).events();
    match &events[..] {
        [CustomerEvent::Conversation(ConversationEvent::ConversationChanged(now))] => now.clone(),
        _ => panic!("{events:?}"),
    }
}

#[test]
fn a_first_message_opens_a_conversation_with_one_unread() {
    let history = written();
    let Some(CustomerEvent::Conversation(ConversationEvent::ConversationChanged(now))) = history.last() else {
        panic!("no conversation")
    };
    assert_eq!((now.state, now.unread, now.priority.as_str()), (ConversationState::Open, 1, "normal"));
    assert_eq!(now.conversation_id, id());
}

#[test]
fn snoozing_needs_a_time_in_the_future_and_no_other_state_has_one() {
    let until = noon() + TimeDelta::hours(1);
    let snooze =
        |snoozed_until| UpdateConversation { state: Some(ConversationState::Snoozed), snoozed_until, ..nothing() };
    assert_eq!(changed(written(), snooze(Some(until))).snoozed_until, Some(until));
    for command in [snooze(None), snooze(Some(noon())), UpdateConversation { snoozed_until: Some(until), ..nothing() }]
    {
        given(written()).when(|state, context| update(state, command, context)).refused_for("snoozed_until");
    }
}

#[test]
fn reopening_a_snoozed_conversation_forgets_the_time() {
    let until = Some(noon() + TimeDelta::hours(1));
    let snoozed = changed(
        written(),
        UpdateConversation { state: Some(ConversationState::Snoozed), snoozed_until: until, ..nothing() },
    );
    let history = [written(), vec![snoozed.into()]].concat();
    let open = UpdateConversation { state: Some(ConversationState::Open), ..nothing() };
    assert_eq!(changed(history, open).snoozed_until, None);
}

#[test]
fn a_change_that_changes_nothing_is_no_event_and_an_odd_priority_is_refused() {
    let same = UpdateConversation { state: Some(ConversationState::Open), ..nothing() };
    given(written()).when(|state, context| update(state, same, context)).happens(&[]);
    let odd = UpdateConversation { priority: Some("asap".to_owned()), ..nothing() };
    given(written()).when(|state, context| update(state, odd, context)).refused_for("priority");
}

#[test]
fn an_answer_waits_for_the_customer_and_a_message_that_we_begin_with_opens_nothing() {
    let answered = after_answer(&given(written()).state, Channel::Sms, MESSAGE).expect("changes");
    assert_eq!((answered.state, answered.unread), (ConversationState::Pending, 0));
    assert_eq!(after_answer(&given([registered()]).state, Channel::Sms, MESSAGE), None);
}

/// What time makes of a conversation that an agent left so many minutes ago.
fn after(minutes: i64, left: ConversationChanged, policy: &Policy) -> Option<ConversationState> {
    let mut state = given(written()).state;
    let occurred_at = noon() - TimeDelta::minutes(minutes);
    state.apply(&left.into(), Meta { id: EventId(uuid::Uuid::nil()), version: 9, occurred_at });
    let events = with_context(policy, |context| elapse(&state, id(), context)).expect("is decided");
    events.first().map(|decided| match &decided.event {
        CustomerEvent::Conversation(ConversationEvent::ConversationChanged(now)) => {
            assert_eq!((now.cause, now.snoozed_until), (ConversationCause::Timer, None));
            now.state
        }
        event => panic!("{event:?}"),
    })
}

fn left(state: ConversationState, unread: u32) -> ConversationChanged {
    let Some(CustomerEvent::Conversation(ConversationEvent::ConversationChanged(opened))) = written().pop() else {
        panic!("no conversation")
    };
    ConversationChanged { state, unread, ..opened }
}

#[test]
fn a_snoozed_conversation_opens_when_its_time_has_come() {
    let snoozed = |until| ConversationChanged { snoozed_until: Some(until), ..left(ConversationState::Snoozed, 0) };
    assert_eq!(after(5, snoozed(noon()), &Policy::default()), Some(ConversationState::Open));
    assert_eq!(after(5, snoozed(noon() + TimeDelta::seconds(1)), &Policy::default()), None);
}

#[test]
fn an_idle_conversation_resolves_itself_if_the_policy_says_so_and_nothing_is_unread() {
    let policy = |auto_resolve_minutes| Policy { auto_resolve_minutes, ..Policy::default() };
    let pending = || left(ConversationState::Pending, 0);
    assert_eq!(after(60, pending(), &policy(60)), Some(ConversationState::Resolved));
    assert_eq!(after(59, pending(), &policy(60)), None);
    assert_eq!(after(6_000, pending(), &policy(0)), None, "0 is off");
    assert_eq!(after(60, left(ConversationState::Open, 0), &policy(60)), Some(ConversationState::Resolved));
    assert_eq!(after(60, left(ConversationState::Open, 1), &policy(60)), None);
    assert_eq!(after(60, left(ConversationState::Resolved, 0), &policy(60)), None);
}
