//! Rates of the seasons, such as a slower one in the week before a holiday.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::check::day_is_planned;
use super::clock::{day_start, local_time, next_date};
use super::rate::{Rate, RateError};

/// How many seasons a calendar has at most.
const MOST_SEASONS: usize = 200;

/// A rate for some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// The first day, in the tenant's zone.
    pub from: NaiveDate,
    /// The last day, in the tenant's zone.
    pub until: NaiveDate,
    /// The rate; off: without a limit.
    pub rate: Rate,
}

/// Rates of the seasons. Of seasons that share a day, the first in the list counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The seasons, in the order in which they are looked at.
    pub seasons: Vec<Season>,
}

/// Why a calendar cannot be kept. `index` counts seasons from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Too many seasons.
    #[error("seasons: must be at most {MOST_SEASONS}; are {found}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// A day outside the years that can be planned.
    #[error("seasons[{index}].{field}: must be between the years 2000 and 2199")]
    Year {
        /// Which season.
        index: usize,
        /// Which end of it.
        field: &'static str,
    },
    /// It ends before it begins.
    #[error("seasons[{index}].until: must not be before from")]
    Backwards {
        /// Which season.
        index: usize,
    },
    /// A rate that cannot be kept.
    #[error("seasons[{index}].rate: {cause}")]
    Rate {
        /// Which season.
        index: usize,
        /// What is wrong with it.
        #[source]
        cause: RateError,
    },
}

impl Calendar {
    /// Whether there is no season.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.seasons.is_empty()
    }

    /// Says if the calendar cannot be kept.
    pub fn check(&self) -> Result<(), CalendarError> {
        let found = self.seasons.len();
        if found > MOST_SEASONS {
            return Err(CalendarError::TooMany { found });
        }
        for (index, season) in self.seasons.iter().enumerate() {
            for (field, day) in [("from", season.from), ("until", season.until)] {
                if !day_is_planned(day) {
                    return Err(CalendarError::Year { index, field });
                }
            }
            if season.until < season.from {
                return Err(CalendarError::Backwards { index });
            }
            season.rate.check().map_err(|cause| CalendarError::Rate { index, cause })?;
        }
        Ok(())
    }

    /// The rate that counts at a moment: that of the first season of the day in the tenant's `zone`, or `otherwise`.
    #[must_use]
    pub fn rate_at(&self, zone: Tz, now: DateTime<Utc>, otherwise: Rate) -> Rate {
        let today = local_time(zone, now).date();
        let season = self.seasons.iter().find(|season| (season.from..=season.until).contains(&today));
        season.map_or(otherwise, |season| season.rate)
    }

    /// The first moment after `now` at which a season begins or has ended.
    #[must_use]
    pub fn next_change(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = self.seasons.iter().flat_map(|season| [season.from, next_date(season.until)]);
        days.map(|day| day_start(zone, day)).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn season(from: &str, until: &str, messages: u32) -> Season {
        Season { from: day(from), until: day(until), rate: Rate::per_minute(messages) }
    }

    #[test]
    fn a_season_lasts_from_midnight_to_midnight_of_the_tenants_clock() {
        let calendar = Calendar { seasons: vec![season("2026-03-28", "2026-03-29", 5)] };
        let rate = |now| calendar.rate_at(Tz::Europe__Vienna, at(now), Rate::per_minute(60)).messages;
        // The second day has 23 hours: clocks are put forward.
        let table = [
            ("2026-03-27T22:59:59Z", 60),
            ("2026-03-27T23:00:00Z", 5),
            ("2026-03-29T21:59:59Z", 5),
            ("2026-03-29T22:00:00Z", 60),
        ];
        for (now, expected) in table {
            assert_eq!(rate(now), expected, "{now}");
        }
        let change = |now| calendar.next_change(Tz::Europe__Vienna, at(now));
        assert_eq!(change("2026-01-01T00:00:00Z"), Some(at("2026-03-27T23:00:00Z")));
        assert_eq!(change("2026-03-27T23:00:00Z"), Some(at("2026-03-29T22:00:00Z")));
        assert_eq!(change("2026-03-29T22:00:00Z"), None);
    }

    #[test]
    fn of_seasons_that_share_a_day_the_first_counts() {
        let seasons = vec![season("2026-12-24", "2026-12-24", 0), season("2026-12-01", "2026-12-31", 5)];
        let calendar = Calendar { seasons };
        let rate = |now| calendar.rate_at(Tz::UTC, at(now), Rate::per_minute(60));
        assert!(rate("2026-12-24T12:00:00Z").is_off());
        assert_eq!(rate("2026-12-25T12:00:00Z").messages, 5);
    }

    #[test]
    fn a_calendar_that_cannot_be_kept_is_refused_with_the_place() {
        let check = |season: Season| Calendar { seasons: vec![season] }.check();
        assert_eq!(check(season("2026-02-02", "2026-02-01", 5)), Err(CalendarError::Backwards { index: 0 }));
        let year = check(season("2026-02-02", "2200-01-01", 5));
        assert_eq!(year, Err(CalendarError::Year { index: 0, field: "until" }));
        let fast = check(season("2026-02-02", "2026-02-02", 60_000_001));
        assert_eq!(fast, Err(CalendarError::Rate { index: 0, cause: RateError::TooFast }));
        let many = Calendar { seasons: vec![season("2026-02-02", "2026-02-02", 5); 201] };
        assert_eq!(many.check(), Err(CalendarError::TooMany { found: 201 }));
    }
}
