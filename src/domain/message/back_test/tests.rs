use chrono::TimeDelta;

use super::*;
use crate::domain::message::event::{DispatchFailed, DispatchStarted, MessageReleased};
use crate::domain::scenario::{ADA, address_id, mailbox, noon, registered};
use crate::domain::tenant::policy::{CapWindow, FrequencyCap, QuietHours, RuleAction};
use crate::domain::value::message::RetryClass;
use crate::domain::value::{AddressKind, Channel};

const MAILBOX: &str = "ada@example.org";

fn at(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

fn key(number: u128) -> MessageKey {
    MessageKey {
        message_id: MessageId(Uuid::from_u128(number)),
        channel: Channel::Email,
        campaign_id: None,
        variant: None,
        conversation_id: None,
    }
}

fn queued(number: u128) -> CustomerEvent {
    MessageQueued {
        key: key(number),
        class: MessageClass::Marketing,
        topic: "news".to_owned(),
        address_id: Some(address_id(AddressKind::Email, MAILBOX)),
        instead_of: None,
        send_at: None,
        in_reply_to: None,
        canned_reply: None,
        template: None,
        timing: None,
        import_id: None,
        personal: None,
    }
    .into()
}

fn route() -> Route {
    Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None }
}

fn called(number: u128, attempt: u32) -> CustomerEvent {
    DispatchStarted {
        key: key(number),
        route: route(),
        attempt,
        address_version: 0,
        content_hash: String::new(),
        choice: None,
    }
    .into()
}

fn failed(number: u128, retry_at: Option<DateTime<Utc>>) -> CustomerEvent {
    let (key, route, class) = (key(number), route(), RetryClass::Transient);
    DispatchFailed { key, route, attempt: 1, class, code: None, retry_at, personal: None }.into()
}

fn held(number: u128, until: DateTime<Utc>) -> CustomerEvent {
    let (key, rule, inputs) = (key(number), "quiet_hours".to_owned(), serde_json::json!({}));
    MessageHeld { key, until, rule, inputs }.into()
}

fn released(number: u128) -> CustomerEvent {
    MessageReleased { key: key(number), rule: "quiet_hours".to_owned() }.into()
}

/// What becomes of messages under a policy, when these events happened at these hours; it is hour 100 now.
fn tried(policy: Policy, events: Vec<(i64, CustomerEvent)>) -> Vec<Tried> {
    let begin = [(0, registered()), (0, mailbox(MAILBOX, true))];
    let history = (1..).zip(begin.into_iter().chain(events)).map(|(version, (hours, event))| Happened {
        recorded_at: at(hours),
        meta: Meta { id: EventId(Uuid::nil()), version, occurred_at: at(hours) },
        event: Event::Customer(ADA, Box::new(event)),
    });
    let secret = TenantSecret::new([7; 32]);
    let proposal = Proposal { policy, since: at(1), until: at(99), now: at(100), secret };
    replay(&proposal, history, |_| false).messages
}

fn ends(tried: &[Tried]) -> Vec<End> {
    tried.iter().map(|tried| tried.would.end.clone()).collect()
}

fn one_a_day(action: RuleAction) -> Policy {
    let window = CapWindow::Rolling { hours: 24 };
    Policy { caps: vec![FrequencyCap { channel: None, topic: None, limit: 1, window, action }], ..Policy::default() }
}

fn stopped(rule: &str) -> End {
    End::Stopped(rule.to_owned())
}

#[test]
fn what_was_sent_then_is_sent_at_the_same_moment_however_late_a_dispatcher_took_it() {
    let found = tried(Policy::default(), vec![(1, queued(1)), (30, called(1, 1))]);
    assert_eq!((ends(&found), &found[0].was), (vec![End::Sent(at(30))], &found[0].would));
}

#[test]
fn a_call_that_failed_for_good_counts_against_no_cap() {
    let history =
        |retry| vec![(1, queued(1)), (1, called(1, 1)), (1, failed(1, retry)), (2, queued(2)), (2, called(2, 1))];
    let policy = || one_a_day(RuleAction::Abort);
    assert_eq!(ends(&tried(policy(), history(None))), [End::Sent(at(1)), End::Sent(at(2))]);
    // One that is tried again stands in the queue before the other.
    assert_eq!(ends(&tried(policy(), history(Some(at(50))))), [End::Sent(at(1)), stopped("frequency_cap")]);
}

#[test]
fn what_waited_and_would_not_have_is_taken_when_it_was_asked_for() {
    let found =
        tried(Policy::default(), vec![(1, queued(1)), (1, held(1, at(9))), (9, released(1)), (9, called(1, 1))]);
    assert_eq!(found[0].was.end, End::Sent(at(9)));
    assert_eq!(found[0].would, Course { held_by: None, end: End::Sent(at(1)) });
}

#[test]
fn what_would_have_waited_counts_from_the_moment_at_which_it_would_have_been_sent() {
    let history = vec![
        (1, queued(1)),
        (1, called(1, 1)),
        (20, queued(2)),
        (20, called(2, 1)),
        (40, queued(3)),
        (40, called(3, 1)),
    ];
    // The second a day after the first, the third a day after that.
    let found = tried(one_a_day(RuleAction::Hold), history);
    assert_eq!(ends(&found), [End::Sent(at(1)), End::Sent(at(25)), End::Sent(at(49))]);
}

#[test]
fn a_hold_that_has_not_ended_is_still_one() {
    let found = tried(
        one_a_day(RuleAction::Hold),
        vec![(80, queued(1)), (80, called(1, 1)), (90, queued(2)), (90, called(2, 1))],
    );
    assert_eq!(ends(&found), [End::Sent(at(80)), End::Waits(at(104))]);
}

#[test]
fn what_is_taken_back_while_it_would_have_waited_is_not_sent() {
    let cancelled = MessageCancelled { key: key(1), reason: "mistake".to_owned() };
    let night = QuietHours {
        channel: None,
        from: chrono::NaiveTime::from_hms_opt(12, 0, 0).expect("a time"),
        to: chrono::NaiveTime::from_hms_opt(20, 0, 0).expect("a time"),
        action: RuleAction::Hold,
    };
    let policy = || Policy { quiet_hours: vec![night.clone()], ..Policy::default() };
    let waited = vec![(1, queued(1)), (1, held(1, at(50))), (5, cancelled.clone().into())];
    assert_eq!(ends(&tried(policy(), waited.clone())), [End::Cancelled]);
    // Without the hold it would have been gone before.
    assert_eq!(ends(&tried(Policy::default(), waited)), [End::Sent(at(1))]);
}

#[test]
fn a_text_that_could_not_be_made_then_could_not_be_made_either() {
    let unmade = MessageSuppressed { key: key(1), rule: "template".to_owned(), inputs: serde_json::json!({}) };
    let found = tried(Policy::default(), vec![(1, queued(1)), (2, unmade.into())]);
    assert_eq!(ends(&found), [stopped("template")]);
}

#[test]
fn messages_before_and_after_the_time_stay_as_they_were_and_count() {
    let found = tried(
        one_a_day(RuleAction::Abort),
        vec![
            (0, queued(1)),
            (0, called(1, 1)),
            (0, queued(2)),
            (0, called(2, 1)),
            (3, queued(3)),
            (3, called(3, 1)),
            (99, queued(4)),
        ],
    );
    assert_eq!(ends(&found), [stopped("frequency_cap")]);
}
