//! A token bucket: how many of the messages that are due go now.
//!
//! It is held in memory only. After a restart a bucket is [`Bucket::empty`]: whatever went just before, no more goes
//! than the rate allows.

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::from_micros;
use super::rate::{PARTS, Rate};

/// Clocks of two machines differ by less than this. A clock that is further back than that was put right.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// What was earned at a rate and not yet used. Earning is exact: see [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// In parts of a message.
    parts: u64,
    /// Up to when it is earned.
    at: DateTime<Utc>,
    /// The rate that was last asked for.
    rate: Rate,
}

/// What a bucket grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many messages go now.
    pub granted: u32,
    /// The first moment at which at least one more may go, if the rate stays. It is not before the moment of asking.
    pub next: DateTime<Utc>,
}

impl Bucket {
    /// A bucket that earned nothing yet.
    #[must_use]
    pub const fn empty(now: DateTime<Utc>, rate: Rate) -> Self {
        Self { parts: 0, at: now, rate }
    }

    /// Grants up to `wanted` messages, and returns the bucket without them.
    ///
    /// In any span of time, at most as many are granted as the rate earns in it and a burst. If the rate is another one
    /// than before, what was earned is kept, as far as the new burst allows; the time since the bucket was last asked
    /// counts at the slower of the two rates, as the change can have been at any moment in it.
    ///
    /// While the clock is back by up to a minute, nothing is earned. One that is back further was wrong before: the
    /// bucket starts again, empty, so that messages do not wait for a moment that may be years away.
    #[must_use]
    pub fn take(self, now: DateTime<Utc>, wanted: u32, rate: Rate) -> (Self, Grant) {
        let mut bucket = self.earn(now, rate);
        if rate.is_off() {
            return (bucket, Grant { granted: wanted, next: now });
        }
        let granted = u32::try_from(bucket.parts / PARTS).unwrap_or(u32::MAX).min(wanted);
        bucket.parts -= u64::from(granted) * PARTS;
        let missing = PARTS.saturating_sub(bucket.parts);
        let next = if missing == 0 {
            now
        } else {
            from_micros(i128::from(bucket.at.timestamp_micros()) + i128::from(missing.div_ceil(rate.speed())))
        };
        (bucket, Grant { granted, next: next.max(now) })
    }

    fn earn(self, now: DateTime<Utc>, rate: Rate) -> Self {
        if self.at.signed_duration_since(now) > CLOCK_TOLERANCE {
            return Self::empty(now, rate);
        }
        // Microseconds of the two moments, not of the time between them: so parts of one are never lost.
        let micros = |at: DateTime<Utc>| i128::from(at.timestamp_micros());
        let elapsed = u128::try_from(micros(now) - micros(self.at)).unwrap_or_default();
        let speed = match (self.rate.speed(), rate.speed()) {
            // Without a limit, nothing counts.
            (0, speed) | (speed, 0) => speed,
            (before, after) => before.min(after),
        };
        let earned = u128::from(self.parts).saturating_add(elapsed.saturating_mul(speed.into()));
        let capacity = if rate.is_off() { u64::MAX } else { rate.capacity() };
        let parts = u64::try_from(earned).unwrap_or(u64::MAX).min(capacity);
        Self { parts, at: self.at.max(now), rate }
    }
}

#[cfg(test)]
mod tests;
