//! When a definitely refused message is tried again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::value::message::RetryClass;

/// How often a provider is called for one message at most.
pub const MAX_ATTEMPTS: u32 = 8;

/// When to call again after attempt number `attempt` (from 1) was refused at `now`; [`None`] for never.
///
/// Transient refusals wait 30 s, doubled at each attempt up to an hour; rate limits start at 5 s; an account that an
/// operator must mend is probed every five minutes. `jitter` (0 to 255, evenly random) adds up to a quarter of the wait,
/// so that what failed together does not return together.
#[must_use]
pub fn retry_at(class: RetryClass, attempt: u32, now: DateTime<Utc>, jitter: u8) -> Option<DateTime<Utc>> {
    let first = match class {
        RetryClass::Transient => 30,
        RetryClass::RateLimited => 5,
        RetryClass::Configuration => 300,
        RetryClass::Permanent | RetryClass::OptedOut | RetryClass::ContentRefused => return None,
    };
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    let doublings = if class == RetryClass::Configuration { 0 } else { attempt.saturating_sub(1).min(16) };
    let seconds = (first * (1_i64 << doublings)).min(3600);
    let millis = seconds * 1000 + seconds * 250 * i64::from(jitter) / 255;
    Some(now + TimeDelta::milliseconds(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(class: RetryClass, attempt: u32, jitter: u8) -> Option<i64> {
        let now = DateTime::UNIX_EPOCH;
        retry_at(class, attempt, now, jitter).map(|at| (at - now).num_milliseconds())
    }

    #[test]
    fn a_transient_refusal_waits_longer_each_time_and_then_no_more() {
        assert_eq!(wait(RetryClass::Transient, 1, 0), Some(30_000));
        assert_eq!(wait(RetryClass::Transient, 2, 0), Some(60_000));
        assert_eq!(wait(RetryClass::Transient, 7, 0), Some(1_920_000));
        assert_eq!(wait(RetryClass::Transient, MAX_ATTEMPTS, 0), None);
    }

    #[test]
    fn jitter_adds_at_most_a_quarter() {
        assert_eq!(wait(RetryClass::Transient, 1, 255), Some(37_500));
    }

    #[test]
    fn what_is_refused_for_good_is_not_tried_again() {
        for class in [RetryClass::Permanent, RetryClass::OptedOut, RetryClass::ContentRefused] {
            assert_eq!(wait(class, 1, 0), None);
        }
    }
}
