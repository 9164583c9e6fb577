//! Warming up a sending domain: few messages on its first day, more on each day after.
//!
//! Mailbox providers distrust a domain that sends much at once without a past: "increase the sending volume slowly"
//! (Google, "Email sender guidelines").

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::clock::{local_time, next_midnight};

/// How many messages a domain sends on the days since its first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Messages on the first day; at least 1.
    pub start: u32,
    /// What a day's number is of that of the day before, in percent: 150 is half as many again. Between 100 and 1,000;
    /// rounded up, so that a small number grows too.
    pub factor_percent: u32,
    /// The most messages on any day, also when the ramp is over; not below `start`.
    pub ceiling: u32,
}

/// Why a ramp cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WarmUpError {
    /// No message on the first day.
    #[error("start: must be at least 1")]
    Start,
    /// It shrinks, or more than grows tenfold.
    #[error("factor_percent: must be between 100 and 1000; is {found}")]
    Factor {
        /// What was asked for.
        found: u32,
    },
    /// Fewer messages at the end than at the start.
    #[error("ceiling: must not be below start")]
    Ceiling,
}

/// What a ramp allows on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// The day, counted from 0: the day of the first message by the tenant's clock.
    pub day: u32,
    /// How many messages the domain sends on it.
    pub messages: u32,
    /// When the next day begins, UTC.
    pub until: DateTime<Utc>,
}

impl WarmUp {
    /// Says if the ramp cannot be kept.
    pub const fn check(&self) -> Result<(), WarmUpError> {
        if self.start == 0 {
            Err(WarmUpError::Start)
        } else if self.factor_percent < 100 || self.factor_percent > 1_000 {
            Err(WarmUpError::Factor { found: self.factor_percent })
        } else if self.ceiling < self.start {
            Err(WarmUpError::Ceiling)
        } else {
            Ok(())
        }
    }

    /// How many messages the domain sends on a day, counted from 0.
    #[must_use]
    pub fn on_day(&self, day: u32) -> u32 {
        let ceiling = u64::from(self.ceiling);
        let mut messages = u64::from(self.start).min(ceiling);
        for _ in 0..day {
            let next = (messages * u64::from(self.factor_percent)).div_ceil(100).min(ceiling);
            if next <= messages {
                break;
            }
            messages = next;
        }
        u32::try_from(messages).unwrap_or(self.ceiling)
    }

    /// What the ramp allows today, by the tenant's `zone`, to a domain that sent its first message at `first_sent`. A
    /// first message in the future counts as sent today.
    #[must_use]
    pub fn allowance(&self, zone: Tz, first_sent: DateTime<Utc>, now: DateTime<Utc>) -> Allowance {
        let days = (local_time(zone, now).date() - local_time(zone, first_sent).date()).num_days();
        let day = u32::try_from(days.max(0)).unwrap_or(u32::MAX);
        Allowance { day, messages: self.on_day(day), until: next_midnight(zone, now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAMP: WarmUp = WarmUp { start: 50, factor_percent: 150, ceiling: 1_000 };

    #[test]
    fn each_day_allows_more_up_to_the_ceiling() {
        let days: Vec<_> = (0..10).map(|day| RAMP.on_day(day)).collect();
        assert_eq!(days, [50, 75, 113, 170, 255, 383, 575, 863, 1_000, 1_000]);
        assert_eq!(RAMP.on_day(u32::MAX), 1_000);
        let slow = WarmUp { start: 1, factor_percent: 101, ceiling: u32::MAX };
        assert_eq!([slow.on_day(1), slow.on_day(2), slow.on_day(u32::MAX)], [2, 3, u32::MAX]);
        let flat = WarmUp { start: 7, factor_percent: 100, ceiling: 9 };
        assert_eq!(flat.on_day(u32::MAX), 7);
    }

    #[test]
    fn days_are_those_of_the_tenants_clock() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let first = at("2026-10-24T10:00:00Z");
        let allowance = |now| RAMP.allowance(Tz::Europe__Vienna, first, at(now));
        let today = Allowance { day: 0, messages: 50, until: at("2026-10-24T22:00:00Z") };
        assert_eq!(allowance("2026-10-24T21:59:59Z"), today);
        // The day after has 25 hours: clocks are put back.
        let next = Allowance { day: 1, messages: 75, until: at("2026-10-25T23:00:00Z") };
        assert_eq!(allowance("2026-10-24T22:00:00Z"), next);
        assert_eq!(allowance("2026-10-25T22:59:59Z"), next);
        assert_eq!(allowance("2026-10-20T00:00:00Z").day, 0);
    }

    #[test]
    fn a_ramp_that_cannot_be_kept_is_refused() {
        assert_eq!(RAMP.check(), Ok(()));
        assert_eq!(WarmUp { start: 0, ..RAMP }.check(), Err(WarmUpError::Start));
        assert_eq!(WarmUp { factor_percent: 99, ..RAMP }.check(), Err(WarmUpError::Factor { found: 99 }));
        assert_eq!(WarmUp { factor_percent: 1_001, ..RAMP }.check(), Err(WarmUpError::Factor { found: 1_001 }));
        assert_eq!(WarmUp { ceiling: 49, ..RAMP }.check(), Err(WarmUpError::Ceiling));
    }
}
