//! Levels of tests, and the intervals that belong to them.

use super::normal;

/// The smallest level that is accepted. Below it the normal approximation says nothing for counts of people.
pub const SMALLEST_LEVEL: f64 = 1e-9;
/// The largest level that is accepted.
pub const LARGEST_LEVEL: f64 = 0.5;

/// The share of errors that is accepted, two-sided: 0.05 is a test at 5 %, and an interval of 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

/// A number that is not a level.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a level must be between {SMALLEST_LEVEL} and {LARGEST_LEVEL}, not {given}")]
pub struct InvalidLevel {
    /// What was given.
    pub given: f64,
}

impl Level {
    /// 5 %, the usual level.
    pub const FIVE_PERCENT: Self = Self(0.05);

    /// A level between [`SMALLEST_LEVEL`] and [`LARGEST_LEVEL`].
    pub fn try_new(level: f64) -> Result<Self, InvalidLevel> {
        if (SMALLEST_LEVEL..=LARGEST_LEVEL).contains(&level) {
            Ok(Self(level))
        } else {
            Err(InvalidLevel { given: level })
        }
    }

    /// A level that was derived from a valid one, and may be smaller than any that is accepted from outside.
    pub(super) fn derived(level: f64) -> Self {
        Self(level)
    }

    /// The share of errors, from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// The level of each of so many comparisons that share this level (Bonferroni). This level itself if there are none.
    #[must_use]
    pub fn shared_by(self, comparisons: u32) -> Self {
        Self(self.0 / f64::from(comparisons.max(1)))
    }

    /// How many standard errors an interval reaches to each side: 1.96 for 0.05.
    pub(super) fn z(self) -> f64 {
        normal::upper_quantile(self.0 / 2.0)
    }
}

/// Both ends of an interval, in the unit of what was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}
