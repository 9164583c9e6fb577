use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

#[test]
fn a_local_time_means_the_first_moment_after_a_gap_and_the_earlier_of_two() {
    let table = [
        // (zone, local time, moment, what clocks show then)
        (Tz::Europe__Vienna, "2026-03-29T01:59:59", "2026-03-29T00:59:59Z", None),
        (Tz::Europe__Vienna, "2026-03-29T02:00:00", "2026-03-29T01:00:00Z", Some("2026-03-29T03:00:00")),
        (Tz::Europe__Vienna, "2026-03-29T02:59:59", "2026-03-29T01:00:00Z", Some("2026-03-29T03:00:00")),
        (Tz::Europe__Vienna, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z", None),
        (Tz::America__New_York, "2026-03-08T02:30:00", "2026-03-08T07:00:00Z", Some("2026-03-08T03:00:00")),
        // Lord Howe's clocks are put forward by 30 minutes.
        (Tz::Australia__Lord_Howe, "2026-10-04T02:15:00", "2026-10-03T15:30:00Z", Some("2026-10-04T02:30:00")),
        // Samoa went over the date line: 30 December 2011 was not a day there.
        (Tz::Pacific__Apia, "2011-12-30T09:00:00", "2011-12-30T10:00:00Z", Some("2011-12-31T00:00:00")),
        (Tz::Asia__Kathmandu, "2026-03-29T02:30:00", "2026-03-28T20:45:00Z", None),
    ];
    for (zone, wanted, moment, shown) in table {
        let change = shown.map(|shown| ClockChange::Skipped { wanted: local(wanted), shown: local(shown) });
        assert_eq!(resolve(zone, local(wanted)), (at(moment), change), "{zone} {wanted}");
    }
    let twice = [
        (Tz::Europe__Vienna, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        (Tz::America__New_York, "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
        (Tz::Australia__Lord_Howe, "2026-04-05T01:45:00", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
    ];
    for (zone, wanted, earlier, later) in twice {
        let change = ClockChange::ShownTwice { wanted: local(wanted), later: at(later) };
        assert_eq!(resolve(zone, local(wanted)), (at(earlier), Some(change)), "{zone} {wanted}");
    }
}

#[test]
fn the_next_midnight_is_later_also_where_clocks_are_changed_at_midnight() {
    let table = [
        ("Europe/Vienna", "2026-03-29T00:30:00Z", "2026-03-29T22:00:00Z"),
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"),
        // Clocks in Beirut skip the first hour of that Sunday, and those in Havana show the first hour twice.
        ("Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"),
        ("America/Havana", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"),
        ("America/Havana", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        // Those in Newfoundland were put back at one minute past midnight.
        ("America/St_Johns", "2010-11-07T02:40:00Z", "2010-11-07T03:30:00Z"),
    ];
    for (zone, now, midnight) in table {
        assert_eq!(next_midnight(zone.parse().expect("a zone"), at(now)), at(midnight), "{zone} {now}");
    }
}

proptest! {
    #[test]
    fn in_every_zone_a_local_time_means_a_moment_within_its_offsets(
        zone in proptest::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        seconds in EARLIEST.timestamp()..END.timestamp(),
    ) {
        let wanted = DateTime::from_timestamp(seconds, 0).expect("a time").naive_utc();
        let (moment, change) = resolve(zone, wanted);
        let shown = local_time(zone, moment.clamp(EARLIEST, END));
        if moment == moment.clamp(EARLIEST, END) {
            let is_skipped = matches!(change, Some(ClockChange::Skipped { .. }));
            prop_assert!(if is_skipped { shown > wanted } else { shown == wanted }, "{} {} {}", zone, wanted, shown);
        }
        let ahead = wanted.and_utc() - moment;
        prop_assert!(ahead <= TimeDelta::hours(14) && ahead >= TimeDelta::hours(-12), "{} {} {}", zone, wanted, moment);
        prop_assert!(next_midnight(zone, moment.min(END - TimeDelta::days(2))) > moment.min(END - TimeDelta::days(2)));
    }
}
