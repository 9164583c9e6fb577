use chrono::NaiveDate;
use proptest::prelude::*;

use super::super::clock::{day_start, resolve};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn recurrence(pattern: &str, zone: Tz) -> Recurrence {
    Recurrence::parse("cron", pattern, zone, None).expect("a pattern")
}

fn first(pattern: &str, zone: Tz, from: &str, number: usize) -> Vec<String> {
    let recurrence = recurrence(pattern, zone);
    let moments = std::iter::successors(recurrence.first(at(from)), |last| recurrence.next(*last));
    moments.take(number).map(|at| at.format("%m-%dT%H:%MZ").to_string()).collect()
}

#[test]
fn a_daily_pattern_keeps_to_the_local_clock() {
    let vienna = first("0 9 * * *", Tz::Europe__Vienna, "2026-03-28T00:00:00Z", 3);
    assert_eq!(vienna, ["03-28T08:00Z", "03-29T07:00Z", "03-30T07:00Z"]);
    let kathmandu = first("0 9 * * *", Tz::Asia__Kathmandu, "2026-03-28T00:00:00Z", 2);
    assert_eq!(kathmandu, ["03-28T03:15Z", "03-29T03:15Z"]);
}

#[test]
fn a_time_that_clocks_skip_comes_once_at_the_first_moment_after_the_gap() {
    let vienna = first("30 2 * * *", Tz::Europe__Vienna, "2026-03-28T00:00:00Z", 3);
    assert_eq!(vienna, ["03-28T01:30Z", "03-29T01:00Z", "03-30T00:30Z"]);
    let new_york = first("30 2 * * *", Tz::America__New_York, "2026-03-08T00:00:00Z", 2);
    assert_eq!(new_york, ["03-08T07:00Z", "03-09T06:30Z"]);
    let lord_howe = first("15 2 * * *", Tz::Australia__Lord_Howe, "2026-10-03T15:00:00Z", 2);
    assert_eq!(lord_howe, ["10-03T15:30Z", "10-04T15:15Z"]);
    // A search that begins at that moment finds it too.
    let again = first("30 2 * * *", Tz::Europe__Vienna, "2026-03-29T01:00:00Z", 1);
    assert_eq!(again, ["03-29T01:00Z"]);
    let change = recurrence("30 2 * * *", Tz::Europe__Vienna).change_at(at("2026-03-29T01:00:00Z"));
    let local = |text: &str| text.parse().expect("a local time");
    let (wanted, shown) = (local("2026-03-29T02:30:00"), local("2026-03-29T03:00:00"));
    assert_eq!(change, Some(ClockChange::Skipped { wanted, shown }));
}

#[test]
fn a_time_that_clocks_show_twice_comes_once_at_the_earlier_moment() {
    let vienna = first("30 2 * * *", Tz::Europe__Vienna, "2026-10-24T12:00:00Z", 2);
    assert_eq!(vienna, ["10-25T00:30Z", "10-26T01:30Z"]);
    let new_york = first("30 1 * * *", Tz::America__New_York, "2026-11-01T00:00:00Z", 2);
    assert_eq!(new_york, ["11-01T05:30Z", "11-02T06:30Z"]);
    let lord_howe = first("45 1 * * *", Tz::Australia__Lord_Howe, "2026-04-04T14:00:00Z", 2);
    assert_eq!(lord_howe, ["04-04T14:45Z", "04-05T15:15Z"]);
    let change = recurrence("30 2 * * *", Tz::Europe__Vienna).change_at(at("2026-10-25T00:30:00Z"));
    let wanted = "2026-10-25T02:30:00".parse().expect("a local time");
    assert_eq!(change, Some(ClockChange::ShownTwice { wanted, later: at("2026-10-25T01:30:00Z") }));
}

#[test]
fn an_hourly_pattern_follows_what_clocks_show() {
    let spring = first("0 * * * *", Tz::Europe__Vienna, "2026-03-29T00:00:00Z", 3);
    assert_eq!(spring, ["03-29T00:00Z", "03-29T01:00Z", "03-29T02:00Z"]);
    let autumn = first("0 * * * *", Tz::Europe__Vienna, "2026-10-24T23:30:00Z", 3);
    assert_eq!(autumn, ["10-25T00:00Z", "10-25T01:00Z", "10-25T02:00Z"]);
}

#[test]
fn last_days_leap_days_and_weekdays_are_found() {
    assert_eq!(first("0 9 L * *", Tz::UTC, "2026-02-01T00:00:00Z", 2), ["02-28T09:00Z", "03-31T09:00Z"]);
    assert_eq!(first("0 9 * * 5#L", Tz::UTC, "2026-02-01T00:00:00Z", 1), ["02-27T09:00Z"]);
    assert_eq!(first("0 9 * * 7", Tz::UTC, "2026-02-02T00:00:00Z", 1), ["02-08T09:00Z"]);
    let leap = recurrence("0 0 29 2 *", Tz::UTC);
    // 2100 is not a leap year.
    assert_eq!(leap.first(at("2096-03-01T00:00:00Z")), Some(at("2104-02-29T00:00:00Z")));
}

#[test]
fn nothing_comes_after_the_years_that_can_be_planned_and_nothing_before() {
    let daily = recurrence("@daily", Tz::UTC);
    assert_eq!(daily.first(DateTime::<Utc>::MIN_UTC), Some(EARLIEST));
    assert_eq!(daily.first(DateTime::<Utc>::MAX_UTC), None);
    assert_eq!(daily.next(DateTime::<Utc>::MAX_UTC), None);
    assert_eq!(daily.next(at("2199-12-31T00:00:00Z")), None);
    assert_eq!(daily.last(), None);
}

#[test]
fn the_last_one_is_not_after_the_end() {
    let until = |text: &str| Recurrence::parse("cron", "0 9 * * *", Tz::UTC, Some(at(text))).expect("a pattern");
    assert_eq!(until("2026-03-29T09:00:00Z").last(), Some(at("2026-03-29T09:00:00Z")));
    assert_eq!(until("2026-03-29T08:59:59Z").last(), Some(at("2026-03-28T09:00:00Z")));
}

#[test]
fn patterns_that_no_day_fits_never_come() {
    for pattern in ["* * 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30 2 +MON", "* * 30W 2 *", "*/7 */5 31 2 +MON#5"] {
        let parsed = Recurrence::parse("cron", pattern, Tz::Europe__Vienna, None);
        assert!(matches!(parsed, Err(ScheduleError::NeverComes { .. })), "{pattern}");
    }
}

/// Texts, some of them nearly patterns.
const TEXTS: &str = "[-0-9*/,?LW#+@A-Za-z ]{0,30}|\\PC{0,40}|([-0-9*/,LW#+]{1,4} ){4}[-0-9*/,#L+]{1,4}";
/// Days of 2026 on which clocks of some zone are changed, and the days after.
const CHANGES: &[&str] = &[
    "2026-03-08",
    "2026-03-09",
    "2026-03-28",
    "2026-03-29",
    "2026-03-30",
    "2026-04-05",
    "2026-04-06",
    "2026-04-24",
    "2026-09-06",
    "2026-09-27",
    "2026-10-04",
    "2026-10-05",
    "2026-10-25",
    "2026-10-26",
    "2026-10-30",
    "2026-11-01",
];
const PATTERNS: &[&str] = &["* * * * *", "*/20 * * * *", "30 2 * * *", "0 0 1 * *", "15 */3 * * 1"];

proptest! {
    #[test]
    fn no_text_makes_it_panic(pattern in TEXTS) {
        if let Ok(recurrence) = Recurrence::parse("cron", &pattern, Tz::Australia__Lord_Howe, None) {
            let mut last = EARLIEST;
            for _ in 0..3 {
                let Some(next) = recurrence.next(last) else { break };
                prop_assert!(next > last);
                let _ = recurrence.change_at(next);
                last = next;
            }
        }
    }

    #[test]
    fn a_daily_pattern_comes_at_the_moment_that_its_local_time_means(
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        date in proptest::sample::select(CHANGES),
        hour in prop_oneof![0..4_u32, 0..24_u32],
        minute in 0..60_u32,
    ) {
        let date: NaiveDate = date.parse().expect("a date");
        let wanted = date.and_hms_opt(hour, minute, 0).expect("a local time");
        let (expected, change) = resolve(zone, wanted);
        let pattern = format!("{minute} {hour} * * *");
        let until = Recurrence::parse("cron", &pattern, zone, Some(expected)).expect("a pattern");
        prop_assert_eq!(until.last(), Some(expected), "{} {}", zone, wanted);
        let recurrence = recurrence(&pattern, zone);
        // A gap before midnight moves what the day before skipped to the first moment of the day.
        let from = expected.min(day_start(zone, date) + TimeDelta::seconds(1));
        let found = recurrence.first(from);
        prop_assert_eq!(found, Some(expected), "{} {}", zone, wanted);
        prop_assert_eq!(recurrence.first(expected), Some(expected), "{} {}", zone, wanted);
        prop_assert_eq!(recurrence.change_at(expected), change, "{} {}", zone, wanted);
    }

    #[test]
    fn occurrences_are_a_minute_apart_or_more_in_every_zone(
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        from in 1_767_225_600_i64..1_800_000_000,
        pattern in proptest::sample::select(PATTERNS),
    ) {
        let recurrence = recurrence(pattern, zone);
        let from = DateTime::from_timestamp(from, 1).expect("a time");
        let mut last = recurrence.first(from).expect("it comes");
        prop_assert!(last > from);
        for _ in 0..5 {
            let next = recurrence.next(last).expect("it comes again");
            prop_assert!(next - last >= TimeDelta::minutes(1));
            prop_assert_eq!(recurrence.first(next), Some(next));
            last = next;
        }
    }
}
