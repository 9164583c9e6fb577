use chrono::TimeDelta;

use super::*;
use crate::domain::decision::Policy;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::{MessageClicked, MessageOpened, MessageOpenedPersonal};
use crate::domain::scenario::{noon, with_context};
use crate::domain::value::Channel;
use crate::domain::value::engagement::CURRENT;

/// Says of everything that it was a machine.
const STERN: Rule = Rule { name: "stern/1", class: |_| EngagementClass::Machine };
/// Trusts every caller.
const MILD: Rule = Rule { name: "mild/1", class: |_| EngagementClass::Human };

fn key(number: u128) -> MessageKey {
    let message_id = MessageId(uuid::Uuid::from_u128(number));
    MessageKey { message_id, channel: Channel::Email, campaign_id: None, variant: None, conversation_id: None }
}

fn route() -> Route {
    Route { provider: "sendgrid".to_owned(), account: "main".to_owned(), domain: None }
}

fn at(number: u128, minute: i64, event: impl Into<CustomerEvent>) -> Decided<CustomerEvent> {
    let id = EventId(uuid::Uuid::from_u128(number));
    Decided { id, occurred_at: noon() + TimeDelta::minutes(minute), event: event.into() }
}

fn opened(user_agent: Option<&str>, flagged: Option<bool>, class: EngagementClass) -> MessageOpened {
    let user_agent = user_agent.map(str::to_owned);
    let personal = Some(MessageOpenedPersonal { ip: None, user_agent });
    MessageOpened { key: key(1), route: route(), class, rule: "engagement/0".to_owned(), flagged, personal }
}

fn by_human() -> MessageOpened {
    opened(Some("Mail 1.0"), None, EngagementClass::Human)
}

const OPEN: Sealed<'_> = Sealed::Open { raw: None };

fn corrections(engagements: &mut Engagements<'_>, limit: usize) -> Vec<(EventId, EngagementReclassified)> {
    let decided = with_context(&Policy::default(), |context| engagements.corrections(limit, context));
    decided
        .into_iter()
        .map(|decided| match decided.event {
            CustomerEvent::Message(MessageEvent::EngagementReclassified(event)) => (decided.id, event),
            event => panic!("{event:?}"),
        })
        .collect()
}

#[test]
fn a_correction_tells_both_classes_both_rules_and_the_resulting_figures() {
    let mut engagements = Engagements::new(&CURRENT);
    engagements.record(&at(1, 1, opened(Some("Mozilla/5.0"), None, EngagementClass::Human)), OPEN, true);
    engagements.record(&at(2, 5, by_human()), OPEN, true);
    engagements.record(&at(3, 3, by_human()), OPEN, true);
    let made = corrections(&mut engagements, 10);
    let [(_, event)] = &made[..] else { panic!("{made:?}") };
    assert_eq!((event.previous_class, event.class), (EngagementClass::Human, EngagementClass::Machine));
    assert_eq!((event.previous_rule.as_str(), event.rule.as_str()), ("engagement/0", "engagement/1"));
    assert_eq!((event.human_count, event.machine_count), (2, 1));
    assert_eq!(event.first_human_at, Some(noon() + TimeDelta::minutes(3)), "the earlier one was no person's");
    assert_eq!(engagements.judged(), Judged { judged: 3, corrected: 1, erased: 0 });
}

#[test]
fn running_it_again_over_what_it_appended_changes_nothing() {
    let open = at(1, 1, by_human());
    let mut first = Engagements::new(&STERN);
    first.record(&open, OPEN, true);
    let made = corrections(&mut first, 10);
    let correction = at(2, 1, made[0].1.clone());
    let mut again = Engagements::new(&STERN);
    again.record(&open, OPEN, true);
    again.record(&correction, OPEN, true);
    assert_eq!(corrections(&mut again, 10), []);
    assert_eq!(again.judged(), Judged { judged: 1, corrected: 0, erased: 0 });
}

#[test]
fn two_runs_at_once_make_the_same_correction_and_one_after_another_rule_makes_a_new_one() {
    let open = at(1, 1, by_human());
    let run = |rule: &'static Rule, history: &[Decided<CustomerEvent>]| {
        let mut engagements = Engagements::new(rule);
        for event in history {
            engagements.record(event, OPEN, true);
        }
        corrections(&mut engagements, 10)
    };
    let first = run(&STERN, std::slice::from_ref(&open));
    assert_eq!(first, run(&STERN, std::slice::from_ref(&open)));
    let stern = Decided { id: first[0].0, ..at(0, 1, first[0].1.clone()) };
    let back = run(&MILD, &[open.clone(), stern.clone()]);
    assert_eq!(back[0].1.previous_rule, "stern/1");
    let mild = Decided { id: back[0].0, ..at(0, 1, back[0].1.clone()) };
    let third = run(&STERN, &[open, stern, mild]);
    assert_ne!(third[0].0, first[0].0, "the same verdict, but after another correction");
}

#[test]
fn what_was_forgotten_is_left_as_it_is_and_counted() {
    let mut engagements = Engagements::new(&STERN);
    let mut open = by_human();
    open.personal = None;
    engagements.record(&at(1, 1, open), Sealed::Erased, true);
    assert_eq!(corrections(&mut engagements, 10), []);
    assert_eq!(engagements.judged(), Judged { judged: 0, corrected: 0, erased: 1 });
}

#[test]
fn what_is_not_meant_counts_in_the_figures_only() {
    let mut engagements = Engagements::new(&STERN);
    engagements.record(&at(1, 1, by_human()), OPEN, false);
    engagements.record(&at(2, 2, by_human()), OPEN, true);
    let click = MessageClicked {
        key: key(1),
        route: route(),
        class: EngagementClass::Human,
        rule: "engagement/0".to_owned(),
        flagged: None,
        personal: None,
    };
    engagements.record(&at(3, 2, click), OPEN, false);
    let made = corrections(&mut engagements, 10);
    let [(_, event)] = &made[..] else { panic!("{made:?}") };
    assert_eq!((event.human_count, event.machine_count), (1, 1), "clicks are counted for themselves");
}

#[test]
fn the_providers_flag_is_a_field_or_stands_in_the_callbacks_own_text() {
    let unknown = || opened(Some("Mail 1.0"), None, EngagementClass::Human);
    let told = opened(Some("Mail 1.0"), Some(false), EngagementClass::Human);
    let raw = Sealed::Open { raw: Some(r#"{"event":"open","sg_machine_open":true}"#) };
    let mut engagements = Engagements::new(&CURRENT);
    engagements.record(&at(1, 1, unknown()), raw, true);
    engagements.record(&at(2, 2, told), raw, true);
    engagements.record(&at(3, 3, unknown()), OPEN, true);
    let corrected: Vec<_> = corrections(&mut engagements, 10).into_iter().map(|(_, event)| event.corrects.0).collect();
    assert_eq!(corrected, [uuid::Uuid::from_u128(1)]);
}

#[test]
fn corrections_come_in_parts_whose_figures_follow_each_other() {
    let mut engagements = Engagements::new(&STERN);
    for number in 1..=5 {
        engagements.record(&at(number, 1, by_human()), OPEN, true);
    }
    let machines: Vec<_> = std::iter::repeat_with(|| corrections(&mut engagements, 2))
        .take_while(|made| !made.is_empty())
        .map(|made| made.into_iter().map(|(_, event)| event.machine_count).collect::<Vec<_>>())
        .collect();
    assert_eq!(machines, [vec![1, 2], vec![3, 4], vec![5]]);
}

#[test]
fn a_scope_must_say_what_it_means() {
    let refused = |command: ReclassEngagement| command.check().expect_err("is refused");
    assert_eq!(refused(ReclassEngagement::default()).code, "SCOPE_MISSING");
    let message_id = Some(key(1).message_id);
    let alone = refused(ReclassEngagement { message_id, ..ReclassEngagement::default() });
    assert_eq!(alone.field.as_deref(), Some("customer_id"));
    let (since, until) = (Some(noon()), Some(noon()));
    let empty = refused(ReclassEngagement { since, until, ..ReclassEngagement::default() });
    assert_eq!(empty.field.as_deref(), Some("until"));
    let period = ReclassEngagement { since, ..ReclassEngagement::default() };
    assert!(period.check().is_ok());
    assert!(period.means(key(1).message_id, None, noon()));
    assert!(!period.means(key(1).message_id, None, noon() - TimeDelta::seconds(1)));
}
