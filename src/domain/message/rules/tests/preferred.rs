use chrono::NaiveTime;
use serde_json::json;

use super::{at, judged_at, sent};
use crate::domain::customer::state::Customer;
use crate::domain::decision::Policy;
use crate::domain::message::event::MessageClass;
use crate::domain::message::rules::{Reason, Verdict};
use crate::domain::tenant::policy::{Blackout, EmergencyOverride, ProtectedWeekdays, QuietHours, RuleAction, Weekday};

fn wishes(hours: &str, zone: &str) -> Customer {
    let mut customer = sent("news", &[]);
    customer.profile.preferred_hours = Some(hours.to_owned());
    customer.profile.time_zone = Some(zone.to_owned());
    customer
}

/// Until when marketing waits for the wish; [`None`] if it is sent at once.
fn until(customer: &Customer, policy: &Policy, now: &str) -> Option<String> {
    match judged_at(at(now), customer, policy, MessageClass::Marketing) {
        Verdict::Send => None,
        Verdict::Hold { until, because: Reason { rule: "preferred_hours", inputs } } => {
            assert_eq!(inputs["until"], json!(until));
            Some(until.format("%Y-%m-%dT%H:%MZ").to_string())
        }
        other => panic!("{other:?}"),
    }
}

fn quiet(from: u32, to: u32) -> Policy {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
    let hours = QuietHours { channel: None, from: time(from), to: time(to), action: RuleAction::Hold };
    Policy { quiet_hours: vec![hours], ..Policy::default() }
}

#[test]
fn marketing_waits_for_the_preferred_hours_by_the_customers_clock() {
    let table = [
        // (hours, zone, now, until)
        ("18:00-21:00", "UTC", "2026-12-01T12:00:00Z", Some("2026-12-01T18:00Z")),
        ("18:00-21:00", "UTC", "2026-12-01T18:00:00Z", None),
        ("18:00-21:00", "UTC", "2026-12-01T21:00:00Z", Some("2026-12-02T18:00Z")),
        ("18:00-21:00", "America/New_York", "2026-12-01T18:30:00Z", Some("2026-12-01T23:00Z")),
        ("22:00-02:00", "UTC", "2026-12-01T01:59:00Z", None),
        ("22:00-02:00", "UTC", "2026-12-01T02:00:00Z", Some("2026-12-01T22:00Z")),
        // 2026-12-04 is a Friday.
        ("mon-fri 09:00-17:00", "UTC", "2026-12-04T17:00:00Z", Some("2026-12-07T09:00Z")),
        ("fri 22:00-02:00", "UTC", "2026-12-05T01:00:00Z", None),
        ("fri 22:00-02:00", "UTC", "2026-12-06T01:00:00Z", Some("2026-12-11T22:00Z")),
        ("sat 00:00-24:00", "UTC", "2026-12-04T12:00:00Z", Some("2026-12-05T00:00Z")),
        // Clocks skip the hour after two in the morning; an hour later than usual, by UTC, in autumn.
        ("02:30-04:00", "Europe/Berlin", "2026-03-28T23:30:00Z", Some("2026-03-29T01:00Z")),
        ("18:00-21:00", "Europe/Berlin", "2026-10-24T20:00:00Z", Some("2026-10-25T17:00Z")),
    ];
    for (hours, zone, now, expected) in table {
        let waits = until(&wishes(hours, zone), &Policy::default(), now);
        assert_eq!(waits.as_deref(), expected, "{hours} {zone} {now}");
    }
}

#[test]
fn the_first_moment_is_one_that_quiet_hours_and_weekdays_allow_as_well() {
    let evening = wishes("20:00-23:00", "UTC");
    assert_eq!(until(&evening, &quiet(19, 21), "2026-12-01T12:00:00Z").as_deref(), Some("2026-12-01T21:00Z"));
    let protected = ProtectedWeekdays { days: vec![Weekday::Saturday], ..ProtectedWeekdays::default() };
    let policy = Policy { weekdays: protected, ..Policy::default() };
    let weekend = wishes("sat,sun 10:00-12:00", "UTC");
    assert_eq!(until(&weekend, &policy, "2026-12-04T12:00:00Z").as_deref(), Some("2026-12-06T10:00Z"));
    let late = wishes("fri 22:00-02:00", "UTC");
    let policy = Policy {
        weekdays: ProtectedWeekdays { days: vec![Weekday::Friday], ..ProtectedWeekdays::default() },
        ..policy
    };
    assert_eq!(until(&late, &policy, "2026-12-03T12:00:00Z").as_deref(), Some("2026-12-05T00:00Z"));
}

#[test]
fn hours_of_which_other_rules_leave_nothing_do_not_keep_a_message_for_ever() {
    let night = wishes("22:00-23:00", "UTC");
    assert_eq!(until(&night, &quiet(21, 8), "2026-12-01T12:00:00Z"), None);
    let protected = ProtectedWeekdays { days: vec![Weekday::Sunday], ..ProtectedWeekdays::default() };
    let policy = Policy { weekdays: protected, ..Policy::default() };
    assert_eq!(until(&wishes("sun 10:00-12:00", "UTC"), &policy, "2026-12-01T12:00:00Z"), None);
    // Blackout dates end: until then the wish stands.
    let blackout = Blackout { dates: vec!["2026-12-06".parse().expect("a date")], ..Blackout::default() };
    let policy = Policy { blackout, ..Policy::default() };
    let sunday = wishes("sun 10:00-12:00", "UTC");
    assert_eq!(until(&sunday, &policy, "2026-12-05T12:00:00Z").as_deref(), Some("2026-12-06T10:00Z"));
    assert_eq!(until(&sunday, &policy, "2026-12-07T00:00:00Z").as_deref(), Some("2026-12-13T10:00Z"));
}

#[test]
fn a_wish_holds_neither_transactional_messages_nor_those_of_an_emergency() {
    let evening = wishes("18:00-21:00", "UTC");
    let now = at("2026-12-01T12:00:00Z");
    let judged = |policy: &Policy, class| judged_at(now, &evening, policy, class);
    assert_eq!(judged(&Policy::default(), MessageClass::Transactional), Verdict::Send);
    let emergency = EmergencyOverride {
        until: at("2026-12-02T00:00:00Z"),
        reason: "recall".to_owned(),
        actor: "user:1".to_owned(),
    };
    let policy = Policy { emergency_override: Some(emergency), ..Policy::default() };
    assert_eq!(judged(&policy, MessageClass::Marketing), Verdict::Send);
}
