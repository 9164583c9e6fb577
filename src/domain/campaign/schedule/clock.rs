//! What the clocks of a time zone show, and which moment a local time means.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use serde::{Deserialize, Serialize};

/// The first moment that can be planned: 1 January 2000, UTC.
pub const EARLIEST: DateTime<Utc> = match DateTime::from_timestamp(946_684_800, 0) {
    Some(first) => first,
    None => panic!("2000 is a year"),
};

/// The first moment that can no longer be planned: 1 January 2200, UTC.
pub const END: DateTime<Utc> = match DateTime::from_timestamp(7_258_118_400, 0) {
    Some(end) => end,
    None => panic!("2200 is a year"),
};

/// A change of the clocks that a local time fell into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ClockChange {
    /// Clocks never show the time: they are put forward over it. What counts is the first moment after the gap.
    Skipped {
        /// The time that was asked for.
        wanted: NaiveDateTime,
        /// What clocks show at the moment that counts.
        shown: NaiveDateTime,
    },
    /// Clocks show the time twice: they are put back over it. What counts is the earlier moment.
    ShownTwice {
        /// The time that was asked for.
        wanted: NaiveDateTime,
        /// The later of the two moments, which does not count.
        later: DateTime<Utc>,
    },
}

/// The moment that a local time means in a zone: of a time that clocks skip the first moment after the gap, of one that
/// they show twice the earlier moment.
pub(super) fn resolve(zone: Tz, local: NaiveDateTime) -> (DateTime<Utc>, Option<ClockChange>) {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => (at.to_utc(), None),
        LocalResult::Ambiguous(one, two) => {
            let (earlier, later) = (one.min(two).to_utc(), one.max(two).to_utc());
            (earlier, Some(ClockChange::ShownTwice { wanted: local, later }))
        }
        LocalResult::None => {
            // Every gap of the years that can be planned has an end; were there none, UTC is at most 14 hours off.
            let end = GapInfo::new(&local, &zone).and_then(|gap| gap.end);
            let at = end.map_or_else(|| local.and_utc(), |end| end.to_utc());
            (at, Some(ClockChange::Skipped { wanted: local, shown: local_time(zone, at) }))
        }
    }
}

/// What clocks show at a moment. Moments that cannot be planned count as the nearest that can.
pub(super) fn local_time(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    zone.from_utc_datetime(&at.clamp(EARLIEST, END).naive_utc()).naive_local()
}

/// The first moment of a day.
pub(super) fn day_start(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    resolve(zone, date.and_time(NaiveTime::MIN)).0
}

/// The first moment after `now` at which the next day begins.
pub(super) fn next_midnight(zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    let date = local_time(zone, now).date();
    let midnight = next_date(date).and_time(NaiveTime::MIN);
    match resolve(zone, midnight) {
        (at, _) if at > now => at,
        // Clocks put back just after midnight show the day before again, and midnight a second time.
        (_, Some(ClockChange::ShownTwice { later, .. })) if later > now => later,
        _ => add(now, TimeDelta::days(1)),
    }
}

/// The day after a date; of the last one that there is, itself.
pub(super) fn next_date(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}

/// A moment some time later, or the last one that there is.
pub(super) fn add(at: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(delta).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The moment of a number of microseconds since 1970, or the last one that there is.
pub(super) fn from_micros(micros: i128) -> DateTime<Utc> {
    i64::try_from(micros).ok().and_then(DateTime::from_timestamp_micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
