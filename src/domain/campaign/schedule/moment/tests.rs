use proptest::prelude::*;

use super::super::Schedule;
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

fn plan(json: &str) -> Plan {
    serde_json::from_str::<Schedule>(json).expect("a schedule").check(Tz::Europe__Vienna).expect("a plan")
}

fn somebody(zone: Option<Tz>) -> Recipient<'static> {
    Recipient { person: Uuid::from_u128(7), zone, habits: None }
}

fn moment(json: &str, recipient: Recipient<'_>, since: &str) -> Moment {
    plan(json).moment_for(recipient, at(since)).expect("a moment")
}

const START: &str = "2026-03-01T00:00:00Z";

#[test]
fn given_no_schedule_a_message_goes_when_the_campaign_starts() {
    let moment = moment(r#"{"when":{"kind":"now"}}"#, somebody(None), START);
    assert_eq!((moment.at, moment.reason.basis, moment.reason.zone), (at(START), Basis::Now, None));
}

#[test]
fn given_a_local_time_each_recipients_own_clock_counts() {
    let json = r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"02:30:00"}}"#;
    let table = [
        (Some(Tz::Asia__Kathmandu), "2026-03-28T20:45:00Z", "Asia/Kathmandu", ZoneSource::Recipient),
        (Some(Tz::America__New_York), "2026-03-29T06:30:00Z", "America/New_York", ZoneSource::Recipient),
        (None, "2026-03-29T01:00:00Z", "Europe/Vienna", ZoneSource::Tenant),
    ];
    for (zone, expected, name, of) in table {
        let moment = moment(json, somebody(zone), START);
        assert_eq!((moment.at, moment.reason.zone), (at(expected), Some(Zone { name: name.to_owned(), of })));
    }
}

#[test]
fn given_a_change_of_clocks_the_reason_states_it() {
    let skipped = r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"02:30:00"}}"#;
    let (wanted, shown) = (local("2026-03-29T02:30:00"), local("2026-03-29T03:00:00"));
    let reason = moment(skipped, somebody(None), START).reason;
    assert_eq!(reason.clock_change, Some(ClockChange::Skipped { wanted, shown }));
    let json = serde_json::to_string(&reason).expect("JSON");
    let expected = concat!(
        r#"{"basis":{"kind":"local_time","wanted":"2026-03-29T02:30:00"},"#,
        r#""zone":{"name":"Europe/Vienna","of":"tenant"},"#,
        r#""clock_change":{"kind":"skipped","wanted":"2026-03-29T02:30:00","shown":"2026-03-29T03:00:00"},"#,
        r#""spread_millis":0}"#,
    );
    assert_eq!(json, expected);

    let twice = r#"{"when":{"kind":"local_time","date":"2026-10-25","time":"02:30:00"}}"#;
    let moment = moment(twice, somebody(None), START);
    let change = ClockChange::ShownTwice { wanted: local("2026-10-25T02:30:00"), later: at("2026-10-25T01:30:00Z") };
    assert_eq!((moment.at, moment.reason.clock_change), (at("2026-10-25T00:30:00Z"), Some(change)));
}

#[test]
fn given_enough_habits_the_best_hour_counts_and_else_the_fallback() {
    let json = r#"{"when":{"kind":"best_hour","date":"2026-03-30","fallback":"09:30:00","observations":3}}"#;
    let mut habits = Habits::default();
    habits.opens[19] = 2;
    habits.replies[19] = 1;
    let zone = Some(Tz::America__New_York);
    let known = moment(json, Recipient { habits: Some(&habits), ..somebody(zone) }, START);
    let choice = HourChoice::Observed { hour: 19, opens: 2, replies: 1, observations: 3 };
    let basis = Basis::BestHour { wanted: local("2026-03-30T19:00:00"), choice };
    assert_eq!((known.at, known.reason.basis), (at("2026-03-30T23:00:00Z"), basis));
    let unknown = moment(json, somebody(zone), START);
    let choice = HourChoice::TooFew { observations: 0, needed: 3 };
    let basis = Basis::BestHour { wanted: local("2026-03-30T09:30:00"), choice };
    assert_eq!((unknown.at, unknown.reason.basis), (at("2026-03-30T13:30:00Z"), basis));
}

#[test]
fn given_a_recurrence_its_own_zone_counts() {
    let json = r#"{"when":{"kind":"recurring","cron":"30 2 * * *","zone":"Europe/Vienna"},"spread_minutes":60}"#;
    let moment = moment(json, somebody(Some(Tz::Asia__Kathmandu)), "2026-03-28T12:00:00Z");
    let spread = TimeDelta::milliseconds(moment.reason.spread_millis);
    assert_eq!(moment.at - spread, at("2026-03-29T01:00:00Z"));
    assert_eq!(moment.reason.zone, Some(Zone { name: "Europe/Vienna".to_owned(), of: ZoneSource::Schedule }));
    assert!(matches!(moment.reason.clock_change, Some(ClockChange::Skipped { .. })));
    assert_eq!(plan(json).next_run(at("2026-03-29T01:00:00Z")), Some(at("2026-03-30T00:30:00Z")));
}

#[test]
fn given_a_recurrence_that_is_over_there_is_no_moment() {
    let over = plan(r#"{"when":{"kind":"recurring","cron":"@daily","zone":"UTC","until":"2026-02-01T00:00:00Z"}}"#);
    assert_eq!((over.moment_for(somebody(None), at(START)), over.span(at(START))), (None, None));
}

#[test]
fn the_span_reaches_from_the_first_zone_to_the_last() {
    let span = |json: &str| plan(json).span(at(START)).map(|span| (span.earliest, span.latest));
    let local = r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"09:00:00"},"spread_minutes":60}"#;
    assert_eq!(span(local), Some((at("2026-03-28T19:00:00Z"), Some(at("2026-03-29T22:00:00Z")))));
    let best = r#"{"when":{"kind":"best_hour","date":"2026-03-29","fallback":"23:30:00"}}"#;
    assert_eq!(span(best), Some((at("2026-03-28T10:00:00Z"), Some(at("2026-03-30T11:30:00Z")))));
    let endless = r#"{"when":{"kind":"recurring","cron":"0 9 * * *","zone":"UTC"}}"#;
    assert_eq!(span(endless), Some((at("2026-03-01T09:00:00Z"), None)));
    let ends = r#"{"when":{"kind":"recurring","cron":"0 9 * * *","zone":"UTC","until":"2026-03-05T08:00:00Z"}}"#;
    assert_eq!(span(ends), Some((at("2026-03-01T09:00:00Z"), Some(at("2026-03-04T09:00:00Z")))));
    // Samoa skipped the day, and the first zones had it.
    let apia = plan(r#"{"when":{"kind":"local_time","date":"2011-12-30","time":"09:00:00"}}"#);
    let moment = apia.moment_for(somebody(Some(Tz::Pacific__Apia)), at(START)).expect("a moment");
    assert_eq!(moment.at, at("2011-12-30T10:00:00Z"));
    assert!(matches!(moment.reason.clock_change, Some(ClockChange::Skipped { .. })));
}

fn schedules() -> impl Strategy<Value = String> {
    let date = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    let time = "([01][0-9]|2[0-3]):[0-5][0-9]:00";
    (date, time, 0..=10_080_u32, any::<bool>()).prop_map(|(date, time, spread, is_best)| {
        let (kind, field) = if is_best { ("best_hour", "fallback") } else { ("local_time", "time") };
        format!(r#"{{"when":{{"kind":"{kind}","date":"{date}","{field}":"{time}"}},"spread_minutes":{spread}}}"#)
    })
}

proptest! {
    #[test]
    fn in_every_zone_a_moment_lies_in_the_span_and_stays_the_same(
        json in schedules(),
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        person in any::<u128>(),
        hour in 0_usize..24,
    ) {
        let plan = plan(&json);
        let mut habits = Habits::default();
        habits.opens[hour] = 10;
        let recipient = Recipient { person: Uuid::from_u128(person), zone: Some(zone), habits: Some(&habits) };
        let moment = plan.moment_for(recipient, at(START)).expect("a moment");
        let span = plan.span(at(START)).expect("a span");
        let latest = span.latest.expect("an end");
        prop_assert!(span.earliest <= moment.at && moment.at <= latest, "{:?} {:?}", moment, span);
        prop_assert_eq!(plan.moment_for(recipient, at("2031-01-01T00:00:00Z")), Some(moment));
    }
}
