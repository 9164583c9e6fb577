//! What every rule finds, and not only the first one that stands against a message.

use super::*;
use crate::domain::message::rules::{Found, NotAsked, explain};

/// The first rule that holds or forbids a message is the one that decides, as it is said to.
pub(super) fn agrees(
    verdict: &Verdict,
    customer: &Customer,
    address: &Address,
    asked: Asked<'_>,
    context: &Context<'_>,
) {
    let findings = explain(customer, address, asked, None, context);
    let first = findings.iter().find(|one| matches!(one.found, Found::Holds { .. } | Found::Suppresses));
    let decided = match verdict {
        Verdict::Send => None,
        Verdict::Hold { until, because } => Some((Found::Holds { until: *until }, because)),
        Verdict::Suppress(because) => Some((Found::Suppresses, because)),
    };
    assert_eq!(
        first.map(|one| (one.rule, one.found, &one.inputs)),
        decided.map(|(found, because)| (because.rule, found, &because.inputs)),
    );
}

fn asked(class: MessageClass, channel: Channel) -> Asked<'static> {
    let address_id = Some(address_id(AddressKind::Email, "ada@example.org"));
    Asked { channel, class, topic: "news", address_id, is_template: false, queued_version: None }
}

fn all(
    customer: &Customer,
    asked: Asked<'_>,
    send_at: Option<DateTime<Utc>>,
    policy: &Policy,
) -> Vec<(&'static str, Found)> {
    with_context(policy, |context| {
        let findings = explain(customer, &Address::default(), asked, send_at, context);
        findings.into_iter().map(|one| (one.rule, one.found)).collect()
    })
}

fn of(rule: &str, findings: &[(&'static str, Found)]) -> Found {
    findings.iter().find(|(name, _)| *name == rule).map(|(_, found)| *found).expect("every rule is listed")
}

#[test]
fn every_rule_says_what_it_finds_whatever_the_others_find() {
    let mut policy = cap(1, DAY, RuleAction::Hold);
    policy.require_opt_in = true;
    let customer = sent("news", &[noon() - TimeDelta::hours(1)]);
    let findings = all(&customer, asked(MessageClass::Marketing, Channel::Email), None, &policy);
    assert_eq!(of("consent", &findings), Found::Suppresses);
    assert_eq!(of("frequency_cap", &findings), Found::Holds { until: noon() + TimeDelta::hours(23) });
    assert_eq!(of("weekday", &findings), Found::Passes);
    assert_eq!(of("whatsapp_window", &findings), Found::NotAsked(NotAsked::OtherChannel));
}

#[test]
fn a_rule_that_does_not_concern_a_message_says_why() {
    let (customer, policy) = (sent("news", &[]), cap(1, DAY, RuleAction::Hold));
    let service = all(&customer, asked(MessageClass::Transactional, Channel::Email), None, &policy);
    assert_eq!(of("consent", &service), Found::NotAsked(NotAsked::Transactional));
    assert_eq!(of("scheduled", &service), Found::NotAsked(NotAsked::NotPlanned));
    let at = noon() + TimeDelta::hours(1);
    let later = all(&customer, asked(MessageClass::Marketing, Channel::Email), Some(at), &policy);
    assert_eq!(of("scheduled", &later), Found::Holds { until: at });
    assert_eq!(of("frequency_cap", &later), Found::NotAsked(NotAsked::Planned));
    let nowhere = Asked { address_id: None, ..asked(MessageClass::Marketing, Channel::Email) };
    let nowhere = all(&customer, nowhere, None, &policy);
    assert_eq!(of("unknown_address", &nowhere), Found::Suppresses);
    assert!(nowhere[2..].iter().all(|(_, found)| *found == Found::NotAsked(NotAsked::Nowhere)), "{nowhere:?}");
}
