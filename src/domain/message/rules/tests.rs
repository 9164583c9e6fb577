use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Asked, Verdict, Windows, judge, judge_request};
use crate::domain::address::event::SuppressionReason;
use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::event::{CustomerAddressAdded, CustomerEvent};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Meta, Policy};
use crate::domain::message::event::{DispatchFailed, DispatchStarted, MessageClass, MessageQueued, MessageReceived};
use crate::domain::scenario::{address_id, mailbox, noon, registered, said, with_context};
use crate::domain::tenant::policy::{
    Blackout, CapWindow, EmergencyOverride, FrequencyCap, ProtectedWeekdays, QuietHours, RuleAction, Weekday,
};
use crate::domain::value::message::{MessageKey, RetryClass, Route};
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{AddressId, EventId, ImportId, MessageId};

mod explain;
mod invalid;
mod preferred;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
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

/// A customer with a mailbox, and marketing about `topic` that was handed over at these times.
fn sent(topic: &str, times: &[DateTime<Utc>]) -> Customer {
    let mut customer = Customer::default();
    for event in [registered(), mailbox("ada@example.org", true)] {
        apply(&mut customer, noon(), event);
    }
    for (number, time) in (1..).zip(times) {
        queue(&mut customer, number, topic, MessageClass::Marketing);
        start(&mut customer, number, *time);
    }
    customer
}

fn apply(customer: &mut Customer, at: DateTime<Utc>, event: CustomerEvent) {
    let version = customer.pending.all().len() as u64 + 100;
    customer.apply(&event, Meta { id: EventId(Uuid::nil()), version, occurred_at: at });
}

fn queue(customer: &mut Customer, number: u128, topic: &str, class: MessageClass) {
    let queued = MessageQueued {
        key: key(number),
        class,
        topic: topic.to_owned(),
        address_id: None,
        instead_of: None,
        send_at: None,
        in_reply_to: None,
        canned_reply: None,
        template: None,
        timing: None,
        import_id: None,
        personal: None,
    };
    apply(customer, noon(), queued.into());
}

fn route() -> Route {
    Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None }
}

fn start(customer: &mut Customer, number: u128, at: DateTime<Utc>) {
    let content_hash = String::new();
    let started = DispatchStarted {
        key: key(number),
        route: route(),
        attempt: 1,
        address_version: 0,
        content_hash,
        choice: None,
    };
    apply(customer, at, started.into());
}

fn cap(limit: u32, window: CapWindow, action: RuleAction) -> Policy {
    Policy { caps: vec![FrequencyCap { channel: None, topic: None, limit, window, action }], ..Policy::default() }
}

fn judged_at(now: DateTime<Utc>, customer: &Customer, policy: &Policy, class: MessageClass) -> Verdict {
    let asked = Asked {
        channel: Channel::Email,
        class,
        topic: "news",
        address_id: Some(address_id(AddressKind::Email, "ada@example.org")),
        is_template: false,
        queued_version: None,
    };
    with_context(policy, |context| {
        let context = Context { now, ..*context };
        let verdict = judge(customer, &Address::default(), asked, &context);
        explain::agrees(&verdict, customer, &Address::default(), asked, &context);
        verdict
    })
}

fn marketing(now: DateTime<Utc>, customer: &Customer, policy: &Policy) -> Verdict {
    judged_at(now, customer, policy, MessageClass::Marketing)
}

/// The rule that holds or suppresses, and until when.
fn found(verdict: Verdict) -> Option<(&'static str, Option<DateTime<Utc>>)> {
    match verdict {
        Verdict::Send => None,
        Verdict::Hold { until, because } => Some((because.rule, Some(until))),
        Verdict::Suppress(because) => Some((because.rule, None)),
    }
}

const DAY: CapWindow = CapWindow::Rolling { hours: 24 };

#[test]
fn a_cap_lets_pass_what_is_below_its_limit_and_nothing_more() {
    let now = at("2026-03-02T12:00:00Z");
    let hour = |hours| now - TimeDelta::hours(hours);
    for (before, limit, is_held) in [(1, 3, false), (2, 3, false), (3, 3, true), (4, 3, true), (1, 1, true)] {
        let times: Vec<_> = (1..=before).map(hour).rev().collect();
        let verdict = marketing(now, &sent("news", &times), &cap(limit, DAY, RuleAction::Abort));
        assert_eq!(found(verdict), is_held.then_some(("frequency_cap", None)), "{before} of {limit}");
    }
}

#[test]
fn a_message_leaves_a_rolling_window_when_it_is_exactly_that_old() {
    let now = at("2026-03-02T12:00:00Z");
    let policy = cap(1, DAY, RuleAction::Hold);
    let exactly = sent("news", &[now - TimeDelta::hours(24)]);
    assert_eq!(marketing(now, &exactly, &policy), Verdict::Send);
    let just_in = sent("news", &[now - TimeDelta::hours(24) + TimeDelta::microseconds(1)]);
    let until = now + TimeDelta::microseconds(1);
    assert_eq!(found(marketing(now, &just_in, &policy)), Some(("frequency_cap", Some(until))));
    assert_eq!(marketing(until, &just_in, &policy), Verdict::Send);
}

#[test]
fn a_held_message_waits_until_enough_of_the_others_are_old() {
    let now = at("2026-03-02T12:00:00Z");
    let times = [23, 10, 5].map(|hours| now - TimeDelta::hours(hours));
    let held = marketing(now, &sent("news", &times), &cap(2, DAY, RuleAction::Hold));
    assert_eq!(found(held), Some(("frequency_cap", Some(times[1] + TimeDelta::hours(24)))));
}

#[test]
fn calendar_windows_begin_by_the_customers_clock() {
    // In Auckland it is 1 April, a Wednesday; in UTC still the day before.
    let (zone, now) = (Some("Pacific/Auckland".to_owned()), at("2026-03-31T20:00:00Z"));
    let table = [
        // (window, sent at, until)
        (CapWindow::Day, "2026-03-31T12:00:00Z", Some("2026-04-01T11:00:00Z")),
        (CapWindow::Day, "2026-03-31T10:59:59Z", None),
        (CapWindow::Week, "2026-03-29T12:00:00Z", Some("2026-04-05T12:00:00Z")),
        (CapWindow::Week, "2026-03-29T10:59:59Z", None),
        (CapWindow::Month, "2026-03-31T11:00:00Z", Some("2026-04-30T12:00:00Z")),
        (CapWindow::Month, "2026-03-31T10:59:59Z", None),
    ];
    for (window, sent_at, until) in table {
        let policy = Policy { time_zone: zone.clone(), ..cap(1, window, RuleAction::Hold) };
        let expected = until.map(|until| ("frequency_cap", Some(at(until))));
        assert_eq!(found(marketing(now, &sent("news", &[at(sent_at)]), &policy)), expected, "{window:?} {sent_at}");
    }
}

#[test]
fn a_cap_counts_its_own_channel_and_topic() {
    let now = at("2026-03-02T12:00:00Z");
    let customer = sent("news", &[now - TimeDelta::hours(1)]);
    let of = |channel: Option<Channel>, topic: Option<&str>| {
        let mut policy = cap(1, DAY, RuleAction::Abort);
        (policy.caps[0].channel, policy.caps[0].topic) = (channel, topic.map(str::to_owned));
        found(marketing(now, &customer, &policy)).is_some()
    };
    assert!(of(None, None) && of(Some(Channel::Email), None) && of(None, Some("news")));
    assert!(!of(Some(Channel::Sms), None) && !of(None, Some("offers")));
}

#[test]
fn what_waits_in_the_queue_counts_and_what_a_provider_refused_does_not() {
    let now = at("2026-03-02T12:00:00Z");
    let policy = cap(1, DAY, RuleAction::Abort);
    let mut customer = sent("news", &[]);
    queue(&mut customer, 1, "news", MessageClass::Transactional);
    assert_eq!(marketing(now, &customer, &policy), Verdict::Send);
    queue(&mut customer, 2, "news", MessageClass::Marketing);
    assert_eq!(found(marketing(now, &customer, &policy)), Some(("frequency_cap", None)));
    start(&mut customer, 2, now);
    assert_eq!(found(marketing(now, &customer, &policy)), Some(("frequency_cap", None)));
    let refused = DispatchFailed {
        key: key(2),
        route: route(),
        attempt: 1,
        class: RetryClass::Permanent,
        code: None,
        retry_at: None,
        personal: None,
    };
    apply(&mut customer, now, refused.into());
    assert_eq!(marketing(now, &customer, &policy), Verdict::Send);
}

#[test]
fn whoever_was_sent_more_than_is_remembered_has_reached_every_cap() {
    let now = at("2026-03-02T12:00:00Z");
    let times: Vec<_> = (0..201).map(|minute| now - TimeDelta::minutes(300 - minute)).collect();
    let customer = sent("offers", &times);
    assert_eq!(customer.recent.all().len(), 200);
    let mut policy = cap(5, DAY, RuleAction::Hold);
    policy.caps[0].topic = Some("news".to_owned());
    assert_eq!(
        found(marketing(now, &customer, &policy)),
        Some(("frequency_cap", Some(times[1] + TimeDelta::hours(24))))
    );
    let short = CapWindow::Rolling { hours: 1 };
    policy.caps[0].window = short;
    assert_eq!(marketing(now, &customer, &policy), Verdict::Send);
}

#[test]
fn nought_and_blank_are_off() {
    let now = at("2026-03-01T12:00:00Z");
    let customer = sent("news", &[now - TimeDelta::hours(1)]);
    let quiet = QuietHours { channel: None, from: NaiveTime::MIN, to: NaiveTime::MIN, action: RuleAction::Abort };
    let off = [
        cap(0, DAY, RuleAction::Abort),
        cap(1, CapWindow::Rolling { hours: 0 }, RuleAction::Abort),
        Policy { quiet_hours: vec![quiet], ..Policy::default() },
        Policy { blackout: Blackout { dates: vec![], action: RuleAction::Abort }, ..Policy::default() },
        Policy { weekdays: ProtectedWeekdays { days: vec![], action: RuleAction::Abort }, ..Policy::default() },
    ];
    for policy in off {
        assert_eq!(marketing(now, &customer, &policy), Verdict::Send, "{policy:?}");
    }
}

/// Every rule on time and number stands against marketing at `SUNDAY`.
fn strict() -> Policy {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
    Policy {
        quiet_hours: vec![QuietHours { channel: None, from: time(21), to: time(8), action: RuleAction::Hold }],
        blackout: Blackout { dates: vec!["2026-03-01".parse::<NaiveDate>().expect("a date")], ..Blackout::default() },
        weekdays: ProtectedWeekdays { days: vec![Weekday::Sunday], ..ProtectedWeekdays::default() },
        ..cap(1, DAY, RuleAction::Hold)
    }
}

const SUNDAY: &str = "2026-03-01T22:00:00Z";

#[test]
fn the_rules_stand_in_their_order() {
    let now = at(SUNDAY);
    let (busy, idle) = (sent("news", &[now]), sent("news", &[]));
    let mut policy = strict();
    assert_eq!(found(marketing(now, &busy, &policy)).map(|found| found.0), Some("frequency_cap"));
    let quiet = Some(("quiet_hours", Some(at("2026-03-02T08:00:00Z"))));
    assert_eq!(found(marketing(now, &idle, &policy)), quiet);
    policy.quiet_hours.clear();
    let midnight = Some(at("2026-03-02T00:00:00Z"));
    assert_eq!(found(marketing(now, &idle, &policy)), Some(("blackout", midnight)));
    policy.blackout.dates.clear();
    assert_eq!(found(marketing(now, &idle, &policy)), Some(("weekday", midnight)));
    policy.weekdays.action = RuleAction::Abort;
    assert_eq!(found(marketing(now, &idle, &policy)), Some(("weekday", None)));
}

#[test]
fn transactional_messages_are_exempt() {
    let now = at(SUNDAY);
    assert_eq!(judged_at(now, &sent("news", &[now]), &strict(), MessageClass::Transactional), Verdict::Send);
}

#[test]
fn the_customers_own_zone_comes_before_the_tenants() {
    let policy = Policy { time_zone: Some("America/New_York".to_owned()), caps: vec![], ..strict() };
    let mut ada = sent("news", &[]);
    // Five in the afternoon in New York, eleven at night in Paris.
    let held = marketing(at("2026-03-03T22:00:00Z"), &ada, &policy);
    assert_eq!(held, Verdict::Send);
    ada.profile.time_zone = Some("Europe/Paris".to_owned());
    let Verdict::Hold { until, because } = marketing(at("2026-03-03T22:00:00Z"), &ada, &policy) else {
        panic!("it is held")
    };
    assert_eq!(until, at("2026-03-04T07:00:00Z"));
    assert_eq!(because.inputs["zone"], "Europe/Paris");
    assert_eq!(because.inputs["local_time"], "2026-03-03T23:00:00");
}

#[test]
fn an_emergency_lifts_the_rules_on_time_and_number_and_nothing_else() {
    let now = at(SUNDAY);
    let emergency = |until| {
        let (reason, actor) = ("recall".to_owned(), "key:admin".to_owned());
        Policy { emergency_override: Some(EmergencyOverride { until, reason, actor }), ..strict() }
    };
    let mut ada = sent("news", &[now]);
    assert_eq!(marketing(now, &ada, &emergency(now + TimeDelta::seconds(1))), Verdict::Send);
    assert_ne!(marketing(now, &ada, &emergency(now)), Verdict::Send);
    apply(&mut ada, now, said("all", ConsentState::OptedOut));
    let verdict = marketing(now, &ada, &emergency(now + TimeDelta::seconds(1)));
    assert_eq!(found(verdict), Some(("consent", None)));
    let stopped = Address { suppressions: vec![SuppressionReason::Stop], ..Address::default() };
    let asked = Asked {
        channel: Channel::Email,
        class: MessageClass::Marketing,
        topic: "news",
        address_id: Some(address_id(AddressKind::Email, "ada@example.org")),
        is_template: false,
        queued_version: None,
    };
    let policy = emergency(now + TimeDelta::hours(1));
    let verdict = with_context(&policy, |context| judge(&ada, &stopped, asked, &Context { now, ..*context }));
    assert_eq!(found(verdict), Some(("suppressed_address", None)));
}

const WROTE: &str = "2026-03-02T12:00:00Z";

/// A customer who wrote by WhatsApp from their number.
fn wrote(channel: Channel, at: DateTime<Utc>, import_id: Option<ImportId>) -> Customer {
    let mut customer = Customer::default();
    let added = CustomerAddressAdded {
        address_id: number(),
        kind: AddressKind::Phone,
        primary: true,
        import_id: None,
        personal: None,
    };
    for event in [registered(), added.into()] {
        apply(&mut customer, noon(), event);
    }
    let received = MessageReceived {
        key: MessageKey { channel, ..key(1) },
        address_id: Some(number()),
        in_reply_to: None,
        provider: "twilio".to_owned(),
        keyword: None,
        import_id,
        account: None,
        automatic: None,
        about: None,
        personal: None,
    };
    apply(&mut customer, at, received.into());
    customer
}

fn number() -> AddressId {
    address_id(AddressKind::Phone, "+447400123456")
}

fn by_whatsapp(now: DateTime<Utc>, customer: &Customer, is_template: bool, policy: &Policy) -> Verdict {
    let asked = Asked {
        channel: Channel::Whatsapp,
        class: MessageClass::Transactional,
        topic: "orders",
        address_id: Some(number()),
        is_template,
        queued_version: None,
    };
    with_context(policy, |context| judge(customer, &Address::default(), asked, &Context { now, ..*context }))
}

#[test]
fn free_text_by_whatsapp_is_for_a_day_after_the_customer_wrote_and_a_template_for_ever() {
    let (policy, ada) = (Policy::default(), wrote(Channel::Whatsapp, at(WROTE), None));
    let closed_at = at(WROTE) + TimeDelta::hours(24);
    assert_eq!(by_whatsapp(closed_at - TimeDelta::microseconds(1), &ada, false, &policy), Verdict::Send);
    let Verdict::Suppress(because) = by_whatsapp(closed_at, &ada, false, &policy) else { panic!("it is closed") };
    assert_eq!(because.rule, "whatsapp_window");
    let told = |name: &str| because.inputs[name].as_str().and_then(|time| time.parse::<DateTime<Utc>>().ok());
    assert_eq!((told("last_inbound_at"), told("closed_at")), (Some(at(WROTE)), Some(closed_at)));
    assert_eq!(by_whatsapp(closed_at, &ada, true, &policy), Verdict::Send);
    let emergency = EmergencyOverride {
        until: closed_at + TimeDelta::hours(1),
        reason: "recall".to_owned(),
        actor: "key:admin".to_owned(),
    };
    let lifted = Policy { emergency_override: Some(emergency), ..Policy::default() };
    assert_eq!(found(by_whatsapp(closed_at, &ada, false, &lifted)), Some(("whatsapp_window", None)));
}

#[test]
fn only_a_whatsapp_message_to_us_opens_the_window_and_an_older_one_does_not_close_it() {
    let (policy, now) = (Policy::default(), at(WROTE) + TimeDelta::hours(1));
    let import = Some(ImportId(Uuid::nil()));
    for closed in [wrote(Channel::Sms, at(WROTE), None), wrote(Channel::Whatsapp, at(WROTE), import)] {
        let Verdict::Suppress(because) = by_whatsapp(now, &closed, false, &policy) else { panic!("it never opened") };
        assert_eq!((because.rule, because.inputs["closed_at"].is_null()), ("whatsapp_window", true));
    }
    let mut ada = wrote(Channel::Whatsapp, at(WROTE), None);
    let late = wrote(Channel::Whatsapp, at(WROTE) - TimeDelta::days(3), None);
    ada.whatsapp = Windows::joined([&ada.whatsapp, &late.whatsapp].into_iter());
    assert_eq!(by_whatsapp(now, &ada, false, &policy), Verdict::Send);
}

#[test]
fn a_window_is_judged_when_a_planned_message_is_due_and_not_before() {
    let ada = wrote(Channel::Whatsapp, at(WROTE), None);
    let asked = Asked {
        channel: Channel::Whatsapp,
        class: MessageClass::Transactional,
        topic: "orders",
        address_id: Some(number()),
        is_template: false,
        queued_version: None,
    };
    let (now, later) = (at(WROTE), at(WROTE) + TimeDelta::days(2));
    let verdict = with_context(&Policy::default(), |context| {
        judge_request(&ada, &Address::default(), asked, Some(later), &Context { now, ..*context })
    });
    assert_eq!(found(verdict), Some(("scheduled", Some(later))));
    assert_eq!(found(by_whatsapp(later, &ada, false, &Policy::default())), Some(("whatsapp_window", None)));
}

#[test]
fn marketing_calls_keep_to_the_hours_of_the_law_unless_a_policy_says_otherwise() {
    let mut ada = wrote(Channel::Sms, at(WROTE), None);
    ada.profile.time_zone = Some("America/New_York".to_owned());
    let by = |channel: Channel, class: MessageClass, policy: &Policy| {
        let asked = Asked {
            channel,
            class,
            topic: "news",
            address_id: Some(number()),
            is_template: false,
            queued_version: None,
        };
        // Nine in the evening in New York.
        let now = at("2026-03-03T02:00:00Z");
        let verdict =
            with_context(policy, |context| judge(&ada, &Address::default(), asked, &Context { now, ..*context }));
        found(verdict)
    };
    let law = Policy::default();
    let eight = Some(("quiet_hours", Some(at("2026-03-03T13:00:00Z"))));
    assert_eq!(by(Channel::Voice, MessageClass::Marketing, &law), eight);
    assert_eq!(by(Channel::Voice, MessageClass::Transactional, &law), None);
    assert_eq!(by(Channel::Sms, MessageClass::Marketing, &law), None);
    let off = Policy { quiet_hours: vec![], ..Policy::default() };
    assert_eq!(by(Channel::Voice, MessageClass::Marketing, &off), None);
}

/// WhatsApp writes numbers of Brazil, Mexico and Argentina otherwise than their owners do (chatwoot/chatwoot#5840).
#[test]
fn the_window_is_that_of_the_number_however_whatsapp_spells_it() {
    let id = |text: &str| address_id(AddressKind::Phone, text);
    let spellings =
        [("+5531988888888", "+553188888888"), ("+525512345678", "+5215512345678"), ("+541123456789", "+5491123456789")];
    for (ours, whatsapps) in spellings {
        assert_eq!(id(ours), id(whatsapps), "{ours}");
    }
}
